/** Tries what a repository's runs and environments do. */
import { ask, child, list, type Reply, said } from "./rest.ts";
import type { Report } from "./verdicts.ts";

export interface Repository {
  readonly api: string;
  /** owner/name */
  readonly name: string;
  readonly run: string;
  /** The login of who started the run. */
  readonly actor: string;
  readonly token: string;
  /** The context `needs` of the job: how `nameless`, `gated` and `elsewhere` ended. */
  readonly jobs: Readonly<Record<string, { readonly result?: string }>>;
}

type Get = (path: string) => Promise<Reply>;

export async function probeGitHub(repository: Repository, report: Report): Promise<void> {
  const root = `${repository.api}/repos/${repository.name}`;
  const get: Get = (path) =>
    ask("GET", `${root}${path}`, {
      authorization: `Bearer ${repository.token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    });
  report.begin("environments");
  await environments(get, repository, report);
  report.begin("run");
  await run(get, repository, report);
}

async function environments(get: Get, { jobs, run }: Repository, report: Report): Promise<void> {
  const ended = (job: string): string => jobs[job]?.result ?? "unknown";
  report.say("A15", ended("nameless") === "success", `a job whose environment has an empty name: ${ended("nameless")}`);

  const gated = await get("/environments/probe-gated");
  const isPrivate = (await get("")).body["private"] === true;
  const readable = gated.status === 200 && Array.isArray(gated.body["protection_rules"]);
  report.say(
    "A4",
    isPrivate ? readable : undefined,
    isPrivate ? `reading an environment: ${said(gated)}` : "the repository is public",
  );

  const reviewed = list(gated.body, "protection_rules").some((rule) => rule["type"] === "required_reviewers");
  const approvals = Object.keys((await get(`/actions/runs/${run}/approvals`)).body).length;
  report.say(
    "A2",
    reviewed && ended("gated") === "success" ? approvals > 0 : undefined,
    reviewed
      ? `the job that waits for a review: ${ended("gated")}, approvals: ${approvals}`
      : "probe-gated has no required reviewers",
  );

  const elsewhere = await get("/environments/probe-elsewhere");
  const limited = child(elsewhere.body, "deployment_branch_policy", "custom_branch_policies") === true;
  report.say(
    "A2",
    limited && ["success", "failure"].includes(ended("elsewhere")) ? ended("elsewhere") === "failure" : undefined,
    limited
      ? `the job whose environment is for another branch: ${ended("elsewhere")}`
      : "probe-elsewhere is not limited to another branch",
  );
}

async function run(get: Get, { run: id, actor }: Repository, report: Report): Promise<void> {
  const names = list((await get(`/actions/runs/${id}/jobs`)).body, "jobs")
    .filter((job) => job["name"] === "nameless")
    .flatMap((job) => list(job, "steps"))
    .flatMap(({ name }) => (typeof name === "string" && name.startsWith("Be there in run ") ? [name] : []));
  report.say(
    "A38",
    names.length === 0 ? undefined : names.includes(`Be there in run ${id}`),
    names.length === 0
      ? "the step is not shown"
      : `the step's name is ${names[0]?.includes("{{") === true ? "as written" : "resolved"}`,
  );

  const permission = await get(`/collaborators/${encodeURIComponent(actor)}/permission`);
  report.say(
    "A39",
    permission.status === 200 && typeof permission.body["permission"] === "string",
    `asking for the starter's permission: ${said(permission)}`,
  );
}
