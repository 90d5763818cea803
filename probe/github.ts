/** Tries what a repository's runs and environments do. */
import { ask, list, type Reply } from "./rest.ts";
import type { Report } from "./verdicts.ts";

export interface Repository {
  readonly api: string;
  /** owner/name */
  readonly name: string;
  readonly run: string;
  readonly token: string;
  /** The context `needs` of the job: how `nameless` and `gated` ended. */
  readonly jobs: Readonly<Record<string, { readonly result?: string }>>;
}

export async function probeGitHub(repository: Repository, report: Report): Promise<void> {
  const root = `${repository.api}/repos/${repository.name}`;
  const get = (path: string): Promise<Reply> =>
    ask("GET", `${root}${path}`, {
      authorization: `Bearer ${repository.token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    });

  const nameless = repository.jobs["nameless"]?.result;
  report.say("A15", nameless === "success", `the job without a name for its environment: ${nameless ?? "unknown"}`);

  const environment = await get("/environments/probe-gated");
  const isPrivate = (await get("")).body["private"] === true;
  const readable = environment.status === 200 && Array.isArray(environment.body["protection_rules"]);
  report.say(
    "A4",
    isPrivate ? readable : undefined,
    isPrivate ? `reading an environment: ${environment.status}` : "the repository is public",
  );

  const guarded = list(environment.body, "protection_rules").some((rule) => rule["type"] === "required_reviewers");
  const approvals = await ask("GET", `${root}/actions/runs/${repository.run}/approvals`, {
    authorization: `Bearer ${repository.token}`,
  });
  const count = Object.keys(approvals.body).length;
  const gated = repository.jobs["gated"]?.result;
  report.say(
    "A2",
    guarded && gated === "success" ? count > 0 : undefined,
    guarded
      ? `the gated job: ${gated ?? "unknown"}, approvals of the run: ${count}`
      : "probe-gated has no required reviewers",
  );
}
