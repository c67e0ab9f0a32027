// Types of fakeflowdock.mjs. Names in data are those of Flowdock and of fakeflowdock's admin API.

/** Names and values to compare. A regular expression is searched for in a text. */
export type Expected = Record<string, unknown>;

export interface StartOptions {
  /** The Python that has fakeflowdock. Default: the variable PYTHON, or python3. */
  python?: string;
  /** More options of the server: `["--world", "empty"]`. */
  args?: readonly string[];
  /** More environment variables of the server. */
  env?: Record<string, string>;
  /** How long to wait for the server, in seconds. Default: 60. */
  timeout?: number;
}

export interface ConnectOptions {
  /** Default: the variable FAKEFLOWDOCK_ADMIN_TOKEN. */
  adminToken?: string;
  /** The CA certificate of a server with TLS. */
  caFile?: string;
}

/** The credentials of a world. What a world does not have is absent. */
export interface Credentials {
  name: string;
  url: string;
  api_url: string;
  stream_url: string;
  organization?: string;
  flow?: string;
  api_token: string;
  access_token: string;
  client_id: string;
  client_secret: string;
  email: string;
  password: string;
  flow_api_token: string;
  scim_uid?: string | null;
  scim_token?: string | null;
  second_api_token?: string | null;
  spare_api_token?: string | null;
  expires_in?: number;
}

/** The ready line of a server. */
export interface Ready extends Omit<Credentials, "name" | "api_url"> {
  event: "ready";
  world: string;
  version: string;
  pid: number;
  ca_file?: string;
  admin_token?: string;
}

export interface WorldOptions {
  /** Default: an unused name. The same name has the same credentials in every run. */
  name?: string;
  /** Default: empty. */
  world?: "empty" | "docs";
  /** A world in short form: `{ users: ["Ada"], flows: ["Builds"] }`. */
  seed?: Record<string, unknown>;
  /** A whole world, as `readState` returns it. */
  state?: Record<string, unknown>;
  settings?: Partial<Settings>;
  /** Replace a world of the same name. */
  replace?: boolean;
  /** Delete the world when it was not used for this many seconds; 0 is never. */
  expires_in?: number;
}

export interface WorldSummary {
  name: string;
  now: string;
  users: number;
  flows: number;
  sources: number;
  messages: number;
  requests: number;
  faults: number;
  streams: number;
  last_used_at: string;
  expires_in: number | null;
}

export interface Settings {
  auto_consent: boolean;
  refresh_tokens: "always" | "offline_access";
  shape: "default" | "minimal" | "maximal" | "drift";
  strict: boolean;
  journal: number;
  journal_bytes: number;
  keep_alive: number;
  callbacks: "loopback" | "none" | "any";
  sign_actions: boolean;
}

export interface Clock {
  now: string;
  frozen: boolean;
  system: boolean;
}

export interface Snapshot {
  name: string;
  now: string;
  flows: number;
  sources: number;
  messages: number;
}

/** An object, by its id or another of its names, or as `add…` returned it. */
export type Reference = number | string | { readonly id: number | string };
/** The same within fields. */
export type Name = number | string;

export interface User {
  id: number;
  name: string;
  nick: string;
  email: string;
  avatar: string;
  website: string | null;
  sso_name: string | null;
  organizations: string[];
  password: string;
  api_token: string;
}

export interface Organization {
  id: number;
  name: string;
  parameterized_name: string;
  scim_uid: string | null;
  scim_token: string | null;
}

export interface Flow {
  id: string;
  name: string;
  path: string;
  organization: string;
  members: number[];
  admins: number[];
  blocked: number[];
  access_mode: "invitation" | "link" | "organization";
  disabled: boolean;
  join_key: string;
  flow_api_token: string;
}

export interface Membership {
  user: number;
  flow: string;
  admin: boolean;
  blocked: boolean;
}

export interface Application {
  id: number;
  name: string;
  icon_url: string;
  redirect_uri: string;
  setup_uri: string | null;
  configuration_uri: string | null;
  owner: number | null;
  client_id: string;
  client_secret: string;
}

export interface AccessToken {
  access_token: string;
  user: number;
  application: number;
  scope: string;
  expires_at: string | null;
}

export interface Source {
  id: number;
  name: string;
  flow: string;
  application: number;
  creator: number;
  external_url: string | null;
  error_message: string | null;
  configuration_url: string | null;
  created_at: string;
  updated_at: string;
  last_posted_at: string | null;
  flow_token: string;
}

export interface Message {
  id: number;
  event: string;
  flow: string | null;
  user: number | null;
  to_user: number | null;
  source: number | null;
  comments: number | null;
  thread_id: string | null;
  content: unknown;
  title: string | null;
  tags: string[];
  uuid: string | null;
  sent: string;
  edited: string | null;
}

/** How much a world has. */
export interface WorldSize {
  users: number;
  flows: number;
  sources: number;
  messages: number;
}

type Profile = Partial<Pick<User, "name" | "nick" | "email" | "avatar">> & { website?: string };
type Links = { external_url?: string; error_message?: string; configuration_url?: string };
type Addresses = { icon_url?: string; redirect_uri?: string; setup_uri?: string; configuration_uri?: string };

/** Exactly one of them. */
export interface Caller {
  user?: number;
  source?: number;
  application?: number;
}

export interface Failure {
  status?: number;
  body?: unknown;
  content_type?: string;
  headers?: Record<string, string>;
  retry_after?: number;
  latency?: number;
  connection?: "refused" | "reset" | "closed" | "cut" | "timeout";
  after?: boolean;
  events?: number;
}

export interface NewFault extends Failure {
  operation?: string;
  method?: string;
  path?: string;
  caller?: Caller;
  expected?: Expected;
  nth?: number;
  times?: number;
  probability?: number;
  seed?: number;
  sequence?: readonly Failure[];
}

export interface NewDeliveryFault extends Pick<
  Failure, "status" | "body" | "headers" | "latency" | "connection" | "after"
> {
  action?: string;
  thread?: string;
  user?: number;
  nth?: number;
  times?: number;
  probability?: number;
  seed?: number;
  sequence?: readonly Failure[];
}

export interface Fault {
  id: number;
  description: string;
  matched: number;
  applied: number;
  record: string;
}

/** What requests are looked for. */
export interface Criteria {
  operation?: string;
  method?: string;
  path?: string;
  status?: number;
  user?: number;
  source?: number;
  application?: number;
  after?: number;
  limit?: number;
  unknown_paths?: boolean;
  expected?: Expected;
}

export interface Finding {
  rule: string;
  severity: "violation" | "warning";
  operation: string | null;
  where: string;
  pointer: string;
  message: string;
  actual: string | null;
  expected: string;
  suggestion: string | null;
  page: string;
  grade: string;
}

export interface Exchange {
  number: number;
  time: string;
  world_time: string;
  request_id: string | null;
  method: string;
  path: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  parameters: Record<string, unknown> | null;
  operation: string | null;
  caller: Caller | null;
  response: { status: number; headers: Record<string, string>; body: string } | null;
  refusal: { name: string; message: string; page: string | null; grade: string | null } | null;
  warnings: Finding[];
  failure: string | null;
  seconds: number;
  stream: { number: number; events: number; last_events: string[]; ended: string | null } | null;
}

export interface StreamCriteria {
  user?: number;
  flow?: string;
}

export interface Stream {
  number: number;
  user: number;
  flows: string[];
  format: "json" | "event-stream";
  parameters: Record<string, unknown>;
  events: number;
  last_events: string[];
  state: string;
  seconds: number;
}

export interface Performance {
  thread: string;
  action: string | number;
  user?: number;
  integration?: string;
  timeout?: number;
  flaw?: "wrong secret" | "expired token" | "changed body" | "no token";
  send?: boolean;
}

export interface Delivery {
  number: number;
  thread: string;
  action: string;
  user: number;
  application: number;
  outcome: "done" | "needs authentication" | "refused" | "failed" | "not sent";
  reason: string | null;
  request: { method: string; url: string; headers: Record<string, string>; body: string };
  response: { status: number; headers: Record<string, string>; body: string } | null;
  [name: string]: unknown;
}

export interface AuthorizationCode {
  code: string;
  user: number;
  application: number;
  scope: string;
  redirect_uri: string;
  expires_at: string;
}

export interface Invitation {
  invitation: number;
  email: string;
  flow: string;
  inviter: number;
  message: string | null;
  state: string;
}

/** The mail of an invitation. */
export interface Mailing {
  email: string;
  message: string | null;
  join_url: string;
  flow: string;
  invitation: number;
  sent: string;
}

export interface AdmittedUser {
  invitation: number;
  user: number;
  email: string;
  api_token: string;
}

export interface Verdict {
  passed: boolean;
  explanation: string | null;
  /** Of what was found first. */
  id: number | null;
}

export interface AbsenceOptions {
  /** Repeat the assertion until it holds, for this many seconds. */
  within?: number;
}

export interface AssertOptions extends AbsenceOptions {
  /** How many there are, exactly. */
  times?: number;
}

export interface RequestedOptions extends AssertOptions {
  status?: number;
  caller?: Caller;
}

export declare class FakeFlowdockError extends Error {
  readonly status?: number;
  readonly errors: { pointer: string; reason: string }[];
}

export declare class FakeFlowdock {
  static open(options?: StartOptions & ConnectOptions): Promise<FakeFlowdock>;
  static start(options?: StartOptions): Promise<FakeFlowdock>;
  static connect(url: string, options?: ConnectOptions): Promise<FakeFlowdock>;
  private constructor();
  readonly url: string;
  /** The ready line, if this process has started the server. */
  readonly ready: Ready | null;
  stop(): Promise<void>;
  createWorld(options?: WorldOptions): Promise<World>;
  getWorld(name?: string): Promise<World>;
  listWorlds(): Promise<WorldSummary[]>;
  inWorld<T>(test: (world: World) => T | Promise<T>): Promise<T>;
  inWorld<T>(options: WorldOptions, test: (world: World) => T | Promise<T>): Promise<T>;
  request<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
}

export declare class World {
  private constructor();
  readonly server: FakeFlowdock;
  readonly credentials: Credentials;
  readonly name: string;
  /** The address of the server, for the code under test. Credentials select the world. */
  readonly url: string;
  /** An address of this world alone, for code under test that also sends requests without credentials. */
  readonly apiUrl: string;
  request<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  delete(): Promise<void>;

  reset(options?: { to?: string; keep_journal?: boolean }): Promise<void>;
  snapshot(name: string): Promise<Snapshot>;
  restore(name: string): Promise<void>;
  difference(name: string): Promise<{ same: boolean; lines: string[] }>;
  readState(): Promise<Record<string, unknown>>;
  loadState(state: Record<string, unknown>): Promise<void>;

  addUser(
    fields?: Profile & { password?: string; organization?: Name; admin?: boolean; sso_name?: string },
  ): Promise<User>;
  getUser(user: Reference): Promise<User>;
  updateUser(user: Reference, fields: Profile & { password?: string; sso_name?: string }): Promise<User>;
  removeUser(user: Reference, fields?: { organization?: Name }): Promise<void>;
  addOrganization(fields: { parameterized_name: string; name?: string }): Promise<Organization>;
  getOrganization(organization: Reference): Promise<Organization>;
  updateOrganization(organization: Reference, fields: { name: string }): Promise<Organization>;
  removeOrganization(organization: Reference): Promise<void>;
  setUpSingleSignOn(organization: Reference, fields?: { uid?: string }): Promise<Organization>;
  endSingleSignOn(organization: Reference): Promise<void>;
  addFlow(fields: {
    path: string;
    members?: readonly Name[];
    name?: string;
    access_mode?: Flow["access_mode"];
  }): Promise<Flow>;
  getFlow(flow: Reference): Promise<Flow>;
  updateFlow(flow: Reference, fields: Partial<Pick<Flow, "name" | "access_mode" | "disabled">>): Promise<Flow>;
  removeFlow(flow: Reference): Promise<void>;
  addMembership(fields: { user: Name; flow?: Name }): Promise<Membership>;
  updateMembership(
    user: Reference,
    fields: { flow?: Name; admin?: boolean; blocked?: boolean },
  ): Promise<Membership>;
  removeMembership(user: Reference, fields?: { flow?: Name }): Promise<void>;
  addApplication(fields?: Addresses & { name?: string; owner?: Name }): Promise<Application>;
  getApplication(application: Reference): Promise<Application>;
  updateApplication(application: Reference, fields: Addresses & { name?: string }): Promise<Application>;
  removeApplication(application: Reference): Promise<void>;
  addSource(fields?: Links & { name?: string; flow?: Name; application?: Name; creator?: Name }): Promise<Source>;
  getSource(source: Reference): Promise<Source>;
  updateSource(source: Reference, fields: Links & { name?: string }): Promise<Source>;
  removeSource(source: Reference): Promise<void>;
  /** Its fields are also the parameters of `POST /messages`. */
  addMessage(fields: {
    content?: unknown;
    event?: string;
    flow?: Name;
    user?: Name;
    source?: Name;
    comments?: Name;
    [parameter: string]: unknown;
  }): Promise<Message>;
  updateMessage(
    message: Reference,
    fields: { flow?: Name; content?: string; tags?: readonly string[]; user?: Name },
  ): Promise<Message>;
  removeMessage(message: Reference, fields?: { flow?: Name; user?: Name }): Promise<void>;
  addPrivateMessage(fields: {
    to_user: Name;
    from_user?: Name;
    content?: unknown;
    [parameter: string]: unknown;
  }): Promise<Message>;
  updatePrivateMessage(
    message: Reference,
    fields: { to_user?: Name; from_user?: Name; content?: string; tags?: readonly string[]; user?: Name },
  ): Promise<Message>;
  removePrivateMessage(message: Reference, fields?: { to_user?: Name; from_user?: Name; user?: Name }): Promise<void>;
  populate(numbers: Partial<WorldSize>): Promise<WorldSize>;
  addAccessToken(fields?: {
    user?: Name;
    application?: Name;
    scope?: string;
    expires_in?: number;
  }): Promise<AccessToken>;
  addAuthorizationCode(fields?: {
    user?: Name;
    application?: Name;
    scope?: string;
    redirect_uri?: string;
  }): Promise<AuthorizationCode>;
  revokeAccessToken(token: string | AccessToken): Promise<void>;
  revokeApplication(application: Reference, fields?: { user?: Name }): Promise<void>;

  clock(): Promise<Clock>;
  setClock(options: { now?: string | Date; frozen?: boolean; system?: boolean }): Promise<Clock>;
  advance(seconds: number): Promise<Clock>;
  settings(): Promise<Settings>;
  changeSettings(options: Partial<Settings>): Promise<Settings>;

  fail(fault: NewFault): Promise<Fault>;
  failDeliveries(fault: NewDeliveryFault): Promise<Fault>;
  faults(): Promise<Fault[]>;
  clearFaults(fault?: Pick<Fault, "id">): Promise<void>;

  requests(criteria?: Criteria): Promise<Exchange[]>;
  waitForRequests(
    criteria?: Criteria & { count?: number; timeout?: number },
  ): Promise<Exchange[]>;
  clearRequests(): Promise<void>;
  exportRequests(options?: { with_secrets?: boolean; after?: number; limit?: number }): Promise<{ log: unknown }>;
  contractWarnings(): Promise<Finding[]>;
  report(): Promise<string>;
  explain<E>(error: E): Promise<E>;

  streams(criteria?: StreamCriteria): Promise<Stream[]>;
  waitForStreams(criteria?: StreamCriteria & { count?: number; timeout?: number }): Promise<Stream[]>;
  closeStreams(): Promise<void>;
  emit(
    event: { event: string; [name: string]: unknown },
    options?: StreamCriteria,
  ): Promise<Record<string, unknown>>;

  perform(options: Performance): Promise<Delivery>;
  deliveries(criteria?: {
    thread?: string;
    action?: string;
    user?: number;
    outcome?: Delivery["outcome"];
    after?: number;
    limit?: number;
  }): Promise<Delivery[]>;
  addInvitation(fields: { email: string; flow?: Name; inviter?: Name; message?: string }): Promise<Invitation>;
  removeInvitation(invitation: number): Promise<void>;
  outbox(): Promise<Mailing[]>;
  accept(invitation: number, options?: { user?: number }): Promise<AdmittedUser>;

  assertRequested(operation: string, expected?: Expected, options?: RequestedOptions): Promise<Verdict>;
  assertNotRequested(
    operation: string,
    expected?: Expected,
    options?: Omit<RequestedOptions, "times">,
  ): Promise<Verdict>;
  assertSource(expected: Expected, options?: AssertOptions): Promise<Verdict>;
  assertNoSource(expected: Expected, options?: AbsenceOptions): Promise<Verdict>;
  assertMessage(expected: Expected, options?: AssertOptions): Promise<Verdict>;
  assertNoMessage(expected: Expected, options?: AbsenceOptions): Promise<Verdict>;
  assertPrivateMessage(expected: Expected, options?: AssertOptions): Promise<Verdict>;
  assertNoPrivateMessage(expected: Expected, options?: AbsenceOptions): Promise<Verdict>;
  assertInvitation(expected: Expected, options?: AssertOptions): Promise<Verdict>;
  assertNoInvitation(expected: Expected, options?: AbsenceOptions): Promise<Verdict>;
  assertDelivery(expected: Expected, options?: AssertOptions): Promise<Verdict>;
  assertNoDelivery(expected: Expected, options?: AbsenceOptions): Promise<Verdict>;
}
