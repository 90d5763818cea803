/** Which hosts are Databricks' own, and which are this machine (facts: databricks-api 1.5). A leaf. */

/** Domains of Databricks on AWS, GCP (all under databricks.com), AWS GovCloud and Azure with its sovereign clouds. */
const DATABRICKS_DOMAINS = [
  "databricks.com",
  "databricks.us",
  "azuredatabricks.net",
  "databricks.azure.us",
  "databricks.azure.cn",
] as const;

/** Whether a host name is under a domain of Databricks. */
export function isDatabricksHost(hostname: string): boolean {
  return DATABRICKS_DOMAINS.some((domain) => hostname.endsWith(`.${domain}`));
}

/** True for this machine itself: `127.0.0.0/8`, `::1`, `localhost`. Takes a URL's hostname. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
