// The client library of fakeflowdock for Node 18 and later. It is one file without dependencies: copy it beside your
// tests, with fakeflowdock.d.mts for its types. A running server has both at /_fakeflowdock/clients/.
//
// Names of methods are in camel case. Names in data are those of Flowdock and of fakeflowdock's admin API.

import { AssertionError } from "node:assert";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const POLL = 50; // milliseconds between two attempts of an assertion with `within`

/** An error of the server, or of its start. `status` and `errors` are those of the response. */
export class FakeFlowdockError extends Error {
  constructor(message, status, errors = []) {
    super(message);
    this.name = "FakeFlowdockError";
    this.status = status;
    this.errors = errors;
  }
}

/** A server: one that this process has started, or a running one. */
export class FakeFlowdock {
  #child;
  #adminToken;
  #ca;

  constructor(url, { adminToken, caFile, ready = null, child = null } = {}) {
    this.url = url.replace(/\/+$/, "");
    this.ready = ready;
    this.#adminToken = adminToken ?? process.env.FAKEFLOWDOCK_ADMIN_TOKEN;
    this.#ca = caFile && readFileSync(caFile);
    this.#child = child;
  }

  /** Connect to the server at FLOWDOCK_API_URL if that is set, as under `fakeflowdock exec`. Otherwise start one. */
  static open(options = {}) {
    const url = process.env.FLOWDOCK_API_URL;
    return url ? FakeFlowdock.connect(url, options) : FakeFlowdock.start(options);
  }

  /** Connect to a running server. */
  static async connect(url, options = {}) {
    const server = new FakeFlowdock(url, options);
    await server.request("GET", "health");
    return server;
  }

  /** Start a server on a free port. It ends with this process. */
  static async start({ python, args = [], env = {}, timeout = 60 } = {}) {
    const program = python ?? process.env.PYTHON ?? (process.platform === "win32" ? "python" : "python3");
    const command = [program, "-m", "fakeflowdock", "--port", "0", "--json", "--until-eof", ...args];
    const child = spawn(command[0], command.slice(1), {
      stdio: "pipe", // standard input ends with this process, and the server with it
      env: { ...process.env, ...env },
    });
    let ready;
    try {
      ready = JSON.parse(await firstLine(child, timeout));
    } catch (error) {
      child.kill("SIGKILL");
      throw new FakeFlowdockError(`Cannot start ${command.join(" ")}: ${error.message}`);
    }
    for (const held of [child, ...child.stdio]) held.unref();
    return new FakeFlowdock(ready.url, { adminToken: ready.admin_token, caFile: ready.ca_file, ready, child });
  }

  /** Stop the server, if this process has started it. */
  async stop() {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.ref();
    child.stdin.end();
    const impatient = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(impatient);
  }

  /** Make a world with credentials of its own: `name`, `world`, `seed`, `state`, `settings`, … */
  async createWorld(options = {}) {
    return new World(this, await this.request("POST", "worlds", options));
  }

  /** Return a world that exists, by default the server's own. */
  async getWorld(name = "default") {
    return new World(this, await this.request("GET", `worlds/${named(name)}`));
  }

  /** Return a summary of each world. */
  listWorlds() {
    return this.request("GET", "worlds");
  }

  /** Run a test in a world of its own, which is deleted afterwards. A failure has the report of the world. */
  async inWorld(...given) {
    const [options, test] = given.length > 1 ? given : [{}, given[0]];
    const world = await this.createWorld(options);
    let result;
    try {
      result = await test(world);
    } catch (error) {
      await world.explain(error);
      await world.delete().catch(() => {}); // the test's own error tells more
      throw error;
    }
    await world.delete().catch((error) => {
      if (error.status !== 404) throw error; // the test may have deleted it
    });
    return result;
  }

  /** Send a request to the admin API, below /_fakeflowdock/, and return the body of the response. */
  async request(method, path, body) {
    const url = new URL(`${this.url}/_fakeflowdock/${path}`);
    const sent = body === undefined ? undefined : Buffer.from(json(body));
    const headers = { Accept: "application/json" };
    if (sent) Object.assign(headers, { "Content-Type": "application/json", "Content-Length": sent.length });
    if (this.#adminToken) headers.Authorization = `Bearer ${this.#adminToken}`;
    const { status, text } = await exchange(url, { method, headers, ca: this.#ca, agent: false }, sent);
    let answer = null;
    try {
      answer = text ? JSON.parse(text) : null;
    } catch {
      throw new FakeFlowdockError(`${method} ${url}: ${status}, not JSON: ${text.slice(0, 200)}`, status);
    }
    if (status >= 300) throw new FakeFlowdockError(answer?.message ?? `${method} ${url}: ${status}`, status, answer?.errors);
    return answer;
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.stop();
  }
}

/** A world: its data, journal, faults, clock and settings. */
export class World {
  constructor(server, credentials) {
    this.server = server;
    this.credentials = credentials;
    this.name = credentials.name;
    this.url = server.url;
    this.apiUrl = credentials.api_url;
  }

  /** Send a request about this world to the admin API. */
  request(method, path, body) {
    return this.server.request(method, `worlds/${named(this.name)}/${path}`, body);
  }

  /** Delete the world. Its credentials become unknown. */
  delete() {
    return this.server.request("DELETE", `worlds/${named(this.name)}`);
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.delete();
  }

  // State

  /** Reset the world to its initial state, or `{ to: "a snapshot" }`. Journal and faults are cleared. */
  reset(options = {}) {
    return this.request("POST", "reset", options);
  }

  /** Save the current state under a name. */
  snapshot(name) {
    return this.request("PUT", `snapshots/${named(name)}`);
  }

  /** Restore the state of a snapshot. */
  restore(name) {
    return this.request("POST", `snapshots/${named(name)}/restore`);
  }

  /** Compare the world with a snapshot. */
  difference(name) {
    return this.request("GET", `snapshots/${named(name)}/difference`);
  }

  /** Return the whole world, in the format of world files. */
  readState() {
    return this.request("GET", "state");
  }

  /** Replace the world by one in the format of world files. */
  loadState(state) {
    return this.request("PUT", "state", { state });
  }

  // Data. Objects are named by id, name, nick, e-mail address or path, or by what `add…` returned. Everything has a
  // default.

  /** Add a user with their secrets: `{ name: "Bob" }`. */
  addUser(fields = {}) {
    return this.request("POST", "users", fields);
  }

  /** Return a user with their secrets. */
  getUser(user) {
    return this.request("GET", `users/${named(user)}`);
  }

  /** Change a user. */
  updateUser(user, fields) {
    return this.request("PUT", `users/${named(user)}`, fields);
  }

  /** Remove a user from an organization, or from all. */
  removeUser(user, fields = {}) {
    return this.request("DELETE", `users/${named(user)}`, fields);
  }

  /** Add an organization: `{ parameterized_name: "acme" }`. */
  addOrganization(fields = {}) {
    return this.request("POST", "organizations", fields);
  }

  /** Return an organization with its secret. */
  getOrganization(organization) {
    return this.request("GET", `organizations/${named(organization)}`);
  }

  /** Rename an organization. */
  updateOrganization(organization, fields) {
    return this.request("PUT", `organizations/${named(organization)}`, fields);
  }

  /** Archive the flows of an organization, and remove its users. */
  removeOrganization(organization) {
    return this.request("DELETE", `organizations/${named(organization)}`);
  }

  /** Set up Single Sign-On for an organization, with a new token for SCIM. */
  setUpSingleSignOn(organization, fields = {}) {
    return this.request("PUT", `organizations/${named(organization)}/single-sign-on`, fields);
  }

  /** End the Single Sign-On of an organization. */
  endSingleSignOn(organization) {
    return this.request("DELETE", `organizations/${named(organization)}/single-sign-on`);
  }

  /** Add a flow: `{ path: "acme/ops", members: ["Bob"] }`. */
  addFlow(fields = {}) {
    return this.request("POST", "flows", fields);
  }

  /** Return a flow with its secrets. */
  getFlow(flow) {
    return this.request("GET", `flows/${named(flow)}`);
  }

  /** Change or archive a flow. */
  updateFlow(flow, fields) {
    return this.request("PUT", `flows/${named(flow)}`, fields);
  }

  /** Archive a flow. */
  removeFlow(flow, fields = {}) {
    return this.request("DELETE", `flows/${named(flow)}`, fields);
  }

  /** Make a user a member of a flow: `{ user: "Bob", flow: "acme/ops" }`. */
  addMembership(fields = {}) {
    return this.request("POST", "memberships", fields);
  }

  /** Make a user an administrator of a flow, or block them. */
  updateMembership(user, fields) {
    return this.request("PUT", `memberships/${named(user)}`, fields);
  }

  /** Remove a user from a flow. */
  removeMembership(user, fields = {}) {
    return this.request("DELETE", `memberships/${named(user)}`, fields);
  }

  /** Add an OAuth application with its secret: `{ name: "CI" }`. */
  addApplication(fields = {}) {
    return this.request("POST", "applications", fields);
  }

  /** Return an application with its secret. */
  getApplication(application) {
    return this.request("GET", `applications/${named(application)}`);
  }

  /** Change an application. */
  updateApplication(application, fields) {
    return this.request("PUT", `applications/${named(application)}`, fields);
  }

  /** Remove an application. */
  removeApplication(application) {
    return this.request("DELETE", `applications/${named(application)}`);
  }

  /** Add a source with its `flow_token`: `{ name: "Builds" }`. */
  addSource(fields = {}) {
    return this.request("POST", "sources", fields);
  }

  /** Return a source with its secret. */
  getSource(source) {
    return this.request("GET", `sources/${named(source)}`);
  }

  /** Change a source. */
  updateSource(source, fields) {
    return this.request("PUT", `sources/${named(source)}`, fields);
  }

  /** Delete a source. */
  removeSource(source, fields = {}) {
    return this.request("DELETE", `sources/${named(source)}`, fields);
  }

  /** Add a message: `{ content: "Hello", user: "Bob" }`. */
  addMessage(fields = {}) {
    return this.request("POST", "messages", fields);
  }

  /** Edit a message: one that `addMessage` returned, or an id with its `flow`. */
  updateMessage(message, fields) {
    return this.request("PUT", `messages/${named(message)}`, { ...placeOf(message), ...fields });
  }

  /** Delete a message. */
  removeMessage(message, fields = {}) {
    return this.request("DELETE", `messages/${named(message)}`, { ...placeOf(message), ...fields });
  }

  /** Add a private message: `{ to_user: "Bob", content: "Hello" }`. */
  addPrivateMessage(fields) {
    return this.request("POST", "private-messages", fields);
  }

  /** Edit a private message: one that `addPrivateMessage` returned, or an id with `to_user` and `from_user`. */
  updatePrivateMessage(message, fields) {
    return this.request("PUT", `private-messages/${named(message)}`, { ...placeOf(message), ...fields });
  }

  /** Delete a private message. */
  removePrivateMessage(message, fields = {}) {
    return this.request("DELETE", `private-messages/${named(message)}`, { ...placeOf(message), ...fields });
  }

  /** Add bulk data: `{ messages: 1000, users: 20, flows: 4, sources: 5 }`. Returns how much the world has then. */
  populate(numbers) {
    return this.request("POST", "populate", numbers);
  }

  /** Issue an access token: `{ user: "Bob", scope: "flow" }`. */
  addAccessToken(fields = {}) {
    return this.request("POST", "access-tokens", fields);
  }

  /** Issue an authorization code, which a client exchanges for tokens. */
  addAuthorizationCode(fields = {}) {
    return this.request("POST", "authorization-codes", fields);
  }

  /** Revoke an access token, and what was issued for the same consent. */
  revokeAccessToken(token) {
    return this.request("DELETE", `access-tokens/${named(token.access_token ?? token)}`);
  }

  /** Revoke everything that users have granted an application. */
  revokeApplication(application, fields = {}) {
    return this.request("DELETE", `applications/${named(application)}/access-tokens`, fields);
  }

  // Clock and settings

  /** Return the time of the world. */
  clock() {
    return this.request("GET", "clock");
  }

  /** Set the clock: `now`, `frozen`, `system`. */
  setClock(options) {
    const now = options.now instanceof Date ? options.now.toISOString() : options.now;
    return this.request("PUT", "clock", { ...options, now });
  }

  /** Move the clock forward. */
  advance(seconds) {
    return this.request("PUT", "clock", { advance: seconds });
  }

  /** Return the settings. */
  settings() {
    return this.request("GET", "settings");
  }

  /** Change settings: `shape`, `strict`, `auto_consent`, … */
  changeSettings(options) {
    return this.request("PUT", "settings", options);
  }

  // Faults

  /** Make matching requests fail: `{ operation: "send message", times: 2, status: 503 }`. */
  fail(fault) {
    return this.request("POST", "faults", fault);
  }

  /** Make matching requests to integrations fail. */
  failDeliveries(fault) {
    return this.request("POST", "deliveries/faults", fault);
  }

  /** Return the active faults, with how often each was applied. */
  faults() {
    return this.request("GET", "faults");
  }

  /** Delete all faults, or one. */
  clearFaults(fault) {
    return this.request("DELETE", fault ? `faults/${named(fault)}` : "faults");
  }

  // Journal

  /** Return the requests that match all given criteria, oldest first. */
  requests(criteria = {}) {
    return this.request("GET", `requests${query(criteria)}`);
  }

  /** Return the matching requests once there are `count` of them. Throws after `timeout` seconds. */
  async waitForRequests(criteria = {}) {
    const { arrived, requests } = await this.request("POST", "requests/wait", criteria);
    if (arrived) return requests;
    const { count = 1, timeout = 5, ...others } = criteria;
    const wanted = `${count} matching request${count === 1 ? "" : "s"}`;
    throw failure(`${wanted} expected within ${timeout} s, got ${requests.length}: ${json(others)}`);
  }

  /** Forget the requests so far. */
  clearRequests() {
    return this.request("DELETE", "requests");
  }

  /** Return the journal as HAR. */
  exportRequests(options = {}) {
    return this.request("GET", `requests/export${query(options)}`);
  }

  /** Return contract warnings: what requests had that no page of the documentation knows. */
  contractWarnings() {
    return this.request("GET", "contract-warnings");
  }

  /** Return what a failed test should print. */
  async report() {
    return (await this.request("GET", "report")).report;
  }

  /** Add the report to an error, and return the error. */
  async explain(error) {
    const text = await this.report().catch((why) => `no report: ${why.message}`);
    const told = `\n\nfakeflowdock, world ${this.name}:\n${text}`;
    try {
      const { message, stack } = error;
      error.message = message + told;
      error.stack = stack.includes(message) ? stack.replace(message, () => message + told) : stack + told;
    } catch {
      console.error(told); // what was thrown is no Error
    }
    return error;
  }

  // Streams

  /** Return the open streams. */
  streams(criteria = {}) {
    return this.request("GET", `streams${query(criteria)}`);
  }

  /** Return the matching streams once `count` of them are open. Throws after `timeout` seconds. */
  async waitForStreams(criteria = {}) {
    const { opened, streams } = await this.request("POST", "streams/wait", criteria);
    if (opened) return streams;
    const { count = 1, timeout = 5 } = criteria;
    throw failure(`${count} open stream${count === 1 ? "" : "s"} expected within ${timeout} s, got ${streams.length}`);
  }

  /** End all open streams. */
  closeStreams() {
    return this.request("DELETE", "streams");
  }

  /** Send an event that no operation makes: `{ event: "backend.something" }`, to the streams of `flow` or `user`. */
  async emit(event, options = {}) {
    return (await this.request("POST", "streams/events", { event, ...options })).event;
  }

  // Thread actions and invitations

  /** Let a user perform an action of a thread: `{ thread: "issue:42", action: "Close" }`. */
  perform(options) {
    return this.request("POST", "perform", options);
  }

  /** Return the deliveries that match all given criteria, oldest first. */
  deliveries(criteria = {}) {
    return this.request("GET", `deliveries${query(criteria)}`);
  }

  /** Invite an address to a flow: `{ email: "bob@example.com" }`. */
  addInvitation(fields) {
    return this.request("POST", "invitations", fields);
  }

  /** Cancel a pending invitation, by its number. */
  removeInvitation(invitation) {
    return this.request("DELETE", `invitations/${named(invitation)}`);
  }

  /** Return the mails of invitations. */
  outbox() {
    return this.request("GET", "outbox");
  }

  /** Accept an invitation, by its number. Default of `user`: the user with its address, or a new one. */
  accept(invitation, options = {}) {
    return this.request("POST", "accept", { invitation, ...options });
  }

  // Assertions. With `within`, each is repeated until it holds, for that many seconds.

  /** Assert that an operation was requested, with these parameters. */
  assertRequested(operation, expected = {}, options = {}) {
    return this.#assert("requested", expected, { operation, ...options });
  }

  assertNotRequested(operation, expected = {}, options = {}) {
    return this.#assert("not requested", expected, { operation, ...options });
  }

  assertSource(expected, options) {
    return this.#assert("source", expected, options);
  }

  assertNoSource(expected, options) {
    return this.#assert("no source", expected, options);
  }

  assertMessage(expected, options) {
    return this.#assert("message", expected, options);
  }

  assertNoMessage(expected, options) {
    return this.#assert("no message", expected, options);
  }

  assertPrivateMessage(expected, options) {
    return this.#assert("private message", expected, options);
  }

  assertNoPrivateMessage(expected, options) {
    return this.#assert("no private message", expected, options);
  }

  assertInvitation(expected, options) {
    return this.#assert("invitation", expected, options);
  }

  assertNoInvitation(expected, options) {
    return this.#assert("no invitation", expected, options);
  }

  assertDelivery(expected, options) {
    return this.#assert("delivery", expected, options);
  }

  assertNoDelivery(expected, options) {
    return this.#assert("no delivery", expected, options);
  }

  async #assert(assertion, expected = {}, { within = 0, ...options } = {}) {
    const until = performance.now() + within * 1000;
    for (;;) {
      const verdict = await this.request("POST", "assertions", { assertion, expected, ...options });
      if (verdict.passed) return verdict;
      if (performance.now() >= until) throw failure(verdict.explanation);
      await new Promise((resolve) => setTimeout(resolve, POLL));
    }
  }
}

function failure(message) {
  return new AssertionError({ message, stackStartFn: failure });
}

/** Return the name of an object in a path: its id, or what else names it. */
function named(object) {
  return encodeURIComponent(object?.id ?? object);
}

/** Return the fields that tell where a message is, because its id is that in a flow or a conversation. */
function placeOf({ flow, user, to_user }) {
  if (flow) return { flow };
  return to_user ? { from_user: user, to_user } : {};
}

function query(criteria) {
  const given = Object.entries(criteria).filter(([, value]) => value !== undefined);
  const sent = given.map(([name, value]) => [name, typeof value === "object" ? json(value) : String(value)]);
  return given.length ? `?${new URLSearchParams(sent)}` : "";
}

/** Return a value as JSON, in which a regular expression is a pattern of the admin API. */
function json(value) {
  return JSON.stringify(value, (_, each) => {
    if (!(each instanceof RegExp)) return each;
    const flags = [...each.flags].filter((flag) => "ims".includes(flag)).join("");
    return { $pattern: flags ? `(?${flags})${each.source}` : each.source };
  });
}

function exchange(url, options, body) {
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? https : http).request(url, options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    sent.on("error", (error) => {
      reject(new FakeFlowdockError(`No fakeflowdock server answers at ${url.origin}: ${error.message || error.code}`));
    });
    sent.end(body);
  });
}

/** Return the first line that a process prints. What it prints on standard error goes to ours. */
function firstLine(child, seconds) {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`it was not ready after ${seconds} s`)), seconds * 1000);
    let said = "";
    let complained = "";
    let settled = false;
    child.stdout.on("data", (chunk) => {
      said += chunk;
      if (said.includes("\n")) settle(resolve, said.slice(0, said.indexOf("\n")));
    });
    child.stderr.on("data", (chunk) => {
      if (settled) process.stderr.write(chunk);
      else complained += chunk;
    });
    child.once("error", (error) => settle(reject, error));
    child.once("close", (status) => settle(reject, new Error(complained.trim() || `it ended with status ${status}`)));
    function settle(way, value) {
      settled = true;
      clearTimeout(limit);
      way(value);
    }
  });
}
