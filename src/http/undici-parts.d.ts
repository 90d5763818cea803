/** Modules of undici that are behind its entry: it describes only the entry. */
declare module "undici/lib/api/index.js" {
  const api: Readonly<Record<string, unknown>>;
  export default api;
}
declare module "undici/lib/dispatcher/agent.js" {
  import { Agent } from "undici";
  export default Agent;
}
declare module "undici/lib/dispatcher/dispatcher.js" {
  import { Dispatcher } from "undici";
  export default Dispatcher;
}
declare module "undici/lib/dispatcher/env-http-proxy-agent.js" {
  import { EnvHttpProxyAgent } from "undici";
  export default EnvHttpProxyAgent;
}
declare module "undici/lib/dispatcher/pool.js" {
  import { Pool } from "undici";
  export default Pool;
}
declare module "undici/lib/web/fetch/index.js" {
  import { fetch } from "undici";

  export { fetch };
}
declare module "undici/lib/web/fetch/response.js" {
  import { Response } from "undici";

  export { Response };
}
