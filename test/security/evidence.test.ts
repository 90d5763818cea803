/** Forged and bent evidence, as somebody with push access to branches can make it, against the gate to prod. */
import { expect, test } from "vitest";
import { timestamp } from "../../simulator/github/text.ts";
import { known } from "../../src/gate/facts.ts";
import { currentRelease } from "../../src/release/current-release.ts";
import { MINIMAL } from "../contract/examples.ts";
import {
  approve,
  CALLER,
  client,
  connect,
  contract,
  deployed,
  end,
  gate,
  honest,
  ids,
  LIVE,
  merged,
  OTHER,
  PIN,
  promoteRun,
  REFERENCED,
  RELEASE,
  SCENARIO,
  WORKFLOWS,
  type World,
} from "../release/world.ts";

const NEWER = "8".repeat(64);
const EVIL = "9".repeat(64);

/** What our workflow leaves in the deploying job. */
function says(
  job: { steps: { name: string; number: number; conclusion: string; startedAt: string; completedAt: string }[] },
  release: string,
): void {
  const at = "2026-11-23T10:00:00Z";
  const name = `Check who can read and write staging, release ${release}`;
  job.steps.push({ name, number: 3, conclusion: "success", startedAt: at, completedAt: at });
}

const mallory = (world: World) => client(world, world.github.userToken("mallory"));

test("a forged record of other bytes, pointing to an honest run, is told by what that run's job deployed", async () => {
  await using world = await merged();
  const { run, staging, prod } = promoteRun(world);
  says(staging, RELEASE);
  approve(world, run);
  await deployed(mallory(world), "staging", run, world.commit, { release: EVIL });
  const result = await gate(world, connect(world, prod), run, { release: EVIL });
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain("its job staging / promote deployed 111111111111");
  await deployed(connect(world, prod), "staging", run, world.commit);
  expect(ids(await gate(world, connect(world, prod), run))).toEqual([]);
});

test("success set by hand on a real, failed Deployment is not success; the re-run's own record is", async () => {
  await using world = await merged();
  const { run, staging, prod } = promoteRun(world);
  end(staging, "failure");
  approve(world, run);
  const github = connect(world, prod);
  await deployed(mallory(world), "staging", run, world.commit);
  const result = await gate(world, github, run);
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain("ended with failure");

  const again = { ...staging, id: staging.id + 1, attempt: 2, conclusion: "success" as const };
  run.jobs.push(again);
  // The first attempt's record does not get better by it.
  expect(ids(await gate(world, github, run))).toEqual(["gate/source-not-believed"]);
  await deployed(github, "staging", { ...run, attempt: 2 }, world.commit);
  expect(ids(await gate(world, github, run))).toEqual([]);
});

test("a suite that is pinned by a tag is not trusted, wherever the tag points now", async () => {
  const byTag = CALLER.replaceAll(PIN, "v1");
  await using world = await merged({}, { ".github/workflows/promote.yml": byTag });
  const { run, prod } = promoteRun(world, {
    referenced: REFERENCED.map(({ path, sha }) => ({ path: path.replace(PIN, "v1"), sha })),
  });
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  approve(world, run);
  const result = await gate(world, github, run);
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain("by v1, which can be moved: pin a commit");
});

test("a release cannot trust another suite by its own contract, nor adopt what the default branch does not", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world, { referenced: REFERENCED.map(({ path }) => ({ path, sha: OTHER })) });
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  approve(world, run);
  const own = contract(
    `project: ml-pipelines\nsuite: { commits: ["${OTHER}"] }\nadopt: { prod: { jobs.score: "7" } }\n${MINIMAL}`,
  );
  const live = {
    ...LIVE,
    adoption: known([{ key: "jobs.score", name: "score", id: "7", adopted: true, managedBy: undefined }]),
  };
  const refused = ["gate/source-not-believed", "gate/adoption-namesake"];
  expect(ids(await gate(world, github, run, { contract: own, live }))).toEqual([]);
  // The default branch says otherwise by the time that the run has the lock.
  const meanwhile = () => Promise.resolve(world.repository.commit("Something else", { "README.md": "hello again\n" }));
  expect(ids(await gate(world, github, run, { contract: own, live, meanwhile }))).toEqual(refused);
  expect(ids(await gate(world, github, run, { contract: own, live }))).toEqual(refused);
  // Nor by naming the head's commit in a run that has an older contract.
  const head = world.repository.git("rev-parse", "main");
  const result = await gate(world, github, run, { contract: own, live, sha: world.commit, commit: head });
  expect(ids(result)).toContain("gate/adoption-namesake");
});

/** Jobs that are shown as `staging / promote` beside, or instead of, the real one. */
test.each([
  ["a job of that name", 'fake: { name: "staging / promote", runs-on: ubuntu-latest, steps: [{ run: "true" }] }'],
  [
    "a name made by an expression",
    'fake: { name: "staging / ${{ vars.X }}", runs-on: ubuntu-latest, steps: [{ run: "true" }] }',
  ],
  ["another called workflow", "fake: { name: staging, uses: ./.github/workflows/evil.yml }"],
  ["dev under staging's name", `fake: { name: staging, uses: "${WORKFLOWS}/deploy-to-dev.yml@${PIN}" }`],
])("a caller cannot put %s in the deploying job's place", async (_what, job) => {
  await using world = await merged({}, { ".github/workflows/promote.yml": `${CALLER}  ${job}\n` });
  const { run, github } = await honest(world);
  const result = await gate(world, github, run);
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
  expect(result.findings[0]?.message).toContain(
    "the job fake of .github/workflows/promote.yml can be shown as staging / promote too",
  );
});

test("a job whose name only looks alike is no reason for doubt", async () => {
  const job = 'tests: { name: "test ${{ matrix.python }}", runs-on: ubuntu-latest, steps: [{ run: "true" }] }';
  await using world = await merged({}, { ".github/workflows/promote.yml": `${CALLER}  ${job}\n` });
  const { run, prod } = promoteRun(world);
  await deployed(connect(world, prod), "staging", run, world.commit);
  approve(world, run);
  expect(ids(await gate(world, connect(world, prod), run))).toEqual([]);
});

test("a run whose workflow file is an alias bomb, or not a workflow, does not stop honest evidence", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  await deployed(connect(world, prod), "staging", run, world.commit);
  approve(world, run);
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefgh"
    .split("")
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[index]}`).join(",")}]`)
    .join("\n")}\njobs: *h\n`;
  for (const text of [bomb, "jobs: [", "{}"]) {
    const headSha = world.repository.commit("Evil", { ".github/workflows/promote.yml": text }, "evil");
    world.repository.git("checkout", "-q", "main");
    const evil = promoteRun(world, { headBranch: "evil", ref: "refs/heads/evil", headSha });
    await deployed(mallory(world), "staging", evil.run, world.commit);
  }
  expect(ids(await gate(world, connect(world, prod), run))).toEqual([]);
});

test("a flood of forged records hides what a tier has, and that is unknown, not nothing", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  end(prod);
  const github = connect(world, prod);
  await deployed(github, "prod", run, world.commit);
  for (let index = 0; index < 20; index += 1) {
    await deployed(mallory(world), "prod", run, world.commit, { run: { id: "99999", attempt: 1, job: "promote" } });
  }
  const current = await currentRelease({ github, contract: contract(), tier: { name: "prod" } });
  expect(current).toMatchObject({
    known: false,
    why: expect.stringContaining("newest Deployments of prod do not show") as string,
  });
});

test("an older release of prod, written once more, is not what prod has", async () => {
  await using world = await merged();
  const { run: first, prod: then } = promoteRun(world);
  end(then);
  await deployed(connect(world, then), "prod", first, world.commit);
  const headSha = world.repository.commit("Score daily", { "src/score.py": "4\n" });
  const { run: second, prod: now } = promoteRun(world, { headSha });
  end(now);
  await deployed(connect(world, now), "prod", second, headSha, { release: NEWER });
  // Both jobs ended just now, so the record of the first that is forged is within what clocks may differ by.
  then.completedAt = timestamp(new Date(Date.now() - 60_000));
  await deployed(mallory(world), "prod", first, world.commit);
  const asked = { github: connect(world, now), contract: contract(), tier: { name: "prod" as const } };
  const at: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
  const newer = known({ commit: headSha, release: NEWER, artifacts: [], at });
  expect(await currentRelease(asked)).toEqual(newer);

  // What the second ended before the first is not what prod has, whoever wrote last.
  now.completedAt = timestamp(new Date(Date.now() - 90_000));
  expect(await currentRelease(asked)).toEqual(known({ commit: world.commit, release: RELEASE, artifacts: [], at }));
  now.completedAt = timestamp();

  // The first ended an hour ago: its record of now is not believed at all, its own still is.
  const [own] = world.github.world.deployments;
  if (own === undefined) throw new Error("the first promotion has a record");
  Object.assign(own, { createdAt: timestamp(new Date(Date.now() - 3_600_000)) });
  then.completedAt = own.createdAt;
  expect(await currentRelease(asked)).toEqual(newer);
});

test("a reviewer who may not write to the repository approves nothing", async () => {
  await using world = await merged({ users: { ...SCENARIO.users, hubot: { role: "read" }, ada: { role: "admin" } } });
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  approve(world, run, "ada");
  const result = await gate(world, github, run);
  expect(ids(result)).toEqual(["gate/commit-not-approved"]);
  expect(result.findings[0]?.message).toContain("hubot, who may not write");
});

test("a run that a workflow started is nobody's, so nobody can approve it", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world, {
    event: "workflow_dispatch",
    actor: "github-actions[bot]",
    triggeringActor: "github-actions[bot]",
  });
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  approve(world, run);
  expect(ids(await gate(world, github, run))).toEqual(["gate/approval-starter"]);
});

test("whoever started the re-run does not approve it, and neither attempt's approval counts for it", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world, { attempt: 2, triggeringActor: "hubot" });
  prod.run.attempt = 2;
  const github = connect(world, prod);
  approve(world, run);
  const result = await gate(world, github, run);
  expect(ids(result)).toEqual(expect.arrayContaining(["gate/approval-re-run", "gate/approval-self"]));
});

test("the environment of the brief that nobody made, and GitHub did, is found open", async () => {
  const environments = { ...SCENARIO.environments, "prod-raed": {} };
  await using world = await merged({ environments });
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit);
  const asked = (readEnvironment: string) => gate(world, github, run, { stage: "plan", readEnvironment });
  expect(ids(await asked("prod-raed"))).toEqual(["gate/protection-any-branch"]);
  expect(ids(await asked("nowhere"))).toEqual(["gate/protection-no-environment"]);
});

const wheel = (digit: string, name = "churn-1.0-py3-none-any.whl") => ({ name, sha256: digit.repeat(64) });

test("a carried wheel that is not the one of staging is named, with both hashes", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  approve(world, run);
  await deployed(github, "staging", run, world.commit, { artifacts: [wheel("a"), wheel("b", "gone-1.0.whl")] });
  const result = await gate(world, github, run, {
    release: EVIL,
    handed: RELEASE,
    artifacts: [wheel("c"), wheel("d", "new-1.0.whl")],
  });
  expect(ids(result).filter((id) => id.startsWith("gate/source"))).toEqual(Array(3).fill("gate/source-artifact"));
  expect(result.findings.map(({ message }) => message).slice(0, 3)).toEqual([
    "The wheel churn-1.0-py3-none-any.whl is not the one that staging got: its SHA-256 is cccccccccccc here and was aaaaaaaaaaaa there.",
    "The wheel gone-1.0.whl (SHA-256 bbbbbbbbbbbb), which staging got, is not carried here.",
    "The wheel new-1.0.whl (SHA-256 dddddddddddd) is carried here, and staging did not get it.",
  ]);
});

test("what a forged record says about wheels is not repeated", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  approve(world, run);
  const evil = promoteRun(world, { headBranch: "evil", ref: "refs/heads/evil" });
  await deployed(mallory(world), "staging", evil.run, world.commit, { artifacts: [wheel("a")] });
  const result = await gate(world, connect(world, prod), run, { release: EVIL, artifacts: [wheel("c")] });
  expect(ids(result)).toEqual(["gate/source-not-believed"]);
});

test("wheels without the digest that the tier below handed over are not taken, whatever the record says", async () => {
  await using world = await merged();
  const { run, prod } = promoteRun(world);
  const github = connect(world, prod);
  await deployed(github, "staging", run, world.commit, { artifacts: [wheel("a")] });
  const asked = (handed: string) => gate(world, github, run, { stage: "plan", handed, artifacts: [wheel("a")] });
  expect(ids(await asked(""))).toEqual(["gate/source-not-handed-over"]);
  expect(ids(await asked(RELEASE))).toEqual([]);
  expect(ids(await asked(EVIL))).toEqual(["gate/source-other-release"]);
});
