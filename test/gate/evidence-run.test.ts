import { describe, expect, it } from "vitest";
import type { EvidenceClaim, EvidenceFacts, EvidenceRun } from "../../src/gate/evidence-facts.ts";
import { doubts } from "../../src/gate/evidence-run.ts";
import { suitePins } from "../../src/gate/pins.ts";
import { evidence, expected, job, PIN, RELEASE } from "./facts.ts";

const OTHER = "d".repeat(40);

function run(change: Partial<EvidenceRun>): EvidenceFacts {
  if (evidence.run === undefined) throw new Error("the honest evidence has a run");
  return { ...evidence, run: { ...evidence.run, ...change } };
}

function claim(change: object): EvidenceFacts {
  if (evidence.claim === undefined) throw new Error("the honest evidence has a claim");
  return { ...evidence, claim: { ...evidence.claim, ...change } };
}

const staging = "four-tier/four-tier/.github/workflows/gate-to-staging.yml";

const step = (name: string, conclusion = "success") => ({ name, conclusion });

const back = { job: "back", path: staging.replace("gate-to-staging", "rollback"), ref: PIN };
/** A run of the caller of rollback.yml. */
const rolledBack = {
  event: "workflow_dispatch",
  referencedWorkflows: [{ path: back.path, sha: PIN }],
  pins: [back],
  pinsAtCommit: [back],
  callerJobs: [{ key: "back", name: "back", calls: back.path }],
};
const rollback = { ...evidence.claim, kind: "rollback" as const } as EvidenceClaim;

/** Forgeries, and what must be said about each. */
const FORGERIES: readonly [string, EvidenceFacts, RegExp][] = [
  ["a payload that is not ours", { ...evidence, claim: undefined }, /not a whole record/],
  ["a record of another tier", claim({ tier: "dev" }), /record of dev/],
  ["a record of another project", claim({ project: "other" }), /project other/],
  ["a release that the files do not give", claim({ release: "9".repeat(64) }), /names release 999999999999/],
  ["a deployment that failed", { ...evidence, deployment: { ...evidence.deployment, state: "failure" } }, /failure/],
  ["one without a status", { ...evidence, deployment: { ...evidence.deployment, state: undefined } }, /not set/],
  [
    "one of another commit",
    { ...evidence, deployment: { ...evidence.deployment, sha: OTHER } },
    /of commit dddddddddddd/,
  ],
  [
    "an honest one, written once more when its job had ended",
    { ...evidence, deployment: { ...evidence.deployment, createdAt: "2026-11-23T10:13:00Z" } },
    /written at 2026-11-23 10:13 UTC, but its job ran from 2026-11-23 10:00 UTC to 2026-11-23 10:10 UTC/,
  ],
  [
    "one from before its job began",
    { ...evidence, deployment: { ...evidence.deployment, createdAt: "2026-11-23T09:57:00Z" } },
    /written at 2026-11-23 09:57 UTC/,
  ],
  ["a run that does not exist", { ...evidence, run: undefined }, /run 900, which this repository does not have/],
  ["a run of an edited workflow on a branch", run({ headBranch: "evil" }), /branch evil, where whoever can push edits/],
  ["a run of a fork", run({ headRepository: "evil/ml-pipelines" }), /of evil\/ml-pipelines/],
  ["a run of a pull request", run({ event: "pull_request" }), /started by pull_request/],
  ["a run of a pull request's target", run({ event: "pull_request_target" }), /started by pull_request_target/],
  [
    "an honest run of another commit that does not say which release it deployed",
    run({ headSha: OTHER, jobs: [job("staging / promote")] }),
    /run behind it is of commit dddddddddddd/,
  ],
  [
    "a run of another commit that deployed another release",
    run({
      headSha: OTHER,
      jobs: [{ ...job("staging / promote"), steps: [step(`Check grants, release ${"9".repeat(64)}`)] }],
    }),
    /run behind it is of commit dddddddddddd.*deployed 999999999999/s,
  ],
  [
    "a rollback whose job says nothing",
    { ...run({ ...rolledBack, jobs: [job("back / rollback")] }), claim: rollback },
    /its job back \/ rollback deployed none/,
  ],
  ["a rollback that was only promoted", { ...evidence, claim: rollback }, /did not call .*rollback\.yml/],
  [
    "a rollback whose step was skipped",
    {
      ...run({
        ...rolledBack,
        jobs: [
          {
            ...job("back / rollback"),
            steps: [{ name: `Roll back staging, release ${RELEASE}`, conclusion: "skipped" }],
          },
        ],
      }),
      claim: rollback,
    },
    /deployed none/,
  ],
  ["a run that called nothing of ours", run({ referencedWorkflows: [] }), /did not call four-tier/],
  [
    "a workflow of the same name in another repository",
    run({ referencedWorkflows: [{ path: "evil/four-tier/.github/workflows/gate-to-staging.yml", sha: PIN }] }),
    /did not call four-tier/,
  ],
  [
    "our workflow at a commit that nobody pins",
    run({ referencedWorkflows: [{ path: staging, sha: OTHER }] }),
    /at commit dddddddddddd, which neither/,
  ],
  [
    "a trusted call beside one that is not",
    run({
      referencedWorkflows: [
        { path: staging, sha: PIN },
        { path: staging, sha: OTHER },
      ],
    }),
    /at commit dddddddddddd/,
  ],
  [
    "a caller that names a tag",
    run({ pins: [{ job: "staging", path: staging, ref: "v1" }] }),
    /by v1, which can be moved/,
  ],
  ["a deploying job that failed", run({ jobs: [job("staging / promote", "failure")] }), /ended with failure/],
  ["a deploying job that was skipped", run({ jobs: [job("staging / promote", "skipped")] }), /ended with skipped/],
  ["an honest run that only reached dev", run({ jobs: [job("dev / promote")] }), /no job staging \/ promote/],
  ["a job of that name beside the called workflow", run({ jobs: [job("promote")] }), /no job staging \/ promote/],
  ["another attempt of the run", claim({ attempt: 2 }), /attempt 2 of the run has no job/],
  ["a caller that did not call it at that commit", run({ pinsAtCommit: [] }), /calls .* directly/],
];

describe("evidence", () => {
  it("of an honest run is believed", () => {
    expect(doubts(evidence, expected)).toEqual([]);
  });

  it.each(FORGERIES)("is doubted: %s", (_name, forged, says) => {
    const found = doubts(forged, expected);
    expect(found.join("\n")).toMatch(says);
  });

  it("of another commit is believed if its job says that it deployed this release: a hotfix", () => {
    expect(doubts(run({ headSha: OTHER }), expected)).toEqual([]);
  });

  it("of a rollback is believed by its own workflow, job and step", () => {
    const honest = {
      ...run({
        ...rolledBack,
        headSha: OTHER,
        jobs: [{ ...job("back / rollback"), steps: [step(`Roll back staging, release ${RELEASE}`)] }],
      }),
      claim: rollback,
    };
    expect(doubts(honest, expected)).toEqual([]);
  });

  it("may use a commit of the suite that the contract lists", () => {
    const moved = run({ referencedWorkflows: [{ path: staging, sha: OTHER }] });
    expect(doubts(moved, { ...expected, suite: { ...expected.suite, commits: [OTHER] } })).toEqual([]);
  });

  it("of what is in a tier already may use what was pinned when it ran, of what wants in not", () => {
    const older = run({
      referencedWorkflows: [{ path: staging, sha: OTHER }],
      pinsAtCommit: [{ job: "staging", path: staging, ref: OTHER }],
    });
    expect(doubts(older, { ...expected, trustPinsAtCommit: true })).toEqual([]);
    expect(doubts(older, expected)).not.toEqual([]);
  });
});

describe("the pins of a caller", () => {
  it("are the jobs that call the suite, by name or key, at their refs", () => {
    const text = `
on: push
jobs:
  a: { uses: four-tier/four-tier/.github/workflows/deploy-to-dev.yml@${PIN} }
  b: { name: staging, uses: "four-tier/four-tier/.github/workflows/gate-to-staging.yml@v1" }
  c: { uses: evil/four-tier/.github/workflows/deploy-to-dev.yml@${PIN} }
  d: { uses: ./.github/workflows/deploy-to-dev.yml }
  e: { runs-on: ubuntu-latest, steps: [{ uses: "four-tier/four-tier/.github/workflows/x.yml@v1" }] }
`;
    expect(suitePins(text, "four-tier/four-tier")).toEqual([
      { job: "a", path: "four-tier/four-tier/.github/workflows/deploy-to-dev.yml", ref: PIN },
      { job: "staging", path: "four-tier/four-tier/.github/workflows/gate-to-staging.yml", ref: "v1" },
    ]);
  });

  it.each(["", "jobs: [", "jobs: 3", "- a", "jobs: { a: { uses: 3 } }"])("are none in %j", (text) => {
    expect(suitePins(text, "four-tier/four-tier")).toEqual([]);
  });
});
