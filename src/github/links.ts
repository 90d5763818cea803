/** The pages of GitHub that people are sent to. */

/** A repository, where a browser finds it. */
export interface Site {
  /** `https://github.com`, or an Enterprise server's own. */
  readonly serverUrl: string;
  readonly owner: string;
  readonly repository: string;
}

/** A workflow run, or one attempt of it. */
export function runUrl(site: Site, run: string, attempt?: number): string {
  return `${siteUrl(site)}/actions/runs/${run}${attempt === undefined ? "" : `/attempts/${attempt}`}`;
}

/** A commit. */
export function commitUrl(site: Site, commit: string): string {
  return `${siteUrl(site)}/commit/${commit}`;
}

/** A file as a commit has it: a link that stays right. */
export function fileUrl(site: Site, commit: string, path: string): string {
  return `${siteUrl(site)}/blob/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** What lies between two commits. */
export function compareUrl(site: Site, from: string, to: string): string {
  return `${siteUrl(site)}/compare/${from}...${to}`;
}

/** The Deployments of an environment: one of them has no page of its own. */
export function deploymentsUrl(site: Site, environment: string): string {
  return `${siteUrl(site)}/deployments/${encodeURIComponent(environment)}`;
}

function siteUrl({ serverUrl, owner, repository }: Site): string {
  return `${serverUrl}/${owner}/${repository}`;
}
