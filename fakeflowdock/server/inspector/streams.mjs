// Streams that are open, and deliveries of thread actions.

import { button, dialog, fill, h, json } from "./dom.mjs";

export const title = "Streams";

export function open(ctx) {
  const streams = h("section");
  const deliveries = h("section");
  const element = h("div.streams-view.page", {}, h("h1", {}, "Streams and deliveries"), streams, deliveries);

  async function update(differs) {
    if (!["streams", "deliveries", "world"].some(differs)) return;
    const [open, sent] = await Promise.all([ctx.get("streams"), ctx.get("deliveries", { after: Math.max(0, ctx.state.deliveries - 100) })]);
    fill(streams, h("h2", {}, "Open streams"), open.length ? h("ul.rows", {}, open.map((each) => h("li", {}, h("span.grow", {}, h("strong", {}, `#${each.number} user ${each.user}: ${each.flows.join(", ") || "no flows"}`),
      h("small", {}, ` ${each.format}, ${each.state}, ${Math.round(each.seconds)} s; last: ${each.last_events.join(", ") || "nothing"}`)), h("span.chip", {}, `${each.events} sent`),
    ctx.mayWrite ? button("Close", () => ctx.write("DELETE", `streams/${each.number}`, undefined, "Stream closed"), { "aria-label": `Close stream ${each.number}` }) : null))) : h("p.soft", {}, "No client reads a stream."));
    fill(deliveries, h("h2", {}, "Deliveries of thread actions"), sent.length ? h("ul.rows", {}, [...sent].reverse().map((each) => h("li", {}, h("span.grow", {}, h("strong", {}, `#${each.number} ${each.action}`),
      h("small", {}, ` by user ${each.user}: ${each.request.method} ${each.request.url}${each.reason ? `; ${each.reason}` : ""}`), each.problem ? h("p.alert", {}, each.problem) : null),
    h("span.chip", {}, each.verification.valid ? "valid" : `invalid: ${each.verification.reason}`), h(`span.status.${each.outcome === "done" ? "green" : "red"}`, {}, each.outcome),
    button("Details", () => dialog(`Delivery ${each.number}`, h("h3", {}, "Request"), json(each.request), h("h3", {}, "Response"), json(each.response)))))) : h("p.soft", {}, "No action was performed yet."));
  }

  return { element, update };
}
