/** What became of a release in the tier below: replaced, rolled back from, brought there again. */
import { expect, test } from "vitest";
import { timestamp } from "../../simulator/github/text.ts";
import { MINIMAL } from "../contract/examples.ts";
import { type Ready, ready, rolledBack, verify } from "./operations.ts";
import { connect, contract, deployed, gate, ids, promoteRun, RELEASE } from "./world.ts";

const OLDER = { commit: "", release: "8".repeat(64) };
const NEWER = "9".repeat(64);

/** staging has the release since ten hours; its parent commit stands for what it had before. */
async function standing(four = `project: ml-pipelines\n${MINIMAL}`): Promise<Ready> {
  const world = await ready(four);
  const at = timestamp(new Date(Date.now() - 10 * 3_600_000));
  for (const job of world.run.jobs) {
    if (job.name === "staging / promote") Object.assign(job, { startedAt: at, completedAt: at });
  }
  for (const deployment of world.github.world.deployments) Object.assign(deployment, { createdAt: at });
  OLDER.commit = world.repository.git("rev-parse", `${world.commit}^1`);
  return world;
}

const sourceOf = (result: Awaited<ReturnType<typeof gate>>): string =>
  result.checks.find(({ check }) => check === "source")?.summary ?? "";

test("a release that staging was rolled back from does not go on to prod, until staging has it again", async () => {
  await using world = await standing();
  expect(ids(await gate(world, world.api, world.run))).toEqual([]);
  await rolledBack(world, OLDER, RELEASE);
  const refused = await gate(world, world.api, world.run);
  expect(ids(refused)).toEqual(["gate/source-taken-back"]);
  expect(sourceOf(refused)).toContain(`rolled back from release 111111111111 to commit ${OLDER.commit.slice(0, 12)}`);
  expect(sourceOf(refused)).toContain("by hubot");
  const again = promoteRun(world);
  await deployed(connect(world, again.prod), "staging", again.run, world.commit);
  expect(ids(await gate(world, world.api, world.run))).toEqual([]);
  expect(world.github.unmodelled).toEqual([]);
});

test("what was verified before the rollback does not count after it", async () => {
  const asks = `project: ml-pipelines\n${MINIMAL.replace("prod: {", "prod: { gate: { verifications: 2 },")}`;
  await using world = await standing(asks);
  const own = { contract: contract(asks) };
  for (let hour = 9; hour > 6; hour -= 1) await verify(world, true, hour * 3_600_000);
  expect(ids(await gate(world, world.api, world.run, own))).toEqual([]);
  await rolledBack(world, OLDER, RELEASE);
  const again = promoteRun(world);
  await deployed(connect(world, again.prod), "staging", again.run, world.commit);
  expect(ids(await gate(world, world.api, world.run, own))).toEqual(["gate/verification-too-few"]);
  await verify(world);
  expect(ids(await gate(world, world.api, world.run, own))).toEqual([]);
});

test("a rollback of another release, one to this release, and one that no run bears out say nothing against it", async () => {
  await using world = await standing();
  await rolledBack(world, OLDER, NEWER);
  expect(ids(await gate(world, world.api, world.run))).toEqual([]);
  await rolledBack(world, { commit: world.commit, release: RELEASE }, NEWER);
  expect(ids(await gate(world, world.api, world.run))).toEqual([]);
  const { run } = promoteRun(world);
  await rolledBack(world, OLDER, RELEASE, "mallory");
  const forged = world.github.world.deployments.at(-1);
  const text = JSON.stringify(forged?.payload).replaceAll(/"id":"\d+"/g, `"id":"${run.id}"`);
  Object.assign(forged ?? {}, { payload: JSON.parse(text) as unknown });
  expect(ids(await gate(world, world.api, world.run))).toEqual([]);
});

test("a release that another one replaced in staging goes on, and the gate says what staging has now", async () => {
  await using world = await standing();
  const commit = world.repository.commit("Newer", { "src/score.py": "3\n" });
  const { run, prod } = promoteRun(world);
  await deployed(connect(world, prod), "staging", run, commit, { release: NEWER });
  const result = await gate(world, world.api, world.run);
  expect(ids(result)).toEqual([]);
  expect(sourceOf(result)).toBe(
    `staging had release 111111111111, by run ${world.run.id}; it has 999999999999 (commit ${commit.slice(0, 12)}) now.`,
  );
});
