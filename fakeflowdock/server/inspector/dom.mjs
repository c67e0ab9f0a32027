// Elements. Texts are inserted as text nodes alone, so nothing that a client has sent becomes HTML.
import {page} from "./api.mjs"

const nodes = children => children.flat(9).filter(it => (it ?? false) !== false)

// h("a.button", {href}, "text", [more]): attributes may be left out; `label` is aria-label
export function h(name, ...children) {
	let [tag, ...classes] = name.split("."),
		element = document.createElement(tag || "div")
	if (classes.length) element.className = classes.join(" ")
	if (children[0]?.constructor === Object) {
		for (let [key, value] of Object.entries(children.shift())) {
			if (key.startsWith("on")) element.addEventListener(key.slice(2), value)
			else if (key === "value" || key === "checked") element[key] = value
			else if ((value ?? false) !== false) element.setAttribute(key === "label" ? "aria-label" : key, value === true ? "" : value)
		}
	}
	element.append(...nodes(children))
	return element
}

// Replaces what is in an element. The focus stays where it was.
export function fill(element, ...children) {
	let old = document.activeElement,
		all = () => [...element.querySelectorAll("a, button, input, select, textarea, [tabindex]")],
		at = all().indexOf(old)
	element.replaceChildren(...nodes(children))
	if (at >= 0) (old.isConnected ? old : all()[at])?.focus({preventScroll: true})
}

export const
	str = JSON.stringify,
	b = (...text) => h("strong", text),
	small = (...text) => h("small", text),
	soft = (...text) => h("p.soft", text),
	code = text => h("code", text),
	pre = text => h("pre", {tabindex: 0}, text),
	json = value => pre(str(value, null, 2)),
	buttons = (...all) => h("p.buttons", all),
	button = (text, onclick, more) => h("button", {type: "button", onclick, ...more}, text),
	select = (label, options, value = "", onchange) => h("select", {label, onchange: event => onchange?.(event.target.value)}, options.map(([name, text = name]) => h("option", {value: name, selected: String(name) === value}, text))),
	check = (label, checked, onchange, more) => h("label.check", h("input", {type: "checkbox", checked, ...more, onchange: event => onchange?.(event.target.checked)}), label),
	link = (href, text = href, name = "a") => (/^https?:\/\//i.test(href ?? "") ? h(name, {href, target: "_blank", rel: "noopener noreferrer"}, text) : h("span", text)),
	chip = (text, tone = "", title) => h(`span.chip${tone && "."}${tone}`, {title}, text),
	list = (found, draw, none) => (found.length ? h("ul.rows", found.map(it => h("li", draw(it)))) : soft(none)),
	facts = (...pairs) => h("dl", pairs.map(([name, ...value]) => nodes(value).join("") && [h("dt", name), h("dd", value)])),
	table = (heads, rows) => h("table", h("thead", h("tr", heads.map(name => h("th", {scope: "col"}, name)))), rows),
	row = (cells, more = {}) => h("tr", more, cells.map(cell => h("td", cell))),
	time = text => h("time", {datetime: text, title: text}, text.slice(11, 19)),
	minute = text => text.slice(0, 16).replace("T", " "),
	count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`

// A page of the documentation: its address as this server has it, a link, and a box to read it in
export const
	address = name => page(/^docs\/\w+\/[\w-]+\.md(#[\w-]+)?$/.test(name ?? "") ? name.replace(".md", "") : "docs/"),
	reference = (name, text = name) => (address(name) ? h("a", {href: address(name), target: "_blank"}, text) : text),
	frame = (src, title) => src && h("iframe", {src, title})

export function toast(text) {
	let place = document.getElementById("toast")
	place.textContent = text
	clearTimeout(toast.timer)
	toast.timer = setTimeout(() => fill(place), 4000)
}

export const copy = (text, what) => navigator.clipboard.writeText(text).then(() => toast(`${what} copied`), () => dialog(what, pre(text))); // refused: to copy by hand

export function dialog(title, ...content) {
	document.querySelector("dialog")?.close()
	let box = h("dialog", {label: title, onclose: () => box.remove()}, h(".bar", h("h2", title), button("Close", () => box.close())), content)
	document.body.append(box)
	box.showModal()
	return box
}

// Fields of a form: [name, label, attributes, or a list of choices]
export const fields = all => all.map(([name, label, more]) => [h("label", {for: `f-${name}`}, label), Array.isArray(more) ? h("select", {id: `f-${name}`, name}, more.map(it => h("option", it))) : h("input", {id: `f-${name}`, name, ...more})])

// What is in a form, without empty texts unless `all`
export function values(form, all) {
	let found = {}
	for (let {name, type, value, checked} of form.elements) if (name && (type === "checkbox" ? checked : all || value)) found[name] = type === "checkbox" || (type === "number" ? Number(value) : value)
	return found
}

export function ask(title, all, label, done) {
	let box = dialog(title, h("form", {onsubmit: async event => {
		event.preventDefault()
		if (await done(values(event.target, true)) !== undefined) box.close()
	}}, fields(all), buttons(h("button.strong", label))))
	box.querySelector("input").focus()
	return box
}

// A list that is read page by page: `read` gets a cursor, `next` makes one
export function paged(size, read, next, draw, [back, forth] = ["Previous page", "Next page"]) {
	let body = h(""),
		turns = buttons(),
		element = h("", body, turns),
		before = []
	let cursor, shown
	async function update(again) {
		let found = await read(cursor, size)
		if (!found.length && before.length) { cursor = before.pop(); return update(again) }
		let text = str(found)
		if (text === shown && !again) return
		shown = text
		let turn = (label, to) => button(label, () => { cursor = to(); update().then(() => element.scrollIntoView()) })
		fill(body, draw(found))
		fill(turns, before.length > 0 && turn(back, () => before.pop()), found.length === size && turn(forth, () => { before.push(cursor); return next(found, cursor) }))
	}
	return {element, update, first() { before.length = 0; cursor = shown = undefined }}
}

const COLOURS = ["red", "green", "cyan", "orange", "purple", "blue", "olive", "grey"]
export const colour = text => COLOURS[[...String(text)].reduce((sum, it) => (sum * 31 + it.codePointAt()) % 9973, 0) % 8]

// Initials, or the picture of an application. Pictures of other hosts are not loaded.
export const avatar = (name, src) => (/^data:image\/(png|gif|jpeg|webp);/.test(src ?? "") ? h("img.avatar", {src, alt: ""})
	: h(`span.avatar.${colour(name)}`, {"aria-hidden": "true"}, String(name ?? "?").split(/\s+/).map(word => [...word][0]).slice(0, 2).join("").toUpperCase()))

// A text of the chat, with marks for mentions, tags and addresses
export const chat = text => String(text).split(/(@[\p{L}\p{N}_.-]*[\p{L}\p{N}_-]|#[\p{L}\p{N}_-]+|https?:\/\/[^\s<>"]+)/u).map((part, at) => (at % 2 ? /^[@#]/.test(part) ? h("mark", part) : link(part) : part))

// HTML as elements of the same names without attributes. What is parsed is itself never shown.
const KEPT = /^(P|BR|B|I|STRONG|EM|CODE|PRE|[UO]L|LI|BLOCKQUOTE|H[1-6R]|TABLE|TBODY|T[RDH])$/,
	DROPPED = /^(SCRIPT|STYLE|IFRAME|OBJECT|TEMPLATE|TITLE|NOSCRIPT|SVG|MATH)$/,
	policy = window.trustedTypes?.createPolicy("inert", {createHTML: text => text})
export function rich(text) {
	let copied = node => {
		let name = node.nodeName.toUpperCase()
		if (node.nodeType === 3) return node.data
		if (node.nodeType !== 1 || DROPPED.test(name)) return null
		if (name === "A") return link(node.getAttribute("href"), node.textContent)
		let its = [...node.childNodes].map(copied)
		return KEPT.test(name) ? h(name, its) : its
	}
	return h(".rich", copied(new DOMParser().parseFromString(policy?.createHTML(text) ?? text, "text/html").body))
}

export const
	masked = text => h("button.secret", {type: "button", label: "Show a secret", onclick: event => event.currentTarget.replaceWith(text)}, "••••••••"),
	secret = (value, what) => [masked(value), " ", button("Copy", () => copy(value, what), {label: `Copy: ${what}`})]

// A text in which each secret is hidden until it is clicked
export const hidden = text => text.split(/((?<="[a-z_]*(?:token|password|secret|code)"\s*:\s*")[^"]+|(?<=(?:token|password|secret|code)=)[^&\s"]+|\b[0-9a-f]{32,40}\b)/i).map((part, at) => (at % 2 ? masked(part) : part))

// Moves the focus among the elements that a selector finds
export function move(root, selector, by) {
	let all = [...root.querySelectorAll(selector)],
		at = all.findIndex(it => it.contains(document.activeElement)),
		next = all.at(at < 0 ? Math.min(by - 1, 0) / 2 : Math.min(Math.max(at + by, 0), all.length - 1))
	next?.focus()
	next?.scrollIntoView({block: "nearest"})
}
