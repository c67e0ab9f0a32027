import assert from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FakeFlowdock, FakeFlowdockError } from "./fakeflowdock.mjs";

const flowdock = await FakeFlowdock.open();

const inWorld = (options, steps) => () => flowdock.inWorld(options, steps);
const fails = (message) => ({ code: "ERR_ASSERTION", message });

async function call(world, method, path, body) {
  const headers = { Authorization: `Bearer ${world.credentials.access_token}`, "Content-Type": "application/json" };
  const response = await fetch(world.url + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}
const send = (world, content) => call(world, "POST", "/flows/example/main/messages", { event: "message", content });

test("a world has credentials of its own, from its name", async () => {
  const one = await flowdock.createWorld();
  const two = await flowdock.createWorld();
  assert.notStrictEqual(one.name, two.name);
  assert.notStrictEqual(one.credentials.api_token, two.credentials.api_token);
  assert.deepStrictEqual((await flowdock.getWorld(one.name)).credentials, one.credentials);
  await assert.rejects(flowdock.createWorld({ name: one.name }), (error) => {
    assert(error instanceof FakeFlowdockError);
    return error.status === 409 && error.message.startsWith(`World '${one.name}' already exists`);
  });
  await flowdock.createWorld({ name: two.name, world: "docs", replace: true });
  await two.delete();
  const names = (await flowdock.listWorlds()).map((world) => world.name);
  assert(names.includes(one.name) && !names.includes(two.name));
  await one.delete();
  await assert.rejects(one.report(), { status: 404, message: /^Unknown world '/ });
});

test("an invalid field is named", async () => {
  await assert.rejects(flowdock.createWorld({ wrld: "empty" }), (error) => {
    assert.deepStrictEqual(error.errors.map((each) => each.pointer), ["/wrld"]);
    return error.status === 422 && error.message.includes("did you mean world?");
  });
});

test("worlds see nothing of each other", inWorld({}, async (one) => {
  await flowdock.inWorld(async (two) => {
    await send(one, "Only here");
    await one.assertMessage({ content: "Only here" }, { times: 1 });
    await two.assertNoMessage({ content: "Only here" });
    assert.deepStrictEqual(await two.requests(), []);
  });
}));

test("assertions fail with the server's explanation", inWorld({ seed: { sources: ["Builds"] } }, async (world) => {
  await send(world, "Done");
  await world.assertRequested("send message", { content: "Done" }, { status: 201, caller: { application: 1 } });
  await world.assertNotRequested("send message", { content: "Failed" });
  await world.assertSource({ name: /^build/i });
  await world.assertNoSource({ name: "Deploys" });
  await world.assertNoPrivateMessage({ content: "Done" });
  await world.assertNoInvitation({});
  await world.assertNoDelivery({});
  assert.strictEqual((await world.assertMessage({ content: "Done" })).passed, true);
  await assert.rejects(world.assertMessage({ content: "Donne" }), fails(/expected 'Donne', got 'Done'/));
  await assert.rejects(world.assertNoMessage({ content: /^Do/ }), fails(/Done/));
  await assert.rejects(world.assertMessage({ contnt: "Done" }), /did you mean content\?/);
}));

test("an assertion waits for what happens within some seconds", inWorld({}, async (world) => {
  const asserted = world.assertMessage({ content: "Late" }, { within: 60 });
  await send(world, "Late");
  await asserted;
}));

test("faults make requests fail, and are cleared", inWorld({}, async (world) => {
  const fault = await world.fail({ operation: "send message", times: 2, status: 503, retry_after: 1 });
  assert.strictEqual((await send(world, "One")).status, 503);
  assert.deepStrictEqual((await world.faults()).map((each) => [each.id, each.applied]), [[fault.id, 1]]);
  await world.clearFaults(fault);
  assert.strictEqual((await send(world, "Two")).status, 201);
  await world.fail({ status: 500 });
  await world.failDeliveries({ connection: "timeout" });
  await world.clearFaults();
  assert.deepStrictEqual(await world.faults(), []);
}));

test("the journal has the requests, and can be waited for", inWorld({}, async (world) => {
  const waited = world.waitForRequests({ operation: "send message", expected: { content: "Second" }, timeout: 60 });
  await send(world, "First");
  await send(world, "Second");
  assert.deepStrictEqual((await waited).map((each) => each.parameters.content), ["Second"]);
  assert.strictEqual((await world.requests({ operation: "send message", limit: 1 }))[0].response.status, 201);
  assert.strictEqual((await world.requests({ expected: { content: /^sec/i } })).length, 1);
  assert.strictEqual((await fetch(`${world.apiUrl}/user`)).status, 401);
  await world.assertRequested("get own user", {}, { status: 401 });
  assert.strictEqual((await world.exportRequests()).log.version, "1.2");
  await assert.rejects(
    world.waitForRequests({ operation: "send message", count: 3, timeout: 0 }),
    fails(/^3 matching requests expected within 0 s, got 2: {"operation":"send message"}$/),
  );
  await world.clearRequests();
  assert.deepStrictEqual(await world.requests(), []);
  await call(world, "GET", "/users?lmit=3");
  assert.match((await world.contractWarnings())[0].message, /no parameter lmit/);
}));

test("a world is reset, or restored from a snapshot", inWorld({}, async (world) => {
  await send(world, "Kept");
  assert.strictEqual((await world.snapshot("ready")).messages, 1);
  await send(world, "Lost");
  assert.strictEqual((await world.difference("ready")).same, false);
  await world.restore("ready");
  await world.addMessage({ content: "Lost" });
  await world.reset({ to: "ready" });
  await world.assertNoMessage({ content: "Lost" });
  await world.assertMessage({ content: "Kept" });
  await world.reset();
  await world.assertNoMessage({ content: "Kept" });
  assert.deepStrictEqual(await world.requests(), []);
  assert.strictEqual((await send(world, "Again")).status, 201);
  await flowdock.inWorld({ state: await world.readState() }, (copy) => copy.assertMessage({ content: "Again" }));
  await world.loadState(await world.readState());
}));

test("a world is arranged", inWorld({}, async (world) => {
  const bob = await world.addUser({ name: "Bob Example", nick: "Bob" });
  assert.strictEqual((await world.updateUser(bob, { nick: "Bobby" })).nick, "Bobby");
  assert.strictEqual((await world.addOrganization({ parameterized_name: "acme" })).name, "Acme");
  assert.strictEqual((await world.updateOrganization("acme", { name: "Acme Inc." })).name, "Acme Inc.");
  const flow = await world.addFlow({ path: "acme/ops", members: ["Bobby"] });
  assert.deepStrictEqual(flow.members, [bob.id]);
  assert.strictEqual((await world.updateFlow(flow, { access_mode: "link" })).access_mode, "link");
  await world.addMembership({ user: 1, flow: "acme/ops" });
  assert.strictEqual((await world.updateMembership("Bobby", { flow: "acme/ops", admin: true })).admin, true);
  await world.removeMembership(1, { flow: "acme/ops" });
  const application = await world.addApplication({ name: "CI & co." });
  await world.updateApplication("CI & co.", { redirect_uri: "https://ci.example.com/callback" });
  const token = await world.addAccessToken({ user: "Bobby", application: application.id, scope: "flow" });
  await world.revokeAccessToken(token);
  await world.addAccessToken();
  await world.revokeApplication(application, { user: bob.id });
  const source = await world.addSource({ name: "Builds", flow: "acme/ops" });
  assert.strictEqual((await world.updateSource("Builds", { error_message: "down" })).flow_token, source.flow_token);
  const message = await world.addMessage({ content: "Hello", user: "Bobby", flow: "acme/ops" });
  assert.strictEqual((await world.updateMessage(message, { content: "Hi" })).content, "Hi");
  await world.assertMessage({ content: "Hi", user: "Bob Example", flow: "acme/ops" });
  await world.updateMessage(message.id, { flow: "acme/ops", tags: ["x"] });
  await world.removeMessage(message);
  await world.assertMessage({ content: "", flow: "acme/ops" });
  const lunch = await world.addPrivateMessage({ to_user: "Bobby", content: "Lunch?" });
  await world.assertPrivateMessage({ content: "Lunch?" });
  assert.strictEqual((await world.updatePrivateMessage(lunch, { content: "Tea?" })).content, "Tea?");
  assert.strictEqual((await world.updatePrivateMessage(1, { to_user: bob.id, content: "Lunch" })).id, lunch.id);
  await world.removePrivateMessage(lunch);
  await world.assertPrivateMessage({ content: "" });
  await world.removeSource(source);
  await world.assertNoSource({ name: "Builds" });
  assert.deepStrictEqual((await world.getSource("Builds").catch((error) => error.status)), 404);
  for (const [get, object] of [["User", bob], ["Organization", { id: 1 }], ["Flow", flow], ["Application", application]]) {
    assert.strictEqual((await world[`get${get}`](object)).id, object.id);
  }
  assert.strictEqual((await world.setUpSingleSignOn("acme", { uid: "acme" })).scim_uid, "acme");
  await world.endSingleSignOn("acme");
  await world.removeApplication(application);
  await world.removeFlow(flow);
  await world.removeOrganization("acme");
  await world.removeUser(bob);
  assert.deepStrictEqual((await world.populate({ messages: 9, users: 2 })).users, 4);
}));

test("the clock stands, moves and is set", inWorld({}, async (world) => {
  const { now } = await world.setClock({ frozen: true });
  const later = new Date(Date.parse(now) + 7_200_000);
  assert.strictEqual(Date.parse((await world.advance(7200)).now), later.getTime());
  assert.strictEqual((await world.setClock({ now: new Date("2030-01-01T00:00:00Z") })).frozen, true);
  assert.match((await world.clock()).now, /^2030-01-01T00:00:00/);
}));

test("settings are changed", inWorld({ settings: { strict: true } }, async (world) => {
  assert.strictEqual((await world.settings()).strict, true);
  assert.strictEqual((await world.changeSettings({ shape: "minimal" })).shape, "minimal");
}));

test("streams are waited for, get events and are closed", inWorld({}, async (world) => {
  const address = `${world.url}/_fakeflowdock/stream/flows?filter=example/main&access_token=${world.credentials.access_token}`;
  const stream = await fetch(address, { headers: { Accept: "application/json" } });
  const [open] = await world.waitForStreams({ flow: "example/main", timeout: 60 });
  assert.deepStrictEqual((await world.streams({ user: 1 })).map((each) => each.number), [open.number]);
  await world.emit({ event: "backend.something" }, { flow: "example/main" });
  await world.closeStreams();
  assert.match(await stream.text(), /"event":"backend.something"/);
  await assert.rejects(world.waitForStreams({ timeout: 0 }), fails("1 open stream expected within 0 s, got 0"));
}));

test("an action of a thread is performed", inWorld({}, async (world) => {
  const { flow_token } = (await call(world, "POST", "/flows/example/main/sources", { name: "Tracker" })).body;
  const target = { "@type": "EntryPoint", urlTemplate: "http://127.0.0.1:9/close", httpMethod: "POST" };
  const thread = { title: "Issue", actions: [{ "@type": "UpdateAction", name: "Close", target }] };
  const author = { name: "Tracker" };
  await call(world, "POST", "/messages", {
    flow_token, event: "activity", title: "opened", author, external_thread_id: "issue:1", thread,
  });
  const delivery = await world.perform({ thread: "issue:1", action: "Close", send: false });
  assert.strictEqual(delivery.outcome, "not sent");
  assert.deepStrictEqual(await world.deliveries({ outcome: "not sent" }), [delivery]);
  await world.assertDelivery({ action: "Close", outcome: "not sent" });
}));

test("the mail of an invitation is read, and accepted", inWorld({}, async (world) => {
  await call(world, "POST", "/flows/example/main/invitations", { email: "bob@example.com", message: "Join us" });
  const [mail] = await world.outbox();
  assert.strictEqual(mail.email, "bob@example.com");
  await world.assertInvitation({ email: "bob@example.com", state: "pending" });
  assert.strictEqual((await world.accept(mail.invitation)).email, mail.email);
  await world.assertInvitation({ email: "bob@example.com", state: "accepted" });
  const { invitation } = await world.addInvitation({ email: "eve@example.com" });
  await world.removeInvitation(invitation);
  await world.assertNoInvitation({ email: "eve@example.com" });
  assert.strictEqual((await world.addAuthorizationCode({ scope: "flow" })).scope, "flow");
}));

test("what a failed test throws has the report", async () => {
  const failed = flowdock.inWorld(async (world) => {
    await send(world, "Done");
    await world.assertMessage({ content: "Donne" });
  });
  const error = await failed.catch((thrown) => thrown);
  assert.strictEqual(error.code, "ERR_ASSERTION");
  for (const text of [error.message, error.stack]) {
    assert.match(text, /expected 'Donne', got 'Done'[^]*fakeflowdock, world world-\d+:[^]*POST .*\/messages → 201/);
  }
  await assert.rejects(flowdock.inWorld(() => { throw Object.freeze(new Error("frozen")); }), /^Error: frozen$/);
});

test("a server that does not start says why", async () => {
  await assert.rejects(FakeFlowdock.start({ args: ["--wrld", "docs"] }), /Cannot start .* -m fakeflowdock .*: unknown option .*did you mean --world\?/);
  await assert.rejects(FakeFlowdock.start({ python: "/no/python" }), /Cannot start \/no\/python .*ENOENT/);
  await assert.rejects(FakeFlowdock.connect("http://127.0.0.1:9"), /No fakeflowdock server answers at http:\/\/127.0.0.1:9: /);
});

test("a server is started, with TLS and a token for the admin API, and stopped", async () => {
  const server = await FakeFlowdock.start({ args: ["--tls", "--admin-token", "of-some-length", "--world", "docs"] });
  assert.strictEqual(server.ready.world, "docs");
  assert.match(server.url, /^https:/);
  assert.strictEqual((await server.getWorld()).credentials.api_token, server.ready.api_token);
  const { ca_file: caFile, admin_token: adminToken } = server.ready;
  assert(readFileSync(caFile).length > 0);
  await assert.rejects(FakeFlowdock.connect(server.url, {}), /certificate/);
  const other = await FakeFlowdock.connect(`${server.url}/`, { caFile, adminToken });
  assert.strictEqual((await other.listWorlds()).length, 1);
  await assert.rejects((await FakeFlowdock.connect(server.url, { caFile })).listWorlds(), { status: 401 });
  await other.stop(); // is not its own
  await server.stop();
  await server.stop();
  await assert.rejects(server.listWorlds(), /No fakeflowdock server answers/);
});
