/** Promotions that stop half way: what is put back by itself, what is held, and what neither. */
import { describe, expect, it } from "vitest";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import { approve, failures, jobWrites, names, type Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT } from "./promotion-files.ts";
import { rollbackScene } from "./rollback.ts";

const EXTRA =
  '    extra:\n      name: extra\n      tasks: [{ task_key: x, run_job_task: { job_id: "${resources.jobs.score.id}" } }]\n';
/** Two jobs changed, their code too, and one made: nothing of it is noticed before a next run. */
const MILD = {
  "databricks.yml": `${BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2").replace("0 5 * * * ?", "0 6 * * * ?").trimEnd()}\n${EXTRA}`,
  "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n",
};

function onFailure(tier: "dev" | "staging" | "prod", what: string): string {
  return CONTRACT.replace(`${tier}: { workspace`, `${tier}: { on_failure: ${what}, workspace`);
}

/** A prod that has the project, and a commit whose second update of a job is refused. */
async function half(contract: string, files: Readonly<Record<string, string>> = MILD): Promise<Scene> {
  const prod = await scene("prod", {}, { "four-tier.yml": contract });
  expect(failures((await approve(prod)).result)).toEqual([]);
  prod.change(files);
  prod.simulator.fault({ method: "POST", path: "/api/2.2/jobs/reset", effect: "error", status: 403, nth: 2 });
  return prod;
}

const JOBS = ["refresh", "score", "watch"];

function settingsOf(prod: Scene): Record<string, unknown> {
  return Object.fromEntries(JOBS.map((name) => [name, prod.world.job("prod", name).settings]));
}

async function ledgerOf(prod: Scene) {
  return readLedger(prod.connect(), prod.folder, { project: "ml-pipelines", tier: prod.tier });
}

describe("on_failure: rollback", () => {
  it("puts the tier back to what it had, what was made included, and says so everywhere; nothing is held", async () => {
    const prod = await half(onFailure("prod", "rollback"));
    const [settings, before] = [settingsOf(prod), await ledgerOf(prod)];
    const { result, records } = await approve(prod);
    expect(failures(result)).toEqual(["databricks/refused", "promote/undone"]);
    expect(result.outputs["held"]).toBe("false");
    expect(result.findings.find(({ id }) => id === "promote/undone")?.message).not.toContain("eanwhile");
    expect(settingsOf(prod)).toEqual(settings);
    expect(names(prod)).not.toContain("extra");
    const after = await ledgerOf(prod);
    expect({ ...after, serial: 0 }).toEqual({ ...before, serial: 0, unrolled: undefined });
    expect(records.at(-1)?.ended).toMatch(/^failure: .*then all undone/);
    expect(result.summary).toContain("**put back**");
    expect(result.report).toMatchObject({ outcome: { undone: expect.arrayContaining(["jobs.extra"]) as string[] } });
    // A newer commit, and the same, may enter.
    expect(failures((await approve(prod)).result)).toEqual([]);
    expect(names(prod)).toContain("extra");
  });

  it("holds where something has begun to run since, or whether it has cannot be seen", async () => {
    const ran = await half(onFailure("prod", "rollback"));
    let begun = false;
    ran.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: () => {
        if (!begun) ran.world.startRun("prod", "score");
        begun = true;
      },
    });
    const { result } = await approve(ran);
    expect(failures(result)).toEqual(["databricks/refused", "promote/unfinished"]);
    expect(result.findings.at(-1)).toMatchObject({
      id: "promote/held",
      message: expect.stringContaining("jobs.score has begun to run since") as string,
    });
    expect((await ledgerOf(ran))?.holds).toMatchObject([{ kind: "tier", origin: "promotion" }]);

    const blind = await half(onFailure("prod", "rollback"));
    const fault = { path: "/api/2.2/jobs/runs/list", effect: "error", status: 403, times: "always" } as const;
    let seen = false;
    blind.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: () => {
        if (!seen) blind.simulator.fault({ method: "GET", ...fault });
        seen = true;
      },
    });
    const held = await approve(blind);
    expect(held.result.findings.at(-1)).toMatchObject({
      id: "promote/held",
      message: expect.stringContaining("cannot be seen") as string,
    });
    expect(names(blind)).toContain("extra");
  });

  it("says so where it was put back and nobody could see whether anything ran meanwhile", async () => {
    const prod = await half(onFailure("prod", "rollback"));
    const fault = { path: "/api/2.2/jobs/runs/list", effect: "error", status: 403, times: "always" } as const;
    // One of the first two is refused and counts for nothing here, so the second takes back.
    prod.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      nth: 2,
      run: () => void prod.simulator.fault({ method: "GET", ...fault }),
    });
    const { result } = await approve(prod);
    expect(failures(result)).toEqual(["databricks/refused", "promote/undone"]);
    expect(result.outputs["held"]).toBe("false");
    expect(result.findings.find(({ id }) => id === "promote/undone")?.message).toMatch(
      /Whether anything began to run meanwhile, .*cannot be seen: .*403/,
    );
  });

  it("names what began to run while it was put back", async () => {
    const prod = await half(onFailure("prod", "rollback"));
    prod.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      nth: 2,
      run: () => void prod.world.startRun("prod", "score"),
    });
    const { result } = await approve(prod);
    expect(result.findings.find(({ id }) => id === "promote/undone")?.message).toMatch(
      /Meanwhile these began to run, .*: jobs\.score\.$/,
    );
  });

  it("changes and records nothing where nobody can see what ran before", async () => {
    const prod = await scene("prod", {}, { "four-tier.yml": onFailure("prod", "rollback") });
    expect(failures((await approve(prod)).result)).toEqual([]);
    prod.change(MILD);
    const digests = (await prod.promote()).result.outputs;
    const records: unknown[] = [];
    const before = jobWrites(prod.writes()).length;
    prod.simulator.fault({
      method: "GET",
      path: "/api/2.2/jobs/runs/list",
      effect: "error",
      status: 403,
      times: "always",
    });
    const approved = { release: digests["release-digest"], plan: digests["plan-digest"] };
    const asked = prod.promote({
      approved,
      github: (what, ask) => {
        records.push(what);
        return ask();
      },
    });
    await expect(asked).rejects.toMatchObject({ findings: [{ id: "databricks/refused" }] });
    expect(records).toEqual([]);
    expect(jobWrites(prod.writes())).toHaveLength(before);
  });

  it.each([
    [
      "what runs all the time",
      {
        "databricks.yml": BUNDLE.replace("continuous: false", "continuous: true")
          .replace("max_concurrent_runs: 1", "max_concurrent_runs: 2")
          .replace("0 5 * * * ?", "0 6 * * * ?"),
      },
      "restarts",
    ],
    [
      "a schema that was made",
      {
        "databricks.yml": `${BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2").replace("0 5 * * * ?", "0 6 * * * ?").trimEnd()}\n  schemas:\n    gold: { name: gold, catalog_name: prod }\n`,
      },
      "schemas.gold was created",
    ],
  ])("holds where it is not safe: %s", async (_what, files, why) => {
    const prod = await half(onFailure("prod", "rollback"), files);
    const { result } = await approve(prod);
    expect(result.findings.at(-1)).toMatchObject({
      id: "promote/held",
      message: expect.stringContaining(why) as string,
    });
  });

  it("holds where putting back fails, too", async () => {
    const prod = await half(onFailure("prod", "rollback"));
    prod.simulator.fault({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      effect: "error",
      status: 403,
      nth: 3,
      times: "always",
    });
    const { result } = await approve(prod);
    expect(result.findings.at(-1)).toMatchObject({
      id: "promote/held",
      message: expect.stringContaining("failed, too") as string,
    });
    expect((await ledgerOf(prod))?.pending).toBeDefined();
  });
});

describe("a tier that an earlier attempt left held", () => {
  /** Nothing of the second commit is applied: its first write is refused, and what it made is none of it. */
  const refused = async (): Promise<Scene> => {
    const prod = await scene("prod", {}, { "four-tier.yml": onFailure("prod", "rollback") });
    expect(failures((await approve(prod)).result)).toEqual([]);
    prod.change({ "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2") });
    // Once it has begun, so that the first attempt may not put it back either.
    let begun = false;
    prod.simulator.when({
      method: "POST",
      path: "*import-file*ledger*",
      run: () => {
        if (!begun) prod.world.startRun("prod", "score");
        begun = true;
      },
    });
    const fault = { method: "POST", path: "/api/2.2/jobs/reset", effect: "error", status: 403 } as const;
    prod.simulator.fault({ ...fault, times: "always" });
    expect((await approve(prod)).result.outputs["held"]).toBe("true");
    return prod;
  };
  const heldBecause = async (prod: Scene): Promise<string> => {
    const { result } = await approve(prod);
    expect(result.outputs["held"]).toBe("true");
    expect((await ledgerOf(prod))?.holds).toMatchObject([{ kind: "tier", origin: "promotion" }]);
    return result.findings.at(-1)?.message ?? "";
  };

  it("is not put back by the next one: the run of the first says that it is held, and that stays true", async () => {
    const prod = await refused();
    expect(await heldBecause(prod)).toContain("not put back by itself: an earlier promotion had not ended");
  });

  it("nor where its ledger was lost meanwhile, and made again from the record, which knows the hold alone", async () => {
    const prod = await refused();
    const ledger = await ledgerOf(prod);
    if (ledger === undefined) throw new Error("it has one");
    await writeLedger(prod.connect(), prod.folder, { ...ledger, pending: undefined });
    expect(await heldBecause(prod)).toContain("not put back by itself: an earlier promotion had stopped half way");
  });
});

describe("on_failure: hold, prod's default", () => {
  it("lets the same release in again, which ends the hold, and no other; the commands are said", async () => {
    const prod = await half(CONTRACT);
    const first = await approve(prod);
    expect(failures(first.result)).toEqual(["databricks/refused", "promote/unfinished"]);
    const held = first.result.findings.at(-1);
    expect(held?.id).toBe("promote/held");
    expect(first.result.outputs["held"]).toBe("true");
    expect(held?.remedy).toMatch(
      /rollback\.yml -f tier=prod -f to=[0-9a-f]{12} .*operate\.yml -f operation=resume -f tier=prod/,
    );
    const failed = prod.repository.git("rev-parse", "HEAD");

    prod.change({
      "lib/shared.py": "SHARED = 2\n",
      "src/scoring/score.py": "# Databricks notebook source\nprint('other')\n",
    });
    const other = await approve(prod);
    expect(failures(other.result)).toContain("gate/hold-held");
    expect(other.writes).toEqual([]);

    prod.repository.git("checkout", "-q", failed);
    expect(failures((await approve(prod)).result)).toEqual([]);
    expect((await ledgerOf(prod))?.holds).toEqual([]);
  });

  it("is no obstacle to a rollback, whose own hold takes its place", async () => {
    const prod = await half(CONTRACT);
    const good = (await ledgerOf(prod))?.release?.commit;
    await approve(prod);
    const { result } = await rollbackScene(prod, { to: good?.slice(0, 12) ?? "" });
    expect(failures(result)).toEqual([]);
    expect((await ledgerOf(prod))?.holds).toMatchObject([{ origin: "rollback" }]);
  });

  it("is not for what stopped before anything was changed, or was cancelled", async () => {
    const prod = await half(CONTRACT);
    prod.simulator.fault({ method: "POST", path: "*import-file*releases*", effect: "error", status: 403 });
    expect(failures((await approve(prod)).result)).toContain("promote/unfinished");
    expect((await ledgerOf(prod))?.holds).toEqual([]);
    const cancelled = new AbortController();
    prod.simulator.when({ method: "POST", path: "/api/2.2/jobs/reset", run: () => cancelled.abort() });
    const brief = (await prod.promote()).result.outputs;
    const approved = { release: brief["release-digest"], plan: brief["plan-digest"] };
    await prod.promote({ approved, signal: cancelled.signal });
    expect((await ledgerOf(prod))?.holds).toEqual([]);
  });
});

it("in dev a failure is reported, and the next merge goes on", async () => {
  const dev = await scene("dev");
  await dev.promote();
  dev.change(MILD);
  dev.simulator.fault({ method: "POST", path: "/api/2.2/jobs/reset", effect: "error", status: 403 });
  expect(failures((await dev.promote()).result)).toContain("promote/unfinished");
  dev.change({ "lib/shared.py": "SHARED = 2\n" });
  expect(failures((await dev.promote()).result)).toEqual([]);
});
