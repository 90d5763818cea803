import { describe, expect, it } from "vitest";
import { approve, failures, jobWrites, names, type Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT } from "./promotion-files.ts";

const ALL = ["refresh", "score", "watch", "ingest"];

describe("a create whose answer is lost", () => {
  it.each([
    ["a job", "/api/2.2/jobs/create"],
    ["a pipeline", "/api/2.0/pipelines"],
  ])("leaves no second one: %s", async (_name, path) => {
    const dev = await scene();
    const fault = dev.simulator.fault({ method: "POST", path, effect: "lost-answer" });
    const { result, log } = await dev.promote();
    expect(fault.hits).toBe(1);
    expect(failures(result)).toEqual([]);
    expect(names(dev)).toEqual(ALL);
    expect(log.join("\n")).toContain("was lost");
    expect((await dev.promote()).writes).toEqual([]);
  });

  it("is tried again when it had no effect", async () => {
    const dev = await scene();
    const fault = dev.simulator.fault({ method: "POST", path: "/api/2.2/jobs/create", effect: "reset", nth: 2 });
    expect(failures((await dev.promote()).result)).toEqual([]);
    expect(fault.hits).toBe(1);
    expect(names(dev)).toEqual(ALL);
  });

  it("leaves no second one when the list lags behind", async () => {
    const dev = await scene();
    dev.simulator.fault({ method: "POST", path: "/api/2.2/jobs/create", effect: "lost-answer" });
    // The first list is the one before the promotion, the next two are looks for the lost job.
    dev.simulator.fault({ method: "GET", path: "/api/2.2/jobs/list", effect: "stale", nth: 3 });
    expect(failures((await dev.promote()).result)).toEqual([]);
    expect(names(dev)).toEqual(ALL);
  });

  it("leaves no second one when the run dies right after it", async () => {
    const dev = await scene();
    const fault = dev.simulator.fault({ method: "POST", path: "/api/2.2/jobs/create", effect: "lost-answer" });
    const blind = dev.simulator.fault({
      method: "GET",
      path: "/api/2.2/jobs/list",
      effect: "error",
      status: 403,
      nth: 3,
      times: "always",
    });
    const first = await dev.promote();
    expect(failures(first.result)).toContain("promote/unfinished");
    fault.cancel();
    blind.cancel();
    const second = await dev.promote();
    expect(failures(second.result)).toEqual([]);
    expect(names(dev)).toEqual(ALL);
  });
});

/** From the second on, no job's settings are taken, until the fault is cancelled. */
function stuck({ simulator }: Scene) {
  const [method, path] = ["POST", "/api/2.2/jobs/reset"];
  return simulator.fault({ method, path, effect: "error", status: 403, nth: 2, times: "always" });
}

describe("a promotion that stops half way", () => {
  it("says what was applied and what not, and the next run goes on from there", async () => {
    const dev = await scene();
    const fault = dev.simulator.fault({
      method: "POST",
      path: "/api/2.2/jobs/create",
      effect: "error",
      status: 400,
      code: "INVALID_PARAMETER_VALUE",
      message: "no",
      nth: 2,
      times: "always",
    });
    const first = await dev.promote();
    expect(failures(first.result)).toEqual(["databricks/failed", "promote/unfinished"]);
    const unfinished = first.result.findings.find(({ id }) => id === "promote/unfinished");
    expect(unfinished?.message).toMatch(/^2 of 4 changes/);
    expect(unfinished?.message).toContain("not applied: jobs.score, jobs.watch");
    expect(first.records).toMatchObject([{ ended: "failure: 2 of 4 changes applied" }]);
    expect(first.result.outputs).toMatchObject({ changed: "true" });
    fault.cancel();
    const second = await dev.promote();
    expect(failures(second.result)).toEqual([]);
    expect(jobWrites(second.writes)).toEqual(["POST /api/2.2/jobs/create", "POST /api/2.2/jobs/create"]);
    expect(names(dev)).toEqual(ALL);
    expect((await dev.promote()).writes).toEqual([]);
  });

  it("has the same plan when it goes on: what was approved still holds", async () => {
    const prod = await scene("prod");
    await approve(prod);
    prod.change({
      "databricks.yml": BUNDLE.replaceAll("max_concurrent_runs: 1", "max_concurrent_runs: 2").replace(
        "0 5 * * * ?",
        "0 6 * * * ?",
      ),
    });
    const fault = stuck(prod);
    const first = await approve(prod);
    expect(failures(first.result)).toContain("promote/unfinished");
    fault.cancel();
    const second = await prod.promote({
      approved: { release: first.result.outputs["release-digest"], plan: first.result.outputs["plan-digest"] },
    });
    expect(failures(second.result)).toEqual([]);
    expect(second.result.outputs["plan-digest"]).toBe(first.result.outputs["plan-digest"]);
    expect(jobWrites(second.writes)).toEqual(["POST /api/2.2/jobs/reset"]);
  });

  it("and gives way to a newer commit: what it left is brought along", async () => {
    const dev = await scene();
    await dev.promote();
    dev.change({
      "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 5").replace(
        "0 5 * * * ?",
        "0 6 * * * ?",
      ),
    });
    const fault = stuck(dev);
    await dev.promote();
    fault.cancel();
    dev.change({ "databricks.yml": BUNDLE });
    const { result } = await dev.promote();
    expect(failures(result)).toEqual([]);
    expect(dev.world.job("dev", "refresh").settings).toMatchObject({
      schedule: { quartz_cron_expression: "0 5 * * * ?" },
    });
    expect(dev.world.job("dev", "score").settings).toMatchObject({ max_concurrent_runs: 1 });
  });

  it("and what it created, a newer commit without it takes away again", async () => {
    const open = CONTRACT.replace("prod: { workspace", "prod: { on_failure: report, workspace");
    const prod = await scene("prod", {}, { "four-tier.yml": open });
    await approve(prod);
    const extra =
      '    extra:\n      name: extra\n      tasks: [{ task_key: x, pipeline_task: { pipeline_id: "${resources.pipelines.ingest.id}" } }]\n';
    const more = BUNDLE.replace("    score:\n", `${extra}    score:\n`).replace(
      "max_concurrent_runs: 1",
      "max_concurrent_runs: 2",
    );
    prod.change({ "databricks.yml": more });
    prod.simulator.fault({ method: "POST", path: "/api/2.2/jobs/reset", effect: "error", status: 403 });
    expect(failures((await approve(prod)).result)).toContain("promote/unfinished");
    expect(names(prod)).toContain("extra");
    prod.change({ "databricks.yml": BUNDLE });
    expect(failures((await approve(prod)).result)).toEqual([]);
    expect(names(prod)).toEqual(ALL);
  });

  it("because it was cancelled starts nothing more, records it, and lets the lock go", async () => {
    const dev = await scene();
    const cancel = new AbortController();
    dev.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/create",
      nth: 1,
      after: true,
      run: () => cancel.abort(),
    });
    const { result, records } = await dev.promote({ signal: cancel.signal });
    expect(failures(result)).toEqual(["promote/cancelled", "promote/unfinished"]);
    // The two that need nothing of each other were begun together; the third needs one of them.
    expect(dev.world.jobs("dev")).toHaveLength(2);
    expect(records).toMatchObject([{ ended: expect.stringMatching(/^failure/) as string }]);
    const next = await dev.promote({ lockWaitMs: 0 });
    expect(failures(next.result)).toEqual([]);
    expect(names(dev)).toEqual(ALL);
  });
});

describe("a pipeline that is touched after it was looked at", () => {
  const changed = BUNDLE.replace("development: false", 'configuration: { batch: "1" }');
  const touched = async (change: (spec: Record<string, unknown>) => void) => {
    const dev = await scene();
    await dev.promote();
    dev.change({ "databricks.yml": changed });
    dev.simulator.when({
      method: "PUT",
      path: "/api/2.0/pipelines/*",
      nth: 1,
      run: () => {
        // a time in which nobody else has written it
        dev.simulator.advance(5);
        dev.world.changePipeline("dev", "ingest", change);
      },
    });
    return { dev, ...(await dev.promote()) };
  };

  it("is not overwritten if somebody changed it", async () => {
    const { dev, result } = await touched((spec) => void (spec["photon"] = true));
    expect(failures(result)).toEqual(["release/changed-meanwhile", "promote/unfinished"]);
    expect(dev.world.pipeline("dev", "ingest").spec).toMatchObject({ photon: true });
    expect(dev.world.pipeline("dev", "ingest").spec).not.toHaveProperty("configuration");
    dev.world.changePipeline("dev", "ingest", (spec) => void delete spec["photon"]);
    expect(failures((await dev.promote()).result)).toEqual([]);
  });

  it("is written if nothing in it changed", async () => {
    const { dev, result } = await touched(() => undefined);
    expect(failures(result)).toEqual([]);
    expect(dev.world.pipeline("dev", "ingest").spec).toMatchObject({ configuration: { batch: "1" } });
  });

  it("is written once if the answer is lost", async () => {
    const dev = await scene();
    await dev.promote();
    dev.change({ "databricks.yml": changed });
    const fault = dev.simulator.fault({ method: "PUT", path: "/api/2.0/pipelines/*", effect: "lost-answer" });
    const { result, writes } = await dev.promote();
    expect(fault.hits).toBe(1);
    expect(failures(result)).toEqual([]);
    expect(writes.filter((write) => write.startsWith("PUT /api/2.0/pipelines"))).toHaveLength(1);
  });
});

describe("two promotions at once", () => {
  it("of the same commit: one waits, then finds nothing to do", async () => {
    const dev = await scene();
    const [a, b] = await Promise.all([dev.promote(), dev.promote()]);
    expect([...failures(a.result), ...failures(b.result)]).toEqual([]);
    expect(names(dev)).toEqual(ALL);
    expect(new Set([a, b].map(({ result }) => result.outputs["changed"]))).toEqual(new Set(["true", "false"]));
  });

  it("of two commits: the older never wins, however long it waited", async () => {
    const dev = await scene();
    await dev.promote();
    const older = dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('older')\n" });
    const newer = dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('newer')\n" });
    // The older one has passed its gate and is about to take the lock when the newer one overtakes it.
    let overtaken: Promise<unknown> = Promise.resolve();
    dev.simulator.when({
      method: "POST",
      path: "*lock.2",
      run: async () => {
        overtaken = dev.promote({ commit: newer });
        await overtaken;
      },
    });
    const late = await dev.promote({ commit: older });
    expect(failures(late.result)).toContain("gate/order-older");
    expect(jobWrites(late.writes)).toEqual(["POST /api/2.2/jobs/reset"]); // the newer one's
    const head = await dev.candidate(newer);
    const scoring = head.components.find(({ name }) => name === "scoring")?.digest;
    expect(JSON.stringify(dev.world.job("dev", "score").settings["tasks"])).toContain(scoring);
  });
});
