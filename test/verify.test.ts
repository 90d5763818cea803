import { describe, expect, it } from "vitest";
import { deletePath } from "../src/databricks/files.ts";
import { failures, ids, type Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT } from "./promotion-files.ts";
import { verifyScene } from "./verification.ts";

interface LedgerText {
  release: { digest: string; commit: string };
  verifications?: { release: string; passed: boolean; run: { id: string } }[];
}

function ledgerOf(dev: Scene): LedgerText {
  return JSON.parse(new TextDecoder().decode(dev.world.readFile("dev", `${dev.folder}/ledger.json`))) as LedgerText;
}

function rewrite(dev: Scene, change: (ledger: LedgerText) => void): void {
  const ledger = ledgerOf(dev);
  change(ledger);
  dev.world.writeFile("dev", `${dev.folder}/ledger.json`, JSON.stringify(ledger));
}

const WHEEL = "churn-1.0-py3-none-any.whl";
const WITH_WHEEL = {
  "databricks.yml": BUNDLE.replace(
    "tasks: [{ task_key: score, notebook_task: { notebook_path: src/scoring/score.py } }]",
    `environments: [{ environment_key: e, spec: { environment_version: "4", dependencies: [dist/${WHEEL}] } }]
      tasks: [{ task_key: score, environment_key: e, spark_python_task: { python_file: src/scoring/main.py } }]`,
  ),
  "src/scoring/main.py": "print('scores')\n",
};

describe("a verification of what a tier has", () => {
  it("runs the contract's jobs, is recorded for the release, and is known to the ledger", async () => {
    const dev = await scene();
    const promoted = await dev.promote();
    const { result, records, starts } = await verifyScene(dev, { run: "42" });
    const digest = promoted.result.outputs["release-digest"];
    expect(failures(result)).toEqual([]);
    expect(starts).toEqual(["POST /api/2.2/jobs/run-now"]);
    expect(result.outputs).toMatchObject({ "release-digest": digest, verified: "true", "deployment-id": "77" });
    expect(records).toMatchObject([
      {
        commit: dev.repository.git("rev-parse", "HEAD"),
        payload: {
          kind: "verification",
          tier: "dev",
          release: digest,
          passed: true,
          checks: [
            { name: "lives as released", passed: true },
            { name: "run jobs.score", passed: true },
          ],
        },
      },
    ]);
    expect(ledgerOf(dev).verifications).toMatchObject([{ release: digest, passed: true, run: { id: "42" } }]);
    expect((await dev.promote()).writes).toEqual([]);
  });

  it("that fails is recorded as failed, shows the error escaped, and leaves the release applied", async () => {
    const error = "KeyError: '<img src=x>' | @octocat\n\n## owned";
    const dev = await scene("dev", { runs: [{ job: "score", result: "FAILED", error }] });
    await dev.promote();
    const before = ledgerOf(dev).release;
    const { result, records } = await verifyScene(dev);
    expect(failures(result)).toEqual(["verify/failed"]);
    expect(records).toMatchObject([{ payload: { passed: false, checks: [{ passed: true }, { passed: false }] } }]);
    expect(result.outputs).toMatchObject({ verified: "false" });
    expect(result.summary).toContain("KeyError");
    expect(result.summary).not.toContain("<img");
    expect(ledgerOf(dev)).toMatchObject({ release: before, verifications: [{ passed: false }] });
  });

  it("proves nothing more than that the release lives, where the contract names nothing to run", async () => {
    const dev = await scene();
    await dev.promote();
    const { result, records, starts } = await verifyScene(dev, { policy: { steps: [], timeoutMs: 0 } });
    expect(failures(result)).toEqual([]);
    expect(starts).toEqual([]);
    expect(records).toMatchObject([{ payload: { checks: [{ name: "lives as released", passed: true }] } }]);
    expect(result.summary).toContain("Nothing was run");
  });

  it("is of the release that the job before it named, and of no other", async () => {
    const dev = await scene();
    await dev.promote();
    await expect(verifyScene(dev, { expected: "c".repeat(64) })).rejects.toMatchObject({
      findings: [{ id: "verify/other-release" }],
    });
    expect(dev.world.runs("dev", "score")).toEqual([]);
  });
});

describe("what is not as it was released", () => {
  it("starts nothing and fails the verification: a job that somebody changed", async () => {
    const dev = await scene();
    await dev.promote();
    dev.world.changeJob("dev", "score", (settings) => {
      settings["max_concurrent_runs"] = 7;
    });
    const { result, records, starts } = await verifyScene(dev);
    expect(failures(result)).toEqual(["verify/not-as-released"]);
    expect(result.findings[0]?.message).toContain("max_concurrent_runs: 1 → 7");
    expect(starts).toEqual([]);
    expect(records).toMatchObject([{ payload: { passed: false, checks: [{ passed: false }] } }]);
  });

  it("a job that was deleted", async () => {
    const dev = await scene();
    await dev.promote();
    dev.world.deleteJob("dev", "watch");
    expect(failures((await verifyScene(dev)).result)).toEqual(["verify/not-as-released"]);
  });

  it("bytes of a folder, where it is asked to look at them", async () => {
    const dev = await scene();
    await dev.promote();
    const path = dev.world.files("dev").find((file) => file.endsWith("/src/scoring/score")) ?? "";
    dev.world.writeFile("dev", path, "# Databricks notebook source\nprint('owned')\n");
    await expect(verifyScene(dev, { deep: true })).rejects.toMatchObject({
      findings: [{ id: "release/folder-tampered" }],
    });
  });

  it("a ledger that says what its commit does not", async () => {
    const dev = await scene();
    await dev.promote();
    rewrite(dev, (ledger) => {
      ledger.release.digest = "d".repeat(64);
    });
    await expect(verifyScene(dev)).rejects.toMatchObject({ findings: [{ id: "release/not-that-release" }] });
    expect(dev.world.runs("dev", "score")).toEqual([]);
  });

  it("a wheel in the tier's folder that is not the one that was carried", async () => {
    const dev = await scene("dev", {}, WITH_WHEEL);
    const bytes = new TextEncoder().encode("wheel");
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(failures((await dev.promote({ wheels: [{ name: WHEEL, sha256, bytes }] })).result)).toEqual([]);
    expect(failures((await verifyScene(dev, { deep: true })).result)).toEqual([]);
    const path = dev.world.files("dev").find((file) => file.endsWith(WHEEL)) ?? "";
    dev.world.writeFile("dev", path, "whee!");
    await expect(verifyScene(dev, { deep: true })).rejects.toMatchObject({
      findings: [{ id: "release/folder-tampered" }],
    });
  });
});

describe("a tier that cannot be verified", () => {
  it("has no ledger: it says how it is made again, and starts nothing", async () => {
    const dev = await scene();
    await dev.promote();
    await deletePath(dev.connect(), `${dev.folder}/ledger.json`);
    await expect(verifyScene(dev)).rejects.toMatchObject({
      findings: [{ id: "ledger/missing", remedy: expect.stringContaining("rebuild") as string }],
    });
  });

  it("has an unfinished promotion", async () => {
    const dev = await scene("dev", {
      faults: [{ method: "POST", path: "/api/2.2/jobs/create", nth: 2, effect: "error", status: 403 }],
    });
    await dev.promote();
    await expect(verifyScene(dev)).rejects.toMatchObject({ findings: [{ id: "ledger/unfinished" }] });
  });

  /** Begins a verification in the middle of a promotion, which goes on once it waits or has ended. */
  async function during(options: (digests: { before: string }) => Parameters<typeof verifyScene>[1], waits: boolean) {
    const dev = await scene();
    const before = (await dev.promote()).result.outputs["release-digest"] ?? "";
    dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    const waiting = Promise.withResolvers<void>();
    const promoted = Promise.withResolvers<void>();
    const pause = async (): Promise<void> => {
      waiting.resolve();
      await promoted.promise;
    };
    let verified: Promise<Awaited<ReturnType<typeof verifyScene>> | { readonly error: unknown }> | undefined;
    dev.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: async () => {
        const begun = verifyScene(dev, { ...(waits ? { pause } : {}), ...options({ before }) });
        verified = begun.catch((error: unknown) => ({ error }));
        await Promise.race([waiting.promise, verified]);
      },
    });
    const { result } = await dev.promote();
    promoted.resolve();
    expect(failures(result)).toEqual([]);
    return { verified: await verified, release: result.outputs["release-digest"] };
  }

  it("is being promoted to: it waits for that, and verifies what came", async () => {
    const { verified, release } = await during(() => ({}), true);
    expect(verified).toMatchObject({ records: [{ payload: { passed: true, release } }] });
    expect(verified).toMatchObject({ log: expect.arrayContaining(["Waiting for run 102, which changes dev."]) as [] });
  });

  it("is being promoted to for too long, or to another release than the one that was asked for", async () => {
    const late = await during(() => ({}), false);
    expect(late.verified).toMatchObject({ error: { findings: [{ id: "ledger/unfinished" }] } });
    const other = await during(({ before }) => ({ expected: before }), true);
    expect(other.verified).toMatchObject({ error: { findings: [{ id: "verify/other-release" }] } });
  });

  it("was promoted to meanwhile: it counts neither for nor against a release", async () => {
    const dev = await scene();
    await dev.promote();
    dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    const records: unknown[] = [];
    let promoted = false;
    const verifying = verifyScene(dev, {
      record: (_commit, payload) => {
        records.push(payload);
        return Promise.resolve("1");
      },
      pause: async () => {
        if (promoted) return;
        promoted = true;
        expect(failures((await dev.promote()).result)).toEqual([]);
      },
    });
    await expect(verifying).rejects.toMatchObject({ findings: [{ id: "verify/changed-meanwhile" }] });
    expect(records).toEqual([]);
  });

  it("records nothing where the run cannot be looked at, or the release lacks what the contract names by now", async () => {
    const faults = [{ path: "/api/2.2/jobs/runs/get", effect: "error", status: 403, times: "always" } as const];
    const dev = await scene("dev", { faults });
    await dev.promote();
    const records: unknown[] = [];
    const record = (_commit: string, payload: unknown): Promise<string> => {
      records.push(payload);
      return Promise.resolve("1");
    };
    await expect(verifyScene(dev, { record })).rejects.toMatchObject({
      findings: [{ id: "verify/inconclusive", severity: "unknown" }, { id: "databricks/refused" }],
    });
    const steps = [{ key: "jobs.new_smoke_test", how: "run" as const }];
    await expect(verifyScene(dev, { record, policy: { steps, timeoutMs: 60_000 } })).rejects.toMatchObject({
      findings: [{ id: "verify/inconclusive" }, { id: "verify/not-run" }],
    });
    expect(records).toEqual([]);
    expect(ledgerOf(dev).verifications).toBeUndefined();
  });

  it("is locked: the record counts, and the ledger learns nothing", async () => {
    const dev = await scene();
    await dev.promote();
    dev.world.writeFile(
      "dev",
      `${dev.folder}/lock.9`,
      JSON.stringify({ run: "1", attempt: 1, job: "x", token: "t", at: "now" }),
    );
    const { result, records, log } = await verifyScene(dev);
    expect(failures(result)).toEqual([]);
    expect(records).toHaveLength(1);
    expect(log.join()).toContain("the ledger does not know of it");
    expect(ledgerOf(dev).verifications).toBeUndefined();
  });
});

it("a release without any change of what is run is verified by lists, and says so", async () => {
  const dev = await scene("dev", {}, { "four-tier.yml": CONTRACT });
  await dev.promote();
  const { result } = await verifyScene(dev, { policy: { steps: [], timeoutMs: 0 } });
  expect(result.summary).toContain("as far as lists show it");
  expect(ids(result)).toEqual([]);
});
