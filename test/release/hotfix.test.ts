/** A hotfix on the simulated GitHub: from prod's commit, by review, dispatched on main with the commit as input. */
import { expect, test } from "vitest";
import { MINIMAL } from "../contract/examples.ts";
import { addRun, approve, connect, deployed, end, gate, ids, merged, promoteRun, RELEASE, SCENARIO } from "./world.ts";

const REFUSED = ["gate/commit-hotfix-branch"];
const AT = "2026-11-23T10:00:00Z";

/** prod has the first merge, main and staging have gone on, and a repair of prod's commit was merged into hotfix/scores. */
async function broken(protectedBranches: string[] = ["main", "hotfix/**"], rulesetsProtect = true) {
  const assumptions = { rulesets_protect: rulesetsProtect };
  const world = await merged({ ...SCENARIO, protected_branches: protectedBranches, assumptions });
  const first = promoteRun(world);
  end(first.prod);
  await deployed(connect(world, first.prod), "prod", first.run, world.commit);
  world.repository.commit("Something new", { "src/score.py": "3\n" });
  world.repository.git("branch", "hotfix/scores", world.commit);
  world.repository.git("checkout", "-q", "-b", "repair", world.commit);
  const head = world.repository.commit("Repair", { "src/score.py": "2.1\n" }, "repair");
  const number = await world.github.openPullRequest({
    head: "repair",
    base: "hotfix/scores",
    user: "octocat",
    title: "Repair",
  });
  await world.github.review(number, "hubot");
  const validate = {
    path: ".github/workflows/validate.yml",
    event: "pull_request" as const,
    headSha: head,
    headBranch: "repair",
  };
  end(addRun(world, validate, "validate / validate"));
  const hotfix = await world.github.mergePullRequest(number, "octocat");
  world.repository.git("checkout", "-q", "main");
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
  const name = `Check who can read and write staging, release ${RELEASE}`;
  world.staging.steps.push({ name, number: 3, conclusion: "success", startedAt: AT, completedAt: AT });
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
