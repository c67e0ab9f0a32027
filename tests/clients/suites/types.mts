// What a suite in TypeScript may write, and what it may not. It is only compiled.
import { type Exchange, FakeFlowdock, FakeFlowdockError, type Fault, type World } from "./fakeflowdock.mjs";

const flowdock: FakeFlowdock = await FakeFlowdock.open({ args: ["--world", "empty"], adminToken: "of-some-length" });
const url: string = flowdock.url;
await FakeFlowdock.connect(url, { caFile: "ca.pem" });
const version: string | undefined = flowdock.ready?.version;

const answer: number = await flowdock.inWorld({ seed: { users: ["Ada"] }, expires_in: 60 }, async (world: World) => {
  const token: string = world.credentials.access_token;
  const source = await world.addSource({ name: "Builds" });
  const sent: string = source.flow_token;
  const fault: Fault = await world.fail({ operation: "send message", times: 2, status: 503, expected: { content: /x/ } });
  await world.clearFaults(fault);
  await world.updateSource(source, { name: "Deploys" });
  await world.addMembership({ user: "Bob", flow: "acme/ops" });
  const [first]: Exchange[] = await world.waitForRequests({ operation: "send message", count: 1, timeout: 1 });
  const status: number | undefined = first?.response?.status;
  await world.assertRequested("send message", { content: "Done" }, { times: 1, within: 5, status: 201 });
  await world.assertMessage({ content: /^Done/ }, { times: 1 });
  const lunch = await world.addPrivateMessage({ to_user: "Bob", content: "Lunch?" });
  await world.updatePrivateMessage(lunch, { content: "Tea?" });
  const { users }: { users: number } = await world.populate({ messages: 100 });
  await world.reset({ to: "ready" });
  await world.setClock({ now: new Date() });

  // @ts-expect-error: an unknown field of a fault
  await world.fail({ operatoin: "send message", status: 503 });
  // @ts-expect-error: nothing is counted that does not exist
  await world.assertNoMessage({ content: "Done" }, { times: 1 });
  // @ts-expect-error: a source has a name, and no title
  await world.addSource({ title: "Builds" });
  // @ts-expect-error: an unknown shape
  await world.changeSettings({ shape: "round" });
  return token.length + sent.length + users + (status ?? 0);
});
await flowdock.inWorld((world) => world.report()).catch((error: unknown) => {
  if (error instanceof FakeFlowdockError) console.log(error.status, error.errors, answer, version);
});
// @ts-expect-error: a world is made by a server
new World(flowdock, {});
await flowdock.stop();
