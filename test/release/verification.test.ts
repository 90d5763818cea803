import { describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import type { VerifyStep } from "../../src/contract/model.ts";
import { runVerification, type Verification, type VerificationOptions } from "../../src/release/verification.ts";
import { readLedger } from "../../src/ledger/store.ts";
import { BUNDLE } from "../promotion-files.ts";
import { scene, type Scene } from "../promotion.ts";

const SCORE: VerifyStep = { key: "jobs.score", how: "run" };
const INGEST: VerifyStep = { key: "pipelines.ingest", how: "update" };
const RELEASE = "a".repeat(64);

/** A dev that has the project, verified by these steps; an hour of its clock passes in no time. */
async function verified(
  steps: readonly VerifyStep[],
  more: Partial<DatabricksScenario> = {},
  options: Partial<VerificationOptions> & {
    readonly before?: (dev: Scene) => void;
    readonly bundle?: string;
    readonly minutes?: number;
  } = {},
): Promise<
  Verification & {
    readonly dev: Scene;
    readonly log: readonly string[];
    readonly again: () => Promise<Verification>;
  }
> {
  const dev = await scene("dev", more, { "databricks.yml": options.bundle ?? BUNDLE });
  await dev.promote();
  options.before?.(dev);
  const workspace = dev.connect();
  const ledger = await readLedger(workspace, dev.folder, { project: "ml-pipelines", tier: "dev" });
  const log: string[] = [];
  let time = Date.parse("2026-11-24T08:00:00Z");
  const run = (): Promise<Verification> =>
    runVerification(workspace, { steps, timeoutMs: (options.minutes ?? 30) * 60_000 }, ledger?.resources ?? new Map(), {
      tier: "dev",
      token: { release: RELEASE, run: "71", attempt: 1 },
      log: { info: (line) => log.push(line) },
      now: () => new Date(time),
      pause: (milliseconds) => {
        time += milliseconds;
        return Promise.resolve();
      },
      ...options,
    });
  return { ...(await run()), dev, log, again: run };
}

describe("a verification", () => {
  it("runs what it was asked to, in that order, and nothing else; a paused schedule stays paused", async () => {
    const { steps, findings, dev, log } = await verified([INGEST, { key: "jobs.refresh", how: "run" }, SCORE]);
    expect(findings).toEqual([]);
    expect(steps.map(({ key, outcome, code }) => [key, outcome, code])).toEqual([
      ["pipelines.ingest", "passed", "COMPLETED"],
      ["jobs.refresh", "passed", "SUCCESS"],
      ["jobs.score", "passed", "SUCCESS"],
    ]);
    expect(steps[2]?.url).toMatch(/^http.*run/);
    expect(dev.world.runs("dev", "watch")).toEqual([]);
    expect(dev.world.runs("dev", "score")).toHaveLength(1);
    expect(dev.world.pipeline("dev", "ingest").updates).toHaveLength(1);
    expect(dev.world.job("dev", "refresh").settings).toMatchObject({ schedule: { pause_status: "PAUSED" } });
    expect(log).toContain("jobs.score: RUNNING after 5 s");
  });

  it("gives the same runs when it is asked twice by the same attempt of the same run", async () => {
    const { again, dev } = await verified([SCORE]);
    await again();
    expect(dev.world.runs("dev", "score")).toHaveLength(1);
  });

  it("only checks a pipeline's code where the contract says so", async () => {
    const { findings, dev } = await verified([{ key: "pipelines.ingest", how: "validate_only" }]);
    expect(findings).toEqual([]);
    const [update] = dev.world.pipeline("dev", "ingest").updates;
    expect(update?.request).toMatchObject({ validate_only: true });
  });

  it("fails with the failing task's own error and a link, and starts nothing after it", async () => {
    const { findings, steps, dev } = await verified([SCORE, INGEST], {
      runs: [{ job: "score", result: "FAILED", error: "ValueError: column <b>churn</b>\n  is missing" }],
    });
    expect(findings).toMatchObject([
      {
        id: "verify/failed",
        where: { key: "jobs.score" },
        message:
          '"score" (jobs.score) ended RUN_EXECUTION_ERROR in task score: ValueError: column <b>churn</b> is missing',
      },
    ]);
    expect(findings[0]?.remedy).toContain(steps[0]?.url ?? "no link");
    expect(steps.map(({ outcome }) => outcome)).toEqual(["failed", "not started"]);
    expect(dev.world.pipeline("dev", "ingest").updates).toEqual([]);
  });

  it("says which error a pipeline's update met", async () => {
    const { findings } = await verified([INGEST], {
      updates: [{ pipeline: "ingest", result: "FAILED", error: "TABLE_OR_VIEW_NOT_FOUND: bronze.events" }],
    });
    expect(findings).toMatchObject([
      { id: "verify/failed", message: expect.stringContaining("bronze.events") as string },
    ]);
  });

  it("takes a run that succeeded with failures for failed", async () => {
    const { findings } = await verified([SCORE], { runs: [{ job: "score", result: "SUCCESS_WITH_FAILURES" }] });
    expect(findings.map(({ id }) => id)).toEqual(["verify/failed"]);
  });

  it("cancels what has not ended when the time is up", async () => {
    const { findings, steps, dev, verdict } = await verified(
      [SCORE],
      { runs: [{ job: "score", polls: "never" }] },
      { minutes: 7 },
    );
    expect(verdict).toBe("failed");
    expect(findings).toMatchObject([
      { id: "verify/too-long", message: expect.stringContaining("7 minutes") as string },
    ]);
    expect(steps).toMatchObject([{ outcome: "cancelled", seconds: expect.any(Number) as number }]);
    expect(dev.world.runs("dev", "score")).toMatchObject([{ result: "CANCELED" }]);
  });

  it("cancels what it started when the run is cancelled, and starts nothing more", async () => {
    const stop = new AbortController();
    const { findings, dev, verdict } = await verified(
      [SCORE, INGEST],
      { runs: [{ job: "score", polls: "never" }] },
      {
        signal: stop.signal,
        pause: () => {
          stop.abort();
          return Promise.resolve();
        },
      },
    );
    expect(findings.map(({ id }) => id)).toEqual(["verify/stopped"]);
    // Whoever sees it failing could cancel it.
    expect(verdict).toBe("failed");
    expect(dev.world.runs("dev", "score")[0]?.state).not.toBe("RUNNING");
    expect(dev.world.pipeline("dev", "ingest").updates).toEqual([]);
  });

  it("says nothing of the release where it was cancelled before anything was started", async () => {
    const stop = new AbortController();
    stop.abort();
    const { findings, verdict } = await verified([SCORE], {}, { signal: stop.signal });
    expect(findings.map(({ id }) => id)).toEqual(["verify/stopped"]);
    expect(verdict).toBe("none");
  });

  it("says nothing of the release where the run cannot be looked at", async () => {
    const faults = [{ path: "/api/2.2/jobs/runs/get", effect: "error", status: 403, times: "always" } as const];
    const { verdict, steps, dev } = await verified([SCORE, INGEST], { faults });
    expect(verdict).toBe("none");
    expect(steps.map(({ outcome }) => outcome)).toEqual(["cancelled", "not started"]);
    expect(dev.world.runs("dev", "score")).toHaveLength(1);
  });

  it("waits for an update that runs already, and then starts its own", async () => {
    const { findings, dev, log } = await verified(
      [INGEST],
      {},
      {
        before: ({ world }) => {
          const { pipelines } = world.workspace("dev");
          pipelines.start(world.pipeline("dev", "ingest"), {}, "USER_ACTION");
        },
      },
    );
    expect(findings).toEqual([]);
    expect(dev.world.pipeline("dev", "ingest").updates).toHaveLength(2);
    expect(log[0]).toMatch(/waiting for the update that runs already/);
  });

  it("finds the update whose answer was lost, and starts no second", async () => {
    const { findings, dev } = await verified([INGEST], {
      faults: [{ method: "POST", path: "/api/2.0/pipelines/*/updates", effect: "lost-answer" }],
    });
    expect(findings).toEqual([]);
    expect(dev.world.pipeline("dev", "ingest").updates).toHaveLength(1);
  });

  it("starts nothing at all if one step can prove nothing", async () => {
    const bundle = `${BUNDLE.trimEnd()}\n    stream:\n      name: stream\n      continuous: {}\n      tasks: [{ task_key: a, condition_task: { op: EQUAL_TO, left: a, right: a } }]\n`;
    const { findings, dev, verdict } = await verified(
      [SCORE, { key: "jobs.stream", how: "run" }, { key: "jobs.gone", how: "run" }],
      {},
      { bundle },
    );
    expect(findings.map(({ message }) => message)).toEqual([
      "jobs.stream is continuous: a run of it never ends, so it cannot pass.",
      "The contract verifies dev with jobs.gone, and this release has no jobs.gone.",
    ]);
    expect(verdict).toBe("none");
    expect(dev.world.runs("dev", "score")).toEqual([]);
  });
});
