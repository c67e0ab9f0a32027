// The faults: those that are active, and a form for more.

import { button, fill, h, select } from "./dom.mjs";

export const title = "Faults";
const QUICK = [
  ["429 once", { status: 429, times: 1, retry_after: 1 }],
  ["500 once", { status: 500, times: 1 }],
  ["503, three times", { status: 503, times: 3, retry_after: 1 }],
  ["401 from now on", { status: 401 }],
  ["2 seconds late", { latency: 2, times: 1 }],
  ["Lost response", { connection: "closed", after: true, times: 1 }],
  ["Connection reset", { connection: "reset", times: 1 }],
];

export function open(ctx) {
  const list = h("div", { "aria-live": "polite" });
  const field = (name, label, attributes = {}) => [h("label", { for: `f-${name}` }, label), h("input", { id: `f-${name}`, name, ...attributes })];
  const form = h("form.grid", { onsubmit: async (event) => {
    event.preventDefault();
    const given = {};
    for (const input of form.querySelectorAll("input, select")) {
      if (input.type === "checkbox") { if (input.checked) given[input.name] = true; } else if (input.name && input.value !== "") given[input.name] = input.type === "number" ? Number(input.value) : input.value;
    }
    if (await ctx.write("POST", "faults", given, "Fault added")) form.reset();
  } },
  field("operation", "Operation", { placeholder: "send-message", list: "operations" }), field("method", "Method", { placeholder: "POST" }), field("path", "Path", { placeholder: "/user" }),
  field("status", "Status", { type: "number", min: 200, max: 599 }), field("retry_after", "Retry-After, seconds", { type: "number", min: 0 }),
  field("latency", "Delay, seconds", { type: "number", min: 0, step: "any" }),
  h("label", { for: "f-connection" }, "Connection"), (() => {
    const box = select("Connection", [["", "stays"], ...["refused", "reset", "closed", "cut", "timeout"].map((each) => [each, each])], "");
    box.name = "connection";
    box.id = "f-connection";
    return box;
  })(),
  field("times", "Times", { type: "number", min: 1, placeholder: "every request" }), field("nth", "Only the n-th", { type: "number", min: 1 }),
  field("probability", "Probability", { type: "number", min: 0, max: 1, step: "any" }),
  h("label.check", {}, h("input", { type: "checkbox", name: "after" }), "Process the request first"),
  h("button.strong", {}, "Add fault"));
  const element = h("div.faults-view.page", {}, h("h1", {}, "Faults"), h("p.soft", {}, "The next requests that match fail on purpose. If several faults match, the oldest applies."),
    ctx.mayWrite ? h("p.buttons", {}, QUICK.map(([name, fault]) => button(name, () => ctx.write("POST", "faults", fault, `Added: ${name}`)))) : null,
    list, ctx.mayWrite ? h("section", {}, h("h2", {}, "Add a fault"), form) : null);

  async function update(differs) {
    if (!differs("faults") && !differs("world")) return;
    const faults = await ctx.get("faults");
    fill(list, faults.length ? [h("ul.rows", {}, faults.map((each) => h("li", {}, h("span.grow", {}, h("strong", {}, each.description), h("small", {}, ` ${each.record}`)),
      h("span.chip", {}, `matched ${each.matched}`), h("span.chip", {}, `applied ${each.applied}`),
      ctx.mayWrite ? button("Remove", () => ctx.write("DELETE", `faults/${each.id}`, undefined, "Fault removed"), { "aria-label": `Remove: ${each.description}` }) : null))),
    ctx.mayWrite ? button("Remove all", () => ctx.write("DELETE", "faults", undefined, "All faults removed"), { class: "danger" }) : null]
      : h("p.empty", {}, "No active faults."));
  }

  return { element, update };
}
