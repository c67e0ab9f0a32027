// The seam: all that the page reads and writes goes through this module, by paths of the admin API (docs/admin) and
// plain values. A file that holds a frozen world replaces it by a module with the same exports:
//   frozen          whether nothing can be written and nothing changes: no control that writes, no live dot
//   mayWrite        whether controls that write are shown
//   origin          the address of the fake, without a slash at its end
//   read(path, values)         what GET answers: `read("worlds/default/messages", { flow, before, limit })`
//   write(method, path, body)  what another method answers; null for an empty response
//   changes(world, onstate, onlive)  calls `onstate` with each Change (docs/admin/changes.md), at least once, and
//                   `onlive` with true (open), false (broken) or null (no such world); returns a function that ends it
//   page(name)      the address of a page of the documentation, `docs/api/errors#not-found`, or null
// `read` and `write` throw an Error whose message can be shown.

import { h } from "./dom.mjs";

const BASE = new URL(".", location.href.split("#")[0]);
const KEY = "fakeflowdock-admin-token";

export const frozen = false;
export const mayWrite = document.documentElement.dataset.mode === "full";
export const origin = BASE.href.slice(0, -"/_fakeflowdock/".length);
export const page = (name) => name;

const headers = () => {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

let asking = null;

// Asks for the admin token, once for all requests that wait for it.
function askToken() {
  asking ??= new Promise((resolve) => {
    const wrong = sessionStorage.getItem(KEY) !== null;
    const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
    const box = h("dialog.token", { "aria-label": "Admin token", oncancel: (event) => event.preventDefault() },
      h("form", { onsubmit: (event) => {
        event.preventDefault();
        sessionStorage.setItem(KEY, field.value.trim());
        box.close();
        box.remove();
        asking = null;
        resolve();
      } },
      h("h2", {}, "Admin token"),
      h("p", {}, "This server is reachable from elsewhere. Its ready line has the admin token."),
      wrong ? h("p.alert", { role: "alert" }, "That token is not valid.") : null,
      h("label", { for: "token" }, "Token"), field,
      h("p.buttons", {}, h("button.strong", {}, "Open the inspector"))));
    document.body.append(box);
    box.showModal();
  });
  return asking;
}

export async function write(method, path, body) {
  for (;;) {
    const given = body === undefined ? {} : { body: JSON.stringify(body) };
    const sent = headers();
    const type = body === undefined ? {} : { "Content-Type": "application/json" };
    const reply = await fetch(new URL(path, BASE), { method, headers: { ...sent, ...type }, ...given });
    if (reply.status === 401) {
      await askToken();
      continue;
    }
    if (!reply.ok) {
      const text = await reply.text();
      let message = text;
      try { message = JSON.parse(text).message ?? text; } catch { /* a text */ }
      throw Object.assign(new Error(message), { status: reply.status });
    }
    return reply.status === 204 ? null : reply.json();
  }
}

export const read = (path, values = {}) => {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return write("GET", given.length ? `${path}?${new URLSearchParams(given)}` : path);
};

export function changes(world, onstate, onlive) {
  const control = new AbortController();
  let last = null;
  const run = async () => {
    let wait = 250;
    while (!control.signal.aborted) {
      try {
        const more = last === null ? {} : { "Last-Event-ID": last };
        const url = new URL(`worlds/${encodeURIComponent(world)}/changes`, BASE);
        const reply = await fetch(url, { headers: { ...headers(), ...more }, signal: control.signal });
        if (reply.status === 401) { await askToken(); continue; }
        if (!reply.ok) throw Object.assign(new Error("gone"), { status: reply.status });
        onlive(true);
        wait = 250;
        const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          text += value;
          const records = text.split("\n\n");
          text = records.pop();
          for (const record of records) {
            const lines = record.split("\n");
            const data = lines.find((line) => line.startsWith("data: "));
            if (!data) continue;
            last = lines.find((line) => line.startsWith("id: "))?.slice(4) ?? last;
            onstate(JSON.parse(data.slice(6)));
          }
        }
      } catch (error) {
        if (control.signal.aborted) return;
        if (error.status === 404) { onlive(null); wait = 5000; }
      }
      onlive(false);
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, 5000);
    }
  };
  run();
  return () => control.abort();
}

