/**
 * Real HTTP servers on loopback: one for the account, one for each workspace.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { bytesOf, type Door, headerLines, isGone, MANNERS, openDoor, spoil, type Tls } from "../door.ts";
import { stringifyJson } from "../json.ts";
import { tell } from "../witness.ts";
import { Account, Workspace } from "./account.ts";
import { type Answer, ApiError, type Call, type ErrorStyle, type Route, Unmodelled } from "./api.ts";
import { Authority } from "./auth.ts";
import { Faults, type Hook, type ScheduledFault } from "./faults.ts";
import type { RequestRecord } from "./log.ts";
import type { Principal } from "./principals.ts";
import { checkQuery, type Match, Router, readBody } from "./router.ts";
import { allRoutes } from "./routes.ts";
import { type DatabricksScenario, DatabricksSchema, type Fault, type FaultInput, parseStrictly } from "./scenario.ts";
import { seed } from "./seed.ts";
import { World } from "./world.ts";

/** An account that is up, for a test, the demo or the command line. */
export interface DatabricksSimulator {
  readonly accountId: string;
  /** The account's own host; it also serves every workspace that X-Databricks-Workspace-Id names (facts: databricks-api 1.5). */
  readonly accountUrl: string;
  readonly workspaces: Readonly<Record<string, { readonly url: string; readonly id: string }>>;
  /** Everything that was asked, in order; grows while the simulator runs. */
  readonly requests: readonly RequestRecord[];
  /** Every header that came, once, but for `authorization`. */
  readonly headers: ReadonlySet<string>;
  /** What was refused because it is not modelled. A test that ends with an entry here should fail. */
  readonly unmodelled: readonly string[];
  /** The behaviours ([?]) that decided an answer so far, with the routes that did: what a test of them has really met. */
  readonly met: ReadonlyMap<string, ReadonlySet<string>>;
  /** Reading and changing by hand, as an administrator in the UI would. */
  readonly world: World;
  /** Every principal with its credentials; a token is good in all its workspaces until it expires. */
  principals(): Readonly<Record<string, PrincipalCredentials>>;
  /** Client id and first secret of a service principal, by its name in the scenario. */
  credentials(name: string): { clientId: string; clientSecret: string };
  /** Every client secret and every token given so far: what may stand nowhere. */
  secrets(): readonly string[];
  /** A token without the OAuth dance, for a principal (service principal or user) in all its workspaces. */
  tokenFor(name: string): string;
  /** Schedules a fault from now on. */
  fault(fault: FaultInput): ScheduledFault;
  /** Runs something of the test's between two requests. */
  when(hook: Hook): void;
  /** Trusts an issuer of federation tokens whose keys are at `jwksUrl`. */
  trustIssuer(issuer: string, jwksUrl: string): void;
  /** Moves the account's clock forward. */
  advance(seconds: number): void;
  /** What the account's clock shows; every answer says it in its header Date. */
  now(): Date;
  /** Every token given so far is expired. */
  expireTokens(): void;
  close(): Promise<void>;
}

interface PrincipalCredentials {
  /** Application id, or e-mail. */
  readonly name: string;
  readonly client_secrets: readonly string[];
  readonly token: string;
}

const NOBODY = { key: "", name: "", displayName: "" } as Principal;

interface ModelledRoute {
  /** `METHOD /path/{param}`. */
  readonly route: string;
  readonly query: readonly string[];
  /** `bytes`: not JSON, the handler reads it. */
  readonly body: Route["body"];
  /** The section of the facts that it follows. */
  readonly facts: string;
}

/** Everything that is modelled: for the table of coverage, and for the proof that nothing in it is open. */
export function modelledRoutes(): readonly ModelledRoute[] {
  const authority = new Authority(new Account(parseStrictly(DatabricksSchema, { workspaces: {} }, "databricks")));
  return allRoutes(authority).map(({ method, path, query, body, facts }) => ({
    route: `${method} ${path}`,
    query,
    body,
    facts,
  }));
}

/** Starts the account of a scenario. Throws ScenarioError when the scenario is wrong. */
export async function startDatabricks(
  scenario: DatabricksScenario,
  options: { readonly tls?: Tls } = {},
): Promise<DatabricksSimulator> {
  const account = new Account(parseStrictly(DatabricksSchema, scenario, "databricks"));
  seed(account);
  const authority = new Authority(account);
  const world = new World(account);
  const faults = new Faults(account.scenario.faults);
  const log: RequestRecord[] = [];
  const unmodelled: string[] = [];
  const headers = new Set<string>();
  const router = new Router(allRoutes(authority));
  const front = new Front({ account, authority, faults, router, log, headers, unmodelled });

  const accountDoor = new Workspace(account, "account", "0");
  const doors: Door[] = [];
  for (const workspace of [accountDoor, ...account.workspaces.values()]) {
    const { name } = workspace;
    const door = await openDoor(
      (request, response) => {
        // a client that goes away in the middle of its request gets no answer
        front.serve(workspace, request, response).catch(() => request.socket.destroy());
      },
      { name, port: account.scenario.workspaces[name]?.port, tls: options.tls },
      (what) => unmodelled.push(what),
    );
    doors.push(door);
    workspace.url = door.url;
  }
  account.url = accountDoor.url;

  const principal = (name: string): Principal => {
    const found = account.directory.principals.get(name);
    if (found === undefined) throw new Error(`no principal is called ${name}`);
    return found;
  };
  return {
    accountId: account.id,
    accountUrl: account.url,
    workspaces: Object.fromEntries([...account.workspaces.values()].map(({ name, url, id }) => [name, { url, id }])),
    requests: log,
    headers,
    unmodelled,
    met: account.met,
    world,
    credentials: (name) => {
      const [clientSecret = ""] = principal(name).secrets;
      return { clientId: principal(name).name, clientSecret };
    },
    principals: () =>
      Object.fromEntries(
        [...account.directory.principals.values()].map((one) => [
          one.key,
          { name: one.name, client_secrets: [...one.secrets], token: authority.issue(one, undefined) },
        ]),
      ),
    secrets: () => [
      ...[...account.directory.principals.values()].flatMap(({ secrets, tokens }) => [...secrets, ...tokens]),
      ...authority.given,
    ],
    tokenFor: (name) => authority.issue(principal(name), undefined),
    fault: (fault) => faults.add(fault),
    when: (hook) => faults.hook(hook),
    trustIssuer: (issuer, jwksUrl) => authority.trust(issuer, jwksUrl),
    advance: (seconds) => account.clock.advance(seconds),
    now: () => new Date(account.clock.now()),
    expireTokens: () => authority.expireAll(),
    close: async () => {
      await Promise.all(doors.map((door) => door.close()));
    },
  };
}

interface FrontParts {
  readonly account: Account;
  readonly authority: Authority;
  readonly faults: Faults;
  readonly router: Router;
  readonly log: RequestRecord[];
  readonly headers: Set<string>;
  readonly unmodelled: string[];
}

/** What of a request becomes known on its way, for the log. */
interface Trace {
  principal: Principal | undefined;
  faults: readonly Fault[];
  /** The route, once it is known. */
  place?: string;
}

/** The way of one request: faults, door, closed world, handler, answer, log. */
class Front {
  readonly #parts: FrontParts;

  constructor(parts: FrontParts) {
    this.#parts = parts;
  }

  async serve(door: Workspace, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log, account } = this.#parts;
    const method = request.method ?? "GET";
    const url = new URL(`http://simulator${request.url ?? "/"}`);
    const bytes = await bytesOf(request);
    const trace: Trace = { principal: undefined, faults: [] };
    let status = 0;
    response.setHeader("date", new Date(this.#parts.account.clock.now()).toUTCString());
    try {
      if (isGone(request.socket)) return;
      for (const header of headerLines(request)) this.#parts.headers.add(header);
      if (account.scenario.latency_ms > 0) await sleep(account.scenario.latency_ms);
      const workspace = this.#workspace(door, request);
      const answer = await this.#answer(workspace, request, method, url, bytes, trace);
      if (answer !== undefined) {
        status = answer.status ?? 200;
        for (const { effect, delay_ms: delay } of trace.faults) {
          const manner = MANNERS.find((one) => one === effect);
          if (manner !== undefined) spoil(response, manner, delay);
        }
        send(response, status, answer, { account, workspace, principal: trace.principal });
      }
    } catch (thrown) {
      if (thrown instanceof Unmodelled) delete trace.place;
      const failure = this.#failure(thrown, styleOf(url.pathname));
      status = failure.status ?? 500;
      send(response, status, failure, { account, workspace: door, principal: trace.principal });
    } finally {
      if (trace.place !== undefined) tell({ place: trace.place });
      log.push({
        number: log.length + 1,
        server: door.name,
        method,
        path: decoded(url.pathname),
        query: Object.fromEntries(url.searchParams),
        status,
        ...(trace.principal === undefined ? {} : { principal: trace.principal.key }),
        ...(trace.faults.length === 0 ? {} : { faults: trace.faults.map(({ effect }) => effect) }),
      });
      if (status === 0) request.socket.resetAndDestroy();
    }
  }

  /** The answer; undefined when the connection is to be broken. */
  async #answer(
    workspace: Workspace,
    request: IncomingMessage,
    method: string,
    url: URL,
    bytes: Buffer,
    trace: Trace,
  ): Promise<Answer | undefined> {
    const { account, authority, faults, router } = this.#parts;
    const match: Match = router.match(method, url.pathname);
    const { route, params } = match;
    account.asked.enterWith(`${route.method} ${route.path}`);
    trace.place = `databricks ${route.method} ${route.path}`;
    const authorization = request.headers.authorization;
    const expect = (expired: boolean) => authority.authenticate(authorization, workspace, expired);
    const presumed = route.open ? undefined : attempt(() => expect(false));
    const target = { workspace: workspace.name, method, path: decoded(url.pathname), principal: presumed?.key };
    trace.principal = presumed;
    trace.faults = faults.strike(target);
    for (const fault of trace.faults) {
      if (fault.effect === "slow") await sleep(fault.delay_ms);
      if (fault.effect === "reset") return undefined;
      if (fault.effect === "rate-limited") throw rateLimited(fault);
      if (fault.effect === "error")
        throw new ApiError(fault.status, fault.code ?? codeOf(fault.status), fault.message ?? "A fault was scheduled.");
    }
    const met = (effect: Fault["effect"]) => trace.faults.some((fault) => fault.effect === effect);
    const principal = route.open ? NOBODY : expect(met("expired-token"));
    checkQuery(route, url.searchParams);
    const call: Call<never> = {
      account,
      workspace,
      principal,
      params,
      query: url.searchParams,
      headers: headersOf(request),
      body: readBody(route, bytes, request.headers["content-type"]) as never,
      bytes,
      stale: met("stale"),
    };
    await faults.runHooks(target, false);
    const answer = await route.handle(call);
    trace.principal ??= answer.principal;
    await faults.runHooks(target, true);
    return met("lost-answer") ? undefined : answer;
  }

  /** On the account's host a header says which workspace is meant; on a workspace's own it must name that one. */
  #workspace(door: Workspace, request: IncomingMessage): Workspace {
    const id = request.headers["x-databricks-workspace-id"] ?? request.headers["x-databricks-org-id"];
    const other = request.headers["x-databricks-org-id"];
    if (other !== undefined && other !== id)
      throw new Unmodelled(
        `the simulator does not model a request to two workspaces, ${String(id)} and ${String(other)}`,
        400,
      );
    if (id === undefined || id === door.id) return door;
    const named = [...this.#parts.account.workspaces.values()].find((workspace) => workspace.id === id);
    if (door.name !== "account" || named === undefined) {
      throw new Unmodelled(
        `the simulator does not model a request to ${door.name} that names workspace ${String(id)}`,
        400,
      );
    }
    return named;
  }

  #failure(thrown: unknown, style: ErrorStyle): Answer {
    if (thrown instanceof Unmodelled) {
      this.#parts.unmodelled.push(thrown.message);
      return { status: thrown.status, body: { error_code: "NOT_IMPLEMENTED", message: thrown.message } };
    }
    if (!(thrown instanceof ApiError)) {
      const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      this.#parts.unmodelled.push(`the simulator failed: ${message}`);
      return { status: 500, body: { error_code: "INTERNAL_ERROR", message: "the simulator failed; see `unmodelled`" } };
    }
    const { status, code, message, headers } = thrown;
    const rfc6749 = style === "oauth" && this.#parts.account.behaviours.oauth_errors === "rfc6749";
    if (rfc6749) return { status, headers, body: { error: code, error_description: message } };
    // what the gateway says (no token, too many requests) has the usual envelope on every route
    if (style === "scim" && typeof code === "string" && code.startsWith("SCIM_")) {
      const schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
      return { status, headers, body: { schemas, detail: message, status: String(status) } };
    }
    const details = [
      { "@type": "type.googleapis.com/google.rpc.RequestInfo", request_id: randomUUID(), serving_data: "" },
    ];
    return { status, headers, body: { error_code: code, message, details } };
  }
}

// facts: databricks-api 2.1: each family of routes has its own shape of error
function styleOf(path: string): ErrorStyle {
  if (path.startsWith("/oidc/") && path.endsWith("/token")) return "oauth";
  return path.includes("/scim/v2/") ? "scim" : "databricks";
}

function rateLimited(fault: Fault): ApiError {
  const headers: Record<string, string> =
    fault.retry_after === undefined ? {} : { "retry-after": String(fault.retry_after) };
  return new ApiError(
    429,
    fault.code ?? "REQUEST_LIMIT_EXCEEDED",
    fault.message ?? "Too many requests. Please wait.",
    headers,
  );
}

function codeOf(status: number): string {
  const codes: Record<number, string> = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
  };
  return codes[status] ?? (status < 500 ? "BAD_REQUEST" : "INTERNAL_ERROR");
}

/** Paths are written and matched readable: a client may send `/` inside a segment as %2F. */
function decoded(path: string): string {
  return attempt(() => decodeURIComponent(path)) ?? path;
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function headersOf(request: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}

function send(
  response: ServerResponse,
  status: number,
  answer: Answer,
  from: { readonly account: Account; readonly workspace: Workspace; readonly principal: Principal | undefined },
): void {
  const { account, workspace, principal } = from;
  const raw = account.scenario.behaviours;
  // A header of every answer decides something only where clients look for it: that alone is told of as a question.
  const ofMe = account.asked.getStore()?.endsWith("/Me") === true;
  const bare = status >= 400 && !(typeof answer.body === "object" && answer.body !== null && "details" in answer.body);
  const orgId = (ofMe ? account.behaviours : raw).org_id_header;
  const requestId = (bare ? account.behaviours : raw).request_id_header;
  const body = answer.bytes ?? stringifyJson(answer.body ?? {});
  const type = answer.bytes === undefined ? "application/json" : "application/octet-stream";
  response.writeHead(status, {
    "content-type": type,
    ...(requestId ? { "x-request-id": randomUUID() } : {}),
    // facts: databricks-api 1.6
    ...(principal !== undefined && principal !== NOBODY && orgId ? { "x-databricks-org-id": workspace.id } : {}),
    ...answer.headers,
  });
  response.end(body);
}
