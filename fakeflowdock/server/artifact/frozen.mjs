// Stands in the place of api.mjs in a file that holds a frozen world: the same exports, answered from its data.

export const frozen = true;
export const mayWrite = false;
export const origin = "https://api.flowdock.com";
export const page = (name) => `#${new URLSearchParams({ view: "API", ...(name.startsWith("docs/api/") && { page: name.replace(/^([^#]*)/, "$1.md") }) })}`;

async function unpacked() {
  if (!("DecompressionStream" in window)) throw new Error("This browser is too old for this file: it has no DecompressionStream.");
  const bytes = Uint8Array.from(atob(document.getElementById("frozen").textContent), (each) => each.charCodeAt(0));
  return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text());
}

export const held = unpacked();

const idOf = (each) => each.message?.id ?? each.flow?.id ?? each.number ?? each.invitation ?? each.access_token ?? each.id;

// Returns a page of a list as the admin API does: `after` is the id of an entity, a number or a text.
function paged(found, { after, before, limit = 1000 }, isNewest = false) {
  if (before !== undefined) return found.filter((each) => idOf(each) < before).slice(-limit);
  if (after === undefined) return isNewest ? found.slice(-limit) : found.slice(0, limit);
  const later = typeof idOf(found[0] ?? {}) === "number" ? found.filter((each) => idOf(each) > Number(after))
    : found.slice(found.findIndex((each) => idOf(each) === after) + 1);
  return later.slice(0, limit);
}

const size = (part) => part.shortened?.length ?? part.body?.length ?? 0;
const pairs = (given) => Object.entries(given).map(([name, value]) => ({ name, value }));

function entry(each) {
  const { response } = each;
  const both = { httpVersion: "HTTP/1.1", cookies: [], headersSize: -1 };
  const type = (part) => Object.entries(part?.headers ?? {}).find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  const wait = each.seconds * 1000;
  return { startedDateTime: each.time, time: wait, cache: {}, timings: { send: 0, wait, receive: 0 },
    request: { ...both, method: each.method, url: each.url, headers: pairs(each.headers), bodySize: size(each),
      queryString: [...new URL(each.url, origin).searchParams].map(([name, value]) => ({ name, value })),
      ...(each.body ? { postData: { mimeType: type(each), text: each.body } } : {}) },
    response: { ...both, status: response?.status ?? 0, statusText: "", headers: pairs(response?.headers ?? {}), redirectURL: response?.headers.location ?? "",
      bodySize: response ? size(response) : -1, content: { size: response ? size(response) : 0, mimeType: type(response), text: response?.body ?? "" } } };
}

// Keeps what has all words of a search in some of its texts.
const searched = (found, { search }, texts) => {
  const words = (search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return found.filter((each) => { const text = JSON.stringify(texts(each)).toLowerCase(); return words.every((word) => text.includes(word)); });
};

const READ = {
  messages: (tables, values) => {
    const all = tables.messages[values.conversation ?? values.flow ?? tables.flows[0]?.flow.id] ?? [];
    const found = values.thread ? all.filter((each) => each.message.thread_id === values.thread) : all;
    if (values.search) return searched(found, values, ({ message, shown }) => [message.content, message.title, message.tags, shown.content, shown.title, shown.body]).slice(-(values.limit ?? 100));
    return paged(found, values, values.after === undefined);
  },
  threads: (tables, { flow, inbox, until, limit }) => (tables[inbox ? "inbox" : "threads"][flow ?? tables.flows[0]?.flow.id] ?? [])
    .filter((each) => !until || each.updated_at < until).slice(0, limit),
  users: (tables, values) => paged(searched(tables.users, values, (each) => [each.id, each.name, each.nick, each.email]), values),
  sources: (tables, values) => {
    const { flow } = values;
    const found = tables[values.deleted ? "deleted-sources" : "sources"].filter((each) => !flow || flow === each.flow || flow === tables.flows.find((one) => one.flow.path === each.flow)?.flow.id);
    return paged(searched(found, values, (each) => [each.id, each.name, each.external_url, each.error_message]), values);
  },
  files: (tables, { path }) => {
    if (!Object.hasOwn(tables.files, path)) throw new Error("The file is not kept here.");
    return tables.files[path];
  },
  invitations: (tables, values) => paged(tables.invitations.filter((each) => each.state === "pending"), values),
  snapshots: () => [],
  report: ({ about }) => ({ report: about.report }),
  "requests/export": (tables) => ({ log: { version: "1.2", creator: { name: "fakeflowdock", version: tables.about.version }, entries: tables.requests.map(entry) } }),
};

export async function read(path, values = {}) {
  const tables = await held;
  if (path === "") return { name: "fakeflowdock", version: tables.about.version };
  if (path === "worlds") return tables.worlds;
  const [, name, what] = path.match(/^worlds\/([^/]*)\/(.*)$/) ?? [];
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  if (decodeURIComponent(name ?? "") !== tables.worlds[0].name || !(what in READ || what in tables)) throw Object.assign(new Error("This file does not have that."), { status: 404 });
  if (what in READ) return READ[what](tables, given);
  return Array.isArray(tables[what]) ? paged(tables[what], given) : tables[what];
}

export async function write() {
  throw new Error("Nothing changes in a file.");
}

export function changes(world, onstate, onlive) {
  held.then((tables) => {
    if (world !== tables.worlds[0].name) return onlive(null);
    onlive(true);
    return onstate(tables.state);
  }, () => onlive(false));
  return () => {};
}
