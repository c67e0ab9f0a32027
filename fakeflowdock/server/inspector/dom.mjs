// Elements. Texts are always inserted as text nodes, so nothing that a client has sent becomes HTML.

import { page } from "./api.mjs";

export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  return add(element, ...children);
}

export function add(element, ...children) {
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

export const fill = (element, ...children) => { element.replaceChildren(); return add(element, ...children); };

export const button = (text, onclick, attributes = {}) => h("button", { type: "button", ...attributes, onclick }, text);

export function select(label, options, value, onchange) {
  return h("select", { "aria-label": label, onchange: (event) => onchange?.(event.target.value) },
    options.map(([name, text]) => h("option", { value: name, selected: String(name) === String(value) }, text)));
}

// Returns a link, if the address is one of the web. Otherwise it stays a text.
export function link(url, text, attributes = {}) {
  const isWeb = /^https?:\/\//i.test(url ?? "");
  return isWeb ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer", ...attributes }, text) : h("span", {}, text);
}

// Returns a link to a page of the documentation, as this server has it.
export function reference(name) {
  const isPage = /^docs\/(api|admin)\/[\w-]+\.md(#[\w-]+)?$/.test(name ?? "");
  const address = isPage ? page(name.replace(".md", "")) : null;
  return address ? h("a", { href: address, target: "_blank", rel: "noopener" }, name) : name;
}

export function toast(text) {
  const place = document.getElementById("toast");
  place.textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { place.textContent = ""; }, 4000);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = add(h("textarea"), text);
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  toast(`${what} copied`);
}

export function dialog(title, ...content) {
  const before = document.activeElement;
  const box = h("dialog", { "aria-label": title, onclose: () => { box.remove(); before?.focus?.(); } },
    h("div.bar", {}, h("h2", {}, title), button("Close", () => box.close())), content);
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  document.body.append(box);
  box.showModal();
  return box;
}

export const json = (value) => h("pre", { tabindex: 0 }, JSON.stringify(value, null, 2));

export const time = (text) => {
  const moment = new Date(text);
  const shown = moment.toISOString();
  return h("time", { datetime: shown, title: shown }, shown.slice(11, 19));
};

export const day = (text) => new Date(text).toISOString().slice(0, 10);

export const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`);

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

export function colour(text) {
  let sum = 0;
  for (const each of String(text)) sum = (sum * 31 + each.codePointAt(0)) % 9973;
  return `c${sum % 8}`;
}

export const initials = (name) => (name ?? "?").trim().split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toUpperCase() || "?";

export const avatar = (name) => h(`span.avatar.${colour(name)}`, { "aria-hidden": "true" }, initials(name));

const WORDS = /(@[\p{L}\p{N}_.-]*[\p{L}\p{N}_-]|#[\p{L}\p{N}_-]+|https?:\/\/[^\s<>"]+)/gu;

// Returns a text of the chat, with marks for mentions, tags and addresses.
export const chat = (text) => String(text).split(WORDS).map((part, at) => (at % 2 === 0 ? part
  : part[0] === "@" ? h("mark.mention", {}, part) : part[0] === "#" ? h("mark.tag", {}, part) : link(part, part)));

const KEPT = new Set("P BR B I STRONG EM CODE PRE UL OL LI BLOCKQUOTE H1 H2 H3 H4 TABLE TR TD TH HR".split(" "));
const DROPPED = new Set("SCRIPT STYLE IFRAME OBJECT TEMPLATE HEAD TITLE NOSCRIPT SVG MATH".split(" "));
const policy = window.trustedTypes?.createPolicy("inert", { createHTML: (text) => text });

// Returns the body of a message: elements of the same names without attributes. What is parsed is never shown.
export function rich(html) {
  const parsed = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
  const copied = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) return null;
    const children = [...node.childNodes].map(copied);
    if (node.tagName === "A") return link(node.getAttribute("href"), node.textContent);
    return KEPT.has(node.tagName) ? h(node.tagName.toLowerCase(), {}, children) : children;
  };
  return h("div.rich", {}, [...parsed.body.childNodes].map(copied));
}

const SECRET = /("[a-z_]*(?:token|password|secret|code)"\s*:\s*")([^"]+)|((?:[a-z_]*token|password|secret|code)=)([^&\s"]+)|(\b[0-9a-f]{32,40}\b)/gi;

export const masked = (text) => h("button.secret", { type: "button", "aria-label": "Show a secret", onclick: (event) => {
  event.currentTarget.replaceWith(text);
} }, "••••••••");

// Returns a text in which each secret is hidden until it is clicked.
export function hidden(text) {
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(SECRET)) {
    const before = match[1] ?? match[3] ?? "";
    const secret = match[2] ?? match[4] ?? match[5];
    parts.push(text.slice(last, match.index) + before, masked(secret));
    last = match.index + match[0].length;
  }
  return [...parts, text.slice(last)];
}

// Lets j and k move through the elements that a selector finds, and Enter open one.
export function move(root, selector, by) {
  const rows = [...root.querySelectorAll(selector)];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = rows[Math.min(Math.max(at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by, 0), rows.length - 1)];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
