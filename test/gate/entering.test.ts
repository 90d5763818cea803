/** What enters with a candidate, and which pull request brought each commit of it. */
import { describe, expect, it } from "vitest";
import type { CommitFacts, EnteringFacts, PullFacts } from "../../src/gate/commit-facts.ts";
import { broughtBy } from "../../src/gate/entering.ts";
import { evaluateGate } from "../../src/gate/evaluate.ts";
import { known } from "../../src/gate/facts.ts";
import { COMMIT, goodFacts } from "./facts.ts";

const good = goodFacts();
if (!good.commit.known) throw new Error("the good facts are known");
const FACTS: CommitFacts = good.commit.value;
const [SEVEN] = FACTS.pulls;
if (SEVEN === undefined) throw new Error("the good commit has a pull request");

const id = (name: string): string => Buffer.from(name).toString("hex").padEnd(40, "0");
const on = (name: string, pulls: readonly string[] = [], parents = 1): EnteringFacts["line"][number] => ({
  commit: id(name),
  title: name,
  author: "mallory",
  parents,
  pulls,
});
const pull = (
  number: string,
  merge: string,
  commits: readonly string[],
  change: Partial<PullFacts> = {},
): PullFacts => ({
  ...SEVEN,
  number,
  mergeCommit: id(merge),
  head: id(commits.at(-1) ?? ""),
  commits: commits.map(id),
  ...change,
});

/** The line newest first. */
function facts(
  line: EnteringFacts["line"],
  pulls: readonly PullFacts[],
  change: Partial<EnteringFacts> = {},
): CommitFacts {
  return { ...FACTS, pulls, entering: { ...FACTS.entering, line, beside: [], ...change } };
}

function sorted(commit: CommitFacts) {
  const { pulls, strays, accepted } = broughtBy(commit, "main");
  return {
    pulls: pulls.map(({ number }) => number),
    strays: strays.map(({ title }) => title),
    accepted: accepted.map(({ title, reason }) => `${title}: ${reason}`),
  };
}

const beside = (...names: string[]) => names.map((name) => ({ commit: id(name), title: name, author: "octocat" }));

describe("what enters a tier", () => {
  it("came by merges, each of which makes one commit of the line", () => {
    const line = [on("M2", ["2"], 2), on("M1", ["1"], 2)];
    const pulls = [pull("2", "M2", ["b"]), pull("1", "M1", ["a1", "a2"])];
    expect(sorted(facts(line, pulls, { beside: beside("b", "a1", "a2") }))).toEqual({
      pulls: ["2", "1"],
      strays: [],
      accepted: [],
    });
  });

  it("does not come clean by a reviewed merge on top", () => {
    const line = [on("M2", ["2"], 2), on("evil"), on("M1", ["1"], 2)];
    const pulls = [pull("2", "M2", ["b"]), pull("1", "M1", ["a"])];
    expect(sorted(facts(line, pulls)).strays).toEqual(["evil"]);
  });

  it("may have been squashed into one commit, or made again one by one", () => {
    const pulls = [pull("2", "S", ["b1", "b2"]), pull("1", "r2", ["a1", "a2"])];
    const line = [on("S", ["2"]), on("r2", ["1"]), on("r1", ["1"])];
    expect(sorted(facts(line, pulls))).toEqual({ pulls: ["2", "1"], strays: [], accepted: [] });
  });

  it("may be the pull request's own commits, if its head was put onto the branch", () => {
    const line = [on("a2", ["1"]), on("a1", ["1"])];
    expect(sorted(facts(line, [pull("1", "a2", ["a1", "a2"])])).strays).toEqual([]);
  });

  it("is not what was pushed, and stands in a pull request that was opened before", () => {
    // The reviewer of #1 sees only what main has not: "evil" is there already.
    const squashed = facts([on("S", ["1"]), on("evil", ["1"])], [pull("1", "S", ["evil", "good"])]);
    expect(sorted(squashed).strays).toEqual(["evil"]);
    const merged = facts([on("M", ["1"], 2), on("evil", ["1"])], [pull("1", "M", ["evil", "good"])]);
    expect(sorted(merged).strays).toEqual(["evil"]);
  });

  it("does not bring beside the line what no pull request proposed", () => {
    const line = [on("M1", ["1"], 2)];
    const commit = facts(line, [pull("1", "M1", ["a"])], { beside: beside("a", "evil") });
    expect(sorted(commit).strays).toEqual(["evil"]);
  });

  it("must have been merged into the branch that is asked about", () => {
    const line = [on("M1", ["1"], 2)];
    expect(sorted(facts(line, [pull("1", "M1", ["a"], { base: "feature" })])).strays).toEqual(["M1"]);
    expect(sorted(facts(line, [pull("1", "M1", ["a"], { merged: false })])).strays).toEqual(["M1"]);
  });

  it("may hold what the contract accepts by name, approved or not", () => {
    const line = [on("M2", ["2"], 2), on("quick fix"), on("M1", ["1"], 2)];
    const pulls = [pull("2", "M2", ["b"]), pull("1", "M1", ["a"], { reviews: [] })];
    const accepted = [
      { commit: id("quick fix"), reason: "read by hubot" },
      { commit: id("M1"), reason: "merged at night" },
    ];
    expect(sorted(facts(line, pulls, { accepted }))).toEqual({
      pulls: ["2"],
      strays: [],
      accepted: ["quick fix: read by hubot", "M1: merged at night"],
    });
  });
});

describe("the check of what enters", () => {
  const commitRow = (commit: CommitFacts, tier: "dev" | "staging" | "prod" = "prod") => {
    const row = evaluateGate({ ...goodFacts(), tier, environment: tier, commit: known(commit) }).checks.find(
      ({ check }) => check === "commit",
    );
    if (row === undefined) throw new Error("every tier asks for the commit");
    return { ...row, found: row.findings.map(({ id, severity }) => `${severity} ${id}`) };
  };
  const merge = { ...on("M2", ["2"], 2), commit: COMMIT };
  const two = pull("2", "M2", ["b"], { mergeCommit: COMMIT });

  it("names what was pushed past review, in staging and prod, and not in dev", () => {
    const evil = facts([merge, on("evil")], [two]);
    const row = commitRow(evil);
    expect(row.found).toEqual(["error gate/commit-no-pull-request"]);
    expect(row.summary).toContain(`${id("evil").slice(0, 12)} ("evil" by mallory)`);
    expect(commitRow(evil, "staging").verdict).toBe("fail");
    expect(commitRow(evil, "dev").verdict).toBe("pass");
  });

  it("asks for approval and checks of every pull request, not only of the newest", () => {
    const one = pull("1", "M1", ["a"], { reviews: [], checks: [] });
    const row = commitRow(facts([merge, on("M1", ["1"], 2)], [two, one]));
    expect(row.found).toEqual(["error gate/commit-not-approved", "error gate/commit-unchecked"]);
    expect(row.findings[0]?.message).toContain("#1");
  });

  it("shows what the contract accepts, with its reason", () => {
    const accepted = [{ commit: id("quick fix"), reason: "read by hubot" }];
    const row = commitRow(facts([merge, on("quick fix")], [two], { accepted }));
    expect(row.found).toEqual(["warning gate/commit-accepted"]);
    expect(row.findings[0]?.message).toContain("read by hubot");
    expect(row.verdict).toBe("pass");
  });

  it("does not know of more than it looked at", () => {
    expect(commitRow(facts([merge], [two], { left: 1 })).found).toEqual(["unknown gate/commit-too-many"]);
  });

  it("says how far it looked: back to what the tier has, or at one commit only", () => {
    expect(commitRow(facts([merge], [two], { since: "b".repeat(40) })).summary).toBe(
      "cccccccccccc is on main, by pull request #2; one merge or push since bbbbbbbbbbbb, which prod has.",
    );
    expect(commitRow(facts([merge], [two], { since: undefined })).summary).toBe(
      "cccccccccccc is on main, by pull request #2; prod has no release yet, so what is older was not looked at.",
    );
  });
});

describe("an approval", () => {
  const review = (user: string, change: Partial<PullFacts["reviews"][number]> = {}) => ({
    user,
    state: "APPROVED",
    stale: false,
    mayWrite: true,
    ...change,
  });
  const found = (change: Partial<PullFacts>): string[] => {
    const commit = { ...FACTS, pulls: FACTS.pulls.map((each) => ({ ...each, ...change })) };
    const row = evaluateGate({ ...goodFacts(), commit: known(commit) }).checks.find(({ check }) => check === "commit");
    return (row?.findings ?? []).map(({ id, severity }) => `${severity} ${id}`);
  };
  const bot = { author: "github-actions[bot]" };

  it("counts from somebody who neither opened nor wrote it", () => {
    expect(found({ ...bot, authors: ["octocat"], reviews: [review("hubot")] })).toEqual([]);
  });

  it("does not count from who wrote commits that another account proposes", () => {
    const own = { ...bot, authors: ["Mallory"], reviews: [review("mallory")] };
    expect(found(own)).toEqual(["error gate/commit-not-approved"]);
    expect(found({ ...own, reviews: [review("mallory"), review("hubot")] })).toEqual([]);
  });

  it("counts from nobody where no account stands for who wrote what an App proposes", () => {
    const unknown = { authors: [], authorUnknown: true, reviews: [review("hubot")] };
    expect(found({ ...bot, ...unknown })).toEqual(["unknown gate/commit-author-unknown"]);
    expect(found({ author: undefined, ...unknown })).toEqual(["unknown gate/commit-author-unknown"]);
    expect(found({ author: "octocat", ...unknown })).toEqual([]);
  });

  it("is unknown while GitHub does not say whether its giver may write, and none from an App or an outsider", () => {
    const unsure = review("hubot", { mayWrite: undefined });
    expect(found({ reviews: [unsure] })).toEqual(["unknown gate/commit-reviewer-unknown"]);
    expect(found({ reviews: [unsure, review("mona")] })).toEqual([]);
    expect(found({ reviews: [review("stamp[bot]", { mayWrite: false })] })).toEqual(["error gate/commit-not-approved"]);
  });

  it("must be of the head that was merged", () => {
    const stale = review("hubot", { stale: true });
    expect(found({ reviews: [stale] })).toEqual(["error gate/commit-stale-approval"]);
    expect(found({ reviews: [stale, review("mona")] })).toEqual([]);
  });

  it("is not held up by changes that somebody asks for who may not write", () => {
    const asked = { state: "CHANGES_REQUESTED" };
    expect(found({ reviews: [review("hubot"), review("eve", { ...asked, mayWrite: false })] })).toEqual([]);
    const waitsFor = ["error gate/commit-changes-requested"];
    expect(found({ reviews: [review("hubot"), review("mona", asked)] })).toEqual(waitsFor);
    expect(found({ reviews: [review("hubot"), review("scan[bot]", { ...asked, mayWrite: false })] })).toEqual(waitsFor);
  });

  it("is nothing without a check that succeeded", () => {
    const check = { name: "tests", status: "completed", conclusion: "skipped", url: undefined };
    expect(found({ checks: [check, { ...check, conclusion: "neutral" }] })).toEqual(["error gate/commit-unchecked"]);
    expect(found({ checks: [check, { ...check, conclusion: "success" }] })).toEqual([]);
  });
});
