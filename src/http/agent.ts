/**
 * The one place that picks a dispatcher. HTTP/1.1 always: with an implicit one, H1 or H2 depends on the order of imports
 * (facts: toolchain). Proxies come from HTTP_PROXY, HTTPS_PROXY, NO_PROXY; loopback is reached directly, because a proxy
 * would send what is meant for this machine to another one.
 *
 * undici is loaded with the first request: it takes longer to load than all of the suite, and many runs end before.
 */
import { channel } from "node:diagnostics_channel";
import type { Dispatcher, RequestInit, Response } from "undici";
import { isLoopback } from "../hosts.ts";
import { ProxyVariableError } from "./errors.ts";
import type { request } from "./undici.ts";

const CONNECT_TIMEOUT_MS = 15_000;
/** Sockets a host at most: enough for the pool's default, few enough not to be throttled. */
const CONNECTIONS = 16;

const load = () => import("./undici.ts");
let loaded: ReturnType<typeof load> | undefined;
const undici = (): ReturnType<typeof load> => (loaded ??= load());

let direct: Dispatcher | undefined;
let proxied: Dispatcher | undefined;

/**
 * The dispatcher for a URL. `proxyLoopback` sends even loopback through the proxy, if NO_PROXY does not exempt it.
 * Throws ProxyVariableError.
 */
export async function dispatcherFor(url: URL, options: { readonly proxyLoopback?: boolean } = {}): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent, Pool } = await undici();
  const connecting = { allowH2: false, connect: { timeout: CONNECT_TIMEOUT_MS } };
  const settings = { ...connecting, connections: CONNECTIONS };
  if (isLoopback(url.hostname) && options.proxyLoopback !== true) {
    direct ??= new Agent(settings);
    return direct;
  }
  try {
    // to a proxy that is asked over TLS, too; by `proxyTls`, one that speaks SOCKS would be asked over TLS as well
    proxied ??= new EnvHttpProxyAgent({ ...settings, clientFactory: (proxy) => new Pool(proxy, connecting) });
  } catch (error) {
    throw new ProxyVariableError({ cause: error });
  }
  return proxied;
}

/** A repository that was renamed is one hop away; more than these are a circle. */
const MOST_HOPS = 5;

/**
 * `fetch` with our dispatcher, for clients that bring their own requests (octokit's `request.fetch`). Resolves with the
 * whole answer or rejects: octokit takes a body that breaks off for an empty one, and a list of nothing is an answer.
 * A redirect is followed on the same origin only (a repository that was renamed); any other is handed back as it came:
 * nothing that the suite asks GitHub for lies elsewhere.
 */
export async function proxyFetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
  const [{ fetch }, { Response }] = await Promise.all([
    import("undici/lib/web/fetch/index.js"),
    import("undici/lib/web/fetch/response.js"),
  ]);
  let target = new URL(url);
  for (let hop = 0; ; hop += 1) {
    const answer = await fetch(target, { ...init, redirect: "manual", dispatcher: await dispatcherFor(target) });
    const body = await answer.arrayBuffer();
    const { status, statusText, headers } = answer;
    const next = hop < MOST_HOPS ? nextHop(target, init.method ?? "GET", answer) : undefined;
    if (next === undefined) {
      return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers });
    }
    target = next;
  }
}

/** Where a redirect on the same origin leads; a write is repeated only where the status says that it may be. */
function nextHop(from: URL, method: string, { status, headers }: Response): URL | undefined {
  const location = headers.get("location");
  const statuses = method === "GET" ? [301, 302, 307, 308] : [307, 308];
  if (location === null || !statuses.includes(status) || !URL.canParse(location, from.href)) return undefined;
  const to = new URL(location, from);
  return to.origin === from.origin ? to : undefined;
}

/** Begins to load what the first request needs, for who has to wait for something else first. */
export function loadTransport(): void {
  undici().catch(() => undefined); // the first request says so
}

/**
 * Does something once the first request of `asking` has left, or has come to nothing: work that is not needed to ask is
 * done while the answer is waited for, and not before it is asked for.
 */
export async function onceAsked<T>(asking: Promise<unknown> | undefined, work: () => Promise<T>): Promise<T> {
  if (asking === undefined) return work();
  const asked = new Promise<void>((resolve) => {
    const left = channel("undici:client:sendHeaders");
    const tell = (): void => {
      left.unsubscribe(tell);
      setImmediate(resolve); // it is told of right before it is written
    };
    left.subscribe(tell);
    asking.then(tell, tell);
  });
  await asked;
  return work();
}

/** `undici.request`, loaded when it is needed. */
export async function sendRequest(
  url: URL,
  options: Parameters<typeof request>[1],
): Promise<Dispatcher.ResponseData<unknown>> {
  const { request } = await undici();
  return request(url, options);
}
