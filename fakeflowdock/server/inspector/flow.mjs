// The flow: flows and private conversations, the chat, and the team inbox.

import { origin } from "./api.mjs";
import { avatar, button, chat, colour, copy, count, day, dialog, fill, h, json, link, move, rich, select, size, time } from "./dom.mjs";

export const title = "Flow";
const PAGE = 100;
const MOST = 300; // messages in the document
const INBOX = ["activity", "discussion", "mail"];
const COLOURS = ["red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue"];

export function open(ctx) {
  const side = h("aside.flows", { "aria-label": "Flows" });
  const list = h("div.messages", { role: "log", "aria-label": "Messages", tabindex: 0 });
  const head = h("div.head");
  const write = h("div");
  const inbox = h("aside.inbox", { "aria-label": "Team inbox" });
  const panes = [["Flows", side], ["Chat", h("section.chat", { "aria-label": "Chat" }, head, list, write)], ["Inbox", inbox]];
  const tabs = h("div.tabs", { role: "tablist", "aria-label": "Columns" });
  const element = h("div.flow-view", {}, tabs, panes.map(([, pane]) => pane));

  let column = 1;
  const show = (at) => {
    column = at;
    element.dataset.column = at;
    fill(tabs, panes.map(([name], number) => h("button", { type: "button", role: "tab", "aria-selected": String(number === at),
      onclick: () => show(number) }, name)));
  };
  show(1);

  let flows = [];
  let conversations = [];
  let users = new Map();
  let sources = new Map();
  let messages = []; // a window of them, in order
  let threads = [];
  let newer = false; // whether there are newer ones than in the window
  let older = true;
  let opened = null; // the messages of the thread that is open in the inbox
  const nodes = new Map(); // of messages, by id: what they show, and the element
  const seen = new Map(); // by place: the number of messages that have been seen
  const deliveries = new Map(); // by thread: the last delivery

  const place = () => {
    const { flow, conversation } = ctx.params;
    if (conversation) return conversations.find((each) => each.id === conversation) ?? null;
    return (flow ? flows.find((each) => each.flow.path === flow) : flows.find((each) => !each.flow.disabled) ?? flows[0]) ?? null;
  };
  const asked = () => {
    const at = place();
    return at?.flow ? { flow: at.flow.id } : { conversation: at?.id };
  };
  const nick = (id) => users.get(Number(id))?.nick ?? (Number(id) ? `User ${id}` : "");
  const who = ({ message, shown }) => shown.author?.name ?? shown.external_user_name ?? (nick(message.user) || sources.get(message.source)?.name
    || (message.event === "mail" ? shown.content?.from?.[0]?.name ?? shown.content?.from?.[0]?.address : null) || "Unknown");

  // What is read

  async function all(path, identity) {
    const found = [];
    for (let after; found.length < 5000;) {
      const page = await ctx.get(path, { limit: 1000, after });
      found.push(...page);
      if (page.length < 1000) break;
      after = identity(page.at(-1));
    }
    return found;
  }

  async function places() {
    const [all1, all2, all3, all4, gone] = await Promise.all([all("flows", (each) => each.flow.id), all("conversations", (each) => each.id),
      all("users", (each) => each.id), all("sources", (each) => each.id), ctx.get("sources", { deleted: true, limit: 1000 })]);
    [flows, conversations] = [all1, all2];
    users = new Map(all3.map((each) => [each.id, each]));
    sources = new Map([...gone, ...all4].map((each) => [each.id, each]));
    for (const each of [...flows, ...conversations]) {
      const id = each.flow?.id ?? each.id;
      if (!seen.has(id) || id === (asked().flow ?? asked().conversation)) seen.set(id, each.messages);
    }
  }

  async function load({ before, after } = {}) {
    const at = place();
    if (!at) { messages = []; threads = []; return; }
    const thread = ctx.params.thread;
    const page = await ctx.get("messages", { ...asked(), limit: PAGE, before, after, thread });
    if (before) {
      messages = [...page, ...messages];
      older = page.length === PAGE;
      if (messages.length > MOST) { messages = messages.slice(0, MOST); newer = true; }
    } else if (after) {
      messages = [...messages, ...page].slice(-MOST);
      newer = page.length === PAGE;
      older = true;
    } else {
      const first = page[0]?.message.id ?? 0;
      const kept = newer ? [] : messages.filter((each) => each.message.id < first);
      if (!kept.length) older = page.length === PAGE;
      messages = [...kept, ...page].slice(-MOST);
      newer = false;
    }
  }

  async function inboxOf() {
    const at = place();
    threads = at?.flow ? (await ctx.get("threads", { flow: at.flow.id, limit: 50 })).filter((each) => each.source !== null) : [];
    const id = ctx.params.item;
    opened = id && at?.flow ? await ctx.get("messages", { flow: at.flow.id, thread: id, limit: PAGE }) : null;
  }

  // What is shown

  function drawSide() {
    const here = asked();
    const entry = (id, name, params, each, extra) => {
      const unread = each.messages - (seen.get(id) ?? each.messages);
      return h("a", { href: ctx.address("flow", params), "aria-current": (here.flow ?? here.conversation) === id ? "true" : null,
        onclick: () => show(1), class: extra }, h("span.grow", {}, name), unread > 0 ? h("span.count", { "aria-label": `${unread} new` }, unread) : null);
    };
    const groups = Map.groupBy ? Map.groupBy(flows, (each) => each.flow.organization) : new Map();
    fill(side, [...groups].map(([organization, its]) => [h("h2", {}, organization), its.map((each) => entry(each.flow.id, each.flow.name,
      { flow: each.flow.path }, each, each.flow.disabled ? "archived" : null))]),
    conversations.length ? [h("h2", {}, "Private"), conversations.map((each) => entry(each.id, each.users.map(nick).join(" and "), { conversation: each.id }, each))] : null);
  }

  function drawHead() {
    const at = place();
    const members = at?.flow ? at.flow.members : at?.users ?? [];
    const thread = ctx.params.thread;
    fill(head, h("h1", {}, at?.flow ? at.flow.name : at ? at.users.map(nick).join(" and ") : "No flow"),
      at?.flow?.disabled ? h("span.chip", {}, "archived") : null,
      h("span.soft.names", { title: members.map((id) => users.get(id)?.name ?? id).join(", ") }, `${members.length} member${members.length === 1 ? "" : "s"}: ${members.slice(0, 6).map(nick).join(", ")}`),
      thread ? h("a.chip", { href: ctx.address("flow", { ...ctx.params, thread: undefined }) }, "All messages") : null);
  }

  function content(each) {
    const { message, shown } = each;
    const given = shown.content;
    if (message.event === "comment") return [h("blockquote", {}, given.title), h("p", {}, chat(given.text ?? ""))];
    if (message.event === "file") return file(given);
    if (message.event === "mail") return [h("strong", {}, given.subject), rich(given.content ?? "")];
    if (INBOX.includes(message.event)) return [h("p", {}, shown.title ?? ""), shown.body ? rich(shown.body) : null];
    if (message.event === "action") return h("p.soft", {}, [given.type, ...Object.entries(given).filter(([key]) => key !== "type").map(([key, value]) => `${key}: ${value}`)].join(" · "));
    if (message.event === "status") return h("p.soft", {}, "status: ", chat(given ?? ""));
    return given === "" ? h("p.soft", {}, "deleted") : h("p", {}, chat(given ?? ""));
  }

  const file = (given) => h("p.file", {}, h("strong", {}, given.file_name), h("small", {}, ` ${size(given.file_size)}, ${given.content_type}`),
    given.image ? h("small", {}, ` ${given.image.width}×${given.image.height}`) : null);

  const asserted = ({ message }) => {
    const text = message.content ?? message.title ?? "";
    return `fake_flowdock.assert_message(event=${JSON.stringify(message.event)}, ${message.content === null ? "title" : "content"}=${JSON.stringify(text)})`;
  };

  function drawn(each) {
    const { message, shown } = each;
    const text = JSON.stringify(each);
    const known = nodes.get(message.id);
    if (known?.text === text) return known.node;
    const name = who(each);
    const tags = message.tags.filter((tag) => !tag.startsWith(":") && !message.content?.includes(`#${tag}`));
    const reactions = Object.entries(shown.emojiReactions ?? {});
    const thread = message.thread_id;
    const node = h("article.message", { tabindex: -1, id: `m${message.id}`, "aria-label": `${name}, ${message.event} ${message.id}` },
      thread ? h(`a.thread.${colour(thread)}`, { href: ctx.address("flow", { ...ctx.params, thread }), title: "Show this thread alone", "aria-label": "Show this thread alone" }) : h("span"),
      avatar(name),
      h("div.grow", {},
        h("div.by", {}, h("strong", {}, name), time(message.sent), message.edited ? h("small", { title: message.edited }, "edited") : null,
          message.event === "message" ? null : h("small.chip", {}, message.event)),
        content(each),
        message.event === "file" ? null : shown.attachments.map(file),
        tags.length || reactions.length ? h("p.tags", {}, tags.map((tag) => h("span.chip", {}, `#${tag}`)),
          reactions.map(([emoji, by]) => h("span.chip", { title: by.map(nick).join(", ") }, `${emoji} ${by.length}`))) : null),
      h("div.tools", {},
        each.request ? h("a", { href: ctx.address("requests", { request: each.request }), title: "The request that made it" }, `#${each.request}`) : null,
        button("JSON", () => dialog(`Message ${message.id}`, json(shown))),
        button("Assert", () => copy(asserted(each), "Assertion"), { title: "Copy as an assertion" })));
    nodes.set(message.id, { text, node });
    return node;
  }

  function drawMessages() {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const shown = messages.filter((each) => ctx.params.thread || !INBOX.includes(each.message.event));
    const rows = [];
    let last = null;
    for (const each of shown) {
      const date = day(each.message.sent);
      if (date !== last) rows.push(h("div.day", {}, date));
      last = date;
      rows.push(drawn(each));
    }
    const kept = new Set(messages.map((each) => each.message.id));
    for (const id of nodes.keys()) if (!kept.has(id)) nodes.delete(id);
    const focused = document.activeElement;
    fill(list, older && messages.length ? button("Older messages", () => page({ before: messages[0].message.id }), { class: "more" }) : null,
      rows.length ? rows : empty(),
      newer ? button("Newer messages", () => page({ after: messages.at(-1).message.id }), { class: "more" }) : null);
    if (list.contains(focused)) focused.focus({ preventScroll: true });
    if (atEnd && !newer) list.scrollTop = list.scrollHeight;
  }

  async function page(which) {
    const mark = list.querySelector(".message");
    const from = mark?.getBoundingClientRect().top ?? 0;
    await load(which);
    drawMessages();
    if (mark?.isConnected && which.before) list.scrollTop += mark.getBoundingClientRect().top - from;
  }

  function empty() {
    const at = place();
    if (!at?.flow) return h("div.empty", {}, h("h2", {}, "Nothing here yet"));
    const user = users.get(at.flow.members[0]) ?? [...users.values()][0];
    const text = [`curl -u ${user?.api_token ?? "API_TOKEN"}: -d event=message -d content=Hello \\\n     ${origin}/flows/${at.flow.path}/messages`,
      `curl -u ${user?.api_token ?? "API_TOKEN"}: ${origin}/flows/${at.flow.path}/messages`,
      `curl -d external_user_name=CI -d content=Done \\\n     ${origin}/v1/messages/chat/${at.flow.flow_api_token}`].join("\n");
    return h("div.empty", {}, h("h2", {}, "Nothing here yet"), h("p", {}, "Post the first message:"), h("pre", { tabindex: 0 }, text), button("Copy", () => copy(text, "Commands")));
  }

  function drawInbox() {
    const at = place();
    inbox.hidden = !at?.flow;
    fill(inbox, h("h2", {}, "Inbox"), threads.length ? threads.map(card) : h("p.soft", {}, "No threads of integrations."));
  }

  function card(each) {
    const { shown } = each;
    const isOpen = ctx.params.item === each.id;
    const source = sources.get(each.source);
    const status = shown.status;
    const tone = COLOURS.includes(status?.color) ? status.color : "grey";
    const delivery = deliveries.get(each.id);
    return h(`article.card${isOpen ? ".open" : ""}`, {},
      h("a.head", { href: ctx.address("flow", { ...ctx.params, item: isOpen ? undefined : each.id }), "aria-expanded": String(isOpen) },
        avatar(source?.name ?? shown.source?.name), h("span.grow", {}, h("small", {}, source?.name ?? shown.source?.name, " ", time(each.updated_at)),
          h("strong", {}, shown.title || "Untitled")), status ? h(`span.status.${tone}`, {}, status.value) : null),
      isOpen ? [
        shown.external_url ? h("p", {}, link(shown.external_url, shown.external_url)) : null,
        shown.fields.length ? h("table", {}, h("tbody", {}, shown.fields.map((field) => h("tr", {}, h("th", { scope: "row" }, field.label), h("td", {}, rich(field.value ?? "")))))) : null,
        shown.body ? rich(shown.body) : null,
        shown.actions.length ? h("p.buttons", {}, shown.actions.map((action) => act(each, action))) : null,
        delivery ? h("p.delivery", { role: "status" }, h(`span.status.${delivery.outcome === "done" ? "green" : "red"}`, {}, delivery.outcome),
          delivery.response ? ` ${delivery.response.status}` : "", delivery.reason ? ` ${delivery.reason} ` : " ", button("Delivery", () => dialog(`Delivery ${delivery.number}`, json(delivery)))) : null,
        (opened ?? []).map((message) => h("div.activity", {}, h("div.by", {}, h("strong", {}, who(message)), time(message.message.sent),
          message.request ? h("a", { href: ctx.address("requests", { request: message.request }) }, `#${message.request}`) : null), content(message))),
        h("p.buttons", {}, h("a", { href: ctx.address("flow", { ...ctx.params, thread: each.id }) }, "In the chat"), button("JSON", () => dialog(shown.title, json(shown)))),
      ] : h("small", {}, `${count(shown.activities, "activity", "activities")}, ${count(shown.internal_comments + shown.external_comments, "comment")}`));
  }

  function act(each, action) {
    if (action["@type"] !== "UpdateAction") return link(action.url, action.name);
    if (!ctx.mayWrite) return h("span.chip", {}, action.name);
    return button(action.name, async (event) => {
      event.currentTarget.disabled = true;
      const delivery = await ctx.write("POST", "perform", { thread: each.id, action: action.name });
      if (delivery) deliveries.set(each.id, delivery);
      drawInbox();
    });
  }

  let drafted = null;
  function drawWrite() {
    const at = place();
    const may = ctx.mayWrite && at && !at.flow?.disabled;
    const key = may ? JSON.stringify([asked(), [...users.keys()], ctx.params.thread]) : null;
    if (key === drafted) return;
    drafted = key;
    if (!may) { fill(write); return; }
    const members = (at.flow?.members ?? at.users).map((id) => users.get(id)).filter(Boolean);
    const as = select("Speak as", members.map((each) => [each.id, each.nick]), write.dataset.as);
    as.addEventListener("change", () => { write.dataset.as = as.value; });
    const text = h("textarea", { "aria-label": "Message", rows: 1, placeholder: ctx.params.thread ? "Answer in this thread" : "Say something",
      onkeydown: (event) => { if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); } } });
    const send = async () => {
      if (!text.value.trim()) return;
      const sender = Number(as.value);
      const sent = at.flow ? await ctx.write("POST", "messages", { flow: at.flow.id, user: sender, content: text.value, ...(ctx.params.thread ? { thread_id: ctx.params.thread } : {}) })
        : await ctx.write("POST", "private-messages", { from_user: sender, to_user: at.users.find((id) => id !== sender), content: text.value });
      if (sent) text.value = "";
    };
    fill(write, h("form.write", { onsubmit: (event) => { event.preventDefault(); send(); } }, as, text, h("button.strong", {}, "Send")));
  }

  const draw = () => { drawSide(); drawHead(); drawMessages(); drawInbox(); drawWrite(); };

  let here = null;
  async function update(differs) {
    const isNew = ["events", "content", "world", "requests"].some(differs);
    if (!isNew) return;
    await places();
    const now = JSON.stringify([asked(), ctx.params.thread]);
    if (now !== here || differs("world")) { messages = []; newer = false; nodes.clear(); }
    await Promise.all([newer ? null : load(), inboxOf()]);
    const first = now !== here;
    here = now;
    draw();
    if (first) list.scrollTop = list.scrollHeight;
  }

  return {
    element,
    update,
    route: () => update(() => true),
    move: (by) => move(list, ".message", by),
    escape: () => { if (ctx.params.item || ctx.params.thread) ctx.go("flow", { ...ctx.params, item: undefined, thread: undefined }); },
  };
}

