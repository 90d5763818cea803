/** A hotfix: a reviewed repair of prod's commit, past what waits below it. */
import { describe, expect, it } from "vitest";
import type { CommitFacts, HotfixFacts } from "../../src/gate/commit-facts.ts";
import { evaluateGate, type GateResult } from "../../src/gate/evaluate.ts";
import { type GateFacts, known } from "../../src/gate/facts.ts";
import { COMMIT, CURRENT, goodFacts } from "./facts.ts";

const HOTFIX: HotfixFacts = {
  branch: "hotfix/scores",
  protected: true,
  holds: true,
  prod: { commit: CURRENT, relation: "ahead" },
  other: undefined,
};

function gate(
  tier: "dev" | "staging" | "prod",
  hotfix: Partial<HotfixFacts> = {},
  change: Partial<GateFacts> = {},
): GateResult {
  const good = goodFacts();
  if (!good.commit.known) throw new Error("the good facts are known");
  const commit: CommitFacts = {
    ...good.commit.value,
    onDefaultBranch: false,
    hotfix: { ...HOTFIX, ...hotfix },
    pulls: good.commit.value.pulls.map((pull) => ({ ...pull, base: HOTFIX.branch })),
  };
  const previous = tier === "prod" ? "staging" : undefined;
  return evaluateGate({ ...good, tier, previous, environment: tier, commit: known(commit), ...change });
}

const ids = (result: GateResult): string[] => result.findings.map(({ id }) => id);
const diverged = {
  order: known({ current: { commit: "d".repeat(40), release: "0".repeat(64) }, relation: "diverged" as const }),
};

describe("a hotfix", () => {
  it("enters at staging, past the release that waits there, and goes on to prod", () => {
    const staging = gate("staging", {}, { ...diverged, source: known([]) });
    expect(ids(staging)).toEqual([]);
    const summaries = Object.fromEntries(staging.checks.map(({ check, summary }) => [check, summary]));
    expect(summaries["path"]).toBe("A hotfix enters the path at staging.");
    expect(summaries["commit"]).toBe(
      `${COMMIT.slice(0, 12)} is a hotfix on hotfix/scores, by pull request #7; one merge or push since bbbbbbbbbbbb, which staging has.`,
    );
    expect(summaries["order"]).toContain("goes past dddddddddddd");
    expect(ids(gate("prod"))).toEqual([]);
  });

  it("does not enter at dev, and not past what prod has", () => {
    expect(ids(gate("dev"))).toEqual(["gate/commit-hotfix-in-dev"]);
    expect(ids(gate("prod", {}, diverged))).toEqual(["gate/order-diverged"]);
  });

  it.each<[string, Partial<HotfixFacts>, string]>([
    ["a branch that nobody protects", { protected: false }, "hotfix-branch"],
    ["a branch that is gone", { protected: undefined, holds: false }, "hotfix-branch"],
    ["a branch that was pushed back", { holds: false }, "hotfix-branch"],
    ["a beginning elsewhere than prod's commit", { prod: { commit: CURRENT, relation: "diverged" } }, "hotfix-stray"],
    ["something older than prod", { prod: { commit: CURRENT, relation: "behind" } }, "hotfix-stray"],
    ["a prod that GitHub does not know", { prod: { commit: CURRENT, relation: undefined } }, "hotfix-stray"],
    ["a prod that has nothing", { prod: undefined }, "hotfix-stray"],
  ])("is refused for %s", (_what, hotfix, what) => {
    expect(ids(gate("staging", hotfix))).toEqual([`gate/commit-${what}`]);
  });

  it("needs an approved, green pull request like any other commit, into its own branch", () => {
    const good = goodFacts();
    if (!good.commit.known) throw new Error("the good facts are known");
    const pulls = good.commit.value.pulls.map((pull) => ({ ...pull, base: HOTFIX.branch, reviews: [] }));
    const commit = { ...good.commit.value, onDefaultBranch: false, hotfix: HOTFIX };
    expect(ids(gate("staging", {}, { commit: known({ ...commit, pulls }) }))).toEqual(["gate/commit-not-approved"]);
    expect(ids(gate("staging", {}, { commit: known(commit) }))).toEqual(["gate/commit-no-pull-request"]);
  });

  it("an older one does not take staging back", () => {
    const older = {
      order: known({ current: { commit: "d".repeat(40), release: "0".repeat(64) }, relation: "behind" as const }),
    };
    expect(ids(gate("staging", {}, older))).toEqual(["gate/order-older"]);
  });
});

describe("the next ordinary promotion", () => {
  it("fails until the hotfix is merged back", () => {
    const result = evaluateGate({ ...goodFacts(), ...diverged });
    expect(ids(result)).toEqual(["gate/order-diverged"]);
    expect(result.findings[0]?.remedy).toContain("After a hotfix, that is its branch");
  });

  it("of a commit off the default branch that is no hotfix is refused, with the way named", () => {
    const good = goodFacts();
    if (!good.commit.known) throw new Error("the good facts are known");
    const commit = known({ ...good.commit.value, onDefaultBranch: false });
    const result = evaluateGate({ ...good, commit });
    expect(ids(result)).toEqual(["gate/commit-off-branch"]);
    expect(result.findings[0]?.remedy).toContain("hotfix/");
  });
});
