/** Which addresses the suite may send a credential to (facts: databricks-api 1.5). */
import { isDatabricksHost, isLoopback } from "../hosts.ts";

/** Hosts of account consoles: they are no workspace. */
const ACCOUNT_HOST = /^accounts(?:-[a-z0-9]+)?\./;

type HostCheck =
  | { readonly ok: true; readonly host: string }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/**
 * Takes a workspace address as written and gives its origin (`https://…`, no trailing slash), or says what is wrong.
 * `allowedHosts` are host names or suffixes; plain http is accepted only for a loopback host that they name.
 */
export function checkHost(written: string, allowedHosts: readonly string[]): HostCheck {
  const refuse = (problem: string, remedy: string): HostCheck => ({ ok: false, problem, remedy });
  const example = "Write the workspace's address, such as https://dev-123.cloud.databricks.com.";
  if (!/^[\x21-\x7e]+$/.test(written)) return refuse("has blanks or letters that an address cannot have", example);
  if (!URL.canParse(written)) return refuse("is not an address", example);
  const url = new URL(written);
  if (url.protocol !== "https:" && url.protocol !== "http:") return refuse("is not an https address", example);
  if (url.username !== "" || url.password !== "") {
    return refuse("carries a user name or password", "Remove it; credentials never stand in the contract.");
  }
  if (url.search !== "" || url.hash !== "" || url.pathname !== "/") {
    return refuse("goes on after the host", `Write ${url.origin} only, and the workspace's id as \`workspace_id\`.`);
  }
  const allowed = allowedHosts.some((entry) => matches(url, entry));
  if (url.protocol === "http:") {
    return isLoopback(url.hostname) && allowed
      ? { ok: true, host: url.origin }
      : refuse("is not https: a credential would travel in clear", `Write https://${url.host}.`);
  }
  if (ACCOUNT_HOST.test(url.hostname)) {
    return refuse("is an account console, not a workspace", "Write the address that the workspace itself has.");
  }
  const known = isDatabricksHost(url.hostname);
  if (allowed || (known && url.port === "")) return { ok: true, host: url.origin };
  return known
    ? refuse("names a port", `Write https://${url.hostname}.`)
    : refuse(
        "is not under a known Databricks domain: a credential could be sent elsewhere",
        `If ${url.hostname} is your workspace's own domain, add it to the action input \`allowed-hosts\`.`,
      );
}

/** `127.0.0.1`, `.example.com`, `example.com` (with what is under it), `host:8443` (that port only). */
function matches(url: URL, entry: string): boolean {
  const pattern = entry
    .trim()
    .toLowerCase()
    .replace(/^(?:\*\.|\.)/, "");
  if (pattern === "") return false;
  const target = /^(?:\[[0-9a-f:]+\]|[^:]+):\d+$/.test(pattern) ? url.host : url.hostname;
  return target === pattern || (!isIpAddress(pattern) && target.endsWith(`.${pattern}`));
}

function isIpAddress(host: string): boolean {
  return /^[\d.:]+$/.test(host) || host.startsWith("[");
}
