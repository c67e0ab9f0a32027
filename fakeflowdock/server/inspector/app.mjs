// The frame of the page: the world, its clock and settings, the views, and what is live.
import {changes, frozen, mayWrite, read, write} from "./api.mjs"
import {ask, button, buttons, check, chip, count, dialog, fill, h, line, list, minute, pre, select, small, toast, str} from "./dom.mjs"
import {flow} from "./flow.mjs"
import {requests} from "./requests.mjs"
import {contract, documentation, faults, people, sources, streams} from "./lists.mjs"

const VIEWS = {flow, sources, requests, people, faults, streams, contract, API: documentation},
	main = document.getElementById("main")
const params = {}
let world, view, state, newest, shown, clock, live, paused, busy, stop, typing
let known = {}
let stale = new Set()
const below = name => `worlds/${encodeURIComponent(world)}/${name}`

// What a view is given
const ctx = {
	params,
	// #world=bot&view=requests&status=4
	to: (view, params, its = world) => `#${new URLSearchParams(Object.entries({world: its, view, ...params}).filter(([, it]) => (it ?? "") !== ""))}`,
	go(...to) { location.hash = ctx.to(...to) },
	set(more) {
		history.replaceState(null, "", ctx.to(view, {...params, ...more}))
		return route()
	},
	get: (name, values) => read(below(name), values),
	// "POST messages"; undefined where it failed
	write(what, body) {
		let [method, name] = what.split(" ")
		return write(method, below(name), body).catch(error => toast(error.message))
	},
	// A button that writes, if there may be any
	act: (label, what, body, of) => mayWrite && button(label, async () => await ctx.write(what, body) !== undefined && toast(`${label}: done`), {class: /^DEL|reset/.test(what) && "danger", label: of && `${label}: ${of}`}),
	// Reads what entities refer to, for `the`: {users: it => it.user}; with sources their applications
	async known(found, refer) {
		for (let [name, id] of Object.entries(refer)) await ctx.know(name, found.map(id))
		return found
	},
	async know(name, ids) {
		let its = known[name] ??= new Map()
		if (stale.delete(name) && its.size <= 1000) its.clear()
		for (let missing; (missing = ids.filter(id => id && !its.has(id))).length;) {
			let asked = {after: Math.min(...missing) - 1, limit: 1000},
				found = await ctx.get(name, asked)
			if (name === "sources") for (let it of await ctx.get(name, {...asked, deleted: true})) its.set(it.id, it)
			for (let it of found) its.set(it.id, it)
			for (let id of missing) if (!its.has(id) && (found.length < 1000 || id < found.at(-1).id)) its.set(id)
		}
		if (name === "sources") await ctx.know("applications", ids.map(id => its.get(id)?.application))
	},
	the: (name, id) => known[name]?.get(Number(id)),
	// Whether something has the searched words
	hit(it) {
		let text = str(it).toLowerCase()
		return (params.q ?? "").toLowerCase().split(" ").every(word => text.includes(str(word).slice(1, -1)))
	},
}

const worlds = h("select", {id: "world", label: "World", onchange: event => ctx.go(view, {}, event.target.value)}),
	now = button("", settings, {class: "chip", title: "The clock of the world"}),
	chosen = h("span"),
	faulty = h("a.badge")
const search = h("input", {type: "search", label: "Search", placeholder: "Search  /", oninput() {
	clearTimeout(typing)
	typing = setTimeout(() => ctx.set({q: search.value.trim()}), 150)
}})
const dot = button("", () => { paused = !paused; showLive(); changed(newest) }, {class: "live"}),
	version = small(),
	nav = h("nav", {label: "Views"})
fill(document.getElementById("top"), h("a.brand", {href: "#"}, "fakeflowdock"), worlds, now, chosen, faulty, h("span.grow"), search, button("World…", settings), !frozen && dot, version, nav)

function showLive() {
	let text = paused ? "Paused" : live ? "Live" : "Offline"
	fill(dot, h(`span.dot.${text.toLowerCase()}`), text)
}

async function showTop() {
	let [all, time, {shape, strict, auto_consent}] = await Promise.all([read("worlds"), ctx.get("clock"), ctx.get("settings")])
	if (document.activeElement !== worlds) fill(worlds, all.map(it => h("option", {value: it.name, selected: it.name === world}, `${it.name} · ${count(it.messages, "message")}, ${count(it.requests, "request")} · used ${it.last_used_at.slice(11, 16)}`)))
	let number = all.find(it => it.name === world)?.faults
	faulty.hidden = !number
	faulty.href = ctx.to("faults")
	fill(faulty, count(number, "fault"))
	clock = {...time, at: performance.now()}
	fill(chosen, shape !== "default" && chip(shape), strict && chip("strict"), auto_consent && chip("auto-consent"))
	tick()
}

function tick() {
	if (clock) fill(now, new Date(Date.parse(clock.now) + (clock.frozen || frozen ? 0 : performance.now() - clock.at)).toISOString().slice(0, 19).replace("T", " "), clock.frozen && " ❄")
}
setInterval(tick, 1000)

async function settings() {
	let [given, snapshots] = await Promise.all([ctx.get("settings"), ctx.get("snapshots")]),
		disabled = !mayWrite,
		change = name => value => ctx.write("PUT settings", {[name]: value}),
		set = body => ctx.write("PUT clock", body),
		move = (label, body) => button(label, () => set(body)),
		shape = select("Shape of responses", [["default"], ["minimal"], ["maximal"], ["drift"]], given.shape, change("shape"))
	shape.disabled = disabled
	dialog(`World ${world}`, mayWrite && [h("h3", "Clock"), buttons(move("+1 hour", {advance: 3600}), move("Freeze", {frozen: true}), move("Run", {frozen: false}),
		button("Set…", () => ask("Set the clock", [["now", "Time in UTC, not before the present one", {value: clock.now}]], "Set", set)))],
	h("h3", "Settings"), h("label", "Shape of responses ", shape), check("Strict: contract warnings are violations", given.strict, change("strict"), {disabled}), check("Skip the consent page", given.auto_consent, change("auto_consent"), {disabled}),
	h("h3", "Snapshots"), list(snapshots, it => line(it.name, `${minute(it.now)}, ${count(it.messages, "message")}`, button("Compare", async () => {
		let {same, lines} = await ctx.get(`snapshots/${it.name}/difference`)
		dialog(`Since ${it.name}`, pre(same ? "No differences." : lines.join("\n")))
	}), ctx.act("Restore", `POST snapshots/${it.name}/restore`, {})), "None yet."),
	mayWrite && buttons(button("Make snapshot…", () => ask("Make snapshot", [["name", "Name", {required: true, pattern: "[A-Za-z0-9._\\-]+"}]], "Make", ({name}) => ctx.write(`PUT snapshots/${name}`))),
		ctx.act("Reset the world", "POST reset", {})))
}

// States come at any rate, and are shown at most every 150 ms.
async function changed(next) {
	newest = next
	if (paused || busy || !next) return
	busy = true
	let before = state
	state = next
	let differs = (...names) => ["world", ...names].some(name => before?.[name] !== next[name])
	if (differs()) known = {}
	if (differs("content")) stale = new Set(["users", "sources", "applications"])
	try {
		await Promise.all([shown.update(differs, state), differs("requests", "faults", "journal", "settings") && showTop()])
	} catch (error) { toast(error.message) }
	setTimeout(() => {
		busy = false
		if (newest !== state) changed(newest)
	}, 150)
}

async function route() {
	let [old, before] = [world, view]
	for (let name in params) delete params[name];
	({world = "default", view = "flow"} = Object.assign(params, Object.fromEntries(new URLSearchParams(location.hash.slice(1)))))
	delete params.world
	delete params.view
	if (!Object.hasOwn(VIEWS, view)) view = "flow"
	if (!frozen) document.title = `${view} · ${world} · fakeflowdock`
	if (document.activeElement !== search) search.value = params.q ?? ""
	fill(nav, Object.keys(VIEWS).map(it => h("a", {href: ctx.to(it), "aria-current": it === view && "page"}, it)))
	nav.querySelector("[aria-current]").scrollIntoView({block: "nearest", inline: "nearest"})
	if (world !== old) {
		stop?.()
		state = newest = null
		known = {}
		stop = changes(world, changed, is => {
			live = is
			if (is === null) fill(main, h(".empty", h("h2", `There is no world ${world}`), h("a", {href: "#"}, "Open the world default")))
			showLive()
		})
		read("").then(index => fill(version, index.version)).catch(() => {})
	}
	if (world !== old || view !== before) {
		shown = VIEWS[view](ctx)
		fill(main, shown.element)
	} else shown.first?.()
	try {
		if (state) await shown.update(() => true, state); // otherwise with the first state
	} catch (error) { fill(main, h("p.empty", error.message)) }
}

addEventListener("hashchange", route)
addEventListener("keydown", event => {
	let {key, target} = event
	if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog")) return
	let isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
	if (key === "Escape") {
		if (isTyping) target.blur()
		else shown.escape?.()
	} else if (!isTyping) {
		if (key === "/") { event.preventDefault(); search.focus() }
		if (/^[jk]$/.test(key)) shown.move?.(key === "j" ? 1 : -1)
		if (/^[1-8]$/.test(key)) ctx.go(Object.keys(VIEWS)[key - 1])
	}
})

showLive()
route()
