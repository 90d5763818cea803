/** A tier whose principal was replaced: its ledger, releases and jobs are still the old one's (docs/guides/rolling-back.md). */
import { expect, it } from "vitest";
import { mkdirs } from "../src/databricks/files.ts";
import { connect, type Workspace } from "../src/databricks/workspace.ts";
import { holdId } from "../src/ledger/holds.ts";
import { emptyLedger } from "../src/ledger/model.ts";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import { failures, names, type Run, type Scene, scene } from "./promotion.ts";
import { IDS } from "./promotion-files.ts";
import { rebuildScene } from "./rebuild.ts";
import { rollbackScene } from "./rollback.ts";
import { QUIET } from "./run.ts";
import { verifyScene } from "./verification.ts";

const OLD = "77777777-7777-4777-8777-777777777777";

/** A dev that its old principal has promoted to, twice; the contract names the new one by now. */
async function replaced(itself = true): Promise<{ dev: Scene; old: Workspace; last: Run }> {
  const dev = await scene("dev", {
    service_principals: {
      "ml-pipelines-dev": {
        application_id: IDS.dev,
        workspaces: ["dev"],
        secrets: ["dose-dev-secret"],
        users: itself ? ["ml-pipelines-dev"] : [],
      },
      "ml-pipelines-old": { application_id: OLD, workspaces: ["dev"], secrets: ["dose-old-secret"] },
    },
  });
  const { clientId, clientSecret } = dev.simulator.credentials("ml-pipelines-old");
  const old = connect({
    host: dev.simulator.workspaces["dev"]?.url ?? "",
    credentials: { kind: "secret", clientId, clientSecret },
    log: QUIET,
  });
  const before = { principal: OLD, through: () => old };
  expect(failures((await dev.promote(before)).result)).toEqual([]);
  dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('second')\n" });
  const last = await dev.promote(before);
  expect(failures(last.result)).toEqual([]);
  return { dev, old, last };
}

async function handOver(dev: Scene, old: Workspace): Promise<void> {
  const ledger = await readLedger(old, dev.folder.replace(IDS.dev, OLD), { project: "ml-pipelines", tier: "dev" });
  for (const { kind, id } of ledger?.resources.values() ?? []) {
    await old.call({
      method: "PATCH",
      path: `/api/2.0/permissions/${kind}/${id}`,
      json: { access_control_list: [{ service_principal_name: IDS.dev, permission_level: "CAN_MANAGE" }] },
    });
  }
}

function rebuild(dev: Scene, last: Run) {
  const [record] = last.records;
  if (record === undefined) throw new Error("nothing was recorded");
  return rebuildScene(dev, record.release);
}

it("verify and rollback say that there is no ledger, and what makes one", async () => {
  const { dev } = await replaced();
  const missing = { findings: [{ id: "ledger/missing", remedy: expect.stringContaining("rebuild: true") as string }] };
  await expect(verifyScene(dev)).rejects.toMatchObject(missing);
  await expect(rollbackScene(dev)).rejects.toMatchObject(missing);
});

it("a promotion does not take the tier for an empty one, and a rebuild before the hand-over finds nothing and says so", async () => {
  const { dev, last } = await replaced();
  const before = names(dev);
  await expect(dev.promote()).rejects.toMatchObject({ findings: [{ id: "ledger/missing" }] });
  await expect(rebuild(dev, last)).rejects.toMatchObject({ findings: [{ id: "ledger/nothing-found" }] });
  expect(names(dev)).toEqual(before);
});

it("once the jobs are handed over, the ledger is rebuilt by their tags, and a promotion takes them over", async () => {
  const { dev, old, last } = await replaced();
  await handOver(dev, old);
  const all = names(dev);
  expect(await rebuild(dev, last)).toMatchObject([{ id: "ledger/rebuilt" }]);
  const { result } = await dev.promote();
  expect(failures(result)).toEqual([]);
  expect(names(dev)).toEqual(all);
  expect(JSON.stringify(dev.world.job("dev", "score").settings)).toContain(IDS.dev);
  expect(JSON.stringify(dev.world.job("dev", "score").settings)).not.toContain(OLD);

  dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('third')\n" });
  expect(failures((await dev.promote()).result)).toEqual([]);
  expect(failures((await rollbackScene(dev)).result)).toEqual([]);
  expect(names(dev)).toEqual(all);
});

it("a hold that was taken since the ledger was lost is no ledger to rely on, and is kept when it is made again", async () => {
  const { dev, old, last } = await replaced();
  await handOver(dev, old);
  const hold = {
    id: holdId({ reason: "an incident" }),
    kind: "tier",
    selector: "all",
    scope: "project",
    reason: "an incident",
    by: "octocat",
    at: "2026-11-24T03:00:00.000Z",
    until: undefined,
    run: { id: "700", attempt: 1 },
    prior: [],
  } as const;
  await mkdirs(dev.connect(), dev.folder);
  await writeLedger(dev.connect(), dev.folder, { ...emptyLedger("ml-pipelines", "dev"), holds: [hold] });
  await expect(rollbackScene(dev)).rejects.toMatchObject({ findings: [{ id: "ledger/missing" }] });
  expect(await rebuild(dev, last)).toMatchObject([{ id: "ledger/rebuilt" }]);
  const ledger = await readLedger(dev.connect(), dev.folder, { project: "ml-pipelines", tier: "dev" });
  expect(ledger?.holds).toMatchObject([{ reason: "an incident" }]);
  expect(ledger?.release?.commit).toBe(last.records[0]?.release.commit);
  expect(await rebuild(dev, last)).toMatchObject([{ id: "ledger/not-rebuilt" }]);
});

it("a principal that may not run jobs as itself is told what it lacks, and nothing is changed", async () => {
  const { dev, old, last } = await replaced(false);
  await handOver(dev, old);
  await rebuild(dev, last);
  const { result } = await dev.promote();
  expect(failures(result)).toEqual(["release/run-as", "databricks/refused", "promote/unfinished"]);
  expect(result.findings.find(({ id }) => id === "release/run-as")?.remedy).toContain(
    "servicePrincipal.user on itself",
  );
  expect(JSON.stringify(dev.world.job("dev", "score").settings)).not.toContain(IDS.dev);
});
