/** What people decide while a run waits, what only the ledger remembers, and what a broken glass leaves behind. */
import { describe, expect, it } from "vitest";
import { type GateFacts, known, type PolicyFacts } from "../src/gate/facts.ts";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import { DECIDED, goodFacts, judged, seen } from "./gate/facts.ts";
import { failures, ids, jobWrites, type Scene, scene } from "./promotion.ts";

const CHANGED = { "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" };
const hold = judged({ ...DECIDED, kind: "hold", hold: "tier", selector: "", until: null });

function policy(change: Partial<PolicyFacts>): GateFacts["policy"] {
  const { policy } = goodFacts();
  if (!policy.known) throw new Error("the good facts are known");
  return known({ ...policy.value, ...change });
}

/** The default branch does not have the commit any more. */
function offBranch(): GateFacts["commit"] {
  const { commit } = goodFacts();
  if (!commit.known) throw new Error("the good facts are known");
  return known({ ...commit.value, onDefaultBranch: false });
}

describe("what was decided while a run waited for the lock", () => {
  const release = "9".repeat(64);
  const DECISIONS: readonly [string, Partial<GateFacts>, string][] = [
    ["a hold", { holds: known({ ...seen, standing: [hold], resumed: undefined }) }, "gate/hold-held"],
    [
      "a reject",
      { rejects: known({ ...seen, standing: [judged({ ...DECIDED, kind: "reject", release })], lifted: [] }) },
      "gate/rejects-rejected",
    ],
    ["a force-push", { commit: offBranch() }, "gate/commit-off-branch"],
    [
      "a freeze",
      {
        policy: policy({
          freezes: [
            {
              from: { year: 2026, month: 1, day: 1, minutes: 0 },
              until: { year: 2099, month: 1, day: 1, minutes: 0 },
              zone: "UTC",
              reason: "year end",
            },
          ],
        }),
      },
      "gate/window-frozen",
    ],
  ];

  it.each(DECISIONS)("%s stops it under the lock, and nothing is written", async (_what, decisions, finding) => {
    const dev = await scene("dev");
    await dev.promote();
    dev.change(CHANGED);
    const before = jobWrites(dev.writes()).length;
    const { result, records } = await dev.promote({ decisions });
    expect(failures(result)).toEqual([finding]);
    expect(jobWrites(dev.writes())).toHaveLength(before);
    expect(records).toEqual([]);
    expect(failures((await dev.promote()).result)).toEqual([]);
  });
});

describe("what only the tier's ledger remembers", () => {
  const run = { id: "77", attempt: 1 };
  const decided = { reason: "incident 7", by: "hubot", at: "2026-11-23T10:00:00.000Z", run };
  const keep = async (dev: Scene, change: object) => {
    const workspace = dev.connect();
    const ledger = await readLedger(workspace, dev.folder, { project: "ml-pipelines", tier: "dev" });
    if (ledger === undefined) throw new Error("nothing was promoted");
    await writeLedger(workspace, dev.folder, { ...ledger, ...change });
  };

  it("a hold of the tier, and a reject of its release, stop the next promotion", async () => {
    const dev = await scene("dev");
    const first = await dev.promote();
    const id = "a".repeat(64);
    const tier = { id, kind: "tier", selector: "all", scope: "project", until: undefined, prior: [], ...decided };
    await keep(dev, { holds: [tier] });
    dev.change(CHANGED);
    expect(failures((await dev.promote()).result)).toEqual(["gate/hold-held"]);
    await keep(dev, { holds: [] });
    const second = await dev.promote();
    expect(failures(second.result)).toEqual([]);
    const release = second.result.outputs["release-digest"] ?? "";
    expect(release).not.toBe(first.result.outputs["release-digest"]);
    await keep(dev, { rejects: [{ release, ...decided }] });
    expect(failures((await dev.promote()).result)).toEqual(["gate/rejects-rejected"]);
    // What is rejected here is remembered through other promotions.
    dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('fixed')\n" });
    expect(failures((await dev.promote()).result)).toEqual([]);
    const ledger = await readLedger(dev.connect(), dev.folder, { project: "ml-pipelines", tier: "dev" });
    expect(ledger?.rejects).toHaveLength(1);
  });
});

it("a broken glass is in the record, first in its description, in the summary and in the report", async () => {
  const dev = await scene("dev");
  const facts: Partial<GateFacts> = {
    holds: known({ ...seen, standing: [hold], resumed: undefined }),
    override: { checks: ["hold"], reason: "Scores are wrong <now>.", by: "octocat" },
    approvals: known([{ environments: ["dev"], state: "approved", user: "hubot", comment: "" }]),
  };
  const { result, records } = await dev.promote({ facts });
  expect(failures(result)).toEqual([]);
  expect(ids(result)).toEqual(expect.arrayContaining(["gate/overridden", "gate/hold-held"]));
  expect(records).toMatchObject([
    {
      description: expect.stringMatching(/^BREAK-GLASS \(hold\): Promoting /) as string,
      overrides: [{ check: "hold", reason: "Scores are wrong <now>.", by: "octocat" }],
    },
  ]);
  expect(result.summary).toContain("**Break-glass:** octocat overrode <code>hold</code>");
  expect(result.summary).toMatch(/of \d+ checks pass, 1 overridden/);
  expect(result.summary).toContain("**Overridden** by octocat: Scores are wrong &#60;now&#62;.");
  const gate = (result.report as { gate: { checks: { check: string; verdict: string; overridden?: object }[] } }).gate;
  expect(gate.checks.find(({ check }) => check === "hold")).toMatchObject({
    verdict: "fail",
    overridden: { by: "octocat", reason: "Scores are wrong <now>." },
  });
  // The same without a second person's approval is refused.
  const alone = await dev.promote({ facts: { ...facts, approvals: known([]) } });
  expect(failures(alone.result)).toContain("gate/override-not-approved");
});
