import { describe, expect, it } from "vitest";
import { evidencePayload, parseEvidence } from "../../src/release/evidence.ts";

const EVIDENCE = {
  tier: "staging" as const,
  project: "ml-pipelines",
  release: "1".repeat(64),
  plan: "2".repeat(64),
  components: { models: "3".repeat(64) },
  run: { id: "9007199254740993", attempt: 2, job: "promote" },
  artifacts: [{ name: "score-1.0-py3-none-any.whl", sha256: "4".repeat(64) }],
};

describe("the payload of a Deployment", () => {
  it("comes back as it was written, also as GitHub's text", () => {
    const payload = evidencePayload(EVIDENCE);
    expect(parseEvidence(JSON.parse(JSON.stringify(payload)))).toEqual({ suite: "four-tier", version: 1, ...EVIDENCE });
  });

  it.each([
    ["nothing", undefined],
    ["text", "four-tier"],
    ["somebody else's", { suite: "other" }],
    ["another version", { ...EVIDENCE, suite: "four-tier", version: 2 }],
    ["a sandbox", { ...EVIDENCE, suite: "four-tier", version: 1, tier: "sandbox" }],
    ["a release that is no digest", { ...EVIDENCE, suite: "four-tier", version: 1, release: "latest" }],
    ["a run that is no id", { ...EVIDENCE, suite: "four-tier", version: 1, run: { id: "../1", attempt: 1, job: "" } }],
    ["a number for a run", { ...EVIDENCE, suite: "four-tier", version: 1, run: { id: 7, attempt: 1, job: "" } }],
    ["an attempt of zero", { ...EVIDENCE, suite: "four-tier", version: 1, run: { id: "7", attempt: 0, job: "" } }],
    ["no artifacts", { ...EVIDENCE, suite: "four-tier", version: 1, artifacts: undefined }],
  ])("is not taken from %s", (_name, payload) => {
    expect(parseEvidence(payload)).toBeUndefined();
  });

  it("is never written half", () => {
    expect(() => evidencePayload({ ...EVIDENCE, release: "" })).toThrow("Invalid format");
  });
});
