/** Facts from the simulated GitHub, through the real client, to the gate's verdict: honest and forged. */
import { expect, test } from "vitest";
import { GATE } from "../../src/gate/evaluate.ts";
import { known } from "../../src/gate/facts.ts";
import { approvalsOfRun, pendingDeployments } from "../../src/github/runs.ts";
import { currentRelease } from "../../src/release/current-release.ts";
import { historyBetween } from "../../src/release/history.ts";
import { verdictsOf } from "../../src/release/read-pull.ts";
import type { Repository } from "../simulator/github/harness.ts";
import {
  ALL,
  approve,
  CALLER,
  client,
  connect,
  contract,
  deployed,
  end,
  FILES,
  gate,
  honest,
  ids,
  LIVE,
  merged,
  OTHER,
  PIN,
  PLAN,
  promoteRun,
  REFERENCED,
  RELEASE,
  SCENARIO,
  type World,
} from "./world.ts";

test("an honest release passes every check, and asks GitHub for nothing it does not model", async () => {
  await using world = await merged();
  const { run, github } = await honest(world);
  const result = await gate(world, github, run);
  expect(result.findings).toEqual([]);
  expect(result.verdict).toBe("pass");
  expect(result.checks.map(({ check }) => check)).toEqual(GATE.prod.promote);
  const links = result.checks.find(({ check }) => check === "source")?.evidence.map(({ label }) => label);
  expect(links).toEqual([expect.stringMatching(/^deployment /), `run ${run.id}`, "staging / promote"]);
  expect(world.github.unmodelled).toEqual([]);
});

test("a commit that skips staging is told so", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "dev", run, world.commit);
  approve(world, run);
  expect(ids(await gate(world, github, run))).toEqual(["gate/path-skipped-tier", "gate/source-none"]);
});

test("a person's forged Deployment that points to a run of an edited workflow on a branch is not believed", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  const evil = promoteRun(world, { headBranch: "evil", ref: "refs/heads/evil" });
  await deployed(client(world, world.github.userToken("mallory")), "staging", evil.run, world.commit);
  approve(world, run);
  const result = await gate(world, connect(world, prod), run);
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain("by mallory");
  expect(result.findings[0]?.message).toContain("branch evil");
});

test("a forged Deployment beside the honest one changes nothing", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  await deployed(client(world, world.github.userToken("mallory")), "staging", run, world.commit, {
    run: { id: "99999", attempt: 1, job: "promote" },
  });
  approve(world, run);
  expect(ids(await gate(world, github, run))).toEqual([]);
});

test("bytes that were changed after staging give another release, which staging never had", async () => {
  await using world = await merged();
  const { run, github } = await honest(world);
  const result = await gate(world, github, run, { release: "9".repeat(64) });
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain("carried artifacts give 999999999999");
});

test("our workflow at a commit that nobody trusts, and a deploying job that failed, are not evidence", async () => {
  await using world = await merged();
  const { run, staging, prod } = promoteRun(world, {
    referenced: REFERENCED.map(({ path }) => ({ path, sha: OTHER })),
  });
  end(staging, "failure");
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  approve(world, run);
  const result = await gate(world, github, run);
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain("nor the contract's suite.commits lists");
  expect(result.findings[0]?.message).toContain("ended with failure");
});

test("evidence of a suite that the default branch has left is not believed any more", async () => {
  await using world = await merged();
  const { run, github } = await honest(world);
  world.repository.commit("Newer suite", { ".github/workflows/promote.yml": CALLER.replaceAll(PIN, OTHER) });
  const result = await gate(world, github, run);
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain("promote.yml on main pins");
});

const DELETING = {
  ...LIVE,
  plan: known({
    digest: PLAN,
    empty: false,
    changes: [{ key: "jobs.old", kind: "jobs", name: "old", action: "delete", class: "deletes", fields: [] } as const],
  }),
};

test("a release cannot lower its own gate: what may be deleted is what the default branch says now", async () => {
  await using world = await merged();
  const { run, github } = await honest(world);
  const own = contract(FILES["four-tier.yml"].replace(/(prod: \{)/, "$1 destructive: [jobs.old],"));
  expect(ids(await gate(world, github, run, { contract: own, live: DELETING }))).toEqual([]);
  world.repository.commit("Something else", { "README.md": "hello again\n" });
  expect(ids(await gate(world, github, run, { contract: own, live: DELETING }))).toEqual(["gate/destructive"]);
  world.repository.commit("Not a contract", { "four-tier.yml": "project: [\n" });
  expect(ids(await gate(world, github, run, { contract: own, live: DELETING }))).toContain("gate/destructive");
});

test("a review counts until its reviewer's next verdict; a comment is none", () => {
  const review = (user: string | undefined, state: string, commit = "head") => ({ user, state, commit });
  expect(
    verdictsOf(
      [
        review("a", "APPROVED"),
        review("a", "COMMENTED", "later"),
        review("b", "APPROVED", "older"),
        review("c", "APPROVED"),
        review("C", "CHANGES_REQUESTED"),
        review("d", "CHANGES_REQUESTED"),
        review("d", "DISMISSED"),
        review("e", "PENDING"),
        review(undefined, "APPROVED"),
      ],
      "head",
    ),
  ).toEqual([
    { user: "a", state: "APPROVED", stale: false },
    { user: "b", state: "APPROVED", stale: true },
    { user: "C", state: "CHANGES_REQUESTED", stale: false },
    { user: "d", state: "DISMISSED", stale: false },
  ]);
});

test("an unreviewed direct push, and a commit that was force-pushed away, do not get in", async () => {
  await using world = await merged();
  const commit = world.repository.commit("Quick fix", { "src/score.py": "3\n" });
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "staging", run, commit);
  approve(world, run);
  expect(ids(await gate(world, github, run, { commit }))).toEqual(["gate/commit-no-pull-request"]);
  world.repository.git("reset", "-q", "--hard", world.commit);
  expect(ids(await gate(world, github, run, { commit }))).toContain("gate/commit-off-branch");
});

test("a commit that is force-pushed away while its run waits for the lock does not get in", async () => {
  await using world = await merged();
  const { run, github } = await honest(world);
  const comparisons = async (meanwhile: () => Promise<unknown>): Promise<number> => {
    const from = world.github.requests.length;
    expect(ids(await gate(world, github, run, { meanwhile }))).toEqual([]);
    return world.github.requests.slice(from).filter(({ path }) => path.includes("/compare/")).length;
  };
  const more = (text: string) => async () => world.repository.commit("More", { "src/more.py": text });
  await more("1\n")();
  const unmoved = await comparisons(async () => {});
  expect(await comparisons(more("2\n"))).toBe(unmoved + 1);
  const meanwhile = async () => world.repository.git("reset", "-q", "--hard", `${world.commit}^1`);
  const result = await gate(world, github, run, { meanwhile });
  expect(ids(result)).toContain("gate/commit-off-branch");
  expect(world.github.unmodelled).toEqual([]);
});

test("a tier that the default branch moves while a run waits for the lock takes nothing where it was", async () => {
  await using world = await merged();
  const { run, github } = await honest(world);
  const text = FILES["four-tier.yml"].replace(
    /(prod: \{ workspace: https:\/\/)[^ ,}]*/,
    "$1prd-new.cloud.databricks.com",
  );
  expect(text).not.toBe(FILES["four-tier.yml"]);
  const meanwhile = async () => world.repository.commit("Move prod", { "four-tier.yml": text });
  const result = await gate(world, github, run, { meanwhile });
  expect(ids(result)).toEqual(["gate/identity-moved"]);
  expect(result.findings[0]?.message).toContain("names another workspace for prod");
});

test("what may be deleted is asked of the default branch again under the lock", async () => {
  await using world = await merged();
  const { run, github } = await honest(world);
  const own = contract(FILES["four-tier.yml"].replace(/(prod: \{)/, "$1 destructive: [jobs.old],"));
  const asked = { contract: own, live: DELETING };
  expect(ids(await gate(world, github, run, asked))).toEqual([]);
  const meanwhile = async () => world.repository.commit("Keep it", { "README.md": "keep it\n" });
  expect(ids(await gate(world, github, run, { ...asked, meanwhile }))).toEqual(["gate/destructive"]);
});

test("approvals: nobody's, the actor's own, and one of an earlier attempt", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  expect(ids(await gate(world, github, run))).toEqual(["gate/approval-missing"]);
  approve(world, run, "octocat");
  expect(ids(await gate(world, github, run))).toEqual(["gate/approval-self"]);
  approve(world, run);
  expect(ids(await gate(world, github, run))).toEqual([]);
  run.attempt = 2;
  expect(ids(await gate(world, github, run))).toEqual(["gate/approval-re-run"]);
});

test("an approval counts for an environment that somebody made as Prod: names do not mind case", async () => {
  const { prod, ...others } = SCENARIO.environments;
  await using world = await merged({ environments: { ...others, Prod: prod } });
  const { run, github } = await honest(world);
  expect(run.approvals.map(({ environments }) => environments.map(({ name }) => name))).toEqual([["Prod"]]);
  expect(ids(await gate(world, github, run))).toEqual([]);
});

test.each(["prod", "Prod"])("what a run waits for is the environment prod, whoever made that as %s", async (made) => {
  const { prod, ...others } = SCENARIO.environments;
  await using world = await merged({ environments: { ...others, [made]: prod } });
  const { run, prod: job } = promoteRun(world);
  const environment = world.github.world.environment("prod");
  expect(environment.name).toBe(made);
  run.pending.push({ environment, job, since: job.startedAt, decide: () => undefined });
  expect(await pendingDeployments(connect(world, job), String(run.id))).toEqual([{ environment: "prod" }]);
  approve(world, run);
  expect((await approvalsOfRun(connect(world, job), String(run.id))).map(({ environments }) => environments)).toEqual([
    ["prod"],
  ]);
});

test("an environment that nobody set up is no gate", async () => {
  await using world = await merged({ environments: { prod: {} } });
  const { run, github } = await honest(world);
  expect(ids(await gate(world, github, run))).toEqual([
    "gate/protection-any-branch",
    "gate/protection-no-reviewers",
    "gate/protection-self-review",
    "gate/protection-admin-bypass",
  ]);
});

test("each missing permission makes its checks unknown and is named", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  await deployed(connect(world, prod), "staging", run, world.commit);
  approve(world, run);
  for (const [scope, check] of [
    ["actions", "protection"],
    ["checks", "commit"],
    ["statuses", "commit"],
    ["pull-requests", "commit"],
    ["contents", "path"],
    ["deployments", "source"],
  ] as const) {
    const rest = Object.fromEntries(Object.entries(ALL).filter(([name]) => name !== scope));
    const result = await gate(world, connect(world, prod, rest), run);
    expect(result.verdict).not.toBe("pass");
    const row = result.checks.find((each) => each.check === check);
    expect(row?.verdict).toBe("unknown");
    expect(row?.findings[0]?.remedy).toContain(`${scope}: `);
  }
});

test("what a tier has is the newest release that a run proves, not what somebody wrote last", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  const request = { github, contract: contract(), tier: { name: "prod" as const } };
  expect(await currentRelease(request)).toEqual(known(undefined));
  end(prod);
  await deployed(github, "prod", run, world.commit);
  await deployed(client(world, world.github.userToken("mallory")), "prod", run, world.commit, {
    run: { id: "99999", attempt: 1, job: "promote" },
    release: "9".repeat(64),
  });
  const at = new Date(Date.parse(prod.completedAt ?? "")).toISOString();
  expect(await currentRelease(request)).toEqual(known({ commit: world.commit, release: RELEASE, at, artifacts: [] }));
});

test("an older commit does not overwrite a newer one", async () => {
  await using world = await merged();
  const older = world.commit;
  const first = promoteRun(world);
  const github = connect(world, first.prod);
  await deployed(github, "staging", first.run, older);
  await nextPullRequest(world, world.repository);
  const second = promoteRun(world);
  end(second.prod);
  await deployed(connect(world, second.prod), "prod", second.run, second.run.headSha);
  approve(world, first.run);
  expect(ids(await gate(world, github, first.run))).toEqual(["gate/order-older"]);
});

async function nextPullRequest(world: World, repository: Repository): Promise<string> {
  repository.commit("Score daily", { "src/score.py": "4\n" }, "feature-2");
  const number = await world.github.openPullRequest({ head: "feature-2", user: "mallory", title: "Score daily" });
  const commit = await world.github.mergePullRequest(number, "mallory");
  repository.git("checkout", "-q", "main");
  return commit;
}

test("the history names the pull requests between two commits", async () => {
  await using world = await merged();
  const second = await nextPullRequest(world, world.repository);
  const { prod } = promoteRun(world);
  const github = connect(world, prod);
  const history = await historyBetween(github, world.commit, second);
  expect(history.pulls.map(({ number, title, author }) => [number, title, author])).toEqual([
    ["2", "Score daily", "mallory"],
  ]);
  expect(history.commits.map(({ title }) => title)).toContain("Score daily");
  expect((await historyBetween(github, undefined, world.commit)).pulls.map(({ number }) => number)).toEqual(["1"]);
});
