import { describe, expect, it } from "vitest";
import { parseRecord, type RecordInput, recordPayload, taskOf } from "../../src/release/evidence.ts";

const EVIDENCE = {
  kind: "promotion" as const,
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
    const payload = recordPayload(EVIDENCE);
    expect(parseRecord(JSON.parse(JSON.stringify(payload)))).toEqual({ suite: "four-tier", version: 1, ...EVIDENCE });
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
    expect(parseRecord(payload)).toBeUndefined();
  });

  it("of an older suite, which has no kind, is a promotion's", () => {
    const { kind: _kind, ...older } = EVIDENCE;
    expect(parseRecord({ suite: "four-tier", version: 1, ...older })?.kind).toBe("promotion");
  });

  const { tier, project, run, release, plan } = EVIDENCE;
  const decided = { tier, project, run, reason: "why", by: "hubot" };
  const KINDS: readonly RecordInput[] = [
    { ...EVIDENCE, overrides: [{ check: "window", reason: "incident 7", by: "hubot" }] },
    { kind: "verification", tier, project, run, release, passed: true, checks: [{ name: "smoke", passed: true }] },
    { kind: "estate", tier, project, run, passed: false, certificate: "5".repeat(64) },
    { ...decided, kind: "reject", release },
    { ...decided, kind: "accept", release },
    { ...decided, kind: "hold", hold: "tier", selector: "", until: "2026-12-01T08:00Z" },
    { ...decided, kind: "hold", hold: "schedules", selector: "jobs.score", until: null },
    { ...decided, kind: "resume", hold: "tier", selector: "" },
    { ...EVIDENCE, kind: "rollback", from: null, reason: "why", by: "hubot" },
    { ...decided, kind: "approval", release, plan },
  ];

  it.each(KINDS.map((each) => [each.kind, each] as const))("of a %s comes back, and only whole", (kind, each) => {
    const payload = recordPayload(each);
    expect(parseRecord(payload)).toEqual({ suite: "four-tier", version: 1, ...each });
    const needed = Object.keys(payload).filter((key) => !["kind", "overrides"].includes(key));
    expect(needed.filter((key) => parseRecord({ ...payload, [key]: undefined }) !== undefined)).toEqual([]);
    expect(parseRecord({ ...payload, kind: "coup" })).toBeUndefined();
    expect(parseRecord({ ...payload, more: true })).toBeUndefined();
    expect(taskOf(kind)).toMatch(/^four-tier(-verification|-audit|-operation)?$/);
  });

  it("is never written half", () => {
    expect(() => recordPayload({ ...EVIDENCE, release: "" })).toThrow("Invalid format");
  });
});
