/** What is not known of GitHub, in both positions, as the gate and what a job writes meet it. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { GitHubScenarioInput } from "../../simulator/github/scenario.ts";
import { runsOfWorkflow } from "../../src/github/runs.ts";
import { commentOnPulls } from "../../src/pull-comments.ts";
import { findingsOutput } from "../../src/report/carried-findings.ts";
import { reportDrift } from "../../src/report-drift.ts";
import { MINIMAL } from "../contract/examples.ts";
import { QUIET, undisturbed } from "../run.ts";
import { ready, verify } from "./operations.ts";
import { addRun, connect, contract, deployed, end, gate, honest, merged, RELEASE } from "./world.ts";

type Turned = NonNullable<GitHubScenarioInput["assumptions"]>;
const EITHER = [true, false];

async function turned(assumptions: Turned, more: GitHubScenarioInput = {}) {
  const world = await merged({ assumptions, ...more });
  onTestFinished(async () => {
    expect(world.github.unmodelled).toEqual([]);
    await world[Symbol.asyncDispose]();
  });
  return world;
}

/** The verdict of one check of the gate to prod, and what it found. */
async function asked(world: Awaited<ReturnType<typeof turned>>, check: string) {
  const { run, github } = await honest(world);
  const result = await gate(world, github, run);
  const one = result.checks.find((each) => each.check === check);
  return [one?.verdict, one?.findings.map(({ message }) => message).join(" ") ?? ""] as const;
}

describe("the gate to prod", () => {
  it.each(EITHER)("of a private repository whose environments a job's token may read: %s", async (may) => {
    const world = await turned({ job_tokens_read_environments: may }, { visibility: "private", plan: "enterprise" });
    const [verdict, said] = await asked(world, "protection");
    expect(verdict).toBe(may ? "pass" : "unknown");
    expect(said.includes("actions: read")).toBe(!may);
  });

  // the other position is what every other test has
  it.each<[string, Turned, string]>([
    ["does not name what it called", { calls_are_referenced: false }, "did not call"],
    ["is told by another clock than its record", { clocks_agree: false }, "it was written at"],
    ["does not show that its earlier jobs have ended", { ended_jobs_show_at_once: false }, "ended with nothing yet"],
  ])("of a run that %s does not believe what it left", async (_what, assumptions, why) => {
    const [verdict, said] = await asked(await turned(assumptions), "source");
    expect(verdict).toBe("fail");
    expect(said).toContain(why);
  });

  it.each(EITHER)("of a job whose steps are shown with what their names came to: %s", async (resolved) => {
    const world = await turned({ step_names_are_resolved: resolved });
    const { run, staging, github } = await honest(world);
    const [startedAt, completedAt] = [staging.startedAt, staging.completedAt ?? ""];
    const name = `Deploy release ${RELEASE}`;
    const written = "Deploy release ${{ steps.plan.outputs.release-digest }}";
    staging.steps.push({ name, written, number: 2, conclusion: "success", startedAt, completedAt });
    // a job that says no release is believed as one of an older suite; one that says another is not
    expect((await gate(world, github, run)).verdict).toBe("pass");
    staging.steps.push({
      name: `Deploy release ${"9".repeat(64)}`,
      number: 3,
      conclusion: "success",
      startedAt,
      completedAt,
    });
    expect((await gate(world, github, run)).verdict).toBe(resolved ? "pass" : "fail");
  });
});

it.each<[string, boolean, Turned, string, string]>([
  ["that passed and is not", true, { step_names_are_resolved: false }, "fail", "has no step"],
  // what is not believed stops nothing; the one that passed still has to be there
  ["that failed and is not", false, { failed_step_names_are_resolved: false }, "fail", "has no step"],
])("a verification by a step %s shown by its name", async (_what, passed, assumptions, verdict, says) => {
  const four = `project: ml-pipelines\n${MINIMAL.replace("prd-123.cloud.databricks.com", "$&, gate: { verifications: 2 }")}`;
  const world = await ready(four, { assumptions });
  onTestFinished(() => world[Symbol.asyncDispose]());
  await verify(world, passed, 3_600_000);
  for (const job of world.github.world.runs.flatMap(({ jobs }) => jobs))
    for (const [index, step] of job.steps.entries()) job.steps[index] = { ...step, written: "${{ inputs.what }}" };
  const result = await gate(world, world.api, world.run, { contract: contract(four) });
  const check = result.checks.find((each) => each.check === "verification");
  expect(check?.verdict).toBe(verdict);
  expect(JSON.stringify(check)).toContain(says);
});

describe("what a job writes", () => {
  const wrong = findingsOutput([
    { id: "schedules/drift", severity: "error", message: "It runs.", remedy: "Pause it." },
  ]);

  it("by another name than github-actions[bot] is an issue a run", async () => {
    const world = await turned({ job_writes_as_the_bot: false });
    const github = connect(world, addRun(world, {}, "drift / report"), { issues: "write" });
    const report = () =>
      reportDrift({
        github,
        results: JSON.stringify({
          dev: { result: "success", outputs: { grants: wrong, schedules: wrong, drift: wrong } },
        }),
        title: "T",
        label: "drift",
        key: "four-tier.yml",
        runUrl: "https://github.com/acme/x/actions/runs/1",
        log: QUIET,
      });
    await report();
    await report();
    expect(world.github.world.issues).toHaveLength(2);
  });

  it("by another name than github-actions[bot] is a comment a run", async () => {
    const world = await turned({ job_writes_as_the_bot: false });
    const { run, prod } = await honest(world);
    const may = { contents: "read", deployments: "read", actions: "read", "pull-requests": "write" } as const;
    end(prod);
    await deployed(connect(world, prod), "prod", run, world.commit);
    const comment = () =>
      commentOnPulls({
        github: connect(world, addRun(world, {}, "comment / comment"), may),
        tier: "prod",
        contract: "four-tier.yml",
        allowedHosts: [],
        ...undisturbed(),
      });
    await comment();
    await comment();
    expect(world.github.world.comments).toHaveLength(2);
  });
});

it.each(EITHER)("runs that wait for a review are found among those that wait: %s", async (reviews_are_waited_for) => {
  const world = await turned({ reviews_are_waited_for });
  const job = addRun(world, { status: "waiting" }, "prod / promote");
  const found = [];
  const wanted = { workflow: "promote.yml", branch: "main", status: "waiting" };
  for await (const { id } of runsOfWorkflow(connect(world, job), wanted)) found.push(id);
  // what is not found waits on, and the gate refuses it when it is approved
  expect(found).toEqual(reviews_are_waited_for ? [String(job.run.id)] : []);
});
