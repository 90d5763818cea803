/** What the people of the scenes can do: merge a pull request, start the promotion, cheat. And what the audience can see. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { DispatchOptions } from "../simulator/runner/events.ts";
import type { RunProcess } from "../simulator/runner/process.ts";
import type {
  JobResult,
  PendingReview,
  ReviewDecision,
  Runner,
  RunnerEvent,
  RunnerOptions,
  RunResult,
} from "../simulator/runner/runner.ts";
import { edit, type Stage } from "./stage.ts";

const PROMOTE = ".github/workflows/promote.yml";
const VALIDATE = ".github/workflows/validate.yml";
const AUTHOR = "octocat";
const REVIEWER = "ada";
const APPROVED: ReviewDecision = { user: REVIEWER, state: "approved", comment: "Read the brief." };

export interface PromoteOptions {
  /** Default: promote.yml. */
  readonly workflow?: string;
  readonly event?: "push" | "workflow_dispatch" | "schedule";
  /** Who starts the run. Default: the author. */
  readonly actor?: string;
  /** Default: the default branch. */
  readonly ref?: string;
  /** Of workflow_dispatch. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Who decides about prod instead of the usual reviewer. */
  readonly reviewer?: RunnerOptions["reviewer"];
  /** Called before each step with the job's workspace. */
  readonly between?: RunnerOptions["between"];
  readonly debug?: boolean;
  /** Another folder that stands for the suite's commit. */
  readonly suiteDir?: string;
}

/** A promotion that has begun. */
interface Performance {
  readonly id: number;
  readonly done: Promise<RunResult>;
  cancel(): Promise<void>;
  /** Once it has ended: all its jobs again, or those that failed and what needs them, as another attempt. */
  again(actor: string, jobs?: "all" | "failed"): Promise<RunResult>;
}

/** A record of what a tier runs, as its Deployment says. */
export interface Release {
  readonly id: number;
  readonly tier: string;
  readonly commit: string;
  readonly release: string;
}

export interface Theatre {
  readonly stage: Stage;
  /** promote.yml as it should be. */
  readonly callers: string;
  /** A branch, a pull request, its validation, an approval, a merge. */
  merge(
    branch: string,
    title: string,
    change: (path: (file: string) => string) => void,
  ): Promise<{ readonly commit: string; readonly validate: RunResult }>;
  /** Runs promote.yml on the default branch; the reviewer approves unless the audience does. */
  promote(options?: PromoteOptions): Promise<RunResult>;
  /** As promote, but does not wait for the end. */
  start(options?: PromoteOptions): Promise<Performance>;
  /** Runs validate.yml for a pull request. */
  validate(
    pullRequest: number,
    options?: { readonly actor?: string; readonly event?: "pull_request" | "merge_group" },
  ): Promise<RunResult>;
  /** Any other caller: its name in `.github/workflows` without `.yml`. */
  dispatch(caller: string, options: Omit<DispatchOptions, "workflow">): Promise<RunResult>;
  /** Merges a caller without the staging job. */
  skipStaging(branch: string, title: string): Promise<void>;
  /** From a workflow on a branch, writes a Deployment of staging for the commit that dev has, copied from dev's real one. */
  forge(): Promise<void>;
  /** The newest Deployment of each tier. */
  releases(): Promise<readonly Release[]>;
  /** Every Deployment that says what a tier has, newest first. */
  deployments(): Promise<readonly Release[]>;
  /** Stops what still runs. */
  close(): Promise<void>;
  /** Where a run stopped: `job stops with finding/id`. */
  stop(run: RunResult): string;
  /** What every tier runs, to be compared with a later look. */
  look(): ReadonlyMap<string, string>;
  /** Keys of the resources that any tier created or changed since a look. */
  movedSince(before: ReadonlyMap<string, string>): readonly string[];
  /** Changes a byte of the training notebook in prod's release folder. */
  tamperWithProd(): void;
}

interface TheatreOptions {
  readonly onEvent: (event: RunnerEvent) => void;
  /** Who decides; undefined leaves it to the simulated reviewer. */
  readonly reviewer?: (pending: PendingReview) => Promise<ReviewDecision> | undefined;
  readonly nodeArguments?: readonly string[];
  /** Runs the Node of an action. Default: a process of its own. */
  readonly runNode?: RunProcess;
  readonly environment?: Readonly<Record<string, string>>;
  /** For every run that does not say otherwise. */
  readonly debug?: boolean;
}

const deployments = v.array(
  v.object({
    id: v.number(),
    task: v.string(),
    environment: v.string(),
    sha: v.string(),
    payload: v.object({ release: v.optional(v.string(), "") }),
  }),
);

const trainTasks = v.tuple([v.object({ notebook_task: v.object({ notebook_path: v.string() }) })]);

/** Opens the theatre on a stage. */
export function openTheatre(stage: Stage, options: TheatreOptions): Theatre {
  const { github, databricks } = stage;
  const runners: Runner[] = [];
  const runner = ({ between, reviewer, debug = options.debug === true, suiteDir }: PromoteOptions = {}): Runner => {
    const made = stage.runner(
      {
        onEvent: options.onEvent,
        reviewer: reviewer ?? ((pending) => options.reviewer?.(pending) ?? APPROVED),
        debug,
        ...(between === undefined ? {} : { between }),
        ...(options.nodeArguments === undefined ? {} : { nodeArguments: options.nodeArguments }),
        ...(options.runNode === undefined ? {} : { runNode: options.runNode }),
        ...(options.environment === undefined ? {} : { environment: options.environment }),
      },
      suiteDir,
    );
    runners.push(made);
    return made;
  };

  const theatre: Theatre = {
    stage,
    callers: readFileSync(join(stage.repoDir, PROMOTE), "utf8"),
    async merge(branch, title, change) {
      stage.commit(branch, title, AUTHOR, change);
      const pullRequest = await github.openPullRequest({ head: branch, user: AUTHOR, title });
      const validate = await theatre.validate(pullRequest);
      await github.review(pullRequest, REVIEWER);
      const commit = await github.mergePullRequest(pullRequest, AUTHOR);
      stage.git("reset", "--quiet", "--hard", "main");
      return { commit, validate };
    },
    async promote(options) {
      return (await theatre.start(options)).done;
    },
    async start(options = {}) {
      const { event = "push", actor = AUTHOR, inputs, ref, workflow } = options;
      const own = runner(options);
      const given = { ...(inputs === undefined ? {} : { inputs }), ...(ref === undefined ? {} : { ref }) };
      const { id, done } = await own.start({
        event,
        workflow: workflow === undefined ? PROMOTE : `.github/workflows/${workflow}`,
        actor,
        ...given,
      });
      return { id, done, cancel: () => own.cancel(id), again: (actor, jobs = "all") => own.rerun(id, { actor, jobs }) };
    },
    validate(pullRequest, { actor = AUTHOR, event = "pull_request" } = {}) {
      return runner().dispatch({ event, workflow: VALIDATE, actor, pullRequest });
    },
    dispatch(caller, options) {
      return runner().dispatch({ ...options, workflow: `.github/workflows/${caller}.yml` });
    },
    async skipStaging(branch, title) {
      await theatre.merge(branch, title, (path) => {
        edit(path(PROMOTE), () =>
          theatre.callers
            .replace(/^ {2}gate-to-staging:\n(?: {3,}.*\n|\n)*/m, "")
            .replace("needs: [deploy-to-dev, gate-to-staging]", "needs: deploy-to-dev")
            .replace("needs.gate-to-staging.outputs.release-digest", "needs.deploy-to-dev.outputs.release-digest"),
        );
        edit(path("src/models/train.py"), (text) => `${text}\n# ${title}\n`);
      });
    },
    async forge() {
      const real = (await theatre.releases()).find(({ tier }) => tier === "dev");
      if (real === undefined) throw new Error("There is no Deployment of dev to copy");
      stage.commit("innocent", "An innocent branch", AUTHOR, (path) =>
        writeFileSync(path(".github/workflows/forge.yml"), forgery(real.id)),
      );
      const run = await runner().dispatch({
        event: "push",
        workflow: ".github/workflows/forge.yml",
        ref: "innocent",
        actor: AUTHOR,
      });
      if (run.conclusion !== "success") throw new Error(`The forgery itself failed: ${logOf(run)}`);
    },
    async releases() {
      const newestFirst = await theatre.deployments();
      return ["dev", "staging", "prod"].flatMap((tier) => newestFirst.find((release) => release.tier === tier) ?? []);
    },
    async deployments() {
      const response = await fetch(`${github.apiUrl}/repos/${github.scenario.repository}/deployments?per_page=100`, {
        headers: { authorization: `Bearer ${github.userToken(REVIEWER)}` },
      });
      const all = v.parse(deployments, await response.json());
      const releases = all.filter(({ task }) => task === "four-tier");
      return releases.map(({ id, environment, sha, payload }) => ({
        id,
        tier: environment,
        commit: sha,
        release: payload.release,
      }));
    },
    async close() {
      await Promise.all(runners.map((each) => each.close()));
    },
    stop(run) {
      const job = run.jobs.find(({ conclusion }) => conclusion !== "success" && conclusion !== "skipped");
      if (job === undefined) return run.errors.length > 0 ? run.errors.join("; ") : "nothing stops";
      return `${job.name} stops with ${findingsOf(job)}`;
    },
    look() {
      const seen = new Map<string, string>();
      for (const workspace of Object.keys(databricks.workspaces)) {
        for (const { settings } of databricks.world.jobs(workspace)) seen.set(...entryOf(workspace, settings));
        for (const { spec } of databricks.world.pipelines(workspace)) seen.set(...entryOf(workspace, spec));
      }
      return seen;
    },
    movedSince(before) {
      const moved = [...theatre.look()].filter(([key, settings]) => before.get(key) !== settings);
      return [...new Set(moved.map(([key]) => key.split(" ")[1] ?? ""))].sort();
    },
    tamperWithProd() {
      const { settings } = databricks.world.job("prod", "churn train");
      const [task] = v.parse(trainTasks, settings["tasks"]);
      databricks.world.flipByte("prod", task.notebook_task.notebook_path);
    },
  };
  return theatre;
}

/** `prod jobs.score`, and the settings as text. */
function entryOf(workspace: string, settings: Readonly<Record<string, unknown>>): [string, string] {
  const tags = v.parse(v.record(v.string(), v.string()), settings["tags"] ?? {});
  return [`${workspace} ${tags["four_tier_key"] ?? "by hand"}`, JSON.stringify(settings)];
}

function findingsOf(job: JobResult): string {
  const ids = job.annotations.flatMap(({ level, title }) => (level === "error" && title !== undefined ? [title] : []));
  return ids.length === 0 ? "no finding" : [...new Set(ids)].join(" and ");
}

function logOf(run: RunResult): string {
  return run.jobs.flatMap((job) => job.steps.map((step) => step.log)).join("\n");
}

/** What somebody with push access, and nothing else, can do. */
function forgery(copied: number): string {
  const script = [
    "const api = process.env.GITHUB_API_URL + '/repos/' + process.env.GITHUB_REPOSITORY + '/deployments';",
    "const headers = { authorization: 'Bearer ' + process.env.TOKEN, 'content-type': 'application/json' };",
    "const ask = async (url, body) => { const r = await fetch(url, { headers, ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}) }); if (!r.ok) throw new Error(r.status + ' ' + await r.text()); return r.json(); };",
    `const real = await ask(api + '/${copied}');`,
    `const forged = await ask(api, { ref: real.sha, environment: 'staging', task: real.task, payload: { ...real.payload, tier: 'staging' }, auto_merge: false, required_contexts: [] });`,
    "await ask(api + '/' + forged.id + '/statuses', { state: 'success' });",
  ];
  return `name: innocent
on: push
permissions: {}
jobs:
  tests:
    runs-on: ubuntu-latest
    permissions:
      deployments: write
    steps:
      - env:
          TOKEN: \${{ github.token }}
          SCRIPT: |
            ${script.join("\n            ")}
        run: node --input-type=module --eval "$SCRIPT"
`;
}
