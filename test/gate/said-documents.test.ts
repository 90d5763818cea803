import { describe, expect, it } from "vitest";
import type { EvidenceFacts, EvidenceJob, EvidenceRun } from "../../src/gate/evidence-facts.ts";
import { keepingStatement } from "../../src/gate/record-runs.ts";
import { saidDocuments } from "../../src/gate/said-documents.ts";
import { DOCUMENT, evidence, expected, job, PIN, RELEASE } from "./facts.ts";

const AGAIN = "5".repeat(64);

const step = (name: string, conclusion = "success") => ({ name, conclusion });
const left = (digest = DOCUMENT) => step(keepingStatement(digest));
const deployed = (release = RELEASE) => step(`Check grants, release ${release}`);

/** Staging's job, or another one. */
const promote = (steps: EvidenceJob["steps"], change: Partial<EvidenceJob> = {}): EvidenceJob => ({
  ...job("staging / promote"),
  steps,
  ...change,
});

function said(jobs: readonly EvidenceJob[], change: Partial<EvidenceRun> = {}, kind?: "rollback") {
  const { run, claim } = evidence;
  if (run === undefined || claim === undefined) throw new Error("the honest evidence has a run");
  const facts: EvidenceFacts = {
    ...evidence,
    run: { ...run, ...change, jobs },
    claim: { ...claim, kind: kind ?? claim.kind },
  };
  return saidDocuments(facts, expected);
}

describe("a document that a run left", () => {
  it("is told by the name of a step that passed, of a promotion or a rollback", () => {
    expect(said([promote([left(), deployed()])])).toEqual([{ attempt: 1, digest: DOCUMENT }]);
    const path = "four-tier/four-tier/.github/workflows/rollback.yml";
    const back = { job: "back", path, ref: PIN };
    const rolledBack = {
      event: "workflow_dispatch",
      referencedWorkflows: [{ path, sha: PIN }],
      pins: [back],
      pinsAtCommit: [back],
      callerJobs: [{ key: "back", name: "back", calls: path }],
    };
    expect(said([{ ...job("back / rollback"), steps: [left()] }], rolledBack, "rollback")).toEqual([
      { attempt: 1, digest: DOCUMENT },
    ]);
  });

  it.each([
    ["by no step", []],
    ["by one that failed", [step(keepingStatement(DOCUMENT), "failure")]],
    ["by one that was skipped", [step(keepingStatement(DOCUMENT), "skipped")]],
    ["by two that differ", [left(), left(AGAIN)]],
    ["by another step's digest", [step(`Check grants, release ${DOCUMENT}`)]],
    ["by half a digest", [left(DOCUMENT.slice(1))]],
    ["by an empty one", [left("")]],
  ])("is not told %s", (_name, steps) => {
    expect(said([promote(steps)])).toEqual([]);
  });

  it("is not told by another job", () => {
    expect(said([promote([left()], { name: "elsewhere / promote" })])).toEqual([]);
  });

  it("may be a later attempt's, which found nothing to do: if it ended well, with the same release", () => {
    const first = promote([left(), deployed()]);
    const second = promote([left(AGAIN), deployed()], { attempt: 2 });
    expect(said([first, second])).toEqual([
      { attempt: 2, digest: AGAIN },
      { attempt: 1, digest: DOCUMENT },
    ]);
    const own = [{ attempt: 1, digest: DOCUMENT }];
    expect(said([first, { ...second, conclusion: "failure" }])).toEqual(own);
    expect(said([first, promote([left(AGAIN), deployed("9".repeat(64))], { attempt: 2 })])).toEqual(own);
    expect(said([first, promote([left(AGAIN)], { attempt: 2 })])).toEqual(own);
  });

  it("is never an earlier attempt's", () => {
    expect(said([promote([left(), deployed()], { attempt: 0 })])).toEqual([]);
  });
});
