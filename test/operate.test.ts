/** What a person decides: refused where nobody would believe it, recorded first, kept by the ledger if it can be. */
import { describe, expect, it } from "vitest";
import { FourTierError } from "../src/findings.ts";
import { ledgerText, parseLedger } from "../src/ledger/document.ts";
import { emptyLedger, type Ledger } from "../src/ledger/model.ts";
import { type Decision, kept, type OperateRequest, operate } from "../src/operate.ts";
import { text } from "../src/report/markdown.ts";

const RELEASE = "1".repeat(64);
const PLAN = "2".repeat(64);
const common = {
  tier: "prod" as const,
  project: "ml-pipelines",
  run: { id: "900", attempt: 1, job: "operate" },
  reason: "It scores everybody twice.",
  by: "hubot",
};
const REJECT: Decision = { ...common, kind: "reject", release: RELEASE };
const HOLD: Decision = { ...common, kind: "hold", hold: "tier", selector: "", until: "2026-12-01" };
const DECISIONS: readonly [Decision, string][] = [
  [REJECT, `Reject in prod, release ${RELEASE}`],
  [{ ...common, kind: "accept", release: RELEASE }, `Accept in prod, release ${RELEASE}`],
  [HOLD, "Hold prod, promotions, until 2026-12-01"],
  [{ ...common, kind: "resume", hold: "tier", selector: "" }, "Resume prod, promotions"],
  [{ ...common, kind: "approval", release: RELEASE, plan: PLAN }, `Approve for prod, release ${RELEASE}, plan ${PLAN}`],
];

/** Runs a decision; what happened, in order. */
async function decide(decision: Decision, change: Partial<OperateRequest> & { actor?: string } = {}) {
  const { actor = "hubot", ...more } = change;
  const order: string[] = [];
  let ledger: Ledger = emptyLedger("ml-pipelines", "prod");
  const result = await operate({
    decision,
    run: { event: "workflow_dispatch", ref: "refs/heads/main", actor, runId: "900", runAttempt: 1 },
    defaultBranch: "main",
    record: (description) => {
      order.push(`record: ${description}`);
      return Promise.resolve("71");
    },
    locked: (work) => {
      order.push("ledger");
      return work({
        current: () => ledger,
        check: () => Promise.resolve(),
        save: (next) => {
          ledger = next;
          return Promise.resolve();
        },
      });
    },
    runUrl: "https://gh.example/runs/900",
    now: new Date("2026-11-23T12:00:00Z"),
    ...more,
  });
  return { result, order, ledger };
}

describe.each(DECISIONS.map(([decision, step]) => [decision.kind, decision, step] as const))(
  "%s",
  (kind, decision, step) => {
    it("is recorded before anything else, and says how the step must be named", async () => {
      const { result, order } = await decide(decision);
      expect(result.findings).toEqual([]);
      expect(order[0]).toMatch(/^record: .*It scores everybody twice\.$/);
      expect(order).toHaveLength(kind === "approval" ? 1 : 2);
      expect(result.outputs).toMatchObject({ "deployment-id": "71", statement: step });
      expect(result.summary).toContain("It scores everybody twice.");
    });

    it.each([
      ["a push", { event: "push", ref: "refs/heads/main" }],
      ["a branch", { event: "workflow_dispatch", ref: "refs/heads/evil" }],
      ["a tag named like the branch", { event: "workflow_dispatch", ref: "refs/tags/main" }],
      ["a pull request", { event: "pull_request", ref: "refs/pull/7/merge" }],
    ])("of %s is refused: no gate would believe it", async (_what, where) => {
      const order: string[] = [];
      const run = { ...where, actor: "hubot", runId: "900", runAttempt: 1 };
      const refused = decide(decision, { run, record: (each) => Promise.resolve(String(order.push(each))) });
      await expect(refused).rejects.toThrow(FourTierError);
      await expect(refused).rejects.toMatchObject({ findings: [{ id: "operate/not-dispatched" }] });
      expect(order).toEqual([]);
    });

    it("without a credential is recorded all the same", async () => {
      const { result, order } = await decide(decision, { locked: undefined });
      expect(result.findings).toEqual([]);
      expect(order).toHaveLength(1);
    });
  },
);

it.each([
  ["2026-12-01", "2026-12-01"],
  ["2026-12-01T08:30:00Z", "2026-12-01 08:30 UTC"],
])("a hold until %s says so as people read a time", async (until, shown) => {
  const { result } = await decide({ ...HOLD, until });
  expect(result.summary).toContain(`${text(`prod is held until ${shown}`)}\n`);
});

it("what opens a gate is not a workflow's own token's to decide; what shuts one is", async () => {
  const refused: string[] = [];
  for (const [decision] of DECISIONS) {
    await decide(decision, { actor: "github-actions[bot]" }).catch(() => refused.push(decision.kind));
  }
  expect(refused).toEqual(["accept", "resume", "approval"]);
});

it("a tier that is busy undoes nothing: the record stands, and that is said", async () => {
  const { result } = await decide(REJECT, { locked: () => Promise.reject(new Error("run 7 holds the lock")) });
  expect(result.findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual(["warning operate/not-kept"]);
  expect(result.outputs["deployment-id"]).toBe("71");
});

describe("the ledger", () => {
  const at = { by: "hubot", at: "2026-11-23T12:00:00Z" };
  const empty = emptyLedger("ml-pipelines", "prod");
  const expected = { project: "ml-pipelines", tier: "prod" as const, path: "/ledger.json" };
  const schedules = { kind: "schedules" as const, selector: "all", scope: "project" as const, reason: "x", prior: [] };
  const run = { id: "1", attempt: 1 };

  it("keeps a reject until its release is accepted, and comes back as it was written", () => {
    const rejected = kept(kept(empty, REJECT, at), REJECT, at);
    expect(rejected.rejects).toEqual([
      { release: RELEASE, reason: REJECT.reason, run: { id: "900", attempt: 1 }, ...at },
    ]);
    expect(parseLedger(ledgerText(rejected), expected)).toEqual({ ledger: rejected });
    const other: Decision = { ...common, kind: "accept", release: "9".repeat(64) };
    expect(kept(rejected, other, at).rejects).toHaveLength(1);
    expect(kept(rejected, { ...other, release: RELEASE }, at).rejects).toEqual([]);
  });

  it("keeps a hold until the tier is resumed, and leaves those of schedules alone", () => {
    const before = { ...empty, holds: [{ ...schedules, id: "a".repeat(64), until: undefined, run, ...at }] };
    const held = kept(before, HOLD, at);
    expect(held.holds).toHaveLength(2);
    expect(held.holds[1]).toMatchObject({ kind: "tier", until: "2026-12-02T00:00:00.000Z", reason: HOLD.reason });
    expect(parseLedger(ledgerText(held), expected)).toEqual({ ledger: held });
    const resume: Decision = { ...common, kind: "resume", hold: "tier", selector: "" };
    expect(kept(held, resume, at).holds).toEqual(before.holds);
  });
});
