/** Records of what was verified and decided, honest and forged, each kind. */
import { describe, expect, it } from "vitest";
import type { EvidenceRun } from "../../src/gate/evidence-facts.ts";
import type { Trust } from "../../src/gate/jobs-behind.ts";
import { endedAt, recordDoubts, type StatedRecord } from "../../src/gate/record-doubts.ts";
import { sourcesOf, statementOf } from "../../src/gate/record-runs.ts";
import { evidence, job, PIN, PLAN, RELEASE, repository } from "./facts.ts";

const OTHER = "d".repeat(40);
const WORKFLOWS = "four-tier/four-tier/.github/workflows";
const trust: Trust = {
  repository,
  suite: { repository: "four-tier/four-tier", commits: [] },
  trustPinsAtCommit: false,
};

const common = {
  suite: "four-tier" as const,
  version: 1 as const,
  tier: "prod" as const,
  project: "ml-pipelines",
  run: { id: "900", attempt: 1, job: "operate" },
};
const decided = { reason: "It scores everybody twice.", by: "hubot" };

/** One of each kind, with the step that its job must have, written out. */
const RECORDS: readonly [StatedRecord, string][] = [
  [
    { ...common, kind: "verification", release: RELEASE, passed: true, checks: [{ name: "smoke", passed: true }] },
    `Verify prod, release ${RELEASE}`,
  ],
  [{ ...common, kind: "verification", release: RELEASE, passed: false, checks: [] }, `Verify prod, release ${RELEASE}`],
  [{ ...common, kind: "estate", passed: true, certificate: PLAN }, "Audit prod"],
  [{ ...common, kind: "reject", release: RELEASE, ...decided }, `Reject in prod, release ${RELEASE}`],
  [{ ...common, kind: "accept", release: RELEASE, ...decided }, `Accept in prod, release ${RELEASE}`],
  [
    { ...common, kind: "approval", release: RELEASE, plan: PLAN, ...decided },
    `Approve for prod, release ${RELEASE}, plan ${PLAN}`,
  ],
  [
    { ...common, kind: "opening", release: RELEASE, commit: OTHER, opened: "901" },
    `Open prod, release ${RELEASE}, commit ${OTHER}, run 901`,
  ],
  [
    { ...common, kind: "hold", hold: "tier", selector: "", until: "2026-12-01", ...decided },
    "Hold prod, promotions, until 2026-12-01",
  ],
  [
    { ...common, kind: "hold", hold: "schedules", selector: "jobs.score", until: null, ...decided },
    "Hold prod, schedules of jobs.score",
  ],
  [{ ...common, kind: "resume", hold: "tier", selector: "", ...decided }, "Resume prod, promotions"],
  [{ ...common, kind: "resume", hold: "schedules", selector: "", ...decided }, "Resume prod, schedules of all"],
];

const name = ([claim]: (typeof RECORDS)[number]): string =>
  claim.kind === "verification" ? `${claim.passed ? "passed" : "failed"} verification` : claim.kind;

const WORKFLOW: Readonly<Record<string, string>> = {
  verification: "verify",
  estate: "audit",
  opening: "open-approval",
};

/** The honest run behind a record. */
function runOf(claim: StatedRecord, step: string): EvidenceRun {
  const workflow = WORKFLOW[claim.kind] ?? "operate";
  const workflowJob = workflow === "open-approval" ? "open" : workflow;
  const ended = claim.kind === "verification" && !claim.passed ? "failure" : "success";
  const pin = { job: "ops", path: `${WORKFLOWS}/${workflow}.yml`, ref: PIN };
  if (evidence.run === undefined) throw new Error("the honest evidence has a run");
  return {
    ...evidence.run,
    event: "workflow_dispatch",
    headSha: OTHER,
    workflow: ".github/workflows/operate.yml",
    referencedWorkflows: [{ path: pin.path, sha: PIN }],
    pins: [pin],
    pinsAtCommit: [pin],
    callerJobs: [{ key: "ops", name: "ops", calls: pin.path }],
    jobs: [{ ...job(`ops / ${workflowJob}`, ended), steps: [{ name: step, conclusion: ended }] }],
  };
}

const WRITTEN = "2026-11-23T10:05:00Z";

function judge(claim: StatedRecord, run: EvidenceRun | undefined, createdAt = WRITTEN, trusted: Trust = trust): string {
  return recordDoubts({ claim, createdAt }, run, trusted).join("\n");
}

type Bend = (run: EvidenceRun, claim: StatedRecord) => EvidenceRun;

const jobs =
  (change: (job: EvidenceRun["jobs"][number]) => object): Bend =>
  (run) => ({ ...run, jobs: run.jobs.map((each) => ({ ...each, ...change(each) })) });

/** What somebody with push access can point a record at. */
const FORGERIES: readonly [string, Bend, RegExp][] = [
  ["a run of an edited workflow on a branch", (run) => ({ ...run, headBranch: "evil" }), /branch evil/],
  ["a run of a fork", (run) => ({ ...run, headRepository: "evil/ml-pipelines" }), /of evil\/ml-pipelines/],
  ["a run of a pull request", (run) => ({ ...run, event: "pull_request" }), /started by pull_request/],
  ["a run that called nothing of ours", (run) => ({ ...run, referencedWorkflows: [] }), /did not call four-tier/],
  [
    "our workflow at a commit that nobody pins",
    (run) => ({ ...run, referencedWorkflows: run.referencedWorkflows.map(({ path }) => ({ path, sha: OTHER })) }),
    /at commit dddddddddddd, which neither/,
  ],
  [
    "a workflow of the same name in another repository",
    (run) => ({
      ...run,
      referencedWorkflows: run.referencedWorkflows.map(({ path, sha }) => ({ path: `evil/${path}`, sha })),
    }),
    /did not call/,
  ],
  ["another attempt", jobs(() => ({ attempt: 2 })), /attempt 1 of the run has no job/],
  ["a job that ended otherwise", jobs(() => ({ conclusion: "skipped" })), /ended with skipped/],
  ["a job that is still at work", jobs(() => ({ conclusion: undefined })), /ended with nothing yet/],
  ["a job without the step", jobs(() => ({ steps: [] })), /has no step/],
  [
    "a job that skipped the step",
    jobs(({ steps }) => ({ steps: steps.map((step) => ({ ...step, conclusion: "skipped" })) })),
    /has no step/,
  ],
  [
    "a job that said it of another release, selector or end",
    jobs(({ steps }) => ({
      steps: steps.map((step) => ({
        ...step,
        name: step.name
          .replaceAll("1".repeat(64), "9".repeat(64))
          .replace(/promotions|schedules.*|2026.*|^Audit/, "other"),
      })),
    })),
    /has no step/,
  ],
  [
    "a job that said it of another tier",
    jobs(({ steps }) => ({ steps: steps.map((step) => ({ ...step, name: step.name.replace("prod", "dev") })) })),
    /has no step/,
  ],
  [
    "a job of the caller that can have the name",
    (run) => ({
      ...run,
      callerJobs: [...run.callerJobs, { key: "fake", name: "ops / ${{ vars.X }}", calls: undefined }],
    }),
    /can be shown as/,
  ],
];

describe.each(RECORDS.map((each) => [name(each), ...each] as const))("the record of a %s", (_name, claim, step) => {
  it("is believed by the run that says so", () => {
    expect(statementOf(claim)).toBe(step);
    expect(judge(claim, runOf(claim, step))).toBe("");
    expect(endedAt(claim, runOf(claim, step), trust)).toBe("2026-11-23T10:10:00Z");
  });

  it.each(FORGERIES)("is doubted when it points to %s", (_what, bend, says) => {
    expect(judge(claim, bend(runOf(claim, step), claim))).toMatch(says);
  });

  it("is doubted when its run does not exist", () => {
    expect(judge(claim, undefined)).toBe("it points to run 900, which this repository does not have");
  });

  it("is doubted when it was written again after its job, or before", () => {
    const late = judge(claim, runOf(claim, step), "2026-11-23T10:13:00Z");
    expect(late).toMatch(/written at 2026-11-23 10:13 UTC, but its job ran from 2026-11-23 10:00 UTC to/);
    expect(judge(claim, runOf(claim, step), "2026-11-23T09:57:00Z")).toMatch(/written at/);
    expect(judge(claim, runOf(claim, step), "2026-11-23T10:11:30Z")).toBe("");
  });

  it("is believed by what was pinned then only where that is asked for", () => {
    const run = { ...runOf(claim, step), pins: [] };
    expect(judge(claim, run)).toMatch(/which neither/);
    expect(judge(claim, run, WRITTEN, { ...trust, trustPinsAtCommit: true })).toBe("");
  });
});

describe("a verification", () => {
  const [passed, step] = RECORDS[0] ?? [];
  if (passed?.kind !== "verification" || step === undefined) throw new Error("the first record is a verification");

  it("cannot be turned round: neither a pass into a failure nor a failure into a pass", () => {
    const failed = { ...passed, passed: false };
    expect(judge(failed, runOf(passed, step))).toMatch(/ended with success, not with failure or cancelled/);
    expect(judge(passed, runOf(failed, step))).toMatch(/ended with failure, not with success/);
  });

  it("has failed, too, if its run was cancelled or its time was up", () => {
    const failed = { ...passed, passed: false };
    const run = runOf(failed, step);
    const cancelled: EvidenceRun = {
      ...run,
      jobs: run.jobs.map((each) => ({
        ...each,
        conclusion: "cancelled",
        steps: each.steps.map((one) => ({ ...one, conclusion: "cancelled" })),
      })),
    };
    expect(judge(failed, cancelled)).toBe("");
    expect(judge(passed, cancelled)).toMatch(/ended with cancelled, not with success/);
  });

  it("may be the promoting job's own, or a schedule's", () => {
    const pin = { job: "prod", path: `${WORKFLOWS}/approve-to-prod.yml`, ref: PIN };
    const promoting: EvidenceRun = {
      ...runOf(passed, step),
      event: "push",
      referencedWorkflows: [{ path: pin.path, sha: PIN }],
      pins: [pin],
      pinsAtCommit: [pin],
      callerJobs: [{ key: "prod", name: "prod", calls: pin.path }],
      jobs: [{ ...job("prod / promote"), steps: [{ name: step, conclusion: "success" }] }],
    };
    expect(judge(passed, promoting)).toBe("");
    expect(judge(passed, { ...runOf(passed, step), event: "schedule" })).toBe("");
    expect(judge({ ...common, kind: "reject", release: RELEASE, ...decided }, promoting)).toMatch(/did not call/);
  });
});

it("what opens a gate is not believed of a run that a workflow's own token started; what shuts one is", () => {
  const doubted = RECORDS.filter(([claim, step]) => {
    const run = { ...runOf(claim, step), actor: "github-actions[bot]" };
    return judge(claim, run).includes("a workflow's own token started the run behind it");
  });
  expect(doubted.map(([{ kind }]) => kind)).toEqual(["accept", "approval", "opening", "resume", "resume"]);
});

it("only a person's dispatch decides", () => {
  for (const kind of ["reject", "accept", "hold", "resume", "approval", "rollback"] as const) {
    expect(sourcesOf(kind, "prod").events).toEqual(["workflow_dispatch"]);
  }
});
