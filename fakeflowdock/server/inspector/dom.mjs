// Elements. Texts become text nodes alone, never HTML.
import {page} from "./api.mjs"

const nodes = children => children.flat(9).filter(it => (it ?? false) !== false && it !== "")

// h("a.button", {href}, "text", [more]): attributes may be left out; `label` is aria-label
export function h(name, ...children) {
	let [tag, ...classes] = name.split("."),
		element = document.createElement(tag || "div")
	if (classes.length) element.className = classes.join(" ")
	if (children[0]?.constructor === Object) {
		for (let [key, value] of Object.entries(children.shift())) {
			if (/^(on.*|value|checked)$/.test(key)) element[key] = value
			else if ((value ?? false) !== false) element.setAttribute(key === "label" ? "aria-label" : key, value === true ? "" : value)
		}
	}
	element.append(...nodes(children))
	return element
}

// Replaces what is in an element; keeps the focus
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
	list = (found, draw, none) => (found.length ? h("ul.rows", found.slice(0, 200).map(it => h("li", draw(it)))) : soft(none)),
	line = (name, more, ...its) => [h("span.grow", b(name), small(" ", more)), its],
	table = (heads, rows) => h("table", h("thead", h("tr", heads.map(name => h("th", {scope: "col"}, name)))), rows),
	row = (cells, more = {}) => h("tr", more, cells.map(it => h("td", it))),
	pairs = all => h("table", all.map(([name, ...value]) => nodes(value).join("") && h("tr", h("th", {scope: "row"}, name), h("td", value)))),
	time = text => h("time", {datetime: text, title: text}, text.slice(11, 19)),
	minute = text => text.slice(0, 16).replace("T", " "),
	count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`

// A page of the documentation: its address, a link, a frame
export const
	address = name => page(/^docs\/\w+\/[\w-]+\.md(#[\w-]+)?$/.test(name ?? "") ? name.replace(".md", "") : "docs/"),
	reference = (name, text = name) => h("a", {href: address(name), target: "_blank"}, text),
	frame = (src, title) => h("iframe", {src, title})

const toasts = document.getElementById("toast")
export function toast(text) {
	fill(toasts, text)
	clearTimeout(toasts.timer)
	toasts.timer = setTimeout(() => fill(toasts), 4000)
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
export const fields = all => all.map(([name, label, more, id = `f-${name}`]) => [h("label", {for: id}, label), Array.isArray(more) ? h("select", {id, name}, more.map(it => h("option", it))) : h("input", {id, name, ...more})])

// What is in a form: texts, or without empty ones, with numbers and what is checked
export const texts = form => Object.fromEntries(new FormData(form))
export const values = form => Object.fromEntries(Object.entries(texts(form)).filter(([, it]) => it).map(([name, it]) => [name, it === "on" || (isNaN(it) ? it : Number(it))]))

export function ask(title, all, label, done) {
	let box = dialog(title, h("form", {onsubmit: async event => {
		event.preventDefault()
		if (await done(texts(event.target)) !== undefined) box.close()
	}}, fields(all), buttons(h("button.strong", label))))
	box.querySelector("input, select").focus()
	return box
}

// A list by pages: `read` gets a cursor, `next` makes one
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

// A parsed document runs and loads nothing.
const policy = window.trustedTypes?.createPolicy("inert", {createHTML: text => text}),
	parsed = text => new DOMParser().parseFromString(policy?.createHTML(text) ?? text, "text/html"),
	isPlain = text => !/[<&]/.test(text)

// HTML of a title or a field: texts and links
export const inline = text => (isPlain(text) ? text : [...parsed(text).body.childNodes].map(it => (it.nodeName === "A" ? link(it.getAttribute("href"), it.textContent) : it.textContent)))

// HTML of a body, in a frame without scripts. Pictures are named, not loaded.
export const html = (text, title) => (isPlain(text) ? h("p", text) : h("iframe", {title, sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox", onload({target}) {
	let its = target.contentDocument,
		{links, images, documentElement} = parsed(text),
		sheet = new its.defaultView.CSSStyleSheet()
	for (let it of links) Object.assign(it, {target: "_blank", rel: "noopener noreferrer"})
	for (let it of [...images]) it.replaceWith(`[${it.alt || it.src}]`)
	sheet.replaceSync(":root{color-scheme:light dark;overflow:auto hidden}body{display:flow-root;height:fit-content;margin:0;font:.9375rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}p{margin:.25rem 0}a{color:inherit}table{border-collapse:collapse;font:inherit}th,td{padding:.25rem .5rem;border:1px solid #8888;text-align:left}")
	its.adoptedStyleSheets = [sheet]
	its.documentElement.replaceWith(documentElement)
	new ResizeObserver(() => { target.height = its.body.offsetHeight }).observe(its.body)
}}))

export const
	masked = text => h("button.secret", {type: "button", label: "Show a secret", onclick: event => event.currentTarget.replaceWith(text)}, "••••••••"),
	secret = (value, what) => [masked(value), " ", button("Copy", () => copy(value, what), {label: `Copy: ${what}`})]

// A text in which each secret is hidden until it is clicked
export const hidden = text => text.split(/((?<="[a-z_]*(?:token|password|secret|code)"\s*:\s*")[^"]+|(?<=(?:token|password|secret|code)=)[^&\s"]+|\b[0-9a-f]{32,40}\b)/i).map((part, at) => (at % 2 ? masked(part) : part))

// An element that is drawn again only if its key differs
export function cached(map, id, key, draw) {
	if (map.get(id)?.key !== key) map.set(id, {key, node: draw()})
	return map.get(id).node
}

// Moves the focus among the elements that a selector finds
export function move(root, selector, by) {
	let all = [...root.querySelectorAll(selector)],
		at = all.findIndex(it => it.contains(document.activeElement)),
		next = all.at(at < 0 ? Math.min(by - 1, 0) / 2 : Math.min(Math.max(at + by, 0), all.length - 1))
	next?.focus()
	next?.scrollIntoView({block: "nearest"})
}
