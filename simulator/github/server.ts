/** GitHub on loopback: one repository's REST API and OIDC issuer, deciding as the service does. */
import type { IncomingMessage, ServerResponse } from "node:http";
import * as v from "valibot";
import { headerLines, isGone, MANNERS, openDoor, spoil, type Tls } from "../door.ts";
import { listForObject } from "../shape.ts";
import { answering, tell } from "../witness.ts";
import { type Answer, authorise, checkHeaders, checkQuery, paginate, type Route, readBody, sendJson } from "./http.ts";
import { claims, createIssuer, ISSUER, type Issuer, type TokenFacts } from "./oidc.ts";
import { type MergeMethod, mergePullRequest, openPullRequest, type PullRequestOptions, review } from "./people.ts";
import { codeRoutes } from "./routes/code.ts";
import { deploymentRoutes } from "./routes/deployments.ts";
import { issueRoutes } from "./routes/issues.ts";
import { pullRoutes } from "./routes/pulls.ts";
import { runRoutes, storageRoutes } from "./routes/runs.ts";
import { type Fault, type GitHubScenario, type GitHubScenarioInput, parseGitHubScenario } from "./scenario.ts";
import { matchesPattern } from "./text.ts";
import { ACTIONS_BOT, Refusal, type Token, World } from "./world.ts";

export type { PullRequestOptions } from "./people.ts";

/** One request that reached the simulator; headers and bodies are not kept, they may hold credentials. */
interface GitHubRequest {
  readonly server: "github";
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  /** Who asked: a login, `github-actions[bot]`, or undefined for nobody. */
  readonly principal: string | undefined;
}

/** A repository that is up, for a test, the demo or the command line. */
export interface GitHubSimulator {
  /** `http://127.0.0.1:PORT`, to be given as GITHUB_API_URL. */
  readonly apiUrl: string;
  /** What tokens name as `iss`; the keys are on loopback, at `jwksUrl`. */
  readonly oidcIssuer: string;
  readonly jwksUrl: string;
  readonly scenario: GitHubScenario;
  readonly repoDir: string;
  /** What the service remembers; may be changed as an administrator or a forger would. */
  readonly world: World;
  readonly requests: GitHubRequest[];
  /** Every header that came, once, but for `authorization`. */
  readonly headers: ReadonlySet<string>;
  /** Routes and parameters that were asked for and are not modelled. Tests demand that it is empty. */
  readonly unmodelled: string[];
  /** A personal token with everything the person's role allows. */
  userToken(login: string): string;
  /** Lets a job ask for OIDC tokens: the variables of its environment, and how to end it. */
  offerOidc(facts: TokenFacts): { readonly url: string; readonly token: string; readonly close: () => void };
  /** Every secret of the repository and its environments, and every credential given so far: what may stand nowhere. */
  secrets(): readonly string[];
  /** An OIDC token as a job with these facts would get it. */
  oidcToken(facts: TokenFacts, audience: string): Promise<string>;
  /** Opens a pull request: makes `refs/pull/N/head` and, if it merges, `refs/pull/N/merge`. */
  openPullRequest(options: PullRequestOptions): Promise<number>;
  review(number: number, user: string, state?: "APPROVED" | "CHANGES_REQUESTED"): Promise<void>;
  /** Merges by a merge commit, as `user`; gives its commit. Does not ask for the branch's rules. */
  mergePullRequest(number: number, user: string, method?: MergeMethod): Promise<string>;
  close(): Promise<void>;
}

interface GitHubOptions {
  /** The repository, a real git directory: branches, commits and contents are read from it. */
  readonly repoDir: string;
  readonly oidcIssuer?: string;
  /** Serves over TLS; the issuer's keys stay on plain loopback, for the simulated Databricks to fetch. */
  readonly tls?: Tls;
}

/** Shapes are GitHub's own description of its API, typed by @octokit/openapi-types; what the service decides has a fact. */
const OPENAPI = "OpenAPI";
const GROUPS: readonly (readonly [facts: string, routes: readonly Route[]])[] = [
  [`github 5, ${OPENAPI}`, codeRoutes],
  [`github 5, 8, ${OPENAPI}`, pullRoutes],
  [`github 8, ${OPENAPI}`, issueRoutes],
  [`github 3, ${OPENAPI}`, deploymentRoutes],
  [`github 2, 3, 4, ${OPENAPI}`, runRoutes],
];
/** The issuer of OIDC tokens, which is another host than the API's. */
export const OIDC_ROUTES: readonly { readonly route: string; readonly facts: string }[] = [
  "GET /_oidc/token",
  "GET /_oidc/jwks",
  "GET /_oidc/.well-known/openid-configuration",
].map((route) => ({ route, facts: "github 4" }));
const ROUTES: readonly Route[] = GROUPS.flatMap(([, routes]) => routes);

interface ModelledRoute {
  /** `METHOD /path/{param}`. */
  readonly route: string;
  readonly query: readonly string[];
  readonly body: v.GenericSchema | undefined;
  /** The section of the facts that it follows. */
  readonly facts: string;
}

/** Everything that is modelled: for the table of coverage, and for the proof that nothing in it is open. */
export function modelledRoutes(): readonly ModelledRoute[] {
  return GROUPS.flatMap(([facts, routes]) =>
    routes.map(({ template, query, body }) => ({ route: template, query, body, facts })),
  );
}

/** Starts the simulator on a free loopback port; rejects if the scenario is not understood. */
export async function startGitHub(input: GitHubScenarioInput, options: GitHubOptions): Promise<GitHubSimulator> {
  const scenario = watched(parseGitHubScenario(input));
  const world = new World(scenario, options.repoDir);
  const issuer = await createIssuer(options.oidcIssuer ?? ISSUER);
  const service = new Service(world, issuer);
  const answer = (request: IncomingMessage, response: ServerResponse): void => void service.answer(request, response);
  const { tls } = options;
  const onHttp2 = (what: string): void => void service.unmodelled.push(what);
  const plain = await openDoor(answer, { name: "github" }, onHttp2);
  const secure = tls === undefined ? undefined : await openDoor(answer, { name: "github", tls }, onHttp2);
  const apiUrl = (secure ?? plain).url;
  service.apiUrl = apiUrl;
  return {
    apiUrl,
    oidcIssuer: issuer.issuer,
    jwksUrl: `${plain.url}/_oidc/jwks`,
    scenario,
    repoDir: options.repoDir,
    world,
    requests: service.requests,
    headers: service.headers,
    unmodelled: service.unmodelled,
    userToken: (login) => {
      if (!world.people.has(login)) throw new Error(`The scenario has no user ${login}`);
      return world.issue({ kind: "user", login });
    },
    offerOidc: (facts) => service.offer(facts),
    oidcToken: (facts, audience) => service.sign(facts, audience),
    secrets: () => [
      ...Object.values(scenario.secrets),
      ...[...world.environments.values()].flatMap(({ settings }) => Object.values(settings.secrets)),
      ...world.given,
    ],
    openPullRequest: async (request) => (await openPullRequest(world, request)).number,
    review: (number, user, state = "APPROVED") => review(world, number, user, state),
    mergePullRequest: (number, user, method) => mergePullRequest(world, number, user, method),
    close: async () => {
      await Promise.all([plain.close(), secure?.close(), world.clones.close()]);
    },
  };
}

/** Tells of each assumption that something depends on. */
function watched(scenario: GitHubScenario): GitHubScenario {
  const assumptions = new Proxy(scenario.assumptions, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      tell({
        question: `github.assumptions.${String(name)}`,
        answer: String(value),
        place: answering.getStore() ?? "the runner",
      });
      return value;
    },
  });
  return { ...scenario, assumptions };
}

class Service {
  readonly requests: GitHubRequest[] = [];
  readonly headers = new Set<string>();
  readonly unmodelled: string[] = [];
  apiUrl = "";
  readonly #world: World;
  readonly #issuer: Issuer;
  readonly #offers = new Map<string, TokenFacts>();
  readonly #faults: { readonly fault: Fault; seen: number }[];

  constructor(world: World, issuer: Issuer) {
    this.#world = world;
    this.#issuer = issuer;
    this.#faults = world.scenario.faults.map((fault) => ({ fault, seen: 0 }));
  }

  offer(facts: TokenFacts): { url: string; token: string; close: () => void } {
    const token = `oidc_${crypto.randomUUID()}`;
    this.#offers.set(token, facts);
    this.#world.given.push(token);
    return {
      // As on the service, the address has a query already; clients append `&audience=`.
      url: `${this.apiUrl}/_oidc/token?api-version=2.0`,
      token,
      close: () => this.#offers.delete(token),
    };
  }

  async sign(facts: TokenFacts, audience: string): Promise<string> {
    const token = await this.#issuer.sign(claims(this.#world, facts), audience);
    this.#world.given.push(token);
    return token;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(`${this.apiUrl}${request.url ?? "/"}`);
    const method = request.method ?? "GET";
    const token = this.#token(request);
    const record = (status: number): void => {
      const principal = token === undefined ? undefined : loginOf(token);
      this.requests.push({
        server: "github",
        method,
        path: url.pathname,
        query: url.search.slice(1),
        status,
        principal,
      });
    };
    if (isGone(request.socket)) return void request.socket.resetAndDestroy();
    for (const header of headerLines(request)) this.headers.add(header);
    response.setHeader("x-github-request-id", crypto.randomUUID());
    const trace: { place?: string } = {};
    try {
      if (url.pathname.startsWith("/_oidc/")) return await this.#oidc(request, response, url, record);
      const fault = this.#faultFor(method, url.pathname);
      const manner = MANNERS.find((one) => one === fault?.effect);
      if (fault !== undefined && manner !== undefined) spoil(response, manner, fault.delay_ms);
      else if (fault !== undefined && fault.effect !== "lost-answer") return this.#fail(fault, response, record);
      const answer = await this.#handle(method, url, request, token, trace);
      if (fault?.effect === "lost-answer") return this.#fail(fault, response, record);
      const status = send(answer, url, response);
      record(status);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500;
      if (status === 501) delete trace.place;
      const message = error instanceof Error ? error.message : String(error);
      // A failure of the simulator's own is no answer of the service's either.
      if (status === 501 || !(error instanceof Refusal))
        this.unmodelled.push(`${method} ${url.pathname}${url.search}: ${message}`);
      record(status);
      sendJson(response, status, {
        message,
        documentation_url: "https://docs.github.com/rest",
        status: String(status),
      });
    } finally {
      if (trace.place !== undefined) tell({ place: trace.place });
    }
  }

  /** A job's token ends with its job, a wrong one is 401 whatever the route. */
  #token(request: IncomingMessage): Token | undefined | "bad" {
    const header = request.headers.authorization;
    if (header === undefined) return undefined;
    const text = /^(?:token|bearer) (.+)$/i.exec(header)?.[1] ?? "";
    return this.#world.tokens.get(text) ?? "bad";
  }

  async #handle(
    method: string,
    url: URL,
    request: IncomingMessage,
    token: Token | undefined | "bad",
    trace: { place?: string },
  ): Promise<Answer> {
    const path = url.pathname;
    const storage = storageRoutes.find((route) => route.method === method && route.pattern.test(path));
    if (storage === undefined && token === "bad") throw new Refusal(401, "Bad credentials");
    const known = token === "bad" ? undefined : token;
    const route = storage ?? ROUTES.find((one) => one.method === method && one.pattern.test(path));
    if (route === undefined) {
      const elsewhere = /^\/repos\/([^/]+)\/([^/]+)/.exec(path);
      if (elsewhere !== null && !this.#isRepository(elsewhere[1], elsewhere[2])) throw new Refusal(404, "Not Found");
      throw new Refusal(501, `unmodelled route: ${method} ${path}`);
    }
    trace.place = `github ${route.template}`;
    answering.enterWith(trace.place);
    const params = Object.fromEntries(
      Object.entries(route.pattern.exec(path)?.groups ?? {}).map(([key, value]) => [key, decoded(value)]),
    );
    if (storage === undefined) {
      if (!this.#isRepository(params["owner"], params["repo"])) throw new Refusal(404, "Not Found");
      authorise(this.#world, route, known);
    }
    checkQuery(route, url.searchParams);
    if (storage === undefined) checkHeaders(route, request.headers);
    if (path.includes("//") || path.endsWith("/") || /%2f/i.test(rest(route, path)))
      throw new Refusal(501, `unmodelled: the path ${path} of ${route.template}`);
    const body = checkedBody(route, await readBody(request, route));
    const answer = await route.handle({
      world: this.#world,
      params,
      query: Object.fromEntries(url.searchParams),
      body,
      token: known,
      login: known === undefined ? "" : this.#author(known, method),
      apiUrl: this.apiUrl,
      accept: request.headers.accept ?? "",
    });
    // what comes whole has no pages on the service either
    if (!("list" in answer) && (url.searchParams.has("page") || url.searchParams.has("per_page")))
      throw new Refusal(501, `unmodelled query parameter: page of ${route.template}, which is no list`);
    return answer;
  }

  /** Whose name what is asked with this token bears. */
  #author(token: Token, method: string): string {
    const writes = token.kind === "job" && method !== "GET" && /issues/.test(answering.getStore() ?? "");
    const bot = !writes || this.#world.scenario.assumptions.job_writes_as_the_bot;
    return bot ? loginOf(token) : "automation[bot]";
  }

  /** Names of owners and repositories do not mind case. */
  #isRepository(owner: string | undefined, name: string | undefined): boolean {
    return `${owner}/${name}`.toLowerCase() === this.#world.scenario.repository.toLowerCase();
  }

  async #oidc(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    record: (status: number) => void,
  ): Promise<void> {
    const reply = (status: number, body: unknown): void => {
      record(status);
      sendJson(response, status, body);
    };
    const asked = OIDC_ROUTES.find(({ route }) => route === `${request.method} ${url.pathname}`);
    const known = url.pathname === "/_oidc/token" ? { "api-version": /^2\.0$/, audience: /./ } : {};
    const odd = [...url.searchParams].find(
      ([name, value]) =>
        url.searchParams.getAll(name).length > 1 ||
        Object.entries(known).every(([key, of]) => key !== name || !of.test(value)),
    );
    if (asked === undefined || odd !== undefined) {
      const what = odd === undefined ? "" : ` with the query parameter ${odd.join("=")}`;
      this.unmodelled.push(`${request.method} ${url.pathname}${what}`);
      return reply(501, { message: `unmodelled route: ${request.method} ${url.pathname}${what}` });
    }
    tell({ place: `github ${asked.route}` });
    if (url.pathname === "/_oidc/jwks") return reply(200, this.#issuer.keys);
    if (url.pathname === "/_oidc/.well-known/openid-configuration") {
      return reply(200, {
        issuer: this.#issuer.issuer,
        jwks_uri: `${this.apiUrl}/_oidc/jwks`,
        id_token_signing_alg_values_supported: ["RS256"],
        response_types_supported: ["id_token"],
        subject_types_supported: ["public", "pairwise"],
      });
    }
    const facts = this.#offers.get(/^bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "");
    if (facts === undefined) return reply(401, { message: "Unauthorized" });
    const audience = url.searchParams.get("audience") ?? `https://github.com/${this.#world.owner}`;
    const value = await this.sign(facts, audience);
    return reply(200, { count: value.length, value });
  }

  #faultFor(method: string, path: string): Fault | undefined {
    for (const entry of this.#faults) {
      if (entry.fault.method !== method || !matchesPattern(entry.fault.path, path)) continue;
      entry.seen += 1;
      if (entry.seen >= entry.fault.nth && entry.seen < entry.fault.nth + entry.fault.times) return entry.fault;
    }
    return undefined;
  }

  #fail(fault: Fault, response: ServerResponse, record: (status: number) => void): void {
    if (typeof fault.effect !== "number") {
      record(0);
      response.destroy();
      return;
    }
    record(fault.effect);
    if (fault.retry_after !== undefined) response.setHeader("retry-after", String(fault.retry_after));
    sendJson(response, fault.effect, { message: "Simulated fault" });
  }
}

/** The part of a path that may hold slashes as they are: what an encoded one means there is nowhere said. */
function rest(route: Route, path: string): string {
  const name = /\{(\w+)\+\}$/.exec(route.template)?.[1];
  return name === undefined ? "" : (route.pattern.exec(path)?.groups?.[name] ?? "");
}

/** A part of a path. A wrong encoding is the caller's mistake. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refusal(400, "Bad Request");
  }
}

function loginOf(token: Token | "bad"): string {
  if (token === "bad") return "";
  return token.kind === "user" ? token.login : ACTIONS_BOT;
}

/** A field that a route does not model is refused by name; a field of the wrong kind is the caller's mistake. */
function checkedBody(route: Route, body: unknown): unknown {
  if (route.body === undefined) {
    if (body !== undefined && JSON.stringify(body) !== "{}")
      throw new Refusal(501, `unmodelled body of ${route.template}`);
    return undefined;
  }
  const list = listForObject(route.body, body ?? {});
  if (list !== undefined) throw new Refusal(422, `Validation Failed: ${list === "" ? "body" : list}: no object`);
  const result = v.safeParse(route.body, body ?? {});
  if (result.success) return body ?? {};
  for (const issue of result.issues) {
    const path = v.getDotPath(issue) ?? "body";
    if (issue.expected === "never") throw new Refusal(501, `unmodelled body field: ${path} of ${route.template}`);
  }
  const [first] = result.issues;
  throw new Refusal(422, `Validation Failed: ${v.getDotPath(first) ?? "body"}: ${first.message}`);
}

function send(answer: Answer, url: URL, response: ServerResponse): number {
  if ("location" in answer) {
    response.writeHead(answer.status, { location: answer.location }).end();
    return answer.status;
  }
  const status = ("status" in answer ? answer.status : undefined) ?? 200;
  if ("bytes" in answer) {
    response
      .writeHead(status, { "content-type": answer.type, "content-length": answer.bytes.length })
      .end(answer.bytes);
    return status;
  }
  if ("list" in answer) {
    const page = paginate(answer.list, url);
    if (page.link !== undefined) response.setHeader("link", page.link);
    sendJson(response, status, answer.wrap?.(page.items, page.total) ?? page.items);
    return status;
  }
  sendJson(response, status, answer.body);
  return status;
}
