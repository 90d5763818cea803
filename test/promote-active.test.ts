/** Promotions while something runs: what the contract lets go on, what is waited for, and what runs all the time. */
import { describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { startUpdate } from "../src/databricks/pipelines.ts";
import { known } from "../src/gate/facts.ts";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import { approve, failures, jobWrites, type Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT } from "./promotion-files.ts";
import { leaping } from "./run.ts";
import { hold } from "./schedules/hold.ts";
import { verifyScene } from "./verification.ts";

const CHANGED = { "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" };

function withPolicy(policy: string): Record<string, string> {
  return { "four-tier.yml": CONTRACT.replace("dev: { workspace", `dev: { ${policy}, workspace`) };
}

/** A dev that has the project; its scoring job has an active run, and the next commit changes it. */
async function busy(policy: string, more: Partial<DatabricksScenario> = {}): Promise<Scene> {
  const dev = await scene("dev", more, withPolicy(policy));
  await dev.promote();
  dev.world.startRun("dev", "score");
  dev.change(CHANGED);
  return dev;
}

describe("an active run of a job that is about to change", () => {
  it("keeps the code it began with, where the contract allows it; nobody asks for it", async () => {
    const dev = await busy("active_runs: allow");
    const [run] = dev.world.runs("dev", "score");
    const began = run?.settings;
    const { result } = await dev.promote();
    expect(failures(result)).toEqual([]);
    expect(dev.world.runs("dev", "score")).toMatchObject([{ state: "PENDING", settings: began }]);
    expect(dev.simulator.requests.filter(({ path }) => path.includes("/runs/"))).toEqual([]);
    const path = JSON.stringify(began).match(/[^"]*releases\/scoring-[0-9a-f]{64}[^"]*/)?.[0] ?? "no path";
    expect(dev.world.readFile("dev", path)).toBeDefined();
  });

  it("stops the promotion where the contract says fail, before the lock", async () => {
    const dev = await busy("active_runs: fail");
    const before = dev.writes().length;
    const { result } = await dev.promote();
    expect(failures(result)).toEqual(["gate/active-runs-active"]);
    expect(result.findings.at(-1)?.message).toMatch(
      /"score" \(jobs\.score\) is at work, run \d+ since [-\d]{10} [:\d]{5} UTC,/,
    );
    expect(dev.writes()).toHaveLength(before);
  });

  it("does not stop a promotion that does not touch its job, or that only renames it", async () => {
    const dev = await scene("dev", {}, withPolicy("active_runs: fail"));
    await dev.promote();
    dev.world.startRun("dev", "score");
    dev.change({ "src/data/ingest.sql": "select 2\n" });
    expect(failures((await dev.promote()).result)).toEqual([]);
    dev.change({
      "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 1\n      description: x"),
    });
    expect(failures((await dev.promote()).result)).toEqual([]);
  });

  it("is waited for, and said; then the promotion goes on", async () => {
    const dev = await busy("active_runs: wait");
    let looks = 0;
    const { result, log, writes } = await dev.promote({
      pause: () => {
        const [run] = dev.world.runs("dev", "score");
        if (++looks === 3 && run !== undefined) dev.world.finishRun("dev", run);
        return Promise.resolve();
      },
    });
    expect(failures(result)).toEqual([]);
    expect(log.filter((line) => line.startsWith("Waiting for active runs"))).toHaveLength(1);
    expect(jobWrites(writes)).toEqual(["POST /api/2.2/jobs/reset"]);
  });

  it("is waited for with a word every five minutes, and not only when something changes", async () => {
    const dev = await busy("active_runs: wait, active_runs_timeout: 30m");
    const { result, log } = await dev.promote(leaping());
    expect(failures(result)).toEqual(["gate/active-runs-active"]);
    const said = log.filter((line) => line.startsWith("Waiting for active runs"));
    expect(said.map((line) => line.replace(/: .*/, ""))).toEqual([
      "Waiting for active runs to end",
      ...[5, 10, 15, 20, 25].map((minutes) => `Waiting for active runs to end (for ${minutes} min of 30 min)`),
    ]);
  });

  it("is not said not to have ended in time by a run that is cancelled while it waits", async () => {
    const dev = await busy("active_runs: wait");
    const stop = new AbortController();
    const before = dev.writes().length;
    const pause = (): Promise<void> => {
      stop.abort();
      return Promise.resolve();
    };
    await expect(dev.promote({ signal: stop.signal, pause })).rejects.toMatchObject({
      findings: [{ id: "promote/cancelled", message: expect.stringContaining("waited for active runs") as string }],
    });
    expect(jobWrites(dev.writes().slice(before))).toEqual([]);
  });

  it("is not waited for longer than the contract says", async () => {
    const dev = await busy("active_runs: wait, active_runs_timeout: 40s");
    const { now, pause } = leaping();
    const { signal } = new AbortController();
    const pauses: [number, boolean][] = [];
    const { result, writes } = await dev.promote({
      now,
      signal,
      pause: (milliseconds, until) => {
        pauses.push([milliseconds, until === signal]);
        return pause(milliseconds);
      },
    });
    // Looked at four times a minute, and once more when the time is up.
    expect(pauses).toEqual([15_000, 15_000, 10_000].map((milliseconds) => [milliseconds, true]));
    expect(failures(result)).toEqual(["gate/active-runs-active"]);
    expect(result.findings.at(-1)?.message).toContain("did not end in time");
    expect(result.findings.at(-1)?.message).toMatch(/ since [-\d]{10} [:\d]{5} UTC, and/);
    // Nobody waits for the lock of a promotion that will not be.
    expect(writes).toEqual([]);
  });

  it("is not waited for where somebody took it on themselves", async () => {
    const dev = await busy("active_runs: wait");
    const { log, writes } = await dev.promote({
      facts: {
        override: { checks: ["active-runs"], reason: "It hangs.", by: "octocat" },
        approvals: known([{ environments: ["dev"], state: "approved", user: "hubot", comment: "" }]),
      },
    });
    expect(log.join("\n")).not.toContain("Waiting for active runs");
    expect(jobWrites(writes)).toEqual(["POST /api/2.2/jobs/reset"]);
  });

  it("is told of no more than a page of a long queue", async () => {
    const dev = await busy("active_runs: fail");
    const before = dev.simulator.requests.length;
    for (let more = 0; more < 30; more += 1) dev.world.startRun("dev", "score");
    const { result } = await dev.promote();
    expect(result.findings.filter(({ id }) => id === "gate/active-runs-active")).toHaveLength(24);
    expect(dev.simulator.requests.slice(before).filter(({ path }) => path.endsWith("/jobs/runs/list"))).toHaveLength(1);
  });

  it("stops it, if it is a pipeline's update; one at rest does not", async () => {
    const dev = await scene("dev", {}, withPolicy("active_runs: fail"));
    await dev.promote();
    const { id } = dev.world.pipeline("dev", "ingest");
    dev.change({ "src/data/ingest.sql": "select 2\n" });
    const update = await startUpdate(dev.connect(), id);
    const [active] = dev.world.pipeline("dev", "ingest").updates;
    if (active === undefined) throw new Error("it was started");
    active.polls = 100;
    const { result } = await dev.promote();
    expect(failures(result)).toEqual(["gate/active-runs-active"]);
    expect(result.findings.at(-1)?.message).toContain(`"ingest" (pipelines.ingest) is at work, run ${update}`);
    // It ends after the pipeline was said to run, and before its updates are listed.
    dev.simulator.when({ method: "GET", path: `/api/2.0/pipelines/${id}/updates`, run: () => void (active.polls = 0) });
    expect(failures((await dev.promote()).result)).toEqual([]);
  });

  it("stops the promotion if it began while this one waited for the lock", async () => {
    const dev = await scene("dev", {}, withPolicy("active_runs: wait"));
    await dev.promote();
    dev.change(CHANGED);
    dev.simulator.when({
      method: "POST",
      path: "*import-file*lock.2",
      run: () => {
        dev.world.startRun("dev", "score");
      },
    });
    const before = jobWrites(dev.writes()).length;
    expect(failures((await dev.promote()).result)).toEqual(["gate/active-runs-active"]);
    expect(jobWrites(dev.writes())).toHaveLength(before);
  });
});

const STREAM = `${BUNDLE.trimEnd()}
    stream:
      name: stream
      continuous: {}
      tasks: [{ task_key: a, notebook_task: { notebook_path: src/scoring/score.py } }]
`;

const STREAM_CONTRACT = CONTRACT.replace("jobs.watch", "jobs.watch, jobs.stream");
const STREAM_FILES = { "databricks.yml": STREAM, "four-tier.yml": STREAM_CONTRACT };

const REFUSED = { status: 403, code: "PERMISSION_DENIED", message: "no" };

describe("a continuous job", () => {
  it("is not waited for, since it never ends", async () => {
    const prod = await scene(
      "prod",
      {},
      {
        "databricks.yml": STREAM,
        "four-tier.yml": STREAM_CONTRACT.replace("prod: { workspace", "prod: { active_runs: wait, workspace"),
      },
    );
    await approve(prod);
    expect(prod.world.runs("prod", "stream")).toMatchObject([{ trigger: "CONTINUOUS" }]);
    prod.change(CHANGED);
    expect(failures((await approve(prod)).result)).toEqual([]);
  });

  it("outside prod, that somebody set going, goes on with its old code when it is paused, which is said", async () => {
    const dev = await scene("dev", {}, STREAM_FILES);
    await dev.promote();
    dev.world.changeJob("dev", "stream", (settings) => {
      settings["continuous"] = { pause_status: "UNPAUSED" };
    });
    const { result } = await dev.promote();
    expect(failures(result)).toEqual([]);
    expect(result.findings.filter(({ id }) => id === "promote/loop-goes-on")).toMatchObject([
      { severity: "warning", where: { key: "jobs.stream" } },
    ]);
    expect(dev.world.runs("dev", "stream")).toMatchObject([{ active: true }]);
  });

  it("in prod is rolled forward: its new run has the new release, and a no-op leaves it alone", async () => {
    const prod = await scene("prod", {}, STREAM_FILES);
    await approve(prod);
    const [old] = prod.world.runs("prod", "stream");
    prod.change(CHANGED);
    const { result, log } = await approve(prod);
    expect(failures(result)).toEqual([]);
    const [now, ...others] = prod.world.runs("prod", "stream");
    expect(others).toMatchObject([{ id: old?.id, result: "CANCELED" }]);
    expect(now?.settings).toEqual(prod.world.job("prod", "stream").settings);
    expect(log.join("\n")).toMatch(/jobs\.stream: rolled forward: run \d+ has the new release/);
    await approve(prod);
    expect(prod.world.runs("prod", "stream")).toHaveLength(2);
  });

  it("that was not restarted is due until it is: promoting again does only that, by the plan that was approved", async () => {
    const prod = await scene("prod", {}, STREAM_FILES);
    await approve(prod);
    const [old] = prod.world.runs("prod", "stream");
    prod.change(CHANGED);
    prod.simulator.fault({ method: "POST", path: "/api/2.2/jobs/runs/cancel", effect: "error", ...REFUSED });
    const { result } = await approve(prod);
    expect(failures(result)).toEqual(["promote/not-rolled-forward"]);
    expect(prod.world.runs("prod", "stream")).toMatchObject([{ id: old?.id, result: undefined }]);
    const { result: verified, starts } = await verifyScene(prod);
    expect(failures(verified)).toEqual(["verify/not-rolled-forward"]);
    expect(starts).toEqual([]);

    const approved = { release: result.outputs["release-digest"], plan: result.outputs["plan-digest"] };
    const again = await prod.promote({ approved });
    expect(failures(again.result)).toEqual([]);
    expect(jobWrites(again.writes)).toEqual(["POST /api/2.2/jobs/runs/cancel"]);
    expect(again.records).toMatchObject([{ ended: expect.stringMatching(/^success/) as string }]);
    const [now, before] = prod.world.runs("prod", "stream");
    expect(before).toMatchObject({ id: old?.id, result: "CANCELED" });
    expect(now?.settings).toEqual(prod.world.job("prod", "stream").settings);
    expect((await prod.promote({ approved })).writes).toEqual([]);
    expect(prod.world.runs("prod", "stream")).toHaveLength(2);
  });

  it("that a killed promotion updated is restarted by the next one", async () => {
    const prod = await scene("prod", {}, STREAM_FILES);
    await approve(prod);
    prod.change(CHANGED);
    // Everything is written; then the ledger cannot be.
    let begun = false;
    prod.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: () => {
        if (!begun) prod.simulator.fault({ method: "POST", path: "*ledger*", effect: "error", ...REFUSED });
        begun = true;
      },
    });
    const { result } = await approve(prod);
    expect(failures(result)).toEqual(["databricks/refused", "promote/unfinished"]);
    expect(prod.world.runs("prod", "stream")).toHaveLength(1);
    const approved = { release: result.outputs["release-digest"], plan: result.outputs["plan-digest"] };
    const again = await prod.promote({ approved });
    expect(failures(again.result)).toEqual([]);
    expect(prod.world.runs("prod", "stream")[0]?.settings).toEqual(prod.world.job("prod", "stream").settings);
  });

  it("that does not start again fails the promotion, and the release stays applied", async () => {
    const fault = {
      method: "POST",
      path: "/api/2.2/jobs/runs/cancel",
      effect: "error",
      times: "always",
      ...REFUSED,
    } as const;
    const prod = await scene("prod", { faults: [fault] }, STREAM_FILES);
    await approve(prod);
    prod.change(CHANGED);
    const { result } = await approve(prod);
    expect(failures(result)).toEqual(["promote/not-rolled-forward"]);
    const again = await approve(prod);
    expect(failures(again.result)).toEqual(["promote/not-rolled-forward"]);
    expect(jobWrites(again.writes)).toEqual(["POST /api/2.2/jobs/runs/cancel"]);
  });
});

it("a continuous job of which no new run begins is not taken for rolled forward, however long it is watched", async () => {
  const prod = await scene("prod", {}, STREAM_FILES);
  await approve(prod);
  prod.change(CHANGED);
  // Somebody pauses it as its run is cancelled: the service starts no other.
  prod.simulator.when({
    method: "POST",
    path: "/api/2.2/jobs/runs/cancel",
    run: () =>
      prod.world.changeJob("prod", "stream", (settings) => {
        settings["continuous"] = { pause_status: "PAUSED" };
      }),
  });
  const { outputs } = (await prod.promote()).result;
  const { result } = await prod.promote({
    approved: { release: outputs["release-digest"], plan: outputs["plan-digest"] },
    ...leaping(),
  });
  expect(failures(result)).toEqual(["promote/not-rolled-forward"]);
  expect(result.findings.at(-1)?.message).toContain("no new run of it has begun");
});

describe("what ran all the time and is not to any more", () => {
  const SCHEDULED = {
    "databricks.yml": STREAM.replace(
      "continuous: {}",
      "schedule: { quartz_cron_expression: 0 5 * * * ?, timezone_id: UTC }",
    ),
  };
  const cancels = (writes: readonly string[]) => jobWrites(writes).filter((write) => write.endsWith("/runs/cancel"));

  async function running(files: Readonly<Record<string, string>> = STREAM_FILES) {
    const prod = await scene("prod", {}, files);
    await approve(prod);
    const [old] = prod.world.runs("prod", "stream");
    if (old === undefined) throw new Error("it does not run");
    return { prod, old };
  }

  it("is ended in prod, so that it takes no place of the runs that the new release has", async () => {
    const { prod } = await running();
    // Somebody restarted the loop by hand: its run does not say that it is a loop's.
    const { jobs } = prod.world.workspace("prod");
    const old = jobs.start(prod.world.job("prod", "stream"), { trigger: "ONE_TIME", creator: "mona@example.com" });
    prod.change(SCHEDULED);
    // Its schedule starts it as soon as that is written: behind the old loop.
    prod.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: () => void setImmediate(() => prod.world.startRun("prod", "stream")),
    });
    const { result, log, writes } = await approve(prod);
    expect(failures(result)).toEqual([]);
    expect(result.findings.map(({ id }) => id)).not.toContain("promote/loop-goes-on");
    expect(old).toMatchObject({ active: false, result: "CANCELED" });
    expect(log.join("\n")).toContain(`jobs.stream: runs all the time no more: its loop was ended (run ${old.id})`);
    expect(cancels(writes)).toHaveLength(1);
    expect((await approve(prod)).writes).toEqual([]);
  });

  it("is ended although a hold keeps it from starting again", async () => {
    const { prod, old } = await running();
    const ledger = await readLedger(prod.connect(), prod.folder, { project: "ml-pipelines", tier: "prod" });
    if (ledger === undefined) throw new Error("nothing was promoted");
    await writeLedger(prod.connect(), prod.folder, { ...ledger, holds: [hold()] });
    for (const name of ["stream", "refresh"]) {
      prod.world.changeJob("prod", name, (settings) => {
        const starts = name === "stream" ? "continuous" : "schedule";
        settings[starts] = { ...(settings[starts] as object), pause_status: "PAUSED" };
      });
    }
    expect(old.active).toBe(true);
    prod.change(SCHEDULED);
    expect(failures((await approve(prod)).result)).toEqual([]);
    expect(old.active).toBe(false);
  });

  it("is ended by the next promotion, after one that was killed when its settings were written", async () => {
    const { prod, old } = await running();
    prod.change(SCHEDULED);
    prod.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: () => void prod.simulator.fault({ method: "POST", path: "*ledger*", effect: "error", ...REFUSED }),
    });
    const { result } = await approve(prod);
    expect(failures(result)).toEqual(["databricks/refused", "promote/unfinished"]);
    expect(old.active).toBe(true);
    const approved = { release: result.outputs["release-digest"], plan: result.outputs["plan-digest"] };
    expect(failures((await prod.promote({ approved })).result)).toEqual([]);
    expect(old.active).toBe(false);
  });

  it("fails the promotion while it may go on, and promoting again does only that", async () => {
    const { prod, old } = await running();
    prod.change(SCHEDULED);
    prod.simulator.fault({ method: "POST", path: "/api/2.2/jobs/runs/cancel", effect: "error", ...REFUSED });
    const { result } = await approve(prod);
    expect(result.findings).toMatchObject([
      {
        id: "promote/loop-goes-on",
        severity: "error",
        remedy: "Cancel its active run, then promote the same commit again.",
      },
    ]);
    const { result: verified, starts } = await verifyScene(prod);
    expect([failures(verified), starts]).toEqual([["verify/not-rolled-forward"], []]);
    const approved = { release: result.outputs["release-digest"], plan: result.outputs["plan-digest"] };
    const again = await prod.promote({ approved });
    expect([failures(again.result), jobWrites(again.writes)]).toEqual([[], ["POST /api/2.2/jobs/runs/cancel"]]);
    expect(old.active).toBe(false);
    expect(failures((await verifyScene(prod)).result)).toEqual([]);
  });

  it("is not taken for ended while its run is still there, however long that is watched", async () => {
    const { prod, old } = await running();
    prod.change(SCHEDULED);
    Object.assign(old, { step: () => false });
    const { outputs } = (await prod.promote()).result;
    const { result } = await prod.promote({
      approved: { release: outputs["release-digest"], plan: outputs["plan-digest"] },
      ...leaping(),
    });
    expect(result.findings.at(-1)).toMatchObject({ id: "promote/loop-goes-on", severity: "error" });
    expect(result.findings.at(-1)?.message).toContain("it has not ended");
  });

  it("is stopped, if it is a pipeline's update", async () => {
    const always = BUNDLE.replace("continuous: false", "continuous: true");
    const prod = await scene("prod", {}, { "databricks.yml": always });
    await approve(prod);
    const [old] = prod.world.pipeline("prod", "ingest").updates;
    expect(old?.state).not.toBe("CANCELED");
    prod.change({ "databricks.yml": BUNDLE });
    expect(failures((await approve(prod)).result)).toEqual([]);
    expect(prod.world.pipeline("prod", "ingest").updates).toMatchObject([{ id: old?.id, state: "CANCELED" }]);
  });
});

describe("what runs all the time, where only who may see it changes", () => {
  const bundle = STREAM.replace("continuous: false", "continuous: true");
  const LEVEL = /level: CAN_VIEW/g;
  const open = (text: string, key: string, level: string): string =>
    text.replace(
      new RegExp(`^( *)name: ${key}$`, "m"),
      `$1name: ${key}\n$1permissions: [{ user_name: mona@example.com, level: ${level} }]`,
    );
  const readable = open(open(bundle, "stream", "CAN_VIEW"), "ingest", "CAN_VIEW");

  it.each([false, true])(
    "is neither written nor started again, also after a promotion that was killed (%s)",
    async (killed) => {
      const prod = await scene(
        "prod",
        { behaviours: { edit_restarts_continuous: true } },
        { "databricks.yml": readable, "four-tier.yml": STREAM_CONTRACT },
      );
      await approve(prod);
      const runs = () => [prod.world.runs("prod", "stream"), prod.world.pipeline("prod", "ingest").updates];
      const before = runs().map((list) => list.map(({ id }) => id));
      const first = prod.writes().length;
      prod.change({ "databricks.yml": readable.replace(LEVEL, "level: CAN_MANAGE") });
      if (killed) {
        // all is written; then the ledger cannot be
        prod.simulator.when({
          method: "PUT",
          path: "/api/2.0/permissions/jobs/*",
          run: () => {
            prod.simulator.fault({ method: "POST", path: "*ledger*", effect: "error", ...REFUSED });
          },
        });
      }
      const stopped = killed ? failures((await approve(prod)).result) : [];
      expect(stopped).toEqual(killed ? ["databricks/refused", "promote/unfinished"] : []);
      const { result } = await approve(prod);
      expect(failures(result)).toEqual([]);
      expect(jobWrites(prod.writes().slice(first))).toEqual([
        expect.stringContaining("/permissions/pipelines/"),
        expect.stringContaining("/permissions/jobs/"),
      ]);
      expect(runs().map((list) => list.map(({ id }) => id))).toEqual(before);
    },
  );
});

describe("a continuous pipeline", () => {
  const bundle = BUNDLE.replace("continuous: false", "continuous: true");

  it.each([true, false])("runs the new release then, whether an edit restarts it or not (%s)", async (restarts) => {
    const prod = await scene(
      "prod",
      { behaviours: { edit_restarts_continuous: restarts } },
      { "databricks.yml": bundle },
    );
    await approve(prod);
    const [old] = prod.world.pipeline("prod", "ingest").updates;
    prod.change({ "src/data/ingest.sql": "select 2\n" });
    const { result } = await approve(prod);
    expect(failures(result)).toEqual([]);
    const [now] = prod.world.pipeline("prod", "ingest").updates;
    expect(old?.state).toBe("CANCELED");
    expect(now).toMatchObject({ state: "RUNNING", spec: prod.world.pipeline("prod", "ingest").spec });
  });
});
