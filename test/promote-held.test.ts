/** Promotions while a hold stands: what it names stays paused, and the plan, its digest and the drift do not notice. */
import { describe, expect, it } from "vitest";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import { approve, failures, type Scene, scene } from "./promotion.ts";
import { BUNDLE } from "./promotion-files.ts";
import { hold } from "./schedules/hold.ts";

async function holdAll(prod: Scene): Promise<void> {
  const workspace = prod.connect();
  const ledger = await readLedger(workspace, prod.folder, { project: "ml-pipelines", tier: "prod" });
  if (ledger === undefined) throw new Error("nothing was promoted");
  await writeLedger(workspace, prod.folder, { ...ledger, holds: [hold()] });
  prod.world.changeJob("prod", "refresh", (settings) => {
    settings["schedule"] = { ...(settings["schedule"] as object), pause_status: "PAUSED" };
  });
}

const scheduleOf = (prod: Scene) => prod.world.job("prod", "refresh").settings["schedule"];

describe("a job of prod that a hold keeps paused", () => {
  it("stays so through ten deploys, is no drift, and changes no plan", async () => {
    const prod = await scene("prod");
    await approve(prod);
    await holdAll(prod);
    for (let deploy = 1; deploy <= 10; deploy += 1) {
      const described = `name: refresh\n      description: deploy ${deploy}`;
      prod.change({ "databricks.yml": BUNDLE.replace("name: refresh", described) });
      const { result, writes } = await approve(prod);
      expect(writes, `deploy ${deploy}`).toContain("POST /api/2.2/jobs/reset");
      expect(failures(result), `deploy ${deploy}`).toEqual([]);
      expect(result.findings, `deploy ${deploy}`).toContainEqual(
        expect.objectContaining({
          id: "schedules/held",
          severity: "notice",
          message: "jobs.refresh stays paused in prod: held by octocat since 2027-01-01 00:00 UTC: incident 7.",
        }),
      );
      expect(scheduleOf(prod), `deploy ${deploy}`).toMatchObject({ pause_status: "PAUSED" });
      expect(result.summary, `deploy ${deploy}`).not.toContain("Changed by hand");
      expect(result.summary, `deploy ${deploy}`).not.toMatch(/schedule\.pause/);
    }
  });

  it("is drift if somebody starts it by hand all the same", async () => {
    const prod = await scene("prod");
    await approve(prod);
    await holdAll(prod);
    prod.world.changeJob("prod", "refresh", (settings) => {
      settings["schedule"] = { ...(settings["schedule"] as object), pause_status: "UNPAUSED" };
    });
    prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    const { result } = await approve(prod);
    expect(failures(result)).toEqual(["gate/drift-changed"]);
  });

  it("has the same plan digest as without the hold", async () => {
    const digest = async (held: boolean): Promise<string | undefined> => {
      const prod = await scene("prod");
      await approve(prod);
      if (held) await holdAll(prod);
      prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
      return (await prod.promote()).result.outputs["plan-digest"];
    };
    expect(await digest(true)).toBe(await digest(false));
  });
});
