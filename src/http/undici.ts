/**
 * undici without its entry, which also loads mocks, caches, web sockets and the parts of Node that these need: more than
 * half of its time to load. Its parts are taken by their own paths at the pinned version (docs/adr/0008-dependencies.md),
 * and put together as its entry does.
 */
import type { Dispatcher as AnyDispatcher } from "undici";
import api from "undici/lib/api/index.js";
import Agent from "undici/lib/dispatcher/agent.js";
import Dispatcher from "undici/lib/dispatcher/dispatcher.js";
import EnvHttpProxyAgent from "undici/lib/dispatcher/env-http-proxy-agent.js";
import Pool from "undici/lib/dispatcher/pool.js";

// What a dispatcher can be asked for, the tunnel through a proxy included.
Object.assign(Dispatcher.prototype, api);

export { Agent, EnvHttpProxyAgent, Pool };

/** `undici.request` through a dispatcher. */
export function request(
  url: URL,
  { dispatcher, ...options }: Omit<AnyDispatcher.RequestOptions, "origin" | "path"> & { dispatcher: AnyDispatcher },
): Promise<AnyDispatcher.ResponseData<unknown>> {
  return dispatcher.request({ ...options, origin: url.origin, path: `${url.pathname}${url.search}` });
}
