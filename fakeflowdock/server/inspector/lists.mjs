// The views that are lists: sources, people, faults, streams, contract, API.
import {mayWrite, origin, page} from "./api.mjs"
import {address, ask, avatar, button, buttons, check, chip, code, count, dialog, fields, fill, frame, h, json, line, link, list, minute, paged, pairs, reference, row, secret, select, small, soft, table, values, str} from "./dom.mjs"

// The pages of a list of the admin API
const pages = ({get, known}, size, name, draw, refer = {}, more) => paged(size, async (after, limit) => known(await get(name, {after, limit, ...more?.()}), refer), found => found.at(-1).access_token ?? found.at(-1).invitation ?? found.at(-1).id, draw),
	own = (it, name) => [name, secret(it[name], `${name} of ${it.name}`)],
	view = (title, names, children, update, more) => ({element: h(".page", h("h1", title), children.flat().map(it => (it?.big ? h("h2", it) : it))), update: (differs, state) => differs(...names) && update(state), ...more}),
	cards = (found, card) => h(".cards", found.map(it => h("article.card", {label: it.name}, card(it))))

export const sources = ctx => {
	let {act, params, the, to, write} = ctx
	let post = it => ask(`Post as ${it.name}`, [["title", "Title", {value: "deployed to production"}], ["thread", "Thread", {value: "Build 42"}]], "Post",
		({title, thread}) => write("POST messages", {source: it.id, event: "activity", title, author: {name: it.name}, external_thread_id: thread || title, thread: {title: thread || title}}))
	let change = it => ask(`Error of ${it.name}`, [["error_message", "Error message; empty for none", {value: it.error_message ?? ""}]], "Save", given => write(`PUT sources/${it.id}`, given))
	let card = isGone => it => {
		let application = the("applications", it.application),
			error = !isGone && it.error_message,
			[tone, state] = isGone ? ["grey", "deleted: 410"] : error ? ["red", "failing"] : ["green", "ok"]
		return [h(".head", avatar(application?.name, application?.icon_url), h("span.grow", small(application?.name), h(isGone ? "del" : "strong", it.name)), h(`span.status.${tone}`, state)),
			error && h(".alert", {role: "alert"}, error, " ", it.configuration_url && link(it.configuration_url, "Configure", "a.button")),
			pairs([["Id", it.id], ["Created", minute(it.created_at), ` by ${the("users", it.creator)?.name ?? it.creator}`], ["Last post", it.last_posted_at ? minute(it.last_posted_at) : "none yet"], ["External URL", it.external_url && link(it.external_url)], own(it, "flow_token")]),
			!isGone && mayWrite && buttons(button("Post as it", () => post(it)), button("Error…", () => change(it)), act("Delete", `DELETE sources/${it.id}`))]
	}
	let both = [undefined, true].map(deleted => pages(ctx, 60, "sources", found => (found.length ? [...new Set(found.map(it => it.flow))].map(flow => [h("h2", h("a", {href: to("flow", {flow})}, flow)), cards(found.filter(it => it.flow === flow), card(deleted))])
		: soft(deleted ? "None." : "No sources. An application creates one with POST /flows/:organization/:flow/sources.")), {users: it => it.creator, applications: it => it.application}, () => ({deleted, search: params.q})))

	return view("Sources", ["content"], [both[0].element, "Deleted sources", both[1].element], async () => {
		for (let it of both) await it.update()
	}, {first: () => both.forEach(it => it.first())})
}

export const people = ctx => {
	let {act, get, params, the, write} = ctx
	let flows
	let head = (name, icon, more) => h(".head", avatar(name, icon), h("strong.grow", name), more),
		roles = ["member", "administrator", "blocked"]
	// A flow of a user; a click changes the role
	let membership = (it, {id: flow, name, blocked, admins}) => {
		let now = roles[blocked.includes(it.id) ? 2 : admins.includes(it.id) ? 1 : 0],
			label = now === roles[0] ? name : `${name}: ${now}`
		return mayWrite ? button(label, () => ask(`Role of ${it.name} in ${name}`, [["role", "Role", [now, ...roles.filter(it => it !== now)]]], "Save",
			({role}) => write(`PUT memberships/${it.id}`, {flow, admin: role === roles[1], blocked: role === roles[2]})), {class: "chip"}) : chip(label)
	}
	let users = pages(ctx, 60, "users", found => cards(found, it => [head(it.name, "", small(it.nick)), pairs([["Id", it.id], ["E-mail", it.email], ["Organizations", it.organizations.join(", ")],
		["Flows", flows.filter(({flow}) => flow.members.includes(it.id)).slice(0, 20).map(({flow}) => [membership(it, flow), " "])], own(it, "password"), own(it, "api_token")])]), {}, () => ({search: params.q}))
	let apps = pages(ctx, 30, "applications", found => cards(found, it => [head(it.name, it.icon_url, it.disabled && chip("removed")),
		pairs([["Id", it.id], ["Redirect URI", it.redirect_uri], ["client_id", code(it.client_id)], own(it, "client_secret")]),
		!it.disabled && link(`${origin}/oauth/authorize?${new URLSearchParams({client_id: it.client_id, response_type: "code", redirect_uri: it.redirect_uri})}`, "Open the consent page", "a.button")]))
	let tokens = pages(ctx, 50, "access-tokens", found => list(found, it => line(`${the("users", it.user)?.name} through ${the("applications", it.application)?.name}`, `${it.scope}; ${it.expires_at ? `until ${minute(it.expires_at)}` : "does not expire"}`,
		secret(it.access_token, "access token"), act("Revoke", `DELETE access-tokens/${it.access_token}`)), "No access tokens."), {users: it => it.user, applications: it => it.application})
	let form = h("form.buttons", {onsubmit: event => {
		event.preventDefault()
		let {user, application, ...scopes} = values(form)
		write("POST access-tokens", {user, application, scope: Object.keys(scopes).join(" ")})
	}})
	let outbox = h("")
	let mail = (it, ...more) => line(it.email, `to ${it.flow}${it.message ? `: ${it.message}` : ""}`, more)
	let invitations = pages(ctx, 50, "invitations", found => list(found, it => mail(it, act("Accept", "POST accept", {invitation: it.invitation})), "None."), {}, () => ({pending: true}))

	async function drawForm() {
		let found = await Promise.all(["users", "applications"].map(name => get(name, {limit: 200}))),
			options = found.map(its => its.filter(it => !it.disabled).map(it => [it.id, it.name])),
			key = str(options)
		if (form.dataset.key === key) return
		form.dataset.key = key
		fill(form, ["user", "application"].map((name, at) => Object.assign(select(`The ${name} of the token`, options[at]), {name})), "flow private manage profile offline_access integration".split(" ").map(name => check(name, true, null, {name})), h("button", "Add token"))
	}

	return view("People and apps", ["content"], ["People", users.element, "Applications", apps.element, "Access tokens", tokens.element, form, "Pending invitations", invitations.element, "Outbox", outbox], async () => {
		let before = str(flows)
		flows = await get("flows", {limit: 200})
		let [mails] = await Promise.all([get("outbox"), users.update(before !== str(flows)), apps.update(), tokens.update(), invitations.update(), mayWrite && drawForm()])
		fill(outbox, list(mails.reverse(), it => mail(it, small(minute(it.sent)), link(it.join_url, "Its link")), "No mails to invited people."))
	}, {first: users.first})
}

const QUICK = {
	"429 once": {status: 429, times: 1, retry_after: 1},
	"500 once": {status: 500, times: 1},
	"2 seconds late": {latency: 2, times: 1},
	"Lost response": {connection: "closed", after: true, times: 1},
	"Connection reset": {connection: "reset", times: 1},
}

export const faults = ({act, get, hit, params, write}) => {
	let shown = h("")
	let form = h("form.grid", {onsubmit: async event => {
		event.preventDefault()
		if (await write("POST faults", values(form))) form.reset()
	}}, fields([["operation", "Operation", {placeholder: "send-message", value: params.operation ?? ""}], ["method", "Method", {placeholder: "POST"}], ["path", "Path", {placeholder: "/user"}], ["status", "Status", {placeholder: "503"}],
		["retry_after", "Retry-After, seconds"], ["latency", "Delay, seconds"], ["connection", "Connection", " refused reset closed cut timeout".split(" ")], ["times", "Times", {placeholder: "every request"}], ["nth", "Only the n-th"], ["probability", "Probability", {placeholder: "0.5"}]]), check("Process the request first", false, null, {name: "after"}), h("button.strong", "Add fault"))

	return view("Faults", ["faults"], [soft("The next requests that match fail on purpose. If several faults match, the oldest applies."), buttons(Object.entries(QUICK).map(([text, fault]) => act(text, "POST faults", fault))), shown, mayWrite && ["Add a fault", form]], async () => {
		let found = (await get("faults")).filter(it => hit(it))
		fill(shown, list(found, it => line(it.description, it.record, chip(`matched ${it.matched}`), chip(`applied ${it.applied}`), act("Remove", `DELETE faults/${it.id}`, undefined, it.description)), "No active faults."),
			found.length > 0 && act("Remove all", "DELETE faults"))
	})
}

export const outcome = it => h(`span.status.${it.outcome === "done" ? "green" : "red"}`, it.outcome)
export const details = it => button("Details", () => dialog(`Delivery ${it.number}`, ["request", "response", "verification"].map(name => [h("h3", name), json(it[name])])))

export const streams = ({act, get, hit}) => {
	let open = h(""),
		sent = h("")

	return view("Streams and deliveries", ["streams", "deliveries"], ["Open streams", open, "Deliveries of thread actions", sent], async ({deliveries: last}) => {
		let [streams, deliveries] = (await Promise.all([get("streams"), get("deliveries", {after: Math.max(0, last - 100)})])).map(all => all.filter(it => hit(it)))
		fill(open, list(streams, it => line(`#${it.number} user ${it.user}: ${it.flows.join(", ") || "no flows"}`, `${it.format}, ${it.state}; last: ${it.last_events.join(", ") || "nothing"}`, chip(`${it.events} sent`),
			act("Close", `DELETE streams/${it.number}`, undefined, `stream ${it.number}`)), "No client reads a stream."))
		fill(sent, list(deliveries.reverse(), it => line(`#${it.number} ${it.action}`, `by user ${it.user}: ${it.request.method} ${it.request.url} ${it.reason ?? ""}`,
			chip(it.verification.valid ? "valid" : `invalid: ${it.verification.reason}`), outcome(it), details(it)), "No action was performed yet."))
	})
}

export const contract = ({act, get, hit, to}) => {
	let warnings = h(""),
		coverage = h(".wide", {tabindex: 0, role: "region", label: "Coverage"}),
		summary = h("span.soft", {role: "status"}),
		used = numbers => `${numbers.filter(Boolean).length} of ${numbers.length}`

	return view("Contract", ["requests", "journal", "settings"], ["Warnings and violations", warnings, "Coverage", summary, coverage], async () => {
		let [found, operations] = await Promise.all([get("contract-warnings"), get("coverage")]),
			rules = {}
		for (let it of found) if (hit(it)) ((rules[it.rule] ??= {})[it.message] ??= {...it, times: 0}).times += 1
		fill(warnings, found.length ? [Object.entries(rules).sort().map(([rule, its]) => h("section.card", h("h3", code(rule)), Object.values(its).slice(0, 20).map(it => h("p", chip(it.severity, it.severity === "violation" ? "bad" : "warn"), ` ${it.message}. `,
			it.suggestion && ["Did you mean ", code(it.suggestion), "? "], h("a", {href: to("requests", {operation: it.operation, q: it.message})}, count(it.times, "request")), " · ", reference(it.page))))),
		act("Clear", "DELETE contract-warnings")] : soft("No request had anything that the contract does not know."))
		fill(summary, `${used(operations.map(it => it.requests))} operations and ${used(operations.flatMap(it => Object.values(it.errors)))} of their errors in the journal`)
		fill(coverage, table(["Operation", "Route", "Requests", "Documented errors"], operations.filter(it => hit(it)).map(it => row([reference(it.page, it.title), code(`${it.method} ${it.path}`),
			it.requests ? h("a", {href: to("requests", {operation: it.operation})}, it.requests) : "0", Object.entries(it.errors).map(([name, times]) => [chip(times ? `${name} ${times}` : name, times ? "good" : ""), " "])]))))
	})
}

export const documentation = ({params}) => ({
	element: h(".requests-view", h("h1.skip", "API"), frame(params.page ? address(params.page) : page("docs/openapi"), "API")),
	update() {},
})
