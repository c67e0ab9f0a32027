// The frame of the page: the world, its clock and settings, the views, and what is live.

import { changes, frozen, mayWrite, page as documentation, read as get, write } from "./api.mjs";
import { add, button, count, dialog, fill, h, select, toast } from "./dom.mjs";
import * as flow from "./flow.mjs";
import * as requests from "./requests.mjs";
import * as sources from "./sources.mjs";
import * as faults from "./faults.mjs";
import * as people from "./people.mjs";
import * as streams from "./streams.mjs";

const VIEWS = { flow, requests, sources, faults, people, streams };
const main = document.getElementById("main");
const top = document.getElementById("top");

const page = { world: "default", view: "flow", params: {}, state: null, shown: null, live: false, paused: false, stop: null };

// The address

const read = () => {
  const { world = "default", view = "flow", ...params } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return { world, view: Object.hasOwn(VIEWS, view) ? view : "flow", params };
};

const address = (view, params = {}, world = page.world) => {
  const given = Object.entries({ world, view, ...params }).filter(([, value]) => value !== undefined && value !== null);
  return `#${new URLSearchParams(given)}`;
};

const go = (view, params = {}, { replace = false } = {}) => {
  const hash = address(view, params);
  if (replace) { history.replaceState(null, "", hash); route(); } else location.hash = hash;
};

// What a view needs

const context = () => {
  const below = `worlds/${encodeURIComponent(page.world)}/`;
  return {
    get world() { return page.world; },
    get state() { return page.state; },
    get params() { return page.params; },
    mayWrite,
    go,
    address,
    get: (path, values) => get(below + path, values),
    async write(method, path, body, done) {
      try {
        const result = await write(method, below + path, body);
        if (done) toast(done);
        return result;
      } catch (error) {
        toast(error.message);
        return null;
      }
    },
  };
};

// The top

const parts = {
  worlds: h("select", { id: "world", "aria-label": "World", onchange: (event) => { location.hash = address(page.view, {}, event.target.value); } }),
  clock: h("button.chip", { type: "button", onclick: () => settings() }),
  faults: h("a.badge", { href: "#", hidden: true }),
  live: h("button.live", { type: "button", onclick: () => { page.paused = !page.paused; showLive(); if (!page.paused) changed(page.newest ?? page.state); } }),
  nav: h("nav", { "aria-label": "Views" }),
};

add(top, h("a.brand", { href: "#", title: "The flow" }, "fakeflowdock"), parts.worlds, parts.clock, parts.faults, h("span.space"),
  documentation("docs/") ? h("a.plain", { href: documentation("docs/"), target: "_blank", rel: "noopener" }, "Docs") : null, button("World…", () => settings(), { class: "plain" }), frozen ? null : parts.live, parts.nav);

function showLive() {
  const text = page.paused ? "Paused" : page.live ? "Live" : "Offline";
  fill(parts.live, h(`span.dot.${text.toLowerCase()}`), text);
  parts.live.title = page.paused ? "Show changes again" : "Pause: show no changes";
  parts.live.setAttribute("aria-pressed", String(page.paused));
}

async function showWorlds() {
  const worlds = await get("worlds");
  fill(parts.worlds, worlds.map((each) => h("option", { value: each.name, selected: each.name === page.world },
    `${each.name} · ${count(each.requests, "request")}`)));
  const mine = worlds.find((each) => each.name === page.world);
  parts.faults.hidden = !mine?.faults;
  parts.faults.href = address("faults");
  if (mine) parts.faults.textContent = count(mine.faults, "fault");
}

async function showClock() {
  const clock = await get(`worlds/${encodeURIComponent(page.world)}/clock`);
  page.clock = { ...clock, at: performance.now() };
  tick();
}

function tick() {
  const { clock } = page;
  if (!clock) return;
  const now = new Date(Date.parse(clock.now) + (clock.frozen ? 0 : performance.now() - clock.at)).toISOString();
  fill(parts.clock, h("time", { datetime: now }, now.slice(0, 19).replace("T", " ")), clock.frozen ? " ❄" : "");
  parts.clock.title = `The clock of the world, ${clock.frozen ? "frozen" : "running"}, in UTC`;
}
setInterval(tick, 1000);

async function settings() {
  const ctx = context();
  const [values, snapshots] = await Promise.all([ctx.get("settings"), ctx.get("snapshots")]);
  const change = (name) => (value) => ctx.write("PUT", "settings", { [name]: value }, "Settings changed");
  const move = (body) => () => ctx.write("PUT", "clock", body, "Clock changed").then(showClock);
  const check = (name, text) => h("label.check", {}, h("input", { type: "checkbox", checked: values[name], disabled: !ctx.mayWrite,
    onchange: (event) => change(name)(event.target.checked) }), text);
  const name = h("input", { "aria-label": "Name of the snapshot", placeholder: "name", pattern: "[A-Za-z0-9._-]{1,64}" });
  const again = (box) => { box.close(); settings(); };
  const box = dialog(`World ${page.world}`,
    h("h3", {}, "Clock"),
    ctx.mayWrite ? h("p.buttons", {}, button("+1 minute", move({ advance: 60 })), button("+1 hour", move({ advance: 3600 })),
      button("+1 day", move({ advance: 86400 })), button(page.clock?.frozen ? "Run" : "Freeze", move({ frozen: !page.clock?.frozen }))) : null,
    h("h3", {}, "Settings"),
    h("label", {}, "Shape of responses ", ctx.mayWrite ? select("Shape of responses", ["default", "minimal", "maximal", "drift"].map((each) => [each, each]),
      values.shape, change("shape")) : h("strong", {}, values.shape)),
    check("strict", "Strict: contract warnings are violations"), check("auto_consent", "Skip the consent page"),
    h("h3", {}, "Snapshots"),
    snapshots.length ? h("ul.rows", {}, snapshots.map((each) => h("li", {}, h("span.grow", {}, each.name, h("small", {}, ` ${each.messages} messages`)),
      button("Compare", async () => {
        const found = await ctx.get(`snapshots/${each.name}/difference`);
        dialog(`Since ${each.name}`, found.same ? h("p", {}, "No differences.") : h("pre", { tabindex: 0 }, found.lines.join("\n")));
      }),
      ctx.mayWrite ? button("Restore", () => ctx.write("POST", `snapshots/${each.name}/restore`, {}, `${each.name} restored`)) : null)))
      : h("p.soft", {}, "None yet."),
    ctx.mayWrite ? [h("form.row", { onsubmit: async (event) => {
      event.preventDefault();
      if (name.value && await ctx.write("PUT", `snapshots/${name.value}`, undefined, "Snapshot made")) again(box);
    } }, name, h("button", {}, "Make snapshot")),
    h("p.buttons", {}, h("button.danger", { type: "button", onclick: () => { box.close(); ctx.write("POST", "reset", {}, "World reset"); } },
      "Reset the world"))] : null);
}

// Live: states come at any rate, and are shown at most every 150 ms, one after the other.

let busy = false;
let again = false;

async function changed(state) {
  page.newest = state;
  if (page.paused) return;
  if (busy) { again = true; return; }
  busy = true;
  const before = page.state;
  page.state = state;
  const differs = (name) => before === null || before[name] !== state[name];
  try {
    await page.shown?.update?.(differs);
    const also = [];
    if (["requests", "faults", "world", "journal"].some(differs)) also.push(showWorlds());
    if (differs("settings") || differs("world")) also.push(showClock());
    await Promise.all(also);
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message);
  }
  setTimeout(() => {
    busy = false;
    if (again) { again = false; changed(page.newest); }
  }, 150);
}

// Views

async function route() {
  const { world, view, params } = read();
  const isOther = world !== page.world || page.stop === null;
  const isSame = !isOther && view === page.view && page.shown;
  Object.assign(page, { world, view, params });
  document.title = `${view} · ${world} · fakeflowdock`;
  fill(parts.nav, Object.entries(VIEWS).map(([name, each]) => h("a", { href: address(name), "aria-current": name === view ? "page" : null }, each.title)));
  parts.nav.querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "nearest" });
  if (isOther) {
    page.stop?.();
    page.state = page.newest = null;
    page.stop = changes(world, changed, (live) => {
      page.live = live === true;
      if (live === null) fill(main, h("div.empty", {}, h("h2", {}, `There is no world ${world}`), h("p", {}, h("a", { href: "#" }, "Open the world default"))));
      showLive();
    });
    await Promise.all([showWorlds(), showClock()]).catch((error) => toast(error.message));
  }
  if (isSame) {
    await page.shown.route?.();
    return;
  }
  page.shown?.leave?.();
  page.shown = VIEWS[view].open(context());
  main.className = view;
  fill(main, page.shown.element);
  try {
    if (page.state) await page.shown.update?.(() => true); // otherwise with the first state
  } catch (error) {
    fill(main, h("div.empty", {}, h("h2", {}, "Not possible"), h("p", {}, error.message)));
  }
}

addEventListener("hashchange", route);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "Escape") {
    if (isTyping) event.target.blur();
    else page.shown?.escape?.();
  } else if (isTyping) {
    return;
  } else if (event.key === "/") {
    const field = main.querySelector("input[type=search]");
    if (field) { event.preventDefault(); field.focus(); }
  } else if (event.key === "j" || event.key === "k") {
    page.shown?.move?.(event.key === "j" ? 1 : -1);
  } else if (/^[1-6]$/.test(event.key)) {
    go(Object.keys(VIEWS)[event.key - 1]);
  }
});

showLive();
route();
