// The flow: flows and private conversations, the chat, and the team inbox.
import {mayWrite, origin} from "./api.mjs"
import {avatar, b, button, buttons, cached, chat, chip, colour, copy, count, dialog, fill, h, html, inline, json, link, move, paged, pairs, pre, select, small, soft, time, str} from "./dom.mjs"
import {details, outcome} from "./lists.mjs"

const SHOWN = 200; // places, and members who may speak
const INBOX = ["activity", "discussion", "mail"]

export const flow = ({get, go, know, known, params, the, to, write}) => {
	let side = h("aside.flows", {label: "Flows"}),
		head = h(".head"),
		form = h("form.write"),
		item = h(""),
		tabs = h(".tabs", {role: "group", label: "Columns"})
	let places = []
	let nodes = new Map(); // of messages
	let seen = new Map(); // by place: how many messages
	let deliveries = new Map(); // by thread

	let id = it => it.flow?.id ?? it.id,
		place = (flow = params.flow, conversation = params.conversation) => places.find(it => (conversation ? it.id === conversation : flow ? it.flow?.path === flow : it.flow && !it.flow.disabled))
	let members = it => it?.flow?.members ?? it?.users ?? [],
		asked = more => ({[place().flow ? "flow" : "conversation"]: id(place()), ...more}),
		nick = number => the("users", number)?.nick ?? `User ${number}`,
		here = more => to("flow", {...params, ...more}),
		who = ({message, shown}) => shown.author?.name ?? shown.external_user_name ?? (message.user ? nick(message.user) : the("sources", message.source)?.name ?? shown.content?.from?.[0]?.address ?? "Unknown"),
		icon = source => the("applications", the("sources", source)?.application)?.icon_url

	async function messages(more) {
		return known(place() ? await get("messages", asked(more)) : [], {users: it => it.message.user, sources: it => it.message.source})
	}

	let file = it => h("p", b(it.file_name), small(` ${it.file_size} bytes, ${it.content_type}`, it.image && `, ${it.image.width}×${it.image.height}`), " ", button("Preview", async () => {
		let {data, content_type: type} = await get("files", {path: it.path})
		dialog(it.file_name, /^image\/(png|gif|jpeg|webp)$/.test(type) ? h("img", {src: `data:${type};base64,${data}`, alt: it.file_name}) : pre(/^text|json/.test(type) ? new TextDecoder().decode(Uint8Array.from(atob(data), it => it.charCodeAt())).slice(0, 50000) : "No preview."))
	}))

	function content({message: {event}, shown}) {
		let given = shown.content
		if (event === "comment") return [h("blockquote", given.title), h("p", chat(given.text ?? ""))]
		if (event === "file") return file(given)
		if (event === "mail") return [b(given.subject), html(given.content ?? "", given.subject)]
		if (INBOX.includes(event)) return [h("p", inline(shown.title)), shown.body && html(shown.body, shown.title)]
		if (event === "action") return soft(Object.entries(given).map(([key, value]) => `${key}: ${value}`).join(" · "))
		return given ? h("p", chat(given)) : soft("deleted")
	}

	let assertion = ({event, content: text, title}) => `fake_flowdock.assert_message(event=${str(event)}, ${text === null ? "title" : "content"}=${str(text ?? title)})`
	let tools = ({request, message, shown}) => h(".tools", request && h("a", {href: to("requests", {request}), title: "The request that made it"}, `#${request}`),
		button("JSON", () => dialog(`Message ${message.id}`, json(shown))), button("Assert", () => copy(assertion(message), "Assertion")))

	function drawn(it) {
		let {message: {id, event, thread_id: thread, ...message}, shown} = it,
			name = who(it)
		return cached(nodes, id, str([it, name, here()]), () => h("article.message", {tabindex: -1, label: `${name}, ${event} ${id}`}, h(`a.thread.${colour(thread)}`, {href: here({thread}), label: "Show this thread alone"}), avatar(name, icon(message.source)),
			h(".grow", h(".by", b(name), time(message.sent), message.edited && small("edited"), event !== "message" && chip(event)), content(it), event !== "file" && shown.attachments.map(file),
				message.tags.filter(tag => !tag.startsWith(":") && !message.content?.includes(`#${tag}`)).map(tag => chip(`#${tag}`)), Object.entries(shown.emojiReactions ?? {}).map(([emoji, by]) => chip(`${emoji} ${by.length}`))), tools(it)))
	}

	function empty() {
		let {flow} = place() ?? {}
		if (!flow || params.q || place().messages) return h("p.empty", "No messages in the chat.")
		let user = `curl -u ${the("users", flow.members[0])?.api_token ?? "API_TOKEN"}:`,
			url = `${origin}/flows/${flow.path}/messages`,
			text = `${user} -d event=message -d content=Hello \\\n  ${url}\n${user} ${url}\ncurl -d external_user_name=CI -d content=Done \\\n  ${origin}/v1/messages/chat/${flow.flow_api_token}`
		return h(".empty", h("h2", "Nothing here yet"), h("p", "Post the first message:"), pre(text), button("Copy", () => copy(text, "Commands")))
	}

	let chatted = paged(100, (before, limit) => messages({before, limit, thread: params.thread, search: params.q}), ([first]) => first.message.id, found => {
		let rows = found.filter(({message}) => params.thread || params.q || !INBOX.includes(message.event)).map((it, at, all) => {
			let day = it.message.sent.slice(0, 10)
			return [!all[at - 1]?.message.sent.startsWith(day) && h(".day", day), drawn(it)]
		})
		for (let id of nodes.keys()) if (!found.some(({message}) => message.id === id)) nodes.delete(id)
		return rows.length ? rows : empty()
	}, ["Newer messages", "Older messages"])
	let log = h(".messages", {role: "log", label: "Messages", tabindex: 0}, chatted.element)

	let threads = paged(50, async (until, limit) => known(place()?.flow ? await get("threads", asked({inbox: true, until, limit})) : [], {sources: it => it.source}), found => found.at(-1).updated_at, found => (found.length ? found.map(it => it.id !== params.item && card(it)) : soft("No threads of integrations.")))
	let inbox = h("aside.inbox", {label: "Team inbox"}, h("h2", "Inbox"), item, threads.element)

	function card({id, source, shown, updated_at: at}, its) {
		let {status} = shown,
			name = the("sources", source)?.name,
			tone = /^(red|green|yellow|cyan|orange|black|lime|purple|blue)$/.test(status?.color) ? status.color : "grey",
			delivery = deliveries.get(id)
		let doing = action => (action["@type"] !== "UpdateAction" ? link(action.url, action.name, "a.button") : mayWrite ? button(action.name, async event => {
			event.currentTarget.disabled = true
			deliveries.set(id, await write("POST perform", {thread: id, action: action.name}))
			drawItem()
		}) : chip(action.name))
		return h("article.card", h("a.head", {href: here({item: its ? "" : id}), "aria-expanded": String(Boolean(its))}, avatar(name ?? shown.title, icon(source)), h("span.grow", small(name, " ", time(at)), b(source ? inline(shown.title) : shown.title || "Untitled")), status && h(`span.status.${tone}`, status.value)),
			its ? [shown.external_url && link(shown.external_url), pairs(shown.fields.map(it => [it.label, inline(it.value ?? "")])), shown.body && html(shown.body, shown.title), buttons(shown.actions.map(doing)),
				delivery && h("p.delivery", {role: "status"}, outcome(delivery), ` ${delivery.response?.status ?? ""} ${delivery.reason ?? ""} `, details(delivery)),
				its.map(it => h(".activity", h(".by", b(who(it)), time(it.message.sent), tools(it)), content(it))), buttons(h("a.button", {href: here({thread: id})}, "In the chat"), button("JSON", () => dialog(shown.title, json(shown))))]
				: small(shown.activities > 0 && `${count(shown.activities, "activity", "activities")}, `, count(shown.internal_comments + shown.external_comments, "comment"), shown.external_url && [" · ", link(shown.external_url, "External page")]))
	}

	async function drawItem() {
		let thread = params.item,
			found = thread ? await messages({thread}) : [],
			shown = found.at(-1)?.shown.thread
		fill(item, shown && card({id: thread, source: found.find(it => it.message.source)?.message.source, updated_at: shown.updated_at, shown}, found))
	}

	let column = 1
	function drawPlaces() {
		let at = place(),
			its = members(at)
		fill(tabs, ["Flows", "Chat", "Inbox"].map((name, it) => button(name, () => { column = it; drawPlaces() }, {"aria-pressed": String(it === column)})))
		element.dataset.column = column
		fill(side, Object.entries(Object.groupBy(places, it => it.flow?.organization ?? "Private")).map(([group, all]) => [h("h2", group), all.slice(0, SHOWN).map(it => {
			let {flow} = it,
				unread = it.messages - seen.get(id(it))
			return h(`a${flow?.disabled ? ".soft" : ""}`, {href: to("flow", flow ? {flow: flow.path} : {conversation: it.id}), "aria-current": it === at && "true", onclick: () => { column = 1 }},
				h("span.grow", flow?.name ?? members(it).map(nick).join(" and "), flow?.disabled && " (archived)"), flow && small(members(it).length), unread > 0 && h("span.count", {label: `${unread} new`}, unread))
		}), all.length > SHOWN && soft(`and ${all.length - SHOWN} more`)]))
		fill(head, h("h1", at ? at.flow?.name ?? its.map(nick).join(" and ") : "No such flow"), at?.flow?.disabled && chip("archived"), h("span.soft.names", `${count(its.length, "member")}: ${its.slice(0, 6).map(nick).join(", ")}`),
			(params.thread || params.q) && h("a.chip", {href: here({thread: "", q: ""})}, "All messages"))
	}

	let drafted
	async function drawWrite() {
		let at = place(),
			{thread} = params
		form.hidden = !mayWrite || !at || at.flow?.disabled
		let its = members(at).slice(0, SHOWN)
		await know("users", its)
		let choices = its.map(it => [it, nick(it)]),
			key = str([at && id(at), thread, choices])
		if (key === drafted) return
		drafted = key
		let as = select("Speak as", choices),
			text = h("textarea", {label: "Message", rows: 1, placeholder: thread ? "Answer in this thread" : "Say something", onkeydown: event => { if (event.key === "Enter" && !event.shiftKey) form.onsubmit(event) }})
		form.onsubmit = async event => {
			event.preventDefault()
			let [user, said] = [Number(as.value), text.value.trim()]
			if (said && await (at.flow ? write("POST messages", {flow: at.flow.id, user, content: said, ...thread && {thread_id: thread}}) : write("POST private-messages", {from_user: user, to_user: at.users.find(it => it !== user), content: said}))) text.value = ""
		}
		fill(form, as, text, h("button.strong", "Send"))
	}

	let element = h(".flow-view", tabs, side, h("section.chat", {label: "Chat"}, head, log, form), inbox)
	let last, opened
	return {
		element,
		move: by => move(log, ".message", by),
		escape: () => go("flow", {...params, item: "", thread: "", q: ""}),
		async update(differs) {
			if (!differs("events", "content", "requests")) return
			places = (await Promise.all(["flows", "conversations"].map(name => get(name, {limit: 1000})))).flat()
			let at = place()
			for (let it of places) if (it === at || !seen.has(id(it))) seen.set(id(it), it.messages)
			await know("users", [...members(at).slice(0, 6), ...places.slice(-SHOWN).flatMap(it => it.users ?? [])])
			let {thread, q} = params,
				now = str([at && id(at), thread, q]),
				isNew = now !== last,
				atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40
			last = now
			if (isNew) { chatted.first(); threads.first() }
			inbox.hidden = !at?.flow
			drawPlaces()
			await chatted.update()
			await threads.update(params.item !== opened)
			opened = params.item
			await Promise.all([drawItem(), drawWrite()])
			if (isNew || atEnd) log.scrollTop = log.scrollHeight
		},
	}
}
