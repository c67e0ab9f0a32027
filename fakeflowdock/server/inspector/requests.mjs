// The requests: a live table, and each of them in detail.

import { button, copy, count, dialog, fill, h, hidden, json, masked, move, reference, select, time, toast } from "./dom.mjs";

export const title = "Requests";
const KEPT = 1000; // in memory
const SHOWN = 200; // in the document
const HEADERS = new Set(["authorization", "cookie", "set-cookie", "flowdock-token", "proxy-authorization"]);

export function open(ctx) {
  const found = [];
  let shown = SHOWN;
  let journal = null;
  const filters = { text: "", operation: "", status: "", caller: "", unknown: false };
  const body = h("tbody");
  const summary = h("span.soft", { role: "status" });
  const operations = h("select", { "aria-label": "Operation", onchange: (event) => { filters.operation = event.target.value; draw(); } });
  const detail = h("section.detail", { "aria-label": "Request", hidden: true });
  const more = button("Show more", () => { shown += SHOWN; draw(); }, { class: "more" });
  const element = h("div.requests-view", {}, h("h1.skip", {}, title),
    h("section.table", { "aria-label": "Requests" },
      h("div.filters", {},
        h("input", { type: "search", "aria-label": "Search", placeholder: "Search  /", oninput: (event) => { filters.text = event.target.value.toLowerCase(); draw(); } }),
        operations,
        select("Status", [["", "Any status"], ["2", "2xx"], ["3", "3xx"], ["4", "4xx"], ["5", "5xx"], ["0", "No response"]], "", (value) => { filters.status = value; draw(); }),
        select("Caller", [["", "Any caller"], ["user", "Users"], ["source", "Sources"], ["application", "Applications"], ["none", "Unknown"]], "", (value) => { filters.caller = value; draw(); }),
        h("label.check", {}, h("input", { type: "checkbox", onchange: (event) => { filters.unknown = event.target.checked; draw(); } }), "Unknown paths"),
        h("span.space"), summary,
        button("Export HAR", exported),
        ctx.mayWrite ? button("Clear", () => ctx.write("DELETE", "requests", undefined, "Journal cleared")) : null),
      h("div.scroll", { tabindex: 0, role: "region", "aria-label": "Table of requests" },
        h("table", {}, h("thead", {}, h("tr", {}, ["#", "Time", "Method", "Path", "Operation", "Caller", "Status", "ms", "Notes"].map((name) => h("th", { scope: "col" }, name)))), body), more)),
    detail);

  const status = (each) => each.response?.status ?? 0;
  const caller = (each) => Object.entries(each.caller ?? {}).map(([kind, id]) => `${kind} ${id}`).join(", ");
  const matches = (each) => (!filters.operation || each.operation === filters.operation)
    && (!filters.status || String(status(each))[0] === filters.status)
    && (!filters.caller || (filters.caller === "none" ? !each.caller : each.caller?.[filters.caller] !== undefined))
    && (!filters.unknown || !each.operation)
    && (!filters.text || [each.method, each.url, each.path, each.operation, each.body, each.response?.body, each.refusal?.message, JSON.stringify(each.warnings)].join(" ").toLowerCase().includes(filters.text));

  const notes = (each) => [
    each.failure ? h("span.chip.bad", { title: each.failure }, "fault") : null,
    each.refusal ? h("span.chip.bad", { title: each.refusal.message }, each.refusal.name) : null,
    each.warnings.length ? h("span.chip.warn", { title: each.warnings.map((warning) => warning.message).join("\n") }, count(each.warnings.length, "warning")) : null,
    each.stream ? h("span.chip", {}, each.stream.ended ?? "open stream", ` ${each.stream.events}`) : null,
  ];

  const drawn = new Map();
  function row(each) {
    const key = `${each.stream?.events} ${each.stream?.ended} ${ctx.params.request === String(each.number)}`;
    const known = drawn.get(each.number);
    if (known?.key === key) return known.node;
    const code = status(each);
    const node = h("tr", { tabindex: -1, "aria-current": ctx.params.request === String(each.number) ? "true" : null, onclick: () => ctx.go("requests", { request: each.number }) },
      h("td", {}, h("a", { href: ctx.address("requests", { request: each.number }) }, each.number)),
      h("td", {}, each.time ? time(each.time) : ""), h("td", {}, h("strong", {}, each.method)), h("td.path", {}, hidden(each.path)),
      h("td", {}, each.operation ?? h("span.bad", {}, "unknown path")), h("td", {}, caller(each)),
      h("td", {}, h(`span.code.s${String(code)[0]}`, {}, code || "none")), h("td.number", {}, (each.seconds * 1000).toFixed(1)), h("td", {}, notes(each)));
    node.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target === node) ctx.go("requests", { request: each.number }); });
    drawn.set(each.number, { key, node });
    return node;
  }

  function draw() {
    const matching = found.filter(matches).reverse();
    const names = [...new Set(found.map((each) => each.operation).filter(Boolean))].sort();
    const kept = operations.value;
    if (operations.options.length !== names.length + 1) {
      fill(operations, h("option", { value: "" }, "Any operation"), names.map((name) => h("option", { value: name, selected: name === kept }, name)));
    }
    summary.textContent = matching.length === found.length ? count(found.length, "request") : `${matching.length} of ${count(found.length, "request")}`;
    more.hidden = matching.length <= shown;
    fill(body, matching.length ? matching.slice(0, shown).map(row) : h("tr", {}, h("td.empty", { colspan: 9 }, found.length ? "No request matches." : "No requests yet.")));
    drawDetail();
  }

  // One request

  const headers = (given) => h("table.headers", {}, h("tbody", {}, Object.entries(given).map(([name, value]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, HEADERS.has(name.toLowerCase()) ? masked(value) : hidden(value))))));

  function text(part) {
    if (!part.body) return h("p.soft", {}, "No body.");
    let shownText = part.body;
    try { shownText = JSON.stringify(JSON.parse(part.body), null, 2); } catch { /* not JSON */ }
    if (shownText.length > 100000) shownText = `${shownText.slice(0, 100000)}\n…`;
    return [part.shortened ? h("p.soft", {}, `Shortened: ${part.shortened.length} bytes`) : null, h("pre", { tabindex: 0 }, hidden(shownText))];
  }

  const quoted = (value) => `'${String(value).replaceAll("'", "'\\''")}'`;
  const SKIPPED = new Set(["host", "content-length", "accept-encoding", "connection", "transfer-encoding"]);
  const sent = (each) => Object.fromEntries(Object.entries(each.headers).filter(([name]) => !SKIPPED.has(name)));
  const copied = {
    curl: (each) => [`curl -X ${each.method} ${quoted(each.url)}`, ...Object.entries(sent(each)).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
      ...(each.body ? [`--data-raw ${quoted(each.body)}`] : [])].join(" \\\n  "),
    fetch: (each) => `await fetch(${JSON.stringify(each.url)}, ${JSON.stringify({ method: each.method, headers: sent(each), ...(each.body ? { body: each.body } : {}) }, null, 2)});`,
    requests: (each) => `requests.request(${JSON.stringify(each.method)}, ${JSON.stringify(each.url)}, headers=${JSON.stringify(sent(each))}${each.body ? `, data=${JSON.stringify(each.body)}` : ""}, timeout=5)`,
    assertion: (each) => `fake_flowdock.assert_requested(${JSON.stringify(each.operation)}, status=${status(each)})`,
  };

  function drawDetail() {
    const number = Number(ctx.params.request);
    const each = found.find((one) => one.number === number);
    const key = each ? `${number} ${each.stream?.events}` : ctx.params.request ?? "";
    if (detail.dataset.key === key) return;
    detail.dataset.key = key;
    detail.hidden = !ctx.params.request;
    element.classList.toggle("split", !detail.hidden);
    if (detail.hidden) return;
    const close = h("a.button", { href: ctx.address("requests") }, "Close");
    if (!each) {
      fill(detail, h("div.bar", {}, h("h2", {}, `Request ${ctx.params.request}`), close), h("p", {}, "The journal does not have it any more."));
      return;
    }
    fill(detail,
      h("div.bar", {}, h("h2", {}, `#${each.number} `, h("strong", {}, each.method), " ", hidden(each.path)), close),
      h("p", {}, h(`span.code.s${String(status(each))[0]}`, {}, status(each) || "no response"), ` ${each.operation ?? "unknown path"} · ${caller(each) || "unknown caller"} · ${(each.seconds * 1000).toFixed(1)} ms`),
      each.refusal ? h("div.alert", {}, h("strong", {}, each.refusal.message), h("p", {}, `${each.refusal.name}, ${each.refusal.grade}: `, reference(each.refusal.page))) : null,
      each.failure ? h("p.alert", {}, `Fault: ${each.failure}`) : null,
      each.warnings.map((warning) => h("div.notice", {}, h("strong", {}, warning.message), h("p", {}, warning.suggestion ? ["Did you mean ", h("code", {}, warning.suggestion), "? "] : warning.expected, " ",
        h("code", {}, warning.rule), " ", reference(warning.page)))),
      h("p.buttons", {}, Object.entries(copied).filter(([name]) => name !== "assertion" || each.operation).map(([name, make]) => button(`Copy ${name}`, () => copy(make(each), name))),
        button("JSON", () => dialog(`Request ${each.number}`, json({ ...each, headers: undefined, body: undefined, response: undefined }))),
        ctx.mayWrite && each.operation ? [429, 500].map((code) => button(`${code} once`, () => ctx.write("POST", "faults", { operation: each.operation, status: code, times: 1 }, `The next ${each.operation} gets ${code}`), { title: `Inject a fault: the next ${each.operation} gets ${code}` })) : null),
      h("div.sides", {},
        h("section", { "aria-label": "Sent" }, h("h3", {}, "Request"), h("p.path", {}, hidden(each.url)), headers(each.headers), text(each)),
        h("section", { "aria-label": "Answered" }, h("h3", {}, "Response"), each.response ? [headers(each.response.headers), text(each.response)] : h("p.alert", {}, "No response was sent."))));
  }

  async function exported() {
    try {
      const har = JSON.stringify(await ctx.get("requests/export"));
      const url = URL.createObjectURL(new Blob([har], { type: "application/json" }));
      h("a", { href: url, download: `${ctx.world}.har` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    } catch (error) { toast(error.message); }
  }

  async function update(differs) {
    if (!["requests", "journal", "streams", "world"].some(differs)) return;
    const { state } = ctx;
    const last = found.at(-1)?.number ?? 0;
    if (journal !== state.journal || state.requests < last) { found.length = 0; drawn.clear(); }
    const isFirst = journal !== state.journal;
    journal = state.journal;
    for (;;) {
      const page = await ctx.get("requests", { after: Math.max(found.at(-1)?.number ?? 0, state.requests - KEPT, 0), limit: 100 });
      found.push(...page);
      while (found.length > KEPT) drawn.delete(found.shift().number);
      if (page.length < 100) break;
      if (isFirst) draw();
    }
    for (const open of found.filter((each) => each.stream && !each.stream.ended).slice(-10)) {
      const [now] = await ctx.get("requests", { after: open.number - 1, limit: 1 });
      if (now?.number === open.number) found[found.indexOf(open)] = now;
    }
    draw();
  }

  return { element, update, route: draw, move: (by) => move(body, "tr", by), escape: () => { if (ctx.params.request) ctx.go("requests"); } };
}
