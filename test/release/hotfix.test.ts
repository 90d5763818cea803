/** A hotfix on the simulated GitHub: from prod's commit, by review, dispatched on main with the commit as input. */
import { expect, test } from "vitest";
import type { Job } from "../../simulator/github/world.ts";
import { hotfixBranch } from "../../src/release/read-commit.ts";
import { MINIMAL } from "../contract/examples.ts";
import {
  addRun,
  approve,
  connect,
  deployed,
  end,
  gate,
  ids,
  merged,
  promoteRun,
  RELEASE,
  SCENARIO,
  type World,
} from "./world.ts";

const REFUSED = ["gate/commit-hotfix-branch"];
const AT = "2026-11-23T10:00:00Z";

/** What the job's runner says: without it, a run of another commit proves nothing. */
function saysRelease(job: Job, tier = "staging"): void {
  const name = `Check who can read and write ${tier}, release ${RELEASE}`;
  job.steps.push({ name, number: 3, conclusion: "success", startedAt: AT, completedAt: AT });
}

/** A repair of prod's commit, merged into a branch hotfix/… of that name; gives the merge. */
async function repaired(world: World & { commit: string }, name: string): Promise<string> {
  world.repository.git("branch", `hotfix/${name}`, world.commit);
  world.repository.git("checkout", "-q", "-b", `repair-${name}`, world.commit);
  world.repository.commit("Repair", { [`src/${name}.py`]: "2.1\n" }, `repair-${name}`);
  const commit = await merge(world, `repair-${name}`, `hotfix/${name}`);
  world.repository.git("checkout", "-q", "main");
  return commit;
}

/** Approved, checked, merged. */
async function merge(world: World, head: string, base: string): Promise<string> {
  const { github, repository } = world;
  const number = await github.openPullRequest({ head, base, user: "octocat", title: head });
  await github.review(number, "hubot");
  const headSha = repository.git("rev-parse", head);
  const path = ".github/workflows/validate.yml";
  end(addRun(world, { path, event: "pull_request", headSha, headBranch: head }, "validate / validate"));
  return github.mergePullRequest(number, "octocat");
}

/** prod has the first merge, main and staging have gone on, and a repair of prod's commit was merged into hotfix/scores. */
async function broken(protectedBranches: string[] = ["main", "hotfix/**"], rulesetsProtect = true) {
  const assumptions = { rulesets_protect: rulesetsProtect };
  const world = await merged({ ...SCENARIO, protected_branches: protectedBranches, assumptions });
  const first = promoteRun(world);
  end(first.prod);
  await deployed(connect(world, first.prod), "prod", first.run, world.commit);
  world.repository.commit("Something new", { "src/score.py": "3\n" });
  const hotfix = await repaired(world, "scores");
  const { run, staging, prod } = promoteRun(world, { event: "workflow_dispatch" });
  return Object.assign(world, { hotfix, run, staging, prod, api: connect(world, prod) });
}

test("it is let into staging and prod, by evidence of a run that is of another commit but says what it deployed", async () => {
  await using world = await broken();
  const asked = { commit: world.hotfix, sha: world.run.headSha };
  expect(ids(await gate(world, world.api, world.run, { ...asked, tier: "staging" }))).toEqual([]);
  await deployed(world.api, "staging", world.run, world.hotfix);
  approve(world, world.run);
  // The job's runner must have said so: without its step, a run of another commit proves nothing.
  expect(ids(await gate(world, world.api, world.run, asked))).toEqual(["gate/source-not-believed"]);
  saysRelease(world.staging);
  expect(ids(await gate(world, world.api, world.run, asked))).toEqual([]);
  expect(world.github.unmodelled).toEqual([]);
});

test.each([
  ["that nobody protects", ["main"], true],
  ["that only a ruleset protects, where GitHub does not say so", ["main", "hotfix/**"], false],
] as const)("from a branch %s it is refused", async (_what, protectedBranches, rulesetsProtect) => {
  await using world = await broken([...protectedBranches], rulesetsProtect);
  const result = await gate(world, world.api, world.run, {
    commit: world.hotfix,
    sha: world.run.headSha,
    tier: "staging",
  });
  expect(ids(result)).toEqual(["gate/commit-hotfix-branch"]);
});

test("one that does not begin at prod's commit is refused", async () => {
  await using world = await broken();
  world.repository.commit("Newer in prod", { "src/score.py": "4\n" });
  const newer = promoteRun(world);
  end(newer.prod);
  await deployed(connect(world, newer.prod), "prod", newer.run, newer.run.headSha);
  const result = await gate(world, world.api, world.run, {
    commit: world.hotfix,
    sha: world.run.headSha,
    tier: "staging",
  });
  expect(ids(result)).toEqual(["gate/commit-hotfix-stray"]);
});

test("whose branch is pushed back or deleted while it waits for the lock is refused", async () => {
  await using world = await broken();
  const says = async (meanwhile: () => Promise<unknown>) =>
    ids(
      await gate(world, world.api, world.run, {
        commit: world.hotfix,
        sha: world.run.headSha,
        tier: "staging",
        meanwhile,
      }),
    );
  const { repository, hotfix } = world;
  expect(await says(async () => {})).toEqual([]);
  expect(await says(async () => repository.git("branch", "-f", "hotfix/scores", `${hotfix}^1`))).toEqual(REFUSED);
  repository.git("branch", "-f", "hotfix/scores", hotfix);
  expect(await says(async () => repository.git("branch", "-D", "hotfix/scores"))).toEqual(REFUSED);
});

test("the policy is the default branch's, not the hotfix branch's", async () => {
  await using world = await broken();
  const strict = `project: ml-pipelines\n${MINIMAL.replace("staging: {", 'staging: { gate: { windows: ["Mon 00:00-00:01 UTC"] },')}`;
  world.repository.commit("Tighten", { "four-tier.yml": strict });
  const now = new Date("2026-11-24T12:00:00Z");
  const asked = { commit: world.hotfix, sha: world.run.headSha, tier: "staging" as const, now };
  expect(ids(await gate(world, world.api, world.run, asked))).toEqual(["gate/window-closed"]);
});

test("merged back before prod was approved, it goes on to prod all the same", async () => {
  await using world = await broken();
  await deployed(world.api, "staging", world.run, world.hotfix);
  saysRelease(world.staging);
  approve(world, world.run);
  const asked = { commit: world.hotfix, sha: world.run.headSha };
  const back = await merge(world, "hotfix/scores", "main");
  expect(ids(await gate(world, world.api, world.run, asked))).toEqual([]);
  // The next ordinary release passes by nothing; what was pushed past review is still found in it, and that alone.
  const next = promoteRun(world, { headSha: back });
  const found = await gate(world, connect(world, next.prod), next.run, { commit: back, tier: "staging" });
  const check = found.checks.find((each) => each.check === "commit");
  expect(check?.summary).toMatch(
    / did not come from a pull request merged into main: [0-9a-f]{12} \("Something new" by octocat\)\.$/,
  );
  expect(ids(found)).not.toContain("gate/order-diverged");
});

test("two at once: the second says that it leaves the first behind, and of the two prod takes one", async () => {
  await using world = await broken();
  const asked = { sha: world.run.headSha, tier: "staging" as const };
  const other = await repaired(world, "other");
  // What waits in staging by the default branch is no other hotfix.
  await deployed(world.api, "staging", world.run, world.run.headSha);
  expect(ids(await gate(world, world.api, world.run, { ...asked, commit: world.hotfix }))).toEqual([]);
  await deployed(world.api, "staging", world.run, world.hotfix);
  saysRelease(world.staging);
  const second = await gate(world, world.api, world.run, { ...asked, commit: other });
  expect([second.verdict, ids(second)]).toEqual(["pass", ["gate/commit-hotfix-other"]]);
  expect(second.findings[0]?.message).toContain(`staging has another hotfix, ${world.hotfix.slice(0, 12)}`);
  // In staging it takes the first one's place, and says so before prod's approval, too.
  await deployed(world.api, "staging", world.run, other);
  const brief = await gate(world, world.api, world.run, { commit: other, sha: asked.sha, stage: "plan" });
  expect(ids(brief)).toContain("gate/commit-hotfix-other");
  // The first is the one that gets to prod.
  saysRelease(world.prod, "prod");
  end(world.prod);
  await deployed(world.api, "prod", world.run, world.hotfix);
  const late = await gate(world, world.api, world.run, { commit: other, sha: asked.sha });
  expect(ids(late)).toContain("gate/commit-hotfix-stray");
  expect(ids(late)).toContain("gate/order-diverged");
});

test.each([
  ["off the default branch", "prod", false, "hotfix/scores", ["hotfix/scores"]],
  ["merged back", "prod", true, "hotfix/scores", ["hotfix/scores"]],
  ["merged back, in dev, which takes every merge", "dev", true, undefined, ["hotfix/scores"]],
  ["put onto the default branch by a pull request of its own", "prod", true, undefined, ["hotfix/scores", "main"]],
  ["in no branch of that name", "prod", false, undefined, ["release/1", "hotfixes/x"]],
] as const)("what is a hotfix: %s", (_what, tier, onDefaultBranch, branch, bases) => {
  const commit = "c".repeat(40);
  const about = { commit, tier, repository: { defaultBranch: "main" } };
  const own = bases.map((base) => ({ base, mergeCommit: commit }));
  expect(hotfixBranch(about, onDefaultBranch, own)).toBe(branch);
});
