// The views that are lists: sources, people, faults, streams, contract, API.
import {mayWrite, origin, page} from "./api.mjs"
import {address, ask, avatar, b, button, buttons, check, chip, code, count, dialog, facts, fields, fill, frame, h, json, link, list, minute, paged, reference, row, secret, select, small, soft, table, values, str} from "./dom.mjs"

const id = found => found.at(-1).id,
	view = (title, names, children, update, more) => ({element: h(".page", h("h1", title), children), update: differs => differs(...names) && update(), ...more}),
	cards = (found, card) => h(".cards", found.map(it => h("article.card", {label: it.name}, card(it))))

export const sources = ctx => {
	let post = it => ask(`Post as ${it.name}`, [["title", "Title", {value: "deployed to production"}], ["thread", "Thread", {value: "Build 42"}]], "Post",
		({title, thread}) => ctx.write("POST", "messages", {source: it.id, event: "activity", title, author: {name: it.name}, external_thread_id: thread || title, thread: {title: thread || title}}))
	let change = it => ask(`Error of ${it.name}`, [["error_message", "Error message; empty for none", {value: it.error_message ?? ""}]], "Save", given => ctx.write("PUT", `sources/${it.id}`, given))
	let card = isGone => it => {
		let application = ctx.the("applications", it.application),
			error = !isGone && it.error_message,
			[tone, state] = isGone ? ["grey", "deleted: 410"] : error ? ["red", "failing"] : ["green", "ok"]
		return [h(".head", avatar(application?.name, application?.icon_url), h("span.grow", small(application?.name), h(isGone ? "del" : "strong", it.name)), h(`span.status.${tone}`, state)),
			error && h(".alert", {role: "alert"}, error, " ", it.configuration_url && link(it.configuration_url, "Configure", "a.button")),
			facts(["Id", it.id], ["Created", minute(it.created_at), ` by ${ctx.the("users", it.creator)?.name ?? it.creator}`], ["Last change", minute(it.updated_at)], ["External URL", it.external_url && link(it.external_url)], ["flow_token", secret(it.flow_token, `flow_token of ${it.name}`)]),
			!isGone && mayWrite && buttons(button("Post as it", () => post(it)), button("Error…", () => change(it)), ctx.act("Delete", `DELETE sources/${it.id}`))]
	}
	let both = [undefined, true].map(deleted => paged(60, async (after, limit) => {
		let found = await ctx.get("sources", {after, limit, deleted, search: ctx.params.q})
		await ctx.know("users", found.map(it => it.creator))
		await ctx.know("applications", found.map(it => it.application))
		return found
	}, id, found => (found.length ? [...new Set(found.map(it => it.flow))].map(flow => [h("h2", h("a", {href: ctx.to("flow", {flow})}, flow)), cards(found.filter(it => it.flow === flow), card(deleted))])
		: soft(deleted ? "None." : "No sources. An application creates one with POST /flows/:organization/:flow/sources."))))

	return view("Sources", ["content"], [both[0].element, h("h2", "Deleted sources"), both[1].element], async () => {
		for (let it of both) await it.update()
	}, {first: () => both.forEach(it => it.first())})
}

export const people = ctx => {
	let flows
	let head = (name, icon, more) => h(".head", avatar(name, icon), h("strong.grow", name), more),
		all = name => (after, limit) => ctx.get(name, {after, limit, ...name === "users" && {search: ctx.params.q}}),
		role = (it, {blocked, admins}) => (blocked.includes(it.id) ? " (blocked)" : admins.includes(it.id) ? " (administrator)" : "")
	let users = paged(60, all("users"), id, found => cards(found, it => [head(it.name, "", small(it.nick)), facts(["Id", it.id], ["E-mail", it.email], ["Organizations", it.organizations.join(", ")],
		["Flows", flows.filter(({flow}) => flow.members.includes(it.id)).slice(0, 20).map(({flow}) => flow.name + role(it, flow)).join(", ")], ["Password", secret(it.password, `password of ${it.name}`)], ["api_token", secret(it.api_token, `api_token of ${it.name}`)])]))
	let apps = paged(30, all("applications"), id, found => cards(found, it => [head(it.name, it.icon_url, it.disabled && chip("removed")),
		facts(["Id", it.id], ["Redirect URI", it.redirect_uri], ["client_id", code(it.client_id)], ["client_secret", secret(it.client_secret, `client_secret of ${it.name}`)]),
		!it.disabled && link(`${origin}/oauth/authorize?${new URLSearchParams({client_id: it.client_id, response_type: "code", redirect_uri: it.redirect_uri})}`, "Open the consent page", "a.button")]))
	let tokens = paged(50, async (...cursor) => {
		let found = await all("access-tokens")(...cursor)
		await ctx.know("users", found.map(it => it.user))
		await ctx.know("applications", found.map(it => it.application))
		return found
	}, found => found.at(-1).access_token, found => list(found, it => [h("span.grow", `${ctx.the("users", it.user)?.name} through ${ctx.the("applications", it.application)?.name}`, small(` ${it.scope}; ${it.expires_at ? `until ${minute(it.expires_at)}` : "does not expire"}`)),
		secret(it.access_token, "access token"), ctx.act("Revoke", `DELETE access-tokens/${it.access_token}`)], "No access tokens."))
	let form = h("form.buttons", {onsubmit: event => {
		event.preventDefault()
		let {user, application, ...scopes} = values(form)
		ctx.write("POST", "access-tokens", {user: Number(user), application: Number(application), scope: Object.keys(scopes).join(" ")})
	}})
	let outbox = h("")

	async function drawForm() {
		let found = await Promise.all(["users", "applications"].map(name => ctx.get(name, {limit: 200}))),
			options = found.map(its => its.filter(it => !it.disabled).map(it => [it.id, it.name])),
			key = str(options)
		if (form.dataset.key === key) return
		form.dataset.key = key
		fill(form, ["user", "application"].map((name, at) => Object.assign(select(`The ${name} of the token`, options[at]), {name})), ["flow", "private", "manage", "profile", "offline_access", "integration"].map(name => check(name, true, null, {name})), h("button", "Add token"))
	}

	return view("People and apps", ["content"], [h("h2", "People"), users.element, h("h2", "Applications"), apps.element, h("h2", "Access tokens"), tokens.element, form, h("h2", "Outbox: invitations"), outbox], async () => {
		let before = str(flows)
		flows = await ctx.get("flows", {limit: 200})
		let [mails] = await Promise.all([ctx.get("outbox"), users.update(before !== str(flows)), apps.update(), tokens.update(), mayWrite && drawForm()])
		fill(outbox, list(mails.slice(-100).reverse(), it => [h("span.grow", b(it.email), small(` to ${it.flow}, ${minute(it.sent)}${it.message ? `: ${it.message}` : ""}`)), ctx.act("Accept", "POST accept", {invitation: it.invitation})], "No mails to invited people."))
	}, {first: users.first})
}

const QUICK = {
	"429 once": {status: 429, times: 1, retry_after: 1},
	"500 once": {status: 500, times: 1},
	"2 seconds late": {latency: 2, times: 1},
	"Lost response": {connection: "closed", after: true, times: 1},
	"Connection reset": {connection: "reset", times: 1},
}

export const faults = ctx => {
	let shown = h(""),
		number = (min, more) => ({type: "number", min, ...more})
	let form = h("form.grid", {onsubmit: async event => {
		event.preventDefault()
		if (await ctx.write("POST", "faults", values(form))) form.reset()
	}}, fields([["operation", "Operation", {placeholder: "send-message", value: ctx.params.operation ?? ""}], ["method", "Method", {placeholder: "POST"}], ["path", "Path", {placeholder: "/user"}], ["status", "Status", number(200, {max: 599})],
		["retry_after", "Retry-After, seconds", number(0)], ["latency", "Delay, seconds", number(0, {step: "any"})], ["connection", "Connection", ["", "refused", "reset", "closed", "cut", "timeout"]],
		["times", "Times", number(1, {placeholder: "every request"})], ["nth", "Only the n-th", number(1)], ["probability", "Probability", number(0, {max: 1, step: "any"})]]), check("Process the request first", false, null, {name: "after"}), h("button.strong", "Add fault"))

	return view("Faults", ["faults"], [soft("The next requests that match fail on purpose. If several faults match, the oldest applies."), buttons(Object.entries(QUICK).map(([text, fault]) => ctx.act(text, "POST faults", fault))), shown, mayWrite && [h("h2", "Add a fault"), form]], async () => {
		let found = (await ctx.get("faults")).filter(it => ctx.hit(it))
		fill(shown, list(found.slice(0, 200), it => [h("span.grow", b(it.description), small(` ${it.record}`)), chip(`matched ${it.matched}`), chip(`applied ${it.applied}`), ctx.act("Remove", `DELETE faults/${it.id}`, undefined, {label: `Remove: ${it.description}`})], "No active faults."),
			found.length > 0 && ctx.act("Remove all", "DELETE faults"))
	})
}

export const outcome = it => h(`span.status.${it.outcome === "done" ? "green" : "red"}`, it.outcome)
export const details = it => button("Details", () => dialog(`Delivery ${it.number}`, ["request", "response", "verification"].map(name => [h("h3", name), json(it[name])])))

export const streams = ctx => {
	let open = h(""),
		sent = h("")

	return view("Streams and deliveries", ["streams", "deliveries"], [h("h2", "Open streams"), open, h("h2", "Deliveries of thread actions"), sent], async () => {
		let [streams, deliveries] = (await Promise.all([ctx.get("streams"), ctx.get("deliveries", {after: Math.max(0, ctx.state.deliveries - 100)})])).map(all => all.filter(it => ctx.hit(it)))
		fill(open, list(streams.slice(0, 200), it => [h("span.grow", b(`#${it.number} user ${it.user}: ${it.flows.join(", ") || "no flows"}`), small(` ${it.format}, ${it.state}; last: ${it.last_events.join(", ") || "nothing"}`)), chip(`${it.events} sent`),
			ctx.act("Close", `DELETE streams/${it.number}`, undefined, {label: `Close stream ${it.number}`})], "No client reads a stream."))
		fill(sent, list(deliveries.reverse(), it => [h("span.grow", b(`#${it.number} ${it.action}`), small(` by user ${it.user}: ${it.request.method} ${it.request.url} ${it.reason ?? ""}`)),
			chip(it.verification.valid ? "valid" : `invalid: ${it.verification.reason}`), outcome(it), details(it)], "No action was performed yet."))
	})
}

export const contract = ctx => {
	let warnings = h(""),
		coverage = h(".wide", {tabindex: 0, role: "region", label: "Coverage"}),
		summary = h("span.soft", {role: "status"}),
		used = numbers => `${numbers.filter(Boolean).length} of ${numbers.length}`

	return view("Contract", ["requests", "journal", "settings"], [h("h2", "Warnings and violations"), warnings, h("h2", "Coverage"), summary, coverage], async () => {
		let [found, operations] = await Promise.all([ctx.get("contract-warnings"), ctx.get("coverage")]),
			rules = {}
		for (let it of found) if (ctx.hit(it)) ((rules[it.rule] ??= {})[it.message] ??= {...it, times: 0}).times += 1
		fill(warnings, found.length ? [Object.entries(rules).sort().map(([rule, its]) => h("section.card", h("h3", code(rule)), Object.values(its).slice(0, 20).map(it => h("p", chip(it.severity, it.severity === "violation" ? "bad" : "warn"), ` ${it.message}. `,
			it.suggestion && ["Did you mean ", code(it.suggestion), "? "], h("a", {href: ctx.to("requests", {operation: it.operation, q: it.message})}, count(it.times, "request")), " · ", reference(it.page))))),
		ctx.act("Clear", "DELETE contract-warnings")] : soft("No request had anything that the contract does not know."))
		fill(summary, `${used(operations.map(it => it.requests))} operations and ${used(operations.flatMap(it => Object.values(it.errors)))} of their errors in the journal`)
		fill(coverage, table(["Operation", "Route", "Requests", "Documented errors"], operations.filter(it => ctx.hit(it)).map(it => row([reference(it.page, it.title), code(`${it.method} ${it.path}`),
			it.requests ? h("a", {href: ctx.to("requests", {operation: it.operation})}, it.requests) : "0", Object.entries(it.errors).map(([name, times]) => [chip(times ? `${name} ${times}` : name, times ? "good" : ""), " "])]))))
	})
}

// The documentation, as this server has it
export const documentation = ctx => ({
	element: h(".requests-view", h("h1.skip", "API"), frame(ctx.params.page ? address(ctx.params.page) : page("docs/openapi"), "API") ?? soft("The documentation is not in this file.")),
	update() {},
})
