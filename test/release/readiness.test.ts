/** `ready` of a verification against the gate to prod, over the same records: neither may say more than the other. */
import { describe, expect, test } from "vitest";
import type { Job } from "../../simulator/github/world.ts";
import type { CheckResult } from "../../src/gate/check.ts";
import { type JustVerified, readinessOf } from "../../src/release/readiness.ts";
import { MINIMAL } from "../contract/examples.ts";
import { common, operating, type Ready, ready, record, verified, verify } from "./operations.ts";
import { connect, contract, gate, RELEASE } from "./world.ts";

const HOUR = 3_600_000;
const asking = (gate: string) =>
  contract(`project: ml-pipelines\n${MINIMAL.replace("prd-123.cloud.databricks.com", `$&, gate: { ${gate} }`)}`);

/** What a verification in staging is told, and what the gate to prod says of the same moment. */
async function asked(
  world: Ready,
  options: { readonly gate: string; readonly own?: JustVerified; readonly job?: Job; readonly token?: Job },
): Promise<{ readonly ready: CheckResult; readonly gate: CheckResult | undefined }> {
  const own = asking(options.gate);
  const result = await gate(world, world.api, world.run, { contract: own });
  const ready = await readinessOf({
    github: options.token === undefined ? world.api : connect(world, options.token, { contents: "read" }),
    run: { sha: world.commit, runId: String(options.job?.run.id ?? 1), runAttempt: 1, job: "verify" },
    contract: own,
    tier: "staging",
    next: "prod",
    commit: world.commit,
    release: RELEASE,
    own: options.own,
    now: new Date(),
  });
  return { ready, gate: result.checks.find(({ check }) => check === "verification") };
}

describe("ready is what the gate's own check says", () => {
  test.each([
    ["nothing but the deployment, and nothing more asked", "verifications: 1", [], "pass"],
    ["one of three", "verifications: 3", [[true, HOUR]], "fail"],
    [
      "three with the deployment",
      "verifications: 3",
      [
        [true, 2 * HOUR],
        [true, HOUR],
      ],
      "pass",
    ],
    ["verified, and not long enough", "soak: 3h, verifications: 2", [[true, 2 * HOUR]], "fail"],
    ["long enough", "soak: 1h, verifications: 2", [[true, 2 * HOUR]], "pass"],
    [
      "a failure starts it over",
      "verifications: 3",
      [
        [true, 2 * HOUR],
        [false, HOUR],
        [true, 0],
      ],
      "fail",
    ],
  ] as const)("%s", async (_name, gate, runs, verdict) => {
    await using world = await ready();
    for (const [passed, ago] of runs) await verify(world, passed, ago);
    const said = await asked(world, { gate });
    expect(said.ready).toEqual(said.gate);
    expect(said.ready.verdict).toBe(verdict);
  });

  test("the verification that was just made counts, once, though as a record it counts for nobody before its job has ended", async () => {
    await using world = await ready();
    const job = operating(world, `Verify staging, release ${RELEASE}`, {
      path: ".github/workflows/operate.yml",
      event: "schedule",
      job: "verify / verify",
    });
    Object.assign(job, { status: "in_progress", conclusion: null, completedAt: null });
    await record(world, job, { ...verified(job, true), ...common(job, "staging") });
    const deployment = String(world.github.world.deployments.at(-1)?.id);
    const own = { deployment, at: new Date() };
    const two = { gate: "verifications: 2", own, job };
    expect((await asked(world, two)).ready).toMatchObject({ verdict: "pass", findings: [] });
    expect((await asked(world, two)).gate?.verdict).toBe("fail");
    expect((await asked(world, { ...two, gate: "verifications: 3" })).ready.verdict).toBe("fail");
    // It has stood only since it was verified first, or deployed: a minute ago at most.
    expect((await asked(world, { ...two, gate: "soak: 1h, verifications: 2" })).ready.findings[0]?.id).toBe(
      "gate/verification-soak",
    );
  });

  test("what GitHub does not show is unknown, and says why", async () => {
    await using world = await ready();
    const job = operating(world, "Nothing");
    const { ready: said } = await asked(world, { gate: "verifications: 2", token: job });
    expect(said.verdict).toBe("unknown");
    expect(said.findings[0]?.message).toMatch(/deployments: read|deployments/);
  });
});
