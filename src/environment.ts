/**
 * Every environment variable the suite reads, named and explained once. Nothing else touches `process.env`
 * (inputs and the files of the runner are in actions/toolkit.ts, proxies through undici).
 */
import { isAbsolute } from "node:path";
import { FourTierError } from "./findings.ts";

/** The variables of a runner (facts: github 1, 4), each with what it is for. */
const VARIABLES = {
  GITHUB_REPOSITORY: "owner/name of the repository whose workflow runs (the caller's, in a reusable workflow)",
  GITHUB_SHA: "the commit the run is for",
  GITHUB_REF: "the ref the run is for",
  GITHUB_EVENT_NAME: "what started the run",
  GITHUB_EVENT_PATH: "the event's payload, a JSON file",
  GITHUB_ACTOR: "who started the first attempt of the run",
  GITHUB_TRIGGERING_ACTOR: "who started this attempt",
  GITHUB_RUN_ID: "the run: evidence points to it",
  GITHUB_RUN_ATTEMPT: "which attempt of the run this is",
  GITHUB_JOB: "the job's key in its workflow file",
  GITHUB_WORKFLOW_REF: "the caller's workflow file and ref",
  GITHUB_ACTION_REPOSITORY: "owner/name of the suite's repository, where the runner says it",
  GITHUB_ACTION_REF: "the suite's commit or tag that runs, where the runner says it",
  GITHUB_WORKSPACE: "where the repository is checked out",
  GITHUB_API_URL: "GitHub's REST API",
  GITHUB_SERVER_URL: "GitHub's pages, for links",
  RUNNER_TEMP: "a folder that is emptied after the job",
  ACTIONS_ID_TOKEN_REQUEST_URL: "where a job with `id-token: write` asks for an OIDC token",
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: "what authorises that request",
} as const;

type VariableName = keyof typeof VARIABLES;

/** The run this process belongs to. Ids are strings. */
export interface RunContext {
  readonly owner: string;
  readonly repository: string;
  readonly sha: string;
  readonly ref: string;
  readonly event: string;
  readonly eventPath: string | undefined;
  readonly actor: string;
  readonly triggeringActor: string;
  readonly runId: string;
  readonly runAttempt: number;
  readonly job: string;
  readonly workflowRef: string;
  /** `four-tier/four-tier@<commit>`: what runs, as the runner says; only for people. */
  readonly suiteRef?: string | undefined;
  readonly workspace: string;
  readonly apiUrl: string;
  readonly serverUrl: string;
  readonly temp: string;
  /** Present only if the job was granted `id-token: write`. */
  readonly oidc: { readonly url: string; readonly token: string } | undefined;
}

/** Reads the run's context from the environment; throws FourTierError (`run/environment`) for what a runner always sets. */
export function readRunContext(environment: Readonly<Record<string, string | undefined>>): RunContext {
  const get = (name: VariableName): string | undefined => environment[name] || undefined;
  const need = (name: VariableName): string => {
    const value = get(name);
    if (value === undefined) throw missing(name, "is not set");
    return value;
  };
  const [owner, repository, ...rest] = need("GITHUB_REPOSITORY").split("/");
  if (!owner || !repository || rest.length > 0) throw missing("GITHUB_REPOSITORY", "is not owner/name");
  const sha = need("GITHUB_SHA");
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) throw missing("GITHUB_SHA", "is not a commit");
  const workspace = need("GITHUB_WORKSPACE");
  if (!isAbsolute(workspace)) throw missing("GITHUB_WORKSPACE", "is not an absolute path");
  const runAttempt = Number(get("GITHUB_RUN_ATTEMPT") ?? "1");
  if (!Number.isSafeInteger(runAttempt) || runAttempt < 1) throw missing("GITHUB_RUN_ATTEMPT", "is not a count");
  const url = get("ACTIONS_ID_TOKEN_REQUEST_URL");
  const token = get("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
  const [suite, suiteRef] = [get("GITHUB_ACTION_REPOSITORY"), get("GITHUB_ACTION_REF")];
  return {
    owner,
    repository,
    sha,
    ref: get("GITHUB_REF") ?? "",
    event: need("GITHUB_EVENT_NAME"),
    eventPath: get("GITHUB_EVENT_PATH"),
    actor: get("GITHUB_ACTOR") ?? "",
    triggeringActor: get("GITHUB_TRIGGERING_ACTOR") ?? get("GITHUB_ACTOR") ?? "",
    runId: need("GITHUB_RUN_ID"),
    runAttempt,
    job: get("GITHUB_JOB") ?? "",
    workflowRef: get("GITHUB_WORKFLOW_REF") ?? "",
    suiteRef: suite === undefined || suiteRef === undefined ? undefined : `${suite}@${suiteRef}`,
    workspace,
    apiUrl: get("GITHUB_API_URL") ?? "https://api.github.com",
    serverUrl: get("GITHUB_SERVER_URL") ?? "https://github.com",
    temp: need("RUNNER_TEMP"),
    oidc: url !== undefined && token !== undefined ? { url, token } : undefined,
  };
}

function missing(name: VariableName, what: string): FourTierError {
  return new FourTierError({
    id: "run/environment",
    severity: "error",
    message: `The environment variable ${name} ${what} (${VARIABLES[name]}).`,
    remedy: "Run this as a step of a GitHub Actions job; locally, use `npm run workflow`.",
  });
}
