/** What is promoted to prod carries in everything since prod's commit: pushed, merged unseen, squashed, rebased, accepted. */
import * as v from "valibot";
import { beforeEach, expect, test } from "vitest";
import type { Files } from "../simulator/github/harness.ts";
import {
  addRun,
  approve,
  client,
  connect,
  contract,
  deployed,
  end,
  FILES,
  gate,
  ids,
  merged,
  promoteRun,
  type World,
} from "./world.ts";

type Promoted = World & { commit: string };

interface Proposal {
  readonly files: Files;
  readonly user?: string;
  readonly approver?: string | undefined;
  readonly method?: "merge" | "squash" | "rebase";
  readonly checked?: boolean;
  /** What happens between the approval and the merge. */
  readonly meanwhile?: (branch: string) => void;
}

let branches = 0;
beforeEach(() => {
  branches = 0;
});

/** prod has the first merge. */
async function released(scenario: Parameters<typeof merged>[0] = {}): Promise<Promoted> {
  const world = await merged(scenario);
  const { run, prod } = promoteRun(world);
  end(prod);
  await deployed(connect(world, prod), "prod", run, world.commit);
  return world;
}

/** Proposed, approved by hubot unless told otherwise, checked, merged; gives the commit that main has then. */
async function propose(world: World, proposal: Proposal): Promise<string> {
  const { files, user = "octocat", method = "merge", checked = true } = proposal;
  const approver = "approver" in proposal ? proposal.approver : "hubot";
  const branch = `change-${(branches += 1)}`;
  for (const [path, text] of Object.entries(files)) world.repository.commit(`Change ${path}`, { [path]: text }, branch);
  world.repository.git("checkout", "-q", "main");
  const number = await world.github.openPullRequest({ head: branch, user, title: branch });
  if (approver !== undefined) await world.github.review(number, approver);
  proposal.meanwhile?.(branch);
  const headSha = world.repository.git("rev-parse", branch);
  const validate = {
    path: ".github/workflows/validate.yml",
    event: "pull_request" as const,
    headSha,
    headBranch: branch,
  };
  if (checked) end(addRun(world, validate, "validate / validate"));
  const commit = await world.github.mergePullRequest(number, user, method);
  world.repository.git("checkout", "-q", "--force", "main");
  return commit;
}

/** What the gate to prod says of a commit that staging has. */
async function asked(world: Promoted, commit: string, text = FILES["four-tier.yml"]) {
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "staging", run, commit);
  approve(world, run);
  const result = await gate(world, github, run, { commit, contract: contract(text) });
  return { result, github };
}

const rowOf = ({ result }: Awaited<ReturnType<typeof asked>>) =>
  result.checks.find(({ check }) => check === "commit")?.summary ?? "";

test("nothing gets in under a reviewed commit that was pushed past review, or that nobody approved or checked", async () => {
  await using world = await released();
  const evil = world.repository.commit("Quick fix", { "src/evil.py": "1\n" });
  await propose(world, { files: { "src/evil.py": "2\n" }, approver: undefined, checked: false });
  const commit = await propose(world, { files: { "src/score.py": "3\n" } });
  const found = await asked(world, commit);
  const what = ["gate/commit-no-pull-request", "gate/commit-not-approved", "gate/commit-unchecked"];
  expect(ids(found.result)).toEqual(what);
  expect(rowOf(found)).toContain(`${evil.slice(0, 12)} ("Quick fix" by octocat)`);
  expect(found.result.findings[1]?.message).toContain("#2");
  expect(world.github.unmodelled).toEqual([]);
});

test("a commit does not get in by a pull request that was opened before it was pushed", async () => {
  await using world = await released();
  const files = { "src/evil.py": "1\n", "src/score.py": "3\n" };
  let evil = "";
  const meanwhile = (branch: string): void => {
    evil = world.repository.git("rev-parse", `${branch}~1`);
    world.repository.git("merge", "-q", "--ff-only", evil);
  };
  const commit = await propose(world, { files, meanwhile });
  const found = await asked(world, commit);
  expect(ids(found.result)).toEqual(["gate/commit-no-pull-request"]);
  expect(rowOf(found)).toContain(evil.slice(0, 12));
});

test("what was pushed after the approval does not get in", async () => {
  // Where the branch rule does not dismiss it.
  await using world = await released({ protected_branches: { main: { dismiss_stale_reviews: false } } });
  const meanwhile = (branch: string): void => {
    world.repository.commit("One more thing", { "src/evil.py": "1\n" }, branch);
    world.repository.git("checkout", "-q", "main");
  };
  const commit = await propose(world, { files: { "src/score.py": "3\n" }, meanwhile });
  expect(ids((await asked(world, commit)).result)).toEqual(["gate/commit-stale-approval"]);
});

test("nor does what somebody approved of whom GitHub does not tell a job's token whether they may write", async () => {
  await using world = await released({ assumptions: { job_tokens_read_roles: false } });
  const commit = await propose(world, { files: { "src/score.py": "3\n" } });
  expect(ids((await asked(world, commit)).result)).toEqual(["gate/commit-reviewer-unknown"]);
  expect(world.github.unmodelled).toEqual([]);
});

test("nor does what an account approves that wrote it and let a workflow propose it", async () => {
  await using world = await released();
  // octocat is the author of every commit of these repositories.
  const proposal = { files: { "src/score.py": "3\n" }, user: "github-actions[bot]", approver: "octocat" };
  const found = await asked(world, await propose(world, proposal));
  expect(ids(found.result)).toEqual(["gate/commit-not-approved"]);
  expect(rowOf(found)).toContain("octocat, who wrote or committed part of it");
});

test("whole pull requests get in, however they were merged", async () => {
  await using world = await released();
  const files = { "src/one.py": "1\n", "src/two.py": "2\n" };
  await propose(world, { files, method: "squash" });
  await propose(world, { files: { "src/three.py": "3\n", "src/four.py": "4\n" }, method: "rebase" });
  const commit = await propose(world, { files: { "src/score.py": "3\n" } });
  const found = await asked(world, commit);
  expect(found.result.findings).toEqual([]);
  expect(rowOf(found)).toContain("by pull requests #4, #3, #2; 4 merges or pushes since");
  expect(world.github.unmodelled).toEqual([]);
});

test("a red commit status of a pull request counts as much as a red check", async () => {
  await using world = await released();
  const commit = await propose(world, { files: { "src/score.py": "3\n" } });
  const head = world.repository.git("rev-parse", "change-1");
  const post = (state: string) =>
    client(world, world.github.userToken("hubot")).send(
      "POST /repos/{owner}/{repo}/statuses/{sha}",
      { sha: head, state, context: "ci/old" },
      v.unknown(),
      "statuses: read",
    );
  await post("failure");
  const red = await asked(world, commit);
  expect(ids(red.result)).toEqual(["gate/commit-checks"]);
  expect(rowOf(red)).toContain("ci/old");
  await post("success");
  expect(ids((await asked(world, commit)).result)).toEqual([]);
});

test("what runs on a pull request's head after its merge says nothing of it; a check that runs again does", async () => {
  await using world = await released();
  const commit = await propose(world, { files: { "src/score.py": "3\n" } });
  const headSha = world.repository.git("rev-parse", "change-1");
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const fail = (name: string): void => {
    const overrides = { event: "workflow_dispatch" as const, headSha, headBranch: "change-1" };
    end(Object.assign(addRun(world, overrides, name), { startedAt: later }), "failure");
  };
  fail("rollback / rollback");
  expect(ids((await asked(world, commit)).result)).toEqual([]);
  fail("validate / validate");
  expect(ids((await asked(world, commit)).result)).toEqual(["gate/commit-checks"]);
});

test("the contract lets a commit in by name, once a reviewed pull request says so below the candidate", async () => {
  await using world = await released();
  const evil = world.repository.commit("Quick fix", { "src/quick.py": "1\n" });
  const accepting = `${FILES["four-tier.yml"]}accepted_commits: [{ commit: ${evil}, reason: "read by hubot" }]\n`;
  const before = await propose(world, { files: { "src/score.py": "3\n" } });
  const commit = await propose(world, { files: { "four-tier.yml": accepting } });
  // The default branch accepts it now, and this candidate's own contract does not.
  expect(ids((await asked(world, before)).result)).toContain("gate/commit-no-pull-request");
  const found = await asked(world, commit, accepting);
  expect(ids(found.result)).toEqual(["gate/commit-accepted"]);
  expect(found.result.verdict).toBe("pass");
});

test("a contract that was itself pushed past review accepts nothing", async () => {
  await using world = await released();
  const evil = world.repository.commit("Quick fix", { "src/quick.py": "1\n" });
  const accepting = `${FILES["four-tier.yml"]}accepted_commits: [{ commit: ${evil}, reason: "trust me" }]\n`;
  const contractCommit = world.repository.commit("Accept it", { "four-tier.yml": accepting });
  const commit = await propose(world, { files: { "src/score.py": "3\n" } });
  const found = await asked(world, commit, accepting);
  expect(ids(found.result)).toEqual(["gate/commit-no-pull-request", "gate/commit-accepted"]);
  expect(rowOf(found)).toContain(contractCommit.slice(0, 12));
});
