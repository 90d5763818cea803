/** What verifications and people decided, as the gate weighs it: soak, rejects, holds, windows, approvals, overrides. */
import { describe, expect, it } from "vitest";
import type { ApproverPolicy } from "../../src/contract/model.ts";
import { parseFreeze, parseWindow } from "../../src/contract/values.ts";
import { OVERRIDABLE } from "../../src/gate/check.ts";
import { evaluateGate, type GateResult } from "../../src/gate/evaluate.ts";
import { missingRules } from "../../src/gate/evidence-place.ts";
import { type GateFacts, known, notKnown, type PolicyFacts } from "../../src/gate/facts.ts";
import { audited, CURRENT, DECIDED, evidence, goodFacts, judged, KEPT, PLAN, RELEASE, seen } from "./facts.ts";

const HOUR = 3_600_000;
const BELOW = { ...DECIDED, tier: "staging" as const };
const { reason: _reason, by: _by, ...VERIFYING } = BELOW;

function gate(change: Partial<GateFacts>, policy: Partial<PolicyFacts> = {}): GateResult {
  const good = goodFacts();
  if (!good.policy.known) throw new Error("the good facts are known");
  return evaluateGate({ ...good, policy: known({ ...good.policy.value, ...policy }), ...change });
}

const ids = (result: GateResult): string[] => result.findings.map(({ id, severity }) => `${severity} ${id}`);
const row = (result: GateResult, id: string) => result.checks.find(({ check }) => check === id);

const verified = (at: string, run: string, passed = true) =>
  judged(
    { ...VERIFYING, kind: "verification", release: RELEASE, passed, checks: [], run: { ...DECIDED.run, id: run } },
    { at },
  );

describe("verification", () => {
  // The deployment to staging ended at 10:10, and it is 12:00.
  it("counts the deployment itself as the first, however often it was repeated", () => {
    expect(gate({}).verdict).toBe("pass");
    const again = { ...evidence, deployment: { ...evidence.deployment, id: "99" } };
    const result = gate({ source: known([evidence, again]) }, { verifications: 2 });
    expect(ids(result)).toEqual(["error gate/verification-too-few"]);
    expect(row(result, "verification")?.summary).toBe(
      "111111111111 has 1 of 2 verifications that are asked for in staging.",
    );
  });

  it("asks for as many as the contract says, and does not count the deploying run twice", () => {
    const two = known({ ...seen, failed: undefined, passed: [verified("2026-11-23T11:00:00Z", "901")] });
    expect(gate({ verifications: two }, { verifications: 2 }).verdict).toBe("pass");
    const same = known({ ...seen, failed: undefined, passed: [verified("2026-11-23T10:10:00Z", "900")] });
    expect(ids(gate({ verifications: same }, { verifications: 2 }))).toEqual(["error gate/verification-too-few"]);
    expect(gate({}, { verifications: 0 }).verdict).toBe("pass");
  });

  it("soaks from the first, and says when that is reached", () => {
    const later = {
      verifications: known({ ...seen, failed: undefined, passed: [verified("2026-11-23T11:30:00Z", "901")] }),
    };
    const result = gate(later, { soakMs: 2 * HOUR });
    expect(ids(result)).toEqual(["error gate/verification-soak"]);
    expect(result.findings[0]?.message).toContain(
      "must stand in staging for 2h; that is reached at 2026-11-23 12:10 UTC",
    );
    expect(gate({ ...later, now: new Date("2026-11-23T12:10:00Z") }, { soakMs: 2 * HOUR }).verdict).toBe("pass");
    expect(gate({ ...later, now: new Date("2026-11-23T12:09:59Z") }, { soakMs: 2 * HOUR }).verdict).toBe("fail");
  });

  it("starts over after a failure: nothing from before counts", () => {
    const failed = verified("2026-11-23T11:00:00Z", "901", false);
    const result = gate({ verifications: known({ ...seen, failed, passed: [] }) });
    expect(ids(result)).toEqual(["error gate/verification-failed"]);
    expect(result.findings[0]?.message).toContain(
      "The one of 2026-11-23 11:00 UTC failed; only what passed since counts",
    );
    const passed = [verified("2026-11-23T11:30:00Z", "902")];
    expect(gate({ verifications: known({ ...seen, failed, passed }) }).verdict).toBe("pass");
    const soaking = gate({ verifications: known({ ...seen, failed, passed }) }, { soakMs: HOUR });
    expect(soaking.findings[0]?.message).toContain("reached at 2026-11-23 12:30 UTC");
  });

  it("is only a warning in a brief, where it is still time; a failure is not", () => {
    const brief = gate({ stage: "plan" }, { soakMs: 24 * HOUR, verifications: 3 });
    expect(brief.verdict).toBe("pass");
    expect(ids(brief)).toEqual(["warning gate/verification-soak", "warning gate/verification-too-few"]);
    const failed = verified("2026-11-23T11:00:00Z", "901", false);
    expect(gate({ stage: "plan", verifications: known({ ...seen, failed, passed: [] }) }).verdict).toBe("fail");
  });

  it("a deployment whose end nobody knows soaks never", () => {
    const { run } = evidence;
    if (run === undefined) throw new Error("the evidence has a run");
    const timeless = {
      ...evidence,
      run: { ...run, jobs: run.jobs.map((job) => ({ ...job, completedAt: undefined })) },
    };
    expect(gate({ source: known([timeless]) }).verdict).toBe("pass");
    expect(gate({ source: known([timeless]) }, { soakMs: HOUR }).verdict).toBe("fail");
  });

  it("a forged failure is a warning; one that nobody can read is unknown; a flood is unknown where it matters", () => {
    const forged = { ...verified("", "903", false), doubts: ["the run behind it ran on the branch evil"] };
    const result = gate({ verifications: known({ ...seen, failed: undefined, passed: [], doubted: [forged] }) });
    expect(result.verdict).toBe("pass");
    expect(ids(result)).toEqual(["warning gate/verification-not-believed"]);
    expect(result.findings[0]?.message).toContain("the branch evil");

    const unread = { ...verified("", "903", false), unread: { why: "GitHub is down.", remedy: "Wait." } };
    expect(gate({ verifications: known({ ...seen, failed: undefined, passed: [], unread: [unread] }) }).verdict).toBe(
      "unknown",
    );
    const passing = { ...verified("", "903"), unread: { why: "GitHub is down.", remedy: "Wait." } };
    expect(gate({ verifications: known({ ...seen, failed: undefined, passed: [], unread: [passing] }) }).verdict).toBe(
      "pass",
    );

    const flood = known({ ...seen, failed: undefined, passed: [], whole: false });
    expect(gate({ verifications: flood }).verdict).toBe("pass");
    expect(ids(gate({ verifications: flood }, { verifications: 2 }))).toEqual([
      "error gate/verification-too-few",
      "unknown gate/verification-too-many",
    ]);
  });
});

describe("rejects", () => {
  const reject = judged({ ...BELOW, kind: "reject", release: RELEASE });
  const accept = judged({ ...BELOW, kind: "accept", release: RELEASE });

  it("of any tier fail, before the approval too, and name who and why: the run's starter, not the record's text", () => {
    for (const stage of ["plan", "promote"] as const) {
      const result = gate({ stage, rejects: known({ ...seen, standing: [reject], lifted: [] }) });
      expect(ids(result)).toEqual(["error gate/rejects-rejected"]);
      expect(result.findings[0]?.message).toBe(
        "Release 111111111111 was rejected in staging by hubot at 2026-11-23 11:00 UTC: It scores everybody twice.",
      );
    }
  });

  it("that were lifted pass, and that is said", () => {
    const result = gate({ rejects: known({ ...seen, standing: [], lifted: [accept] }) });
    expect(result.verdict).toBe("pass");
    expect(row(result, "rejects")?.summary).toBe("Rejected once, and accepted again by hubot.");
  });

  it("that are forged are shown and do not stop; those that cannot be read do", () => {
    const doubted = [{ ...reject, doubts: ["it points to run 9, which this repository does not have"] }];
    const forged = gate({ rejects: known({ ...seen, standing: [], lifted: [], doubted }) });
    expect(forged.verdict).toBe("pass");
    expect(ids(forged)).toEqual(["warning gate/rejects-not-believed"]);
    const unread = [{ ...reject, unread: { why: "403", remedy: "Give actions: read." } }];
    expect(ids(gate({ rejects: known({ ...seen, standing: [], lifted: [], unread }) }))).toEqual([
      "unknown gate/rejects-unread",
    ]);
    expect(gate({ rejects: known({ ...seen, standing: [], lifted: [], whole: false }) }).verdict).toBe("unknown");
  });

  it("that both records and the ledger know are told once, and each that only the ledger knows beside them", () => {
    const kept = (runId: string) =>
      known({ holds: [], rejects: [{ release: RELEASE, reason: "x", by: "eve", at: "2026-11-23T10:30:00Z", runId }] });
    const rejects = known({ ...seen, standing: [reject], lifted: [] });
    expect(ids(gate({ rejects, kept: kept("800") }))).toHaveLength(1);
    const both = gate({ rejects, kept: kept("5") });
    expect(both.findings.map(({ message }) => message.split(" by ")[1]?.split(" ")[0])).toEqual(["hubot", "eve"]);
  });

  it("that only the tier's ledger remembers still stand, until an accept that is newer", () => {
    const rejects = [{ release: RELEASE, reason: "twice", by: "hubot", at: "2026-11-23T10:30:00Z", runId: "5" }];
    const kept = known({ holds: [], rejects });
    expect(ids(gate({ kept }))).toEqual(["error gate/rejects-rejected"]);
    expect(
      gate({ kept: known({ holds: [], rejects: rejects.map((each) => ({ ...each, release: "9".repeat(64) })) }) })
        .verdict,
    ).toBe("pass");
    expect(gate({ kept, rejects: known({ ...seen, standing: [], lifted: [accept] }) }).verdict).toBe("pass");
    const older = { ...accept, at: "2026-11-23T10:00:00Z" };
    expect(gate({ kept, rejects: known({ ...seen, standing: [], lifted: [older] }) }).verdict).toBe("fail");
    // The ledger knows milliseconds, GitHub does not: of one second, the reject may be the later one.
    const within = known({ holds: [], rejects: rejects.map((each) => ({ ...each, at: "2026-11-23T10:30:00.900Z" })) });
    const lifted = [{ ...accept, at: "2026-11-23T10:30:00Z" }];
    expect(gate({ kept: within, rejects: known({ ...seen, standing: [], lifted }) }).verdict).toBe("fail");
  });
});

describe("a hold of the tier", () => {
  const hold = (until: string | null) => judged({ ...DECIDED, kind: "hold", hold: "tier", selector: "", until });
  const held = (until: string | null) => known({ ...seen, standing: [hold(until)], resumed: undefined });

  it("stops the line, with its reason and its end", () => {
    // a sentence of its own, whatever people give as a reason, since another follows it in a brief
    const unended = { ...hold(null), claim: { ...hold(null).claim, reason: "incident 7" } };
    expect(gate({ holds: known({ ...seen, standing: [unended], resumed: undefined }) }).findings[0]?.message).toMatch(
      /^prod was held by hubot at 2026-\d\d-\d\d \d\d:\d\d UTC: incident 7\.$/,
    );
    expect(gate({ holds: held("2026-12-01") }).findings[0]?.message).toContain("(until 2026-12-01)");
    expect(gate({ stage: "plan", holds: held(null) }).verdict).toBe("fail");
  });

  it.each([
    ["2026-11-23", "error gate/hold-held"],
    ["2026-11-22", "error gate/hold-expired"],
    ["2026-11-23T12:00Z", "error gate/hold-expired"],
    ["2026-11-23T12:01Z", "error gate/hold-held"],
  ])("until %s is at noon of the 23rd: %s", (until, says) => {
    expect(ids(gate({ holds: held(until) }))).toEqual([says]);
  });

  it("whose time is over lets in where the contract says so, and is reported", () => {
    const result = gate({ holds: held("2026-11-22") }, { onExpiry: "resume" });
    expect(result.verdict).toBe("pass");
    expect(ids(result)).toEqual(["warning gate/hold-expired"]);
  });

  it("that only the ledger remembers stands until a newer resume", () => {
    const kept = known({
      rejects: [],
      holds: [{ reason: "x", by: "hubot", at: "2026-11-23T10:00:00Z", until: undefined, runId: "5" }],
    });
    expect(ids(gate({ kept }))).toEqual(["error gate/hold-held"]);
    const resumed = judged({ ...DECIDED, kind: "resume", hold: "tier", selector: "" });
    expect(gate({ kept, holds: known({ ...seen, standing: [], resumed }) }).verdict).toBe("pass");
    const older = { ...resumed, at: "2026-11-23T09:00:00Z" };
    expect(gate({ kept, holds: known({ ...seen, standing: [], resumed: older }) }).verdict).toBe("fail");
    // The ledger knows milliseconds, GitHub does not: a hold of the second in which somebody resumed may be the later one.
    const within = known({
      rejects: [],
      holds: [{ reason: "x", by: "hubot", at: "2026-11-23T11:00:00.900Z", until: undefined, runId: "5" }],
    });
    expect(gate({ kept: within, holds: known({ ...seen, standing: [], resumed }) }).verdict).toBe("fail");
    const same = judged({
      ...DECIDED,
      kind: "hold",
      hold: "tier",
      selector: "",
      until: null,
      run: { ...DECIDED.run, id: "5" },
    });
    expect(ids(gate({ kept, holds: known({ ...seen, standing: [same], resumed: undefined }) }))).toHaveLength(1);
  });
});

describe("a window", () => {
  const windows = [parseWindow("Mon-Thu 08:00-16:00 Europe/Berlin")].flatMap((each) => each ?? []);
  const freezes = [
    parseFreeze({ from: "2026-11-20", until: "2026-11-27", zone: "UTC", reason: "Black Friday" }),
  ].flatMap((each) => each ?? []);

  it("that is closed says when it opens, and only warns before the approval", () => {
    const now = new Date("2026-11-26T16:00:00Z");
    const closed = gate({ now }, { windows });
    expect(ids(closed)).toEqual(["error gate/window-closed"]);
    expect(closed.findings[0]?.message).toContain(
      "it is 2026-11-26 17:00 Europe/Berlin. It opens next at 2026-11-30 08:00 Europe/Berlin (2026-11-30 07:00 UTC).",
    );
    const brief = gate({ now, stage: "plan" }, { windows });
    expect([brief.verdict, ...ids(brief)]).toEqual(["pass", "warning gate/window-closed"]);
  });

  it("does not open in a freeze, which says why and how long", () => {
    const frozen = gate({}, { windows, freezes });
    expect(ids(frozen)).toEqual(["error gate/window-frozen"]);
    expect(frozen.findings[0]?.message).toBe(
      "prod is frozen until 2026-11-28 00:00 UTC: Black Friday. It opens next at 2026-11-30 08:00 Europe/Berlin (2026-11-30 07:00 UTC).",
    );
    expect(row(gate({}, { windows }), "window")?.summary).toBe(
      "Within Mon-Thu 08:00-16:00 Europe/Berlin (2026-11-23 13:00 Europe/Berlin).",
    );
  });
});

describe("active runs", () => {
  const one = { key: "jobs.score", name: "score", id: "7", url: "https://dbx.example/7", since: undefined };
  const asked = (activeRuns: "allow" | "wait" | "fail", waited = false, continuous = false) => {
    const runs = [{ ...one, continuous }];
    return gate({ activeRuns: known({ policy: activeRuns, waited, runs }) }, { activeRuns });
  };

  it.each([
    ["allow", false, false, []],
    ["wait", false, false, []],
    ["wait", true, false, ["error gate/active-runs-active"]],
    ["fail", false, false, ["error gate/active-runs-active"]],
    ["fail", true, false, ["error gate/active-runs-active"]],
    ["wait", true, true, []],
    ["fail", false, true, []],
  ] as const)("where the contract says %s, waited for: %s, of what never ends: %s", (policy, waited, loop, says) => {
    expect(ids(asked(policy, waited, loop))).toEqual(says);
  });

  it("are named, with a link, and whether they were waited for", () => {
    const waiting = row(asked("wait"), "active-runs");
    expect(waiting?.summary).toBe("Waits for jobs.score (run 7).");
    expect(waiting?.evidence).toEqual([{ label: "score, run 7", url: one.url }]);
    expect(asked("wait", true).findings[0]?.message).toBe(
      '"score" (jobs.score) is at work, run 7, and is about to change and did not end in time.',
    );
    expect(asked("fail").findings[0]?.message).not.toContain("in time");
    expect(row(asked("fail", false, true), "active-runs")?.summary).toContain("Nothing that would change");
  });
});

describe("approvals by dispatch", () => {
  const approvers = (change: Partial<ApproverPolicy> = {}): Partial<PolicyFacts> => ({
    approvers: { by: "dispatch", count: 1, from: [], notAuthor: false, ...change },
  });
  type Given = Extract<GateFacts["collected"], { known: true }>["value"]["approved"][number];
  const given = (by: string, mayWrite: boolean | undefined = true): Given => ({
    record: judged({ ...DECIDED, kind: "approval", release: RELEASE, plan: PLAN }, { by }),
    mayWrite,
  });
  const collected = (...approved: Given[]) => ({
    collected: known({ ...seen, approved }),
    approvals: known([]),
  });
  const unreviewed = { reviewers: [], preventSelfReview: false, canAdminsBypass: undefined };

  it("let in what as many people as asked for approved, without reviewers in the environment", () => {
    const good = goodFacts();
    if (!good.protection.known || good.protection.value.environment === undefined) throw new Error("known");
    const protection = known({
      ...good.protection.value,
      environment: { ...good.protection.value.environment, ...unreviewed },
    });
    const repository = good.repository.known
      ? known({ ...good.repository.value, visibility: "private" as const })
      : good.repository;
    const two = gate({ ...collected(given("hubot"), given("mona")), protection, repository }, approvers({ count: 2 }));
    expect(ids(two)).toEqual([]);
    expect(row(two, "approval")?.summary).toBe("Approved by hubot, mona; written by octocat.");
    // Where reviews are asked for, the same is refused, and the way out is named.
    const review = gate({ protection, repository });
    expect(ids(review)).toContain("error gate/protection-no-reviewers");
    expect(review.findings.find(({ id }) => id === "gate/protection-no-reviewers")).toMatchObject({
      why: expect.stringContaining("below the Enterprise plan") as string,
      remedy: expect.stringContaining("approvers: { by: dispatch") as string,
    });
  });

  it("count people, not runs; a reviewer of this very attempt is one of them", () => {
    const twice = gate(collected(given("hubot"), given("Hubot")), approvers({ count: 2 }));
    expect(ids(twice)).toEqual(["error gate/approval-missing"]);
    expect(twice.findings[0]?.message).toContain("1 of 2 people approved release 1111");
    expect(twice.findings[0]?.remedy).toContain(`release-digest ${RELEASE}, plan-digest ${PLAN}`);
    const approvals = known([{ environments: ["prod"], state: "approved", user: "mona", comment: "" }]);
    expect(gate({ ...collected(given("hubot")), approvals }, approvers({ count: 2 })).verdict).toBe("pass");
    const run = { ...goodFacts().run, attempt: 2 };
    expect(gate({ ...collected(given("hubot")), approvals, run }, approvers({ count: 2 })).verdict).toBe("fail");
    expect(gate({ ...collected(given("hubot"), given("mona")), run }, approvers({ count: 2 })).verdict).toBe("pass");
  });

  it("do not count from who started the run, a bot, or somebody who may not write", () => {
    expect(ids(gate(collected(given("octocat")), approvers()))).toEqual([
      "error gate/approval-missing",
      "error gate/approval-self",
    ]);
    expect(ids(gate(collected(given("github-actions[bot]")), approvers()))).toEqual(["error gate/approval-missing"]);
    expect(ids(gate(collected(given("eve", false)), approvers()))).toEqual([
      "error gate/approval-missing",
      "warning gate/approval-outsider",
    ]);
    const silent = { record: given("eve").record, mayWrite: undefined };
    expect(ids(gate(collected(silent), approvers()))).toEqual([
      "error gate/approval-missing",
      "unknown gate/approval-outsider",
    ]);
  });

  it("count the author's, who runs again what somebody else started, with a warning, or not at all if the contract says so", () => {
    const { run } = goodFacts();
    const facts = {
      ...collected(given("octocat")),
      run: { ...run, attempt: 2, actor: "hubot", triggeringActor: "octocat" },
    };
    expect(ids(gate(facts, approvers()))).toEqual(["warning gate/approval-author"]);
    expect(ids(gate(facts, approvers({ notAuthor: true })))).toContain("error gate/approval-missing");
  });

  it("do not count a review by who started the run, nor one by an App", () => {
    for (const user of ["octocat", "Octocat", "deploy-bot[bot]"]) {
      const approvals = known([{ environments: ["prod"], state: "approved", user, comment: "" }]);
      expect(ids(gate({ ...collected(), approvals }, approvers()))).toEqual(["error gate/approval-missing"]);
    }
  });

  it("are enough once they are, whatever else is there that nobody can read or vouch for", () => {
    const unread = { ...given("eve").record, unread: { why: "403.", remedy: "Give actions: read." } };
    const more = (count: number): string[] => {
      const approved = [given("hubot"), { ...given("mona"), mayWrite: undefined }];
      const facts = { collected: known({ ...seen, approved, unread: [unread], whole: false }), approvals: known([]) };
      return ids(gate(facts, approvers({ count })));
    };
    expect(more(1)).toEqual(["warning gate/approval-outsider"]);
    const left = gate(collected(given("hubot"), given("eve", false)), approvers());
    expect(left.findings.map(({ message }) => message)).toEqual([
      "eve, who approved, may not write to this repository any more.",
    ]);
    expect(more(2)).toEqual([
      "error gate/approval-missing",
      "unknown gate/approval-outsider",
      "unknown gate/approval-unread",
      "unknown gate/approval-too-many",
    ]);
  });

  it("of one who wrote part of the release are those of an author, also behind an App that started the run", () => {
    const good = goodFacts();
    if (!good.commit.known) throw new Error("known");
    const commit = known({ ...good.commit.value, authors: ["octocat", "Mona"] });
    const both = { ...collected(given("mona")), commit };
    expect(ids(gate(both, approvers()))).toEqual(["warning gate/approval-author"]);
    expect(ids(gate(both, approvers({ notAuthor: true })))).toContain("error gate/approval-missing");
    const run = { ...good.run, actor: "renovate[bot]", triggeringActor: "hubot" };
    expect(ids(gate({ ...both, run }, approvers()))).toEqual(["error gate/approval-author"]);
  });

  it("count only from those the contract names, and not from authors where it says so", () => {
    expect(ids(gate(collected(given("eve")), approvers({ from: ["hubot"] })))).toEqual([
      "error gate/approval-missing",
      "error gate/approval-not-named",
    ]);
    const run = { ...goodFacts().run, actor: "mona", triggeringActor: "mona" };
    const author = collected(given("octocat"));
    expect(ids(gate({ ...author, run }, approvers()))).toEqual(["warning gate/approval-author"]);
    expect(ids(gate({ ...author, run }, approvers({ notAuthor: true })))).toEqual([
      "error gate/approval-missing",
      "error gate/approval-author",
    ]);
  });

  it("are over when the tier changed since, and after thirty days", () => {
    const good = goodFacts();
    if (!good.order.known) throw new Error("known");
    const changedAt = (at: string, release = "0".repeat(64)) => ({
      order: known({ current: { commit: CURRENT, release, at }, relation: "ahead" as const }),
    });
    // hubot approved at 11:00.
    const approved = collected(given("hubot"));
    expect(ids(gate({ ...approved, ...changedAt("2026-11-23T10:59:59Z") }, approvers()))).toEqual([]);
    const back = gate({ ...approved, ...changedAt("2026-11-23T11:00:01Z") }, approvers());
    expect(ids(back)).toEqual(["error gate/approval-missing", "warning gate/approval-past"]);
    expect(back.findings[1]?.message).toContain("hubot (2026-11-23 11:00 UTC)");
    // What this very release changed, in a run that is started again to finish it.
    expect(ids(gate({ ...approved, ...changedAt("2026-11-23T11:30:00Z", RELEASE) }, approvers()))).toEqual([]);
    const late = { now: new Date("2026-12-23T11:00:01Z") };
    expect(ids(gate({ ...approved, ...late }, approvers()))).toContain("error gate/approval-missing");
    expect(ids(gate({ ...approved, now: new Date("2026-12-23T10:59:59Z") }, approvers()))).not.toContain(
      "error gate/approval-missing",
    );
  });

  it("are told when nobody is left who could give one", () => {
    const author = approvers({ from: ["octocat", "mona"], notAuthor: true });
    const run = { ...goodFacts().run, actor: "mona", triggeringActor: "mona" };
    const nobody = gate({ ...collected(), run }, author);
    expect(ids(nobody)).toEqual(["error gate/approval-missing", "error gate/approval-nobody-left"]);
    expect(nobody.findings[1]?.message).toContain(
      "Of octocat, mona, whose approval counts for prod, nobody neither started this run nor wrote commits",
    );
    const one = approvers({ from: ["octocat", "mona", "hubot"], notAuthor: true, count: 2 });
    expect(gate({ ...collected(), run }, one).findings[1]?.message).toContain(
      "Of octocat, mona, hubot, whose approval counts for prod, only hubot neither started",
    );
    expect(ids(gate(collected(), author))).toEqual(["error gate/approval-missing"]);
  });

  it("are unknown where nobody may have written it and no account stands for who did", () => {
    const good = goodFacts();
    if (!good.commit.known) throw new Error("known");
    const authorless = [{ commit: CURRENT, title: "Quick", author: "mona" }];
    const commit = known({ ...good.commit.value, authorless });
    const asks = gate({ ...collected(given("hubot")), commit }, approvers({ notAuthor: true }));
    expect(ids(asks)).toEqual(["unknown gate/approval-author-unknown"]);
    expect(asks.findings[0]?.message).toContain(`commit ${CURRENT.slice(0, 12)} (by "mona"), so nobody`);
    const many = known({ ...good.commit.value, authorless: [...authorless, ...authorless, ...authorless] });
    const three = gate({ ...collected(given("hubot")), commit: many }, approvers({ notAuthor: true }));
    expect(three.findings[0]?.message).toContain(`commit ${CURRENT.slice(0, 12)} (by "mona") and 2 more, so nobody`);
    const named = gate({ ...collected(given("hubot")), commit }, approvers());
    expect(ids(named)).toEqual([]);
    expect(row(named, "approval")?.summary).toBe("Approved by hubot; written by octocat, somebody without an account.");
  });

  it("do not help a run that a workflow started: nobody can say whose it is", () => {
    const run = { ...goodFacts().run, actor: "github-actions[bot]", triggeringActor: "github-actions[bot]" };
    expect(ids(gate({ ...collected(given("hubot")), run }, approvers()))).toContain("error gate/approval-starter");
  });

  it("by review count only from those the contract names, too", () => {
    const from = { approvers: { by: "review" as const, count: 1, from: ["mona"], notAuthor: false } };
    expect(ids(gate({}, from))).toEqual(["error gate/approval-not-named"]);
    expect(gate({}, { approvers: { ...from.approvers, from: ["hubot"] } }).verdict).toBe("pass");
  });
});

describe("breaking the glass", () => {
  const windows = [parseWindow("Tue 08:00-16:00 UTC")].flatMap((each) => each ?? []);
  const override = { checks: ["window"], reason: "Incident 7: scores are wrong.", by: "octocat" };

  it("lets in what somebody else approved: shown as overridden, warned of loudly, never as passed", () => {
    const result = gate({ override }, { windows });
    expect(result.verdict).toBe("pass");
    expect(row(result, "window")).toMatchObject({
      verdict: "fail",
      overridden: { reason: override.reason, by: "octocat" },
    });
    expect(ids(result)).toEqual(["warning gate/overridden", "warning gate/window-closed"]);
    expect(result.findings[0]?.message).toMatch(
      /^BREAK-GLASS in prod: octocat overrides the check window: Incident 7.* What it says: prod takes promotions/,
    );
    // before the approval, where the check only warns yet, and with a reason that is no sentence
    const asked = gate({ stage: "plan-live", override: { ...override, reason: "incident 7" } }, { windows });
    expect(asked.findings[0]?.message).toMatch(
      /^BREAK-GLASS in prod: octocat asks to override the check window: incident 7\. What it says: prod takes promotions/,
    );
  });

  it("fails what nobody else approved, also where nothing stands in its way", () => {
    const alone = gate({ override, approvals: known([]), tier: "dev", previous: undefined, environment: "dev" });
    expect([alone.verdict, ...ids(alone)]).toEqual([
      "fail",
      "error gate/override-not-approved",
      "error gate/approval-missing",
    ]);
  });

  it("takes over in a brief what is only a matter of time; at the promotion nothing of what passes", () => {
    const now = new Date("2026-11-23T12:00:00Z");
    const brief = gate({ now, stage: "plan", override }, { windows });
    expect(row(brief, "window")).toMatchObject({ verdict: "pass", overridden: { by: "octocat" } });
    expect(ids(brief)).toContain("warning gate/overridden");
    const freely = gate({ stage: "plan", override });
    expect([row(freely, "window")?.overridden, ...ids(freely)]).toEqual([undefined]);
    const forged = { ...judged({ ...BELOW, kind: "reject" as const, release: RELEASE }), doubts: ["it is odd"] };
    const rejects = known({ ...seen, standing: [], lifted: [], doubted: [forged] });
    const passing = gate({ rejects, override: { ...override, checks: ["rejects"] } });
    expect([row(passing, "rejects")?.overridden, ...ids(passing)]).toEqual([
      undefined,
      "warning gate/rejects-not-believed",
    ]);
  });

  it("does not help a check that it does not name, nor hide another failure", () => {
    expect(
      gate({ override, holds: known({ ...seen, standing: [], resumed: undefined, whole: false }) }, { windows })
        .verdict,
    ).toBe("unknown");
    expect(gate({ override: { ...override, checks: ["hold"] } }, { windows }).verdict).toBe("fail");
  });

  it.each([
    "identity",
    "lock",
    "plan-digest",
    "approval",
    "protection",
    "path",
    "commit",
    "source",
    "order",
    "drift",
    "destructive",
    "adoption",
    "nonsense",
  ])("is refused for %s", (check) => {
    const result = gate({ override: { ...override, checks: [check] } });
    expect(result.verdict).toBe("fail");
    expect(ids(result)).toEqual(["error gate/override"]);
    expect(OVERRIDABLE).not.toContain(check);
  });

  it("is refused without a reason, and without an approval: in any tier", () => {
    const reasonless = gate({ override: { ...override, reason: " " } }, { windows });
    expect(ids(reasonless)).toEqual(["error gate/override", "error gate/window-closed"]);
    expect(reasonless.findings[0]?.message).toContain("An override needs a reason");
    const alone = gate({ override, approvals: known([]) }, { windows });
    expect(alone.verdict).toBe("fail");
    expect(ids(alone)).toContain("error gate/override-not-approved");
    const dev = gate({ override, tier: "dev", previous: undefined, environment: "dev" }, { windows });
    expect(ids(dev)).toEqual(expect.arrayContaining(["error gate/override-not-approved", "error gate/window-closed"]));
    const approvals = known([{ environments: ["dev"], state: "approved", user: "hubot", comment: "" }]);
    const approved = gate({ override, tier: "dev", previous: undefined, environment: "dev", approvals }, { windows });
    expect(approved.verdict).toBe("pass");
  });

  it("is asked for in the brief, where whoever approves reads it", () => {
    const failing = known({
      ...seen,
      standing: [judged({ ...DECIDED, kind: "reject" as const, release: RELEASE })],
      lifted: [],
    });
    const brief = gate({ stage: "plan", override: { ...override, checks: ["rejects"] }, rejects: failing });
    expect(brief.verdict).toBe("pass");
    expect(brief.findings[0]?.message).toContain("octocat asks to override the check rejects");
  });
});

describe("evidence", () => {
  const nowhere = known({ place: { ...KEPT.place, head: undefined, missing: missingRules([]) }, sought: [] });

  it("is not asked for where the contract names no branch, whatever is there", () => {
    for (const documents of [nowhere, notKnown("Nobody looked.", "Look.")]) {
      const asked = gate({ documents }, { evidenceBranch: undefined });
      expect([asked.verdict, row(asked, "evidence")?.summary]).toEqual([
        "pass",
        "The contract asks for no evidence to be kept.",
      ]);
      expect(gate({ documents }).verdict).not.toBe("pass");
    }
  });

  it("is shown by its link, and one document is enough where several runs brought the release", () => {
    const [kept] = KEPT.sought;
    if (kept === undefined) throw new Error("one is kept");
    const again = { run: { id: "901", attempt: 1, url: undefined }, digest: "5".repeat(64), found: undefined };
    const both = gate({ documents: known({ ...KEPT, sought: [again, kept] }) });
    expect(both.verdict).toBe("pass");
    expect(row(both, "evidence")?.evidence).toEqual([{ label: "document of run 900", url: kept.found?.url }]);
    const none = gate({ documents: known({ ...KEPT, sought: [again, { ...kept, found: undefined }] }) });
    expect(ids(none)).toEqual(["error gate/evidence-not-kept", "error gate/evidence-not-kept"]);
    expect(none.findings[0]?.message).toContain("run 901");
    expect(none.findings[0]?.remedy).toContain("keep.yml");
  });

  it("is nothing that a fix at night has to wait for: the glass may be broken, which everybody sees", () => {
    const override = { checks: ["evidence"], reason: "GitHub has an outage", by: "octocat" };
    const broken = gate({ documents: nowhere, override });
    expect(broken.verdict).toBe("pass");
    expect(ids(broken)).toContain("warning gate/overridden");
    expect(row(broken, "evidence")?.verdict).toBe("fail");
  });
});

describe("estate", () => {
  it("asks for nothing where the contract does not", () => {
    const none = known({ ...seen, newest: undefined });
    expect(gate({ audits: none }, { estateMs: undefined }).verdict).toBe("pass");
    expect(gate({ audits: none }).verdict).toBe("fail");
  });

  it("takes a proof up to the age that the contract names; in a brief an old one is a warning", () => {
    // It is two hours old.
    expect(gate({}, { estateMs: 2 * HOUR }).verdict).toBe("pass");
    expect(row(gate({}, { estateMs: 2 * HOUR }), "estate")?.summary).toContain("passed");
    const old = gate({}, { estateMs: 2 * HOUR - 1 });
    expect(ids(old)).toEqual(["error gate/estate-old"]);
    expect(old.findings[0]?.message).toContain("may not be older than 2h");
    expect(ids(gate({ stage: "plan" }, { estateMs: HOUR }))).toContain("warning gate/estate-old");
  });

  it("does not pass with a proof of which nobody says when it was", () => {
    expect(gate({ audits: known({ ...seen, newest: audited(true, "") }) }).verdict).toBe("fail");
  });

  it("names what was made by hand, and does not pass over what cannot be read", () => {
    const forged = { ...audited(true), doubts: ["its state is odd"] };
    expect(ids(gate({ audits: known({ ...seen, newest: audited(true), doubted: [forged] }) }))).toEqual([
      "warning gate/estate-not-believed",
    ]);
    const unread = { ...audited(true), unread: { why: "403.", remedy: "Give actions: read." } };
    expect(gate({ audits: known({ ...seen, newest: undefined, unread: [unread] }) }).verdict).not.toBe("pass");
  });
});
