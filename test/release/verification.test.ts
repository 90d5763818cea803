import { describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../../simulator/databricks/scenario.ts";
import type { VerifyStep } from "../../src/contract/model.ts";
import { readLedger } from "../../src/ledger/store.ts";
import { runVerification, type Verification } from "../../src/release/verification.ts";
import type { VerificationOptions } from "../../src/release/verification-step.ts";
import { type Scene, scene } from "../promotion.ts";
import { BUNDLE } from "../promotion-files.ts";
import { leaping } from "../run.ts";

const SCORE: VerifyStep = { key: "jobs.score", how: "run" };
const INGEST: VerifyStep = { key: "pipelines.ingest", how: "update" };
const RELEASE = "a".repeat(64);

type Changed = Partial<VerificationOptions> & { readonly steps?: readonly VerifyStep[] };

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
    readonly again: (changed?: Changed) => Promise<Verification>;
  }
> {
  const dev = await scene("dev", more, { "databricks.yml": options.bundle ?? BUNDLE });
  await dev.promote();
  options.before?.(dev);
  const workspace = dev.connect();
  const ledger = await readLedger(workspace, dev.folder, { project: "ml-pipelines", tier: "dev" });
  const log: string[] = [];
  const clock = leaping(Date.parse("2026-11-24T08:00:00Z"));
  const run = (changed: Changed = {}): Promise<Verification> =>
    runVerification(
      workspace,
      { steps: changed.steps ?? steps, timeoutMs: (options.minutes ?? 30) * 60_000 },
      ledger?.resources ?? new Map(),
      {
        tier: "dev",
        token: { release: RELEASE, run: "71", attempt: 1 },
        log: { info: (line) => log.push(line) },
        ...clock,
        ...options,
        ...changed,
      },
    );
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

  describe("that was killed, so that it could not cancel what it had started", () => {
    /** Dies as soon as what it waits for runs; everything after that is another attempt's. */
    const killed = async (attempt: number, polls: number) => {
      const { dev, again, log } = await verified([], { runs: [{ job: "score", polls }] });
      await new Promise<void>((died) => {
        void again({
          token: { release: RELEASE, run: "71", attempt },
          steps: [SCORE],
          pause: () => new Promise<never>(() => died()),
        });
      });
      return { dev, again: (changed: Changed) => again({ steps: [SCORE], ...changed }), log };
    };

    it("is taken up by the next attempt of its run, which starts no second", async () => {
      const { dev, again, log } = await killed(1, 5);
      const { findings, steps } = await again({ token: { release: RELEASE, run: "71", attempt: 3 } });
      expect(findings).toEqual([]);
      expect(steps).toMatchObject([{ outcome: "passed", code: "SUCCESS" }]);
      const [only, ...more] = dev.world.runs("dev", "score");
      expect(more).toEqual([]);
      expect(log).toContain(`jobs.score: goes on with run ${only?.id} of "score", asked for as attempt 1 did`);
    });

    it("is not taken up where somebody cancels it: how that ends says nothing of the release", async () => {
      const { dev, again } = await killed(1, 5);
      const [left] = dev.world.runs("dev", "score");
      if (left !== undefined) Object.assign(left, { state: "TERMINATING", step: () => false });
      const { findings } = await again({ token: { release: RELEASE, run: "71", attempt: 2 } });
      expect(findings.map(({ id }) => id)).toEqual(["verify/behind-another"]);
      expect(dev.world.runs("dev", "score")).toHaveLength(2);
    });
  });

  it("runs again in the next attempt what the one before had run to its end, or cancelled", async () => {
    const { dev, again } = await verified([SCORE]);
    expect((await again({ token: { release: RELEASE, run: "71", attempt: 2 } })).findings).toEqual([]);
    expect(dev.world.runs("dev", "score")).toHaveLength(2);
    for (const run of dev.world.runs("dev", "score")) dev.world.workspace("dev").jobs.deleteRun(run);
    expect((await again({ token: { release: RELEASE, run: "71", attempt: 3 } })).findings).toEqual([]);
    expect(dev.world.runs("dev", "score")).toHaveLength(1);
  });

  describe("whose job somebody else runs, with room for one run", () => {
    const bundle = BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 1\n      queue: { enabled: false }");
    const before = ({ world }: Scene): void => void world.startRun("dev", "score");

    it.each([
      ["that queues", BUNDLE],
      ["that does not", bundle],
    ])("waits, and after that says nothing of the release and leaves the other alone: a job %s", async (_, text) => {
      const { verdict, findings, steps, dev, log } = await verified([SCORE], {}, { bundle: text, before, minutes: 7 });
      const [ours, other] = dev.world.runs("dev", "score");
      expect(verdict).toBe("none");
      expect(findings).toMatchObject([
        { id: "verify/behind-another", severity: "unknown", where: { key: "jobs.score" } },
      ]);
      expect(findings[0]?.message).toContain(`less than the 7 minutes that a verification may take`);
      expect(findings[0]?.message).toMatch(
        new RegExp(`run ${other?.id} \\(PERIODIC, since .* UTC\\): http.*/run/${other?.id}\\.$`),
      );
      expect(steps).toMatchObject([{ outcome: "cancelled" }]);
      expect(other).toMatchObject({ state: "PENDING", result: undefined });
      expect(ours).toMatchObject({ state: "TERMINATED", result: "CANCELED" });
      expect(log.join("\n")).toContain(`jobs.score: waits in the queue behind run ${other?.id}`);
    });

    it("says nothing of the release where the service skips the run", async () => {
      const none = BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 0");
      const { verdict, findings, dev } = await verified([SCORE], {}, { bundle: none });
      expect([verdict, findings.map(({ id }) => id)]).toEqual(["none", ["verify/behind-another"]]);
      expect(dev.world.runs("dev", "score")).toMatchObject([{ state: "SKIPPED" }]);
    });

    it("passes if that ends in time", async () => {
      const { again, dev } = await verified([], {}, { before });
      const [other] = dev.world.runs("dev", "score");
      let looks = 0;
      const { verdict, findings } = await again({
        steps: [SCORE],
        pause: () => {
          if ((looks += 1) === 3 && other !== undefined) dev.world.finishRun("dev", other);
          return Promise.resolve();
        },
      });
      expect([verdict, findings]).toEqual(["passed", []]);
    });

    it("has not failed where it is cancelled in the queue, by its own run or by somebody who empties that", async () => {
      const { again, dev } = await verified([], {}, { before });
      const empty = (): void => {
        const [ours] = dev.world.runs("dev", "score");
        if (ours !== undefined) dev.world.workspace("dev").jobs.cancel(ours);
      };
      const emptied = await again({ steps: [SCORE], pause: () => Promise.resolve(empty()) });
      expect([emptied.verdict, emptied.findings.map(({ id }) => id)]).toEqual(["none", ["verify/behind-another"]]);
      const stop = new AbortController();
      const token = { release: RELEASE, run: "72", attempt: 1 };
      const pause = () => Promise.resolve(stop.abort());
      const stopped = await again({ steps: [SCORE], token, pause, signal: stop.signal });
      expect([stopped.verdict, stopped.findings.map(({ id }) => id)]).toEqual(["none", ["verify/stopped"]]);
    });
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

  it("says nothing of the release where an update that somebody else started does not end", async () => {
    const { verdict, findings, dev } = await verified(
      [INGEST],
      { updates: [{ pipeline: "ingest", polls: "never" }] },
      {
        minutes: 7,
        before: ({ world }) => {
          world.workspace("dev").pipelines.start(world.pipeline("dev", "ingest"), {}, "USER_ACTION");
        },
      },
    );
    const [other, ...more] = dev.world.pipeline("dev", "ingest").updates;
    expect([verdict, more]).toEqual(["none", []]);
    expect(findings.map(({ id, message }) => [id, message.includes(`update ${other?.id}`)])).toEqual([
      ["verify/behind-another", true],
    ]);
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
