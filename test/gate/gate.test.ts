import { describe, expect, it } from "vitest";
import { parseWindow } from "../../src/contract/values.ts";
import type { Finding } from "../../src/findings.ts";
import { CHECK_IDS, type CheckId } from "../../src/gate/check.ts";
import type { DocumentFacts, FoundDocument, SoughtDocument } from "../../src/gate/document-facts.ts";
import { evaluateGate, GATE } from "../../src/gate/evaluate.ts";
import { type GateFacts, known, notKnown, type PolicyFacts } from "../../src/gate/facts.ts";
import type { Change } from "../../src/release/change.ts";
import type { Loss } from "../../src/release/losses.ts";
import {
  audited,
  CURRENT,
  DECIDED,
  DRIFT,
  evidence,
  goodFacts,
  judged,
  KEPT,
  openedRun,
  RELEASE,
  repository,
  seen,
} from "./facts.ts";

/** Facts that are deep and read-only: a test names the one it breaks. */
type Break = (facts: GateFacts) => Partial<GateFacts>;

function value<T>(fact: { known: true; value: T } | { known: false }): T {
  if (!fact.known) throw new Error("the good facts are all known");
  return fact.value;
}

const pull = (facts: GateFacts, change: object): Partial<GateFacts> => {
  const commit = value(facts.commit);
  return { commit: known({ ...commit, pulls: commit.pulls.map((pull) => ({ ...pull, ...change })) }) };
};

const environment = (facts: GateFacts, change: object): Partial<GateFacts> => {
  const protection = value(facts.protection);
  if (protection.environment === undefined) throw new Error("the good environment exists");
  return { protection: known({ ...protection, environment: { ...protection.environment, ...change } }) };
};

const change = (action: "delete" | "replace" | "update", kind: "deletes" | "replaces" | "data-losing") =>
  known({
    digest: "2".repeat(64),
    empty: false,
    changes: [{ key: "jobs.score", kind: "jobs", name: "score", action, class: kind, fields: [] }],
  });

const drifted = known({
  digest: DRIFT,
  empty: false,
  entries: [{ key: "jobs.score", what: "changed" as const, fields: [{ path: "max_concurrent_runs", old: 1, new: 4 }] }],
});

const differs: Finding = {
  id: "bundle/differs-from-staging",
  severity: "error",
  message: "jobs.score: max_retries is 1 in staging and 2 in prod.",
  remedy: "Make them alike.",
};
const loss: Loss = {
  key: "jobs.score",
  action: "delete",
  live: { id: "7", name: "score" },
  marked: true,
  planned: true,
};
const namesake = { key: "jobs.score", name: "score", id: "42", adopted: false, managedBy: undefined };

const grantFinding = {
  id: "grants/excess",
  severity: "error" as const,
  message: "mona may read prod.gold.scores.",
  remedy: "Revoke it.",
};

const policy = (facts: GateFacts, change: Partial<PolicyFacts>): Partial<GateFacts> => ({
  policy: known({ ...value(facts.policy), ...change }),
});

function fail(): never {
  throw new Error("not a window");
}

/** What is wrong with the place of evidence, or with the one document that is sought there. */
const place = (change: Partial<DocumentFacts["place"]>): Partial<GateFacts> => ({
  documents: known({ ...KEPT, place: { ...KEPT.place, ...change } }),
});
const sought = (change: Partial<SoughtDocument>): Partial<GateFacts> => ({
  documents: known({ ...KEPT, sought: KEPT.sought.map((one) => ({ ...one, ...change })) }),
});
const lies = (change: Partial<FoundDocument>): Partial<GateFacts> => {
  const [found] = KEPT.sought.flatMap((one) => one.found ?? []);
  if (found === undefined) throw new Error("the good document is there");
  return sought({ found: { ...found, ...change } });
};
const says = (change: Partial<NonNullable<FoundDocument["document"]>>): Partial<GateFacts> => {
  const [found] = KEPT.sought.flatMap((one) => one.found?.document ?? []);
  if (found === undefined) throw new Error("the good document is one");
  return lies({ document: { ...found, ...change } });
};

const active = known({
  policy: "fail" as const,
  waited: false,
  runs: [{ key: "jobs.score", name: "score", id: "7", url: undefined, since: undefined, continuous: false }],
});

const rejected = { ...seen, standing: [judged({ ...DECIDED, kind: "reject", release: RELEASE })], lifted: [] };
const held = {
  ...seen,
  standing: [judged({ ...DECIDED, kind: "hold", hold: "tier", selector: "", until: null })],
  resumed: undefined,
};

/** What is broken, the check that says so, and the finding's id. */
const BROKEN: readonly [string, Break, CheckId, string][] = [
  ["a run of a branch", ({ run }) => ({ run: { ...run, ref: "refs/heads/evil" } }), "path", "gate/path-off-branch"],
  [
    "a run of a tag named like the branch",
    ({ run }) => ({ run: { ...run, ref: "refs/tags/main" } }),
    "path",
    "gate/path-off-branch",
  ],
  [
    "a run of a pull request",
    ({ run }) => ({ run: { ...run, event: "pull_request" } }),
    "path",
    "gate/path-off-branch",
  ],
  ["a commit that was never in staging", () => ({ source: known([]) }), "path", "gate/path-skipped-tier"],
  ["the same, seen by source", () => ({ source: known([]) }), "source", "gate/source-none"],
  [
    "a commit whose deployment to staging failed",
    () => ({ source: known([{ ...evidence, deployment: { ...evidence.deployment, state: "failure" } }]) }),
    "path",
    "gate/path-skipped-tier",
  ],
  [
    "a credential of another tier",
    ({ identity }) => ({
      identity: known({
        ...value(identity),
        findings: [{ id: "identity/principal", severity: "error", message: "It is staging's.", remedy: "Use prod's." }],
      }),
    }),
    "identity",
    "identity/principal",
  ],
  [
    "a tier that the default branch has moved by now",
    () => ({ move: { where: ["workspace", "catalog"], principal: "same" } }),
    "identity",
    "gate/identity-moved",
  ],
  [
    "a principal that the default branch has replaced by now",
    () => ({ move: { where: [], principal: "other" } }),
    "identity",
    "gate/identity-moved",
  ],
  [
    "a commit that is not on the branch",
    ({ commit }) => ({ commit: known({ ...value(commit), onDefaultBranch: false }) }),
    "commit",
    "gate/commit-off-branch",
  ],
  [
    "a direct push",
    ({ commit }) => ({ commit: known({ ...value(commit), pulls: [] }) }),
    "commit",
    "gate/commit-no-pull-request",
  ],
  ["an open pull request", (facts) => pull(facts, { merged: false }), "commit", "gate/commit-no-pull-request"],
  ["one merged elsewhere", (facts) => pull(facts, { base: "feature" }), "commit", "gate/commit-no-pull-request"],
  ["no approval", (facts) => pull(facts, { reviews: [] }), "commit", "gate/commit-not-approved"],
  [
    "an approval by the author",
    (facts) => pull(facts, { reviews: [{ user: "octocat", state: "APPROVED", stale: false, mayWrite: true }] }),
    "commit",
    "gate/commit-not-approved",
  ],
  [
    "an approval by the author, written in another case",
    (facts) => pull(facts, { reviews: [{ user: "OctoCat", state: "APPROVED", stale: false, mayWrite: true }] }),
    "commit",
    "gate/commit-not-approved",
  ],
  [
    "a run that a workflow started, whatever the case of its account",
    (facts) => ({ run: { ...facts.run, actor: "GitHub-Actions[bot]", triggeringActor: "GitHub-Actions[bot]" } }),
    "approval",
    "gate/approval-starter",
  ],
  [
    "a reviewer who asked for changes",
    (facts) =>
      pull(facts, {
        reviews: [
          { user: "hubot", state: "APPROVED", stale: false, mayWrite: true },
          { user: "mona", state: "CHANGES_REQUESTED", stale: false, mayWrite: true },
        ],
      }),
    "commit",
    "gate/commit-changes-requested",
  ],
  ["no check", (facts) => pull(facts, { checks: [] }), "commit", "gate/commit-unchecked"],
  [
    "a red check",
    (facts) => pull(facts, { checks: [{ name: "tests", status: "completed", conclusion: "failure", url: undefined }] }),
    "commit",
    "gate/commit-checks",
  ],
  [
    "a check that still runs",
    (facts) =>
      pull(facts, { checks: [{ name: "tests", status: "in_progress", conclusion: undefined, url: undefined }] }),
    "commit",
    "gate/commit-checks",
  ],
  [
    "evidence that is not believed",
    () => ({ source: known([{ ...evidence, run: undefined }]) }),
    "source",
    "gate/source-not-believed",
  ],
  [
    "an older commit",
    ({ order }) => ({ order: known({ ...value(order), relation: "behind" }) }),
    "order",
    "gate/order-older",
  ],
  [
    "a commit beside prod's",
    ({ order }) => ({ order: known({ ...value(order), relation: "diverged" }) }),
    "order",
    "gate/order-diverged",
  ],
  [
    "a current commit that GitHub does not know",
    () => ({ order: known({ current: { commit: CURRENT, release: "0".repeat(64) }, relation: undefined }) }),
    "order",
    "gate/order-diverged",
  ],
  [
    "no environment",
    ({ protection }) => ({ protection: known({ ...value(protection), environment: undefined }) }),
    "protection",
    "gate/protection-no-environment",
  ],
  ["no reviewers", (facts) => environment(facts, { reviewers: [] }), "protection", "gate/protection-no-reviewers"],
  [
    "self-review",
    (facts) => environment(facts, { preventSelfReview: false }),
    "protection",
    "gate/protection-self-review",
  ],
  [
    "admin bypass",
    (facts) => environment(facts, { canAdminsBypass: true }),
    "protection",
    "gate/protection-admin-bypass",
  ],
  [
    "any branch",
    (facts) => environment(facts, { branches: { kind: "any" } }),
    "protection",
    "gate/protection-any-branch",
  ],
  [
    "one more branch",
    (facts) =>
      environment(facts, {
        branches: {
          kind: "custom",
          patterns: [
            { name: "main", type: "branch" },
            { name: "release/*", type: "branch" },
          ],
        },
      }),
    "protection",
    "gate/protection-other-branch",
  ],
  [
    "a tag that is named like the branch",
    (facts) => environment(facts, { branches: { kind: "custom", patterns: [{ name: "main", type: "tag" }] } }),
    "protection",
    "gate/protection-other-branch",
  ],
  [
    "protected branches, of which there are none",
    (facts) => ({
      ...environment(facts, { branches: { kind: "protected" } }),
      repository: known({ ...repository, headIsProtected: false }),
    }),
    "protection",
    "gate/protection-any-branch",
  ],
  ["no approval of the run", () => ({ approvals: known([]) }), "approval", "gate/approval-missing"],
  [
    "an approval for another environment",
    () => ({ approvals: known([{ environments: ["prod-read"], state: "approved", user: "hubot", comment: "" }]) }),
    "approval",
    "gate/approval-missing",
  ],
  [
    "a rejection",
    () => ({ approvals: known([{ environments: ["prod"], state: "rejected", user: "hubot", comment: "" }]) }),
    "approval",
    "gate/approval-missing",
  ],
  [
    "an approval by a workflow's own token",
    () => ({
      approvals: known([{ environments: ["prod"], state: "approved", user: "github-actions[bot]", comment: "" }]),
    }),
    "approval",
    "gate/approval-self",
  ],
  [
    "an approval by the actor, spelt otherwise",
    () => ({ approvals: known([{ environments: ["prod"], state: "approved", user: "OctoCat", comment: "" }]) }),
    "approval",
    "gate/approval-self",
  ],
  [
    "the same the other way round",
    ({ run }) => ({
      run: { ...run, actor: "HuBot", triggeringActor: "octocat" },
    }),
    "approval",
    "gate/approval-self",
  ],
  [
    "an approval by who re-started the run",
    ({ run }) => ({ run: { ...run, triggeringActor: "hubot" } }),
    "approval",
    "gate/approval-self",
  ],
  [
    "a re-run with the old approval",
    ({ run }) => ({ run: { ...run, attempt: 2 } }),
    "approval",
    "gate/approval-re-run",
  ],
  [
    "another plan than the approved one",
    ({ plan }) => ({ plan: known({ ...value(plan), digest: "4".repeat(64) }) }),
    "plan-digest",
    "gate/plan-digest-other-plan",
  ],
  [
    "no plan digest",
    ({ approved }) => ({ approved: { ...approved, plan: undefined } }),
    "plan-digest",
    "gate/plan-digest-no-plan",
  ],
  [
    "a malformed plan digest",
    ({ approved }) => ({ approved: { ...approved, plan: "2".repeat(63) } }),
    "plan-digest",
    "gate/plan-digest-bad-plan",
  ],
  [
    "no release digest",
    ({ approved }) => ({ approved: { ...approved, release: undefined } }),
    "plan-digest",
    "gate/plan-digest-no-release",
  ],
  [
    "another release than the approved one",
    ({ approved }) => ({ approved: { ...approved, release: "9".repeat(64) } }),
    "plan-digest",
    "gate/plan-digest-other-release",
  ],
  ["drift that nobody accepted", () => ({ drift: drifted }), "drift", "gate/drift-changed"],
  [
    "other drift than the accepted one",
    () => ({ drift: drifted, acceptedDrift: "4".repeat(64) }),
    "drift",
    "gate/drift-other",
  ],
  ["a deletion", () => ({ plan: change("delete", "deletes") }), "destructive", "gate/destructive"],
  ["a replacement", () => ({ plan: change("replace", "replaces") }), "destructive", "gate/destructive"],
  ["an update that loses data", () => ({ plan: change("update", "data-losing") }), "destructive", "gate/destructive"],
  [
    "a deletion of what is not the listed one",
    () => ({ plan: change("delete", "deletes"), destructive: ["jobs.score_stream"] }),
    "destructive",
    "gate/destructive",
  ],
  [
    "a bundle that is not the same for staging and prod",
    () => ({ parity: known({ findings: [differs], allowed: [] }) }),
    "parity",
    "bundle/differs-from-staging",
  ],
  [
    "a deletion of what lost its mark, though it is listed",
    () => ({ destructive: ["*"], losses: known([{ ...loss, marked: false }]) }),
    "destructive",
    "release/not-marked",
  ],
  [
    "a deletion that an unfinished promotion left and no plan shows",
    () => ({ losses: known([{ ...loss, planned: false }]) }),
    "destructive",
    "release/destructive",
  ],
  [
    "a look that did not see what would go",
    () => ({ losses: notKnown("Nobody looked.", "Look.") }),
    "destructive",
    "gate/destructive-unknown",
  ],
  ["a namesake", () => ({ adoption: known([namesake]) }), "adoption", "gate/adoption-namesake"],
  [
    "a namesake that only the release's own contract adopts",
    () => ({ adoption: known([{ ...namesake, adopted: true }]), adopt: new Map([[namesake.key, "43"]]) }),
    "adoption",
    "gate/adoption-namesake",
  ],
  [
    "a namesake of a bundle",
    () => ({ adoption: known([{ ...namesake, managedBy: "bundle" as const }]) }),
    "adoption",
    "gate/adoption-bundle",
  ],
  [
    "a release that was verified less than asked",
    (facts) => policy(facts, { verifications: 2 }),
    "verification",
    "gate/verification-too-few",
  ],
  [
    "a release that did not stand long enough",
    (facts) => policy(facts, { soakMs: 86_400_000 }),
    "verification",
    "gate/verification-soak",
  ],
  [
    "evidence on a branch that can be deleted",
    () => place({ missing: ["deletion"] }),
    "evidence",
    "evidence/not-append-only",
  ],
  ["evidence on no branch", () => place({ head: undefined }), "evidence", "evidence/no-branch"],
  ["evidence on the default branch", () => place({ isDefault: true }), "evidence", "evidence/default-branch"],
  ["evidence that is not kept", () => sought({ found: undefined }), "evidence", "gate/evidence-not-kept"],
  [
    "evidence of a job that does not say which",
    () => sought({ digest: undefined }),
    "evidence",
    "gate/evidence-unsaid",
  ],
  ["evidence that was changed", () => lies({ sha256: "0".repeat(64) }), "evidence", "gate/evidence-changed"],
  ["a file that is no evidence", () => lies({ document: undefined }), "evidence", "gate/evidence-other"],
  ["evidence of another release", () => says({ release: "0".repeat(64) }), "evidence", "gate/evidence-other"],
  ["evidence of another run", () => says({ run: { id: "901", attempt: 1 } }), "evidence", "gate/evidence-other"],
  ["evidence of another attempt", () => says({ run: { id: "900", attempt: 2 } }), "evidence", "gate/evidence-other"],
  ["evidence of another tier", () => says({ tier: "dev" }), "evidence", "gate/evidence-other"],
  ["evidence of another project", () => says({ project: "churn" }), "evidence", "gate/evidence-other"],
  ["evidence of a decision", () => says({ kind: "operation-evidence" }), "evidence", "gate/evidence-other"],
  [
    "a release of which no run is believed, so that no evidence can be sought",
    () => ({ documents: known({ ...KEPT, sought: [] }) }),
    "evidence",
    "gate/evidence-no-run",
  ],
  [
    "a tier without an estate proof",
    () => ({ audits: known({ ...seen, newest: undefined }) }),
    "estate",
    "gate/estate-none",
  ],
  [
    "a tier whose newest estate proof failed",
    () => ({ audits: known({ ...seen, newest: audited(false) }) }),
    "estate",
    "gate/estate-failed",
  ],
  [
    "a tier whose estate proof is too old",
    (facts) => policy(facts, { estateMs: 3_600_000 }),
    "estate",
    "gate/estate-old",
  ],
  ["a rejected release", () => ({ rejects: known(rejected) }), "rejects", "gate/rejects-rejected"],
  [
    "a closed window",
    (facts) => policy(facts, { windows: [parseWindow("Tue 08:00-16:00 UTC") ?? fail()] }),
    "window",
    "gate/window-closed",
  ],
  ["a tier that is held", () => ({ holds: known(held) }), "hold", "gate/hold-held"],
  [
    "an active run where none may be",
    (facts) => ({ ...policy(facts, { activeRuns: "fail" }), activeRuns: active }),
    "active-runs",
    "gate/active-runs-active",
  ],
  ["a grant too many", () => ({ grants: known([grantFinding]) }), "grants", "grants/excess"],
  [
    "a grant that could not be seen",
    () => ({ grants: known([{ ...grantFinding, id: "grants/unseen", severity: "unknown" }]) }),
    "grants",
    "grants/unseen",
  ],
  [
    "another run at work",
    () => ({ lock: known({ held: true, runId: "901", attempt: 1, ended: false, waits: false }) }),
    "lock",
    "gate/lock-held",
  ],
  [
    "another attempt of this run at work",
    () => ({ lock: known({ held: true, runId: "900", attempt: 2, ended: false, waits: false }) }),
    "lock",
    "gate/lock-held",
  ],
];

/** Everything in the facts that may be unknown. */
const FACTS = Object.entries(goodFacts())
  .filter(([, fact]) => typeof fact === "object" && fact !== null && "known" in fact)
  .map(([name]) => name);

describe("the gate to prod", () => {
  it("lets a good release in, with every check asked", () => {
    const gate = evaluateGate(goodFacts());
    expect(gate.findings).toEqual([]);
    expect(gate.verdict).toBe("pass");
    expect(gate.checks.map(({ check }) => check)).toEqual([...CHECK_IDS]);
    expect(gate.later).toEqual([]);
  });

  it.each(BROKEN)("stops %s", (_name, breaks, check, id) => {
    const good = goodFacts();
    const gate = evaluateGate({ ...good, ...breaks(good) });
    expect(gate.verdict).not.toBe("pass");
    const result = gate.checks.find((each) => each.check === check);
    expect(result?.verdict).not.toBe("pass");
    expect(result?.findings.map((finding) => finding.id)).toContain(id);
    for (const finding of gate.findings) expect(finding.remedy).not.toBe("");
  });

  it("has a way to fail each check", () => {
    expect(FACTS).toHaveLength(25);
    expect(new Set(BROKEN.map(([, , check]) => check))).toEqual(new Set(CHECK_IDS));
  });

  it.each(FACTS)("never passes without knowing %s", (name) => {
    const good = goodFacts();
    const approvers = { by: "dispatch" as const, count: 1, from: [], notAuthor: false };
    const policy = known({ ...value(good.policy), activeRuns: "fail" as const, approvers });
    const asking = { ...good, ...openedRun(good), policy };
    expect(evaluateGate(asking).verdict).toBe("pass");
    const gate = evaluateGate({ ...asking, [name]: notKnown("It could not be read.", "Grant the right.") });
    expect(gate.verdict).not.toBe("pass");
    expect(gate.findings.map(({ severity }) => severity)).toContain("unknown");
  });

  it("takes an environment's silence about administrators for unknown", () => {
    const good = goodFacts();
    const gate = evaluateGate({ ...good, ...environment(good, { canAdminsBypass: undefined }) });
    expect(gate.verdict).toBe("unknown");
  });

  it("explains the plan's limit in a private repository only, with the way around it", () => {
    const good = goodFacts();
    const said = (visibility: "private" | "public") => {
      const repositorySeen = known({ ...repository, visibility });
      const { findings } = evaluateGate({
        ...good,
        ...environment(good, { reviewers: [] }),
        repository: repositorySeen,
      });
      return { why: findings.map(({ why }) => why ?? "").join(), remedy: findings.map(({ remedy }) => remedy).join() };
    };
    expect(said("private").why).toContain("Enterprise");
    expect(said("private").remedy).toContain("approvers: { by: dispatch");
    expect(said("public").why).not.toContain("Enterprise");
  });

  it("only warns of missing code owners, and of an approver who is an author", () => {
    const good = goodFacts();
    const gate = evaluateGate({
      ...good,
      protection: known({ ...value(good.protection), codeowners: undefined }),
      commit: known({ ...value(good.commit), authors: ["hubot"] }),
    });
    expect(gate.verdict).toBe("pass");
    expect(gate.findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual([
      "warning gate/protection-codeowners",
      "warning gate/approval-author",
    ]);
  });

  it("warns, with a tier's first release alone, that its principal may not see jobs of the names that it makes", () => {
    const good = goodFacts();
    const create = (kind: string, key: string) =>
      ({ kind, key, name: key, action: "create", class: "metadata", fields: [] }) as const;
    const planOf = (...changes: Change[]) => known({ digest: "2".repeat(64), empty: false, changes });
    const plan = planOf(create("jobs", "jobs.score"), create("pipelines", "pipelines.ingest"));
    const first = known({ current: undefined, relation: undefined });
    const warned = (more: Partial<GateFacts>) => {
      const { verdict, findings } = evaluateGate({ ...good, plan, order: first, ...more });
      expect(verdict).toBe("pass");
      return findings.filter(({ id }) => id === "gate/adoption-unseen");
    };
    expect(warned({})).toMatchObject([
      { severity: "warning", message: expect.stringMatching(/: jobs\.score\.$/) as string },
    ]);
    expect(warned({ order: good.order })).toEqual([]);
    expect(warned({ plan: planOf({ ...create("jobs", "jobs.score"), action: "update" }) })).toEqual([]);
    expect(warned({ tier: "sandbox" })).toEqual([]);
    // what the contract adopts is there, though the plan has it as new
    const adopts = { adoption: known([{ ...namesake, adopted: true }]), adopt: new Map([[namesake.key, namesake.id]]) };
    expect(warned(adopts)).toEqual([]);
    expect(
      warned({ ...adopts, plan: planOf(create("jobs", "jobs.score"), create("jobs", "jobs.train")) }),
    ).toMatchObject([{ message: expect.stringMatching(/: jobs\.train\.$/) as string }]);
    // where something is refused nothing is made
    const { findings } = evaluateGate({ ...good, plan, order: first, adoption: known([namesake]) });
    expect(findings.map(({ id }) => id)).toEqual(["gate/adoption-namesake"]);
    // a brief has it among its risks
    expect(warned({ stage: "plan-live" })).toEqual([]);
  });

  it("lets in what the contract lists, drift accepted by its digest, adopted namesakes, and left-over locks", () => {
    const good = goodFacts();
    const gate = evaluateGate({
      ...good,
      plan: change("delete", "deletes"),
      destructive: ["jobs.score"],
      drift: drifted,
      acceptedDrift: DRIFT,
      losses: known([loss, { ...loss, key: "jobs.old", planned: true }]),
      adoption: known([{ ...namesake, adopted: true }]),
      adopt: new Map([[namesake.key, namesake.id]]),
      lock: known({ held: true, runId: "1", attempt: 1, ended: true, waits: false }),
    });
    expect(gate.findings).toEqual([]);
    expect(gate.verdict).toBe("pass");
  });
});

describe("the table of checks", () => {
  it("is the same for every tier, but for what has no meaning below", () => {
    const without = (tier: "dev" | "staging" | "prod", stage: "plan" | "plan-live" | "promote") =>
      CHECK_IDS.filter((id) => !GATE[tier][stage].includes(id));
    expect(without("prod", "promote")).toEqual([]);
    expect(without("staging", "promote")).toEqual(["evidence", "parity", "approval"]);
    expect(without("dev", "promote")).toEqual(["source", "verification", "evidence", "parity", "approval"]);
    // Before the approval: all that needs neither the tier's principal nor a look at the tier.
    const principal = ["identity", "approval", "plan-digest", "active-runs", "grants", "lock"];
    const look = [...principal, "drift", "adoption"];
    for (const [stage, later] of [
      ["plan", look],
      ["plan-live", principal],
    ] as const) {
      expect(new Set(without("prod", stage))).toEqual(new Set(later));
      expect(new Set(without("staging", stage))).toEqual(new Set([...later, "evidence", "parity"]));
      expect(new Set(without("dev", stage))).toEqual(
        new Set([...later, "source", "verification", "evidence", "parity"]),
      );
    }
  });

  it("asks more at the promotion than before it, and never less further up", () => {
    for (const tier of ["dev", "staging", "prod"] as const) {
      for (const id of [...GATE[tier].plan, ...GATE[tier]["plan-live"]]) expect(GATE[tier].promote).toContain(id);
    }
    for (const id of GATE.dev.promote) expect(GATE.staging.promote).toContain(id);
    for (const id of GATE.staging.promote) expect(GATE.prod.promote).toContain(id);
  });

  it("asks for no credential before the approval, and says what comes later", () => {
    const gate = evaluateGate({
      ...goodFacts(),
      stage: "plan",
      identity: notKnown("", ""),
      drift: notKnown("", ""),
      adoption: notKnown("", ""),
      losses: notKnown("", ""),
      grants: notKnown("", ""),
      lock: notKnown("", ""),
      approvals: notKnown("", ""),
    });
    expect(gate.verdict).toBe("pass");
    expect(gate.later.map(({ id }) => id)).toEqual([
      "identity",
      "approval",
      "plan-digest",
      "drift",
      "adoption",
      "active-runs",
      "grants",
      "lock",
    ]);
  });

  it("shows drift before the approval and refuses it after", () => {
    const shown = evaluateGate({ ...goodFacts(), stage: "plan-live", drift: drifted });
    expect(shown.verdict).toBe("pass");
    expect(shown.findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual(["warning gate/drift-changed"]);
    expect(shown.findings[0]?.remedy).toContain(DRIFT);
    const refused = evaluateGate({ ...goodFacts(), drift: drifted });
    expect(refused.verdict).toBe("fail");
    expect(refused.findings[0]?.message).toContain("jobs.score (max_concurrent_runs: 1 → 4)");
  });

  it("takes nothing for a hand's work while another run of ours is at work, and everything under the lock", () => {
    const held = (runId: string, ended = false) =>
      known({ held: true, runId, attempt: 1, ended, waits: true } as const);
    const rowOf = (lock: GateFacts["lock"]) =>
      evaluateGate({ ...goodFacts(), drift: drifted, lock }).checks.find(({ check }) => check === "drift");
    const meanwhile = rowOf(held("77"));
    expect(meanwhile?.verdict).toBe("pass");
    expect(meanwhile?.findings.map(({ id }) => id)).toEqual(["gate/drift-meanwhile"]);
    expect(meanwhile?.summary).toContain("while run 77 is at work in prod");
    for (const lock of [held(goodFacts().run.id), held("77", true), known({ held: false } as const)]) {
      expect(rowOf(lock)?.verdict).toBe("fail");
    }
  });

  it("refuses a hand-over that is not what is found, already in the brief", () => {
    const gate = evaluateGate({
      ...goodFacts(),
      stage: "plan",
      approved: { release: "9".repeat(64), plan: undefined },
    });
    expect(gate.findings.map(({ id }) => id)).toEqual(["gate/source-other-release"]);
  });

  it("lets dev take every merge, puts back what was changed there by hand, and asks no person", () => {
    const good = goodFacts();
    const gate = evaluateGate({
      ...good,
      tier: "dev",
      previous: undefined,
      environment: "dev",
      approved: { release: undefined, plan: undefined },
      source: notKnown("", ""),
      approvals: notKnown("", ""),
      ...environment(good, { reviewers: [], preventSelfReview: false, canAdminsBypass: true }),
      ...pull(good, { reviews: [], checks: [] }),
      drift: drifted,
    });
    expect(gate.findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual(["warning gate/drift-changed"]);
    expect(gate.verdict).toBe("pass");
  });

  it.each([
    ["changed", "update", "A promotion overwrites it."],
    ["missing", "update", "A promotion makes it anew."],
    ["changed", "delete", "This release does not have it: a promotion deletes it, and the change goes with it."],
    ["missing", "delete", "This release does not have it either: a promotion makes nothing of it."],
  ] as const)(
    "says before an approval what becomes of what is %s by hand, where the plan has: %s",
    (what, action, says) => {
      const drift = known({ digest: DRIFT, empty: false, entries: [{ key: "jobs.score", what, fields: [] }] });
      const facts = { ...goodFacts(), stage: "plan-live" as const, drift, plan: change(action, "deletes") };
      const remedyIn = (tier: "dev" | "prod"): string =>
        evaluateGate({ ...facts, tier }).findings.find(({ id }) => id === `gate/drift-${what}`)?.remedy ?? "";
      expect(remedyIn("dev")).toContain(says);
      expect(remedyIn("dev")).not.toContain("accept-drift");
      expect(remedyIn("prod")).toContain(says);
      expect(remedyIn("prod")).toContain(`accept-drift: ${DRIFT}`);
    },
  );

  it("keeps dev's environment closed to other branches", () => {
    const good = goodFacts();
    const gate = evaluateGate({
      ...good,
      tier: "dev",
      previous: undefined,
      ...environment(good, { branches: { kind: "any" } }),
    });
    expect(gate.findings.map(({ id }) => id)).toContain("gate/protection-any-branch");
  });
});
