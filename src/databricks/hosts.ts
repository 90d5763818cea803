/** Which hosts are Databricks' own, and to which a credential may go (facts: databricks-api 1.5). */
import { FourTierError } from "../findings.ts";
import { isDatabricksHost, isLoopback } from "../hosts.ts";

/** Hosts that belong to exactly one workspace; any other Databricks host may serve several. */
const WORKSPACE_HOST =
  /\.(cloud\.databricks\.(com|us)|gcp\.databricks\.com|dev\.databricks\.com|databricks\.azure\.(us|cn))$|^adb-\d+\.\d+\..*azuredatabricks\.net$/;

/** The origin of a workspace host as the contract gives it. Throws FourTierError (`databricks/host`) for anything else. */
export function workspaceUrl(host: string): URL {
  const url = URL.canParse(host) ? new URL(host) : undefined;
  const bare = url !== undefined && /^\/?$/.test(url.pathname) && url.search === "" && url.hash === "";
  const anonymous = url !== undefined && url.username === "" && url.password === "";
  const scheme = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url !== undefined && bare && anonymous && scheme) return url;
  throw new FourTierError({
    id: "databricks/host",
    severity: "error",
    message: `${url === undefined ? "The workspace's address" : `${url.protocol}//${url.host}`} is not a workspace's address.`,
    remedy: "Write it as https://, the host and nothing else: https://dev-123.cloud.databricks.com",
  });
}

/**
 * Whether a credential of `workspace` may be sent to `target`, which discovery named: the same origin, a Databricks host
 * over https, or another port of this machine when the workspace is on this machine.
 */
export function maySendCredentials(target: URL, workspace: URL): boolean {
  if (target.username !== "" || target.password !== "") return false;
  if (target.origin === workspace.origin) return true;
  if (isLoopback(workspace.hostname)) return isLoopback(target.hostname);
  return target.protocol === "https:" && target.port === "" && isDatabricksHost(target.hostname);
}

/** Whether requests to this host must say which workspace they are for. `hostType` is the host metadata's word. */
export function servesManyWorkspaces(host: URL, hostType: string | undefined): boolean {
  if (hostType !== undefined) return hostType.toLowerCase() === "unified";
  return isDatabricksHost(host.hostname) && !WORKSPACE_HOST.test(host.hostname);
}
