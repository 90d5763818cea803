/**
 * The scenes: first the way things should go, then the ways in which they should not. Each changes the world or the
 * repository as a person could, runs the shipped workflows, and says what it expects by a job and a finding's id.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunResult } from "../simulator/runner/runner.ts";
import { edit } from "./stage.ts";
import type { Theatre } from "./theatre.ts";

export interface Scene {
  readonly name: string;
  readonly story: string;
  readonly expected: string;
  play(theatre: Theatre): Promise<{ readonly actual: string; readonly runs: readonly RunResult[] }>;
}

const TRAIN = "src/models/train.py";
const PROMOTE = ".github/workflows/promote.yml";
const EXPECT_STOP = (job: string, finding: string): string => `${job} stops with ${finding}`;

export const SCENES = [
  {
    name: "From pull request to prod",
    story:
      "Mona changes the training. The pull request is validated; its merge goes to dev, through the gate into staging, and after Ada read the brief and approved, into prod.",
    expected:
      "validate, deploy-to-dev, gate-to-staging, approve-to-prod: success; one release in dev, staging and prod",
    async play(theatre) {
      const change = await theatre.merge("deeper-trees", "Train deeper trees", (path) =>
        edit(path(TRAIN), (text) => text.replace("test_size=0.25", "test_size=0.2")),
      );
      const run = await theatre.promote();
      const releases = await theatre.releases();
      const digests = new Set(releases.map(({ release }) => release));
      const tiers = releases.map(({ tier }) => tier).join(", ");
      const release = digests.size === 1 ? `one release in ${listOf(tiers)}` : `${digests.size} releases in ${tiers}`;
      const stages = [change.validate, run].flatMap((result) => stagesOf(result));
      return {
        actual: `${stages.join(", ")}: ${conclusionOf([change.validate, run])}; ${release}`,
        runs: [change.validate, run],
      };
    },
  },
  {
    name: "The same commit again",
    story: "Somebody starts the promotion of the same commit once more. Nothing has changed, so nothing is written.",
    expected: "success; no write to jobs, pipelines or files",
    async play(theatre) {
      const before = theatre.stage.databricks.requests.length;
      const run = await theatre.promote({ event: "workflow_dispatch" });
      const writes = theatre.stage.databricks.requests.slice(before).filter(isWrite);
      const said = writes.length === 0 ? "no write" : `${writes.length} writes`;
      return { actual: `${conclusionOf([run])}; ${said} to jobs, pipelines or files`, runs: [run] };
    },
  },
  {
    name: "One component moves alone",
    story: "A commit touches only src/models. The streaming tables of the component data are left alone in every tier.",
    expected: "success; moved: jobs.score, jobs.score_stream, jobs.smoke_test, jobs.train",
    async play(theatre) {
      await theatre.merge("no-limit", "Raise the rounds", (path) =>
        edit(path(TRAIN), (text) => text.replace("random_state=7", "random_state=11")),
      );
      const before = theatre.look();
      const run = await theatre.promote();
      const moved = theatre.movedSince(before);
      return { actual: `${conclusionOf([run])}; moved: ${moved.join(", ")}`, runs: [run] };
    },
  },
  {
    name: "A byte changed in the tier's folder",
    story:
      "Somebody changes a file of the release that already lies in prod's workspace: the brief finds it before anybody approves.",
    expected: EXPECT_STOP("approve-to-prod / brief-live", "release/folder-tampered"),
    async play(theatre) {
      // A change of a schedule keeps the component's content: prod's folder stands already and is used again.
      await theatre.merge("earlier", "Score earlier", (path) =>
        edit(path("resources/models.yml"), (text) => text.replace("0 30 6 * * ?", "0 0 5 * * ?")),
      );
      theatre.tamperWithProd();
      const run = await theatre.promote();
      theatre.tamperWithProd(); // the same bit again puts it back
      return { actual: theatre.stop(run), runs: [run] };
    },
  },
  {
    name: "A prod table granted to a developer",
    story:
      "Somebody with rights in prod grants SELECT on prod.gold.scores to Mona, past the contract. Prod's workspace does not list her, so she may as well be a group.",
    expected: EXPECT_STOP("approve-to-prod / promote", "grants/unnamed-principal and grants/group-unseen"),
    async play(theatre) {
      await waitForProd(theatre);
      theatre.stage.databricks.world.grant("prod.gold.scores", "mona@example.com", ["SELECT"]);
      const run = await theatre.promote({ event: "workflow_dispatch" });
      theatre.stage.databricks.world.revoke("prod.gold.scores", "mona@example.com", ["SELECT"]);
      return { actual: theatre.stop(run), runs: [run] };
    },
  },
  {
    name: "A byte changed in the checkout",
    story: "After staging, something on the runner changes one byte of the checked-out training notebook.",
    expected: EXPECT_STOP("approve-to-prod / promote", "release/checkout-differs"),
    async play(theatre) {
      await waitForProd(theatre);
      const run = await theatre.promote({
        event: "workflow_dispatch",
        between: (job, step, workspace) => {
          if (job === "approve-to-prod / promote" && isPromoteStep(step)) {
            edit(join(workspace, TRAIN), (text) => text.replace("[:, 1]", "[:, 0]"));
          }
        },
      });
      return { actual: theatre.stop(run), runs: [run] };
    },
  },
  {
    name: "A byte changed in a carried artifact",
    story: "After staging, one byte of the wheel that deploy-to-dev built is changed on its way to prod.",
    expected: EXPECT_STOP(
      "approve-to-prod / promote",
      "gate/source-artifact and gate/plan-digest-other-release and gate/plan-digest-other-plan",
    ),
    async play(theatre) {
      await waitForProd(theatre);
      const run = await theatre.promote({
        event: "workflow_dispatch",
        between: (job, step, workspace) => {
          if (job !== "approve-to-prod / promote" || !isPromoteStep(step)) return;
          for (const file of filesBelow(jobFolder(workspace)).filter((path) => path.endsWith(".whl"))) {
            const bytes = readFileSync(file);
            bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
            writeFileSync(file, bytes);
          }
        },
      });
      return { actual: theatre.stop(run), runs: [run] };
    },
  },
  {
    name: "Staging's secret in the prod environment",
    story: "The team moves to secrets and pastes staging's client secret into the environment prod.",
    expected: EXPECT_STOP("approve-to-prod / promote", "identity/wrong-secret"),
    async play(theatre) {
      const { github, databricks } = theatre.stage;
      for (const tier of ["dev", "staging", "prod", "prod-read"]) {
        const environment = github.scenario.environments[tier];
        const owner = tier === "prod" ? "staging" : tier;
        if (environment !== undefined) {
          environment.secrets["DATABRICKS_CLIENT_SECRET"] = databricks.credentials(
            `ml-pipelines-${owner}`,
          ).clientSecret;
        }
      }
      await theatre.merge("secrets", "Use secrets", (path) =>
        edit(path(PROMOTE), (text) =>
          text.replace(/^ {4}with:$/gm, "    secrets: inherit\n    with:\n      auth: secret"),
        ),
      );
      const run = await theatre.promote();
      return { actual: theatre.stop(run), runs: [run] };
    },
  },
  {
    name: "A commit that skips staging",
    story: "A merged commit takes the staging job out of the caller and goes from dev straight to prod.",
    expected: EXPECT_STOP("approve-to-prod / brief-live", "gate/path-skipped-tier and gate/source-none"),
    async play(theatre) {
      await theatre.skipStaging("in-a-hurry", "We are in a hurry");
      const run = await theatre.promote();
      return { actual: theatre.stop(run), runs: [run] };
    },
  },
  {
    name: "A forged Deployment of staging",
    story:
      "For the same commit, a workflow on a branch writes a Deployment that says staging has it, copied word for word from dev's.",
    expected: EXPECT_STOP("approve-to-prod / brief-live", "gate/source-not-believed"),
    async play(theatre) {
      await theatre.forge();
      const run = await theatre.promote({ event: "workflow_dispatch" });
      return { actual: theatre.stop(run), runs: [run] };
    },
  },
] as const satisfies readonly Scene[];

/** Something for prod to take: what a scene before this one left in staging, or else a small change. */
async function waitForProd(theatre: Theatre): Promise<void> {
  const [, staging, prod] = await theatre.releases();
  if (staging?.release !== prod?.release) return;
  await theatre.merge("a-small-thing", "A small thing", (path) => edit(path(TRAIN), (text) => `${text}\n# noted\n`));
}

function stagesOf(run: RunResult): string[] {
  return [...new Set(run.jobs.map((job) => job.name.split(" / ")[0] ?? ""))];
}

function conclusionOf(runs: readonly RunResult[]): string {
  return runs.find((run) => run.conclusion !== "success")?.conclusion ?? "success";
}

function listOf(comma: string): string {
  return comma.replace(/, ([^,]*)$/, " and $1");
}

function isPromoteStep(step: string): boolean {
  return /promote/i.test(step) && !/checkout|download/i.test(step);
}

/** Jobs, pipelines and files: what a no-op must not touch. */
function isWrite({ method, path }: { readonly method: string; readonly path: string }): boolean {
  return method !== "GET" && /^\/api\/2\.\d\/(jobs|pipelines|workspace|workspace-files)/.test(path);
}

/** The job's own folder: its workspace, and beside it the temporary folder with the carried artifacts. */
function jobFolder(workspace: string): string {
  return workspace.replace(/([\\/]four-tier-job-[^\\/]+).*$/, "$1");
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
