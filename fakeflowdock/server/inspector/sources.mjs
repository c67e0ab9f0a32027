// The sources of each flow: their state, and what can be done with them.

import { avatar, button, copy, day, dialog, fill, h, link, masked, toast } from "./dom.mjs";

export const title = "Sources";

export function open(ctx) {
  const list = h("div");
  const element = h("div.sources-view.page", {}, h("h1", {}, "Sources"), list);
  let sources = [];
  let deleted = [];
  let applications = new Map();
  let users = new Map();

  function card(source, isDeleted) {
    const application = applications.get(source.application);
    const creator = users.get(source.creator);
    return h(`article.card.source${isDeleted ? ".deleted" : source.error_message ? ".failing" : ""}`, { "aria-label": source.name },
      h("div.head", {}, avatar(source.name), h("span.grow", {}, h("small", {}, application?.name ?? `Application ${source.application}`),
        isDeleted ? h("del", {}, source.name) : h("strong", {}, source.name)),
      h(`span.status.${isDeleted ? "grey" : source.error_message ? "red" : "green"}`, {}, isDeleted ? "deleted: 410" : source.error_message ? "failing" : "ok")),
      !isDeleted && source.error_message ? h("div.alert", { role: "alert" }, source.error_message, " ",
        source.configuration_url ? link(source.configuration_url, "Configure", { class: "button" }) : null) : null,
      h("dl", {},
        h("dt", {}, "Id"), h("dd", {}, source.id),
        h("dt", {}, "Created"), h("dd", {}, day(source.created_at), " by ", creator?.name ?? `user ${source.creator}`),
        h("dt", {}, "Changed"), h("dd", {}, day(source.updated_at)),
        source.external_url ? [h("dt", {}, "External URL"), h("dd", {}, link(source.external_url, source.external_url))] : null,
        source.configuration_url ? [h("dt", {}, "Configuration"), h("dd", {}, link(source.configuration_url, source.configuration_url))] : null,
        h("dt", {}, "flow_token"), h("dd", {}, masked(source.flow_token), " ", button("Copy", () => copy(source.flow_token, "flow_token"), { "aria-label": `Copy the flow_token of ${source.name}` }))),
      isDeleted || !ctx.mayWrite ? null : h("p.buttons", {}, button("Post as it", () => post(source)), button("Error…", () => fail(source)),
        h("a.button", { href: ctx.address("requests", {}) }, "Requests"),
        button("Delete", () => ctx.write("DELETE", `sources/${source.id}`, undefined, `${source.name} deleted`), { class: "danger" })));
  }

  function form(name, fields, label, done) {
    const inputs = fields.map(([key, text, value]) => [key, text, h("input", { id: `f-${key}`, value: value ?? "" })]);
    const box = dialog(name, h("form", { onsubmit: async (event) => {
      event.preventDefault();
      if (await done(Object.fromEntries(inputs.map(([key, , input]) => [key, input.value]))) !== null) box.close();
    } }, inputs.map(([key, text, input]) => [h("label", { for: `f-${key}` }, text), input]), h("p.buttons", {}, h("button.strong", {}, label))));
    inputs[0]?.[2].focus();
  }

  const post = (source) => form(`Post as ${source.name}`, [["title", "Title", "deployed to production"], ["thread", "Thread", "Build 42"], ["author", "Author", "CI"], ["status", "Status", ""]], "Post",
    ({ title: text, thread, author, status }) => ctx.write("POST", "messages", { source: source.id, event: "activity", title: text, author: { name: author || source.name },
      external_thread_id: thread || "inspector", thread: { title: thread || text, ...(status ? { status: { value: status, color: "green" } } : {}) } }, "Posted"));

  const fail = (source) => form(`Error of ${source.name}`, [["error_message", "Error message; empty for none", source.error_message]], "Save",
    (values) => ctx.write("PUT", `sources/${source.id}`, values, "Saved"));

  function draw() {
    const flows = [...new Set([...sources, ...deleted].map((each) => each.flow))].sort();
    fill(list, flows.length ? flows.map((flow) => h("section", {}, h("h2", {}, h("a", { href: ctx.address("flow", { flow }) }, flow)),
      h("div.cards", {}, sources.filter((each) => each.flow === flow).map((each) => card(each, false)), deleted.filter((each) => each.flow === flow).map((each) => card(each, true)))))
      : h("div.empty", {}, h("h2", {}, "No sources yet"), h("p", {}, "Create one through an OAuth application, with POST /flows/:organization/:flow/sources.")));
  }

  let drawn = "";
  async function update(differs) {
    if (!["content", "requests", "world"].some(differs)) return;
    try {
      const [now, gone, apps, people] = await Promise.all([ctx.get("sources", { limit: 1000 }), ctx.get("sources", { deleted: true, limit: 1000 }),
        ctx.get("applications", { limit: 1000 }), ctx.get("users", { limit: 1000 })]);
      const text = JSON.stringify([now, gone, apps, people.length]);
      if (text === drawn) return;
      drawn = text;
      [sources, deleted] = [now, gone];
      applications = new Map(apps.map((each) => [each.id, each]));
      users = new Map(people.map((each) => [each.id, each]));
      draw();
    } catch (error) { toast(error.message); }
  }

  return { element, update };
}
