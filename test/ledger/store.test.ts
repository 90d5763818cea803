import { describe, expect, it } from "vitest";
import { mkdirs } from "../../src/databricks/files.ts";
import { emptyLedger } from "../../src/ledger/model.ts";
import { readLedger, writeLedger } from "../../src/ledger/store.ts";
import { FOLDER, startTier } from "./tier.ts";

const expected = { project: "ml-pipelines", tier: "dev" as const };

describe("the ledger's file", () => {
  it("is nothing in a new tier, then what was written, with one serial more", async () => {
    const { workspace } = await startTier();
    expect(await readLedger(workspace, FOLDER, expected)).toBeUndefined();
    await mkdirs(workspace, FOLDER);
    const written = await writeLedger(workspace, FOLDER, emptyLedger("ml-pipelines", "dev"));
    const again = await writeLedger(workspace, FOLDER, written);
    expect(again.serial).toBe(2);
    expect(await readLedger(workspace, FOLDER, expected)).toEqual(again);
  });

  it("is left alone when somebody broke it", async () => {
    const { simulator, workspace, writes } = await startTier();
    simulator.world.writeFile("dev", `${FOLDER}/ledger.json`, '{"version": 1, "resources": oops');
    await expect(readLedger(workspace, FOLDER, expected)).rejects.toMatchObject({
      findings: [{ id: "ledger/corrupt" }],
    });
    expect(writes()).toEqual([]);
  });
});
