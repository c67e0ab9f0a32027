// Pages of the documentation, as the file has them: where the live page has frames, these are elements.
import {held, page} from "./api.mjs"
import {fill, h, link} from "./dom.mjs"

export function frame(address) {
	let element = h("article.documentation", {tabindex: 0, role: "region", label: "Documentation"})
	async function show(name) {
		let {docs} = await held,
			[path, anchor] = name.split("#")
		let at = (href, text) => h("a", {href: page(href), onclick: event => { event.preventDefault(); show(href) }}, text)
		let drawn = node => {
			if (!Array.isArray(node)) return node
			let [tag, {href, id, ...more}, ...children] = node,
				its = children.map(drawn)
			if (tag === "a") return /^https?:/.test(href) ? link(href, its) : href[0] === "#" ? at(path + href, its) : docs[href.split("#")[0]] ? at(href, its) : its
			return h(tag === "th" && !its.length ? "td" : tag, {...more, ...id && {id: `doc-${id}`}}, its)
		}
		fill(element, docs[path] ? docs[path].map(drawn) : h("p.empty", "This page is not in this file."))
		if (anchor) element.querySelector(`[id="doc-${CSS.escape(anchor)}"]`)?.scrollIntoView()
		else element.scrollTop = 0
	}
	let name = new URLSearchParams(address.slice(1)).get("page") ?? "docs/api/index"
	show(name.replace(".md", ""))
	return element
}
