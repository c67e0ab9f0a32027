// The requests: a live table, and each of them in detail.
import {mayWrite} from "./api.mjs"
import {address, b, button, buttons, cached, check, chip, code, copy, count, dialog, fill, frame, h, hidden, json, masked, move, pairs, pre, reference, row, select, soft, table, time, str} from "./dom.mjs"

const KEPT = 1000; // in memory
const SHOWN = 100; // in the document
const SECRETS = /^(authorization|cookie|set-cookie|flowdock-token|proxy-authorization)$/i,
	SKIPPED = /^(host|content-length|accept-encoding|connection|transfer-encoding)$/i

const status = it => it.response?.status ?? 0,
	answer = it => h(`span.s${String(status(it))[0]}`, status(it) || "none"),
	caller = it => Object.entries(it.caller ?? {}).map(([kind, id]) => `${kind} ${id}`).join(", "),
	ms = it => (it.seconds * 1000).toFixed(1),
	sent = it => Object.entries(it.headers).filter(([name]) => !SKIPPED.test(name)),
	quoted = value => `'${value.replaceAll("'", "'\\''")}'`
const COPIES = {
	curl: it => [`curl -X ${it.method} ${quoted(it.url)}`, ...sent(it).map(header => `-H ${quoted(header.join(": "))}`), ...it.body ? [`--data-raw ${quoted(it.body)}`] : []].join(" \\\n  "),
	fetch: it => `await fetch(${str(it.url)}, ${str({method: it.method, headers: Object.fromEntries(sent(it)), body: it.body || undefined}, null, 2)});`,
	requests: it => `requests.request(${str(it.method)}, ${str(it.url)}, headers=${str(Object.fromEntries(sent(it)))}${it.body && `, data=${str(it.body)}.encode()`}, timeout=5)`,
	assertion: it => it.operation && `fake_flowdock.assert_requested(${str(it.operation)}, status=${status(it)})`,
}

export const requests = ({act, get, go, hit, params, set, to}) => {
	let found = []; // the newest, in order
	let drawn = new Map(); // by number: what a row shows, and the element
	let journal
	let at = 0; // how many of the newest that match are passed over
	let filter = name => value => { at = 0; set({[name]: value}) },
		choice = (label, name, options) => select(label, [["", `Any ${label.toLowerCase()}`], ...options], params[name], filter(name)),
		operations = choice("Operation", "operation", []),
		body = h("tbody"),
		pages = buttons(),
		summary = h("span.soft", {role: "status"}),
		detail = h("section.detail", {label: "Request"})
	let element = h(".requests-view", h("h1.skip", "Requests"), h("section.table", {label: "Requests"},
		h(".filters", operations, choice("Status", "status", [...[2, 3, 4, 5].map(it => [it, `${it}xx`]), ["0", "No response"]]), choice("Caller", "caller", [["user", "Users"], ["source", "Sources"], ["application", "Applications"], ["none", "Unknown"]]),
			check("Unknown paths", params.unknown, on => filter("unknown")(on ? 1 : "")), h("span.grow"), summary, button("Export HAR", async () => {
				let url = URL.createObjectURL(new Blob([str(await get("requests/export"))], {type: "application/json"}))
				h("a", {href: url, download: "fakeflowdock.har"}).click()
			}), act("Clear", "DELETE requests")),
		h(".scroll", {tabindex: 0, role: "region", label: "Table of requests"}, table(["#", "Time", "Method", "Path", "Operation", "Caller", "Status", "ms", "Notes"], body), pages)), detail)

	let matches = it => {
		let {operation, status: first, caller: kind, unknown, q} = params
		return (!operation || it.operation === operation) && (!first || String(status(it))[0] === first) && (!unknown || !it.operation) && (!kind || (kind === "none" ? !it.caller : it.caller?.[kind])) && (!q || hit({...it, parameters: 0, body: it.body.slice(0, 1e3), response: it.response?.body.slice(0, 1e3)}))
	}
	let here = request => to("requests", {...params, request}),
		show = request => go("requests", {...params, request})

	function line(it) {
		let {number, failure, refusal, warnings, stream} = it,
			isShown = params.request === String(number)
		return cached(drawn, number, str([stream, here()]), () => row([h("a", {href: here(number)}, number), time(it.time), b(it.method), hidden(it.path), it.operation ?? h("span.bad", "unknown path"), caller(it), answer(it), ms(it),
				[failure && chip("fault", "bad", failure), refusal && chip(refusal.name, "bad", refusal.message), warnings.length > 0 && chip(count(warnings.length, "warning"), "warn", warnings.map(it => it.message).join("\n")), stream && chip(`${stream.ended ?? "open stream"} ${stream.events}`)]],
			{tabindex: -1, "aria-current": isShown && "true", onclick: () => show(number), onkeydown: event => { if (event.key === "Enter" && event.target === event.currentTarget) show(number) }}))
	}

	function draw() {
		let all = found.filter(matches).reverse(),
			names = [...new Set([params.operation, ...found.map(it => it.operation)])].filter(Boolean).sort()
		if (operations.options.length !== names.length + 1) fill(operations, operations.options[0], names.map(name => h("option", {selected: name === params.operation}, name)))
		fill(summary, all.length < found.length && `${all.length} of `, count(found.length, "request"))
		if (at >= all.length) at = 0
		let turn = (label, by) => button(label, () => { at += by; draw(); body.scrollIntoView() })
		fill(pages, at > 0 && turn("Newer requests", -SHOWN), at + SHOWN < all.length && turn("Older requests", SHOWN))
		fill(body, all.length ? all.slice(at, at + SHOWN).map(line) : h("tr", h("td.empty", {colspan: 9}, found.length ? "No request matches." : "No requests yet.")))
		drawDetail()
	}

	function side(name, part) {
		let shown = part.body
		try { shown = str(JSON.parse(shown), null, 2); } catch { /* not JSON */ }
		let left = part.shortened?.length ?? shown.length
		shown = shown.slice(0, 50000)
		return h("section", h("h3", name), pairs(Object.entries(part.headers).map(([name, value]) => [name, SECRETS.test(name) ? masked(value) : hidden(value)])),
			shown ? pre(hidden(shown)) : soft("No body."), shown.length < left && soft(`Shortened: it has ${left} characters.`))
	}

	function drawDetail() {
		let {request} = params,
			it = found.find(it => String(it.number) === request),
			key = str([request, it?.stream, !it])
		if (detail.dataset.key === key) return
		detail.dataset.key = key
		detail.hidden = !request
		element.classList.toggle("split", Boolean(request))
		let bar = (...name) => h(".bar", h("h2", name), h("a.button", {href: here()}, "Close"))
		if (!it) { fill(detail, bar(`Request ${request}`), soft("The journal no longer has it.")); return }
		let {refusal, operation} = it,
			inject = (label, fault) => act(label, "POST faults", {operation, times: 1, ...fault}),
			page = refusal && h("details", {ontoggle: () => page.children.length > 1 || page.append(frame(address(refusal.page), "The page"))}, h("summary", "Read the page here"))
		fill(detail, bar(`#${it.number} ${it.method} `, hidden(it.path)), h("p", answer(it), ` ${operation ?? "unknown path"} · ${caller(it) || "unknown caller"} · ${ms(it)} ms`),
			refusal && h(".alert", b(refusal.message), h("p", `${refusal.name}, ${refusal.grade}: `, reference(refusal.page)), page), it.failure && h("p.alert", `Fault: ${it.failure}`),
			it.warnings.map(it => h(".notice", b(it.message), h("p", it.suggestion ? ["Did you mean ", code(it.suggestion), "? "] : it.expected, " ", code(it.rule), " ", reference(it.page)))),
			buttons(Object.entries(COPIES).map(([name, make]) => make(it) && button(`Copy ${name}`, () => copy(make(it), name))), button("JSON", () => dialog(`Request ${it.number}`, json(it)))),
			mayWrite && operation && buttons(status(it) >= 400 && inject("Inject this fault", {status: status(it), body: it.response.body}), h("a.button", {href: to("faults", {operation})}, "Fault…")),
			h(".sides", side("Request", it), it.response ? side("Response", it.response) : h("p.alert", "No response was sent.")))
	}

	return {
		element,
		move: by => move(body, "tr", by),
		escape: () => show(),
		async update(differs, state) {
			if (!differs("requests", "journal", "streams")) return
			if (journal !== state.journal) { found.length = 0; drawn.clear() }
			journal = state.journal
			let open = found.findIndex(it => it.stream?.ended === null); // it and all that follow are read again
			if (open >= 0) found.splice(Math.max(open, found.length - SHOWN))
			for (let page; !page || page.length === SHOWN;) {
				page = await get("requests", {after: Math.max(found.at(-1)?.number ?? 0, state.requests - KEPT), limit: SHOWN})
				found.push(...page)
				while (found.length > KEPT) drawn.delete(found.shift().number)
			}
			draw()
		},
	}
}
