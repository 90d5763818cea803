import { describe, expect, it } from "vitest";
import { isFailure } from "../src/findings.ts";
import type { EarlierProof } from "../src/gate/live-facts.ts";
import { ids, jobWrites, type Run, type Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT, FILES } from "./promotion-files.ts";

function ledgerOf(dev: Scene): unknown {
  return JSON.parse(new TextDecoder().decode(dev.world.readFile("dev", `${dev.folder}/ledger.json`)));
}

/** What a check of the gate said. */
function gateRow({ result }: Run, check: string): string | undefined {
  const { gate } = result.report as { gate: { checks: { check: string; summary: string }[] } };
  return gate.checks.find((row) => row.check === check)?.summary;
}

describe("the first promotion", () => {
  it("uploads, creates what the bundle says in the order of its references, reads back, and records it", async () => {
    const dev = await scene();
    const { result, records, writes } = await dev.promote();
    expect(result.findings.filter(isFailure)).toEqual([]);
    expect(dev.world.picture("dev").map(({ kind, name, paused }) => `${kind} ${name} ${paused ?? ""}`)).toEqual([
      "job refresh true",
      "job score ",
      "job watch ",
      "pipeline ingest ",
    ]);
    expect(jobWrites(writes)).toEqual([
      "POST /api/2.0/pipelines",
      "POST /api/2.2/jobs/create",
      "POST /api/2.2/jobs/create",
      "POST /api/2.2/jobs/create",
    ]);
    const refresh = dev.world.job("dev", "refresh").settings;
    expect(refresh).toMatchObject({
      tasks: [{ pipeline_task: { pipeline_id: dev.world.pipeline("dev", "ingest").id } }],
      tags: { four_tier_project: "ml-pipelines", four_tier_tier: "dev", four_tier_key: "jobs.refresh" },
    });
    const candidate = await dev.candidate(dev.repository.git("rev-parse", "HEAD"));
    const scoring = candidate.components.find(({ name }) => name === "scoring");
    expect(dev.world.job("dev", "score").settings).toMatchObject({
      tasks: [
        { notebook_task: { notebook_path: `${dev.folder}/releases/scoring-${scoring?.digest}/src/scoring/score` } },
      ],
    });
    expect(dev.world.job("dev", "watch").settings).toMatchObject({
      tasks: [{ run_job_task: { job_id: dev.world.job("dev", "score").id } }],
    });
    expect(records).toMatchObject([{ ended: expect.stringMatching(/^success: 4 of 4/) as string }]);
    expect(result.outputs).toMatchObject({ changed: "true", "release-digest": candidate.digest, "deployment-id": "1" });
    expect(result.summary).toContain("jobs.refresh");
  });
});

describe("the ledger", () => {
  it("knows of every change before it is made, and of every release after", async () => {
    const dev = await scene();
    let before: unknown;
    dev.simulator.when({
      method: "POST",
      path: "/api/2.0/pipelines",
      run: () => {
        before = ledgerOf(dev);
      },
    });
    const first = await dev.promote();
    expect(before).toMatchObject({
      release: null,
      resources: {},
      pending: {
        release: { digest: first.result.outputs["release-digest"] },
        intents: ["pipelines.ingest", "jobs.refresh", "jobs.score", "jobs.watch"].map((key) => ({
          key,
          action: "create",
          done: false,
          target: { id: "" },
        })),
      },
    });
    dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    const second = await dev.promote();
    const digests = [second, first].map(({ result }) => result.outputs["release-digest"]);
    expect(ledgerOf(dev)).toMatchObject({
      pending: null,
      release: { digest: digests[0], plan: second.result.outputs["plan-digest"], run: { attempt: 1 } },
      history: digests.map((digest) => ({ digest })),
      resources: { "pipelines.ingest": { id: dev.world.pipeline("dev", "ingest").id } },
    });
  });
});

describe("the second promotion of a commit", () => {
  it("writes nothing at all, takes no lock, says so, and leaves a record", async () => {
    const dev = await scene();
    await dev.promote();
    const again = await dev.promote();
    expect(again.writes).toEqual([]);
    expect(again.result.findings.filter(isFailure)).toEqual([]);
    expect(again.result.outputs).toMatchObject({ changed: "false" });
    expect(again.result.summary).toContain("nothing was written to jobs, pipelines or files");
    expect(again.records.map(({ ended }) => ended)).toEqual([
      "success: nothing to do: no write to jobs, pipelines or files",
    ]);
  });
});

describe("the second promotion of a commit whose first one's record stands", () => {
  const proof: EarlierProof = {
    deployment: "77",
    run: "101",
    runUrl: "https://github.com/acme/ml-pipelines/actions/runs/101",
    at: "2026-11-02T08:00:00.000Z",
  };
  /** Says what the ledger names, and how often it was asked. */
  const earlier = (asked: string[]) => ({
    provedEarlier: ({ run }: { readonly run: { readonly id: string } }) => {
      asked.push(run.id);
      return Promise.resolve(proof);
    },
  });

  it("claims nothing new: it leaves no record, and says whose proof it rests on", async () => {
    const dev = await scene();
    await dev.promote({ run: "101" });
    const asked: string[] = [];
    const again = await dev.promote(earlier(asked));
    expect(asked).toEqual(["101"]);
    expect(again.writes).toEqual([]);
    expect(again.records).toEqual([]);
    expect(again.result.outputs).toMatchObject({ changed: "false", "deployment-id": "77" });
    expect(again.result.summary).toContain("those in it were proved by");
    expect(again.result.report).toMatchObject({ proved_earlier: { run: "101", at: proof.at }, deployment: "77" });
    expect(again.result.evidence).toMatchObject({
      outcome: "nothing-to-do",
      grants: { passed: true, proved_earlier: { run: "101", at: proof.at } },
    });
    expect(gateRow(again, "grants")).toContain(
      "proved by run 101, which brought this release, at 2026-11-02 08:00 UTC",
    );
  });

  it("does not rest on it if a deep comparison is asked for, or if the lists show that something was changed", async () => {
    const dev = await scene();
    await dev.promote();
    const asked: string[] = [];
    const deep = await dev.promote({ ...earlier(asked), deep: true });
    expect(asked).toEqual([]);
    expect(deep.records).toHaveLength(1);
    expect(gateRow(deep, "grants")).toBe("The grants of dev are as the contract says.");

    dev.world.job("dev", "refresh").settings["name"] = "renamed by hand";
    const drifted = await dev.promote(earlier(asked));
    expect(drifted.result.report).not.toHaveProperty("proved_earlier");
    expect(gateRow(drifted, "grants")).toBe("The grants of dev are as the contract says.");
  });

  it("does not rest on it for another commit, though it has the same bytes", async () => {
    const dev = await scene();
    await dev.promote();
    dev.change({ "README.md": "words\n" });
    const asked: string[] = [];
    const { records } = await dev.promote(earlier(asked));
    expect(asked).toEqual([]);
    expect(records).toHaveLength(1);
  });
});

describe("the second promotion of a big project", () => {
  it("reads as little as that of a small one, and says what it did not compare; deep reads everything", async () => {
    const more = Array.from(
      { length: 30 },
      (_, n) =>
        `    more_${n}:\n      name: more ${n}\n      tasks: [{ task_key: a, run_job_task: { job_id: "\${resources.jobs.score.id}" } }]\n`,
    );
    const small = await scene();
    const big = await scene("dev", {}, { "databricks.yml": `${BUNDLE.trimEnd()}\n${more.join("")}` });
    const readsOf = async (dev: typeof small, deep = false): Promise<string[]> => {
      const before = dev.simulator.requests.length;
      const { result, writes } = await dev.promote({ deep });
      expect(writes).toEqual([]);
      expect(result.summary).toContain(deep ? "compared whole" : "compared as far as lists show it");
      return dev.simulator.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
    };
    for (const dev of [small, big]) await dev.promote();
    const few = await readsOf(small);
    expect(await readsOf(big)).toEqual(few);
    expect(few.length).toBeLessThanOrEqual(12);
    expect((await readsOf(big, true)).filter((read) => read.endsWith("/jobs/get")).length).toBeGreaterThan(30);
    // Whoever accepts what somebody changed has seen more than lists show.
    const accepting = await small.promote({ acceptDrift: "e".repeat(64) });
    expect(accepting.result.report).toMatchObject({ compared: "resources" });
  });
});

it("knows a component that has no files by its manifest alone", async () => {
  // What no component names is the default's: jobs.watch, and no file.
  const contract = CONTRACT.replace(", jobs.watch]", "]").replace('"src/scoring/**"', '"src/scoring/**", "lib/**"');
  const dev = await scene("dev", {}, { "four-tier.yml": contract });
  await dev.promote();
  expect((await dev.promote()).result.report).toMatchObject({ outcome: "nothing", compared: "lists" });
});

describe("a commit", () => {
  it("that touches one component moves only its resources", async () => {
    const dev = await scene();
    await dev.promote();
    const before = dev.world.job("dev", "refresh").settings;
    dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    const { writes, result } = await dev.promote();
    expect(result.findings.filter(isFailure)).toEqual([]);
    expect(jobWrites(writes)).toEqual(["POST /api/2.2/jobs/reset"]);
    expect(writes.filter((write) => write.includes("/releases/data-"))).toEqual([]);
    expect(dev.world.job("dev", "refresh").settings).toEqual(before);
  });

  it("that touches nothing deployed is recorded and moves nothing", async () => {
    const dev = await scene("dev", {}, { "databricks.yml": `${BUNDLE}sync: { exclude: ["docs/**"] }\n` });
    await dev.promote();
    const commit = dev.change({ "docs/notes.md": "hello" });
    const { writes, records } = await dev.promote();
    expect(jobWrites(writes)).toEqual([]);
    expect(writes.filter((write) => write.includes("/releases/"))).toEqual([]);
    expect(records).toMatchObject([{ release: { commit } }]);
    expect((await dev.promote()).writes).toEqual([]);
  });

  it("that takes a resource away deletes it only where the contract lists it, and last", async () => {
    const dev = await scene();
    await dev.promote();
    const without = BUNDLE.slice(0, BUNDLE.indexOf("    watch:"));
    const contract = (FILES["four-tier.yml"] ?? "").replace(", jobs.watch", "");
    dev.change({ "databricks.yml": without, "four-tier.yml": contract });
    const refused = await dev.promote();
    expect(ids(refused.result)).toContain("gate/destructive");
    expect(refused.writes).toEqual([]);
    dev.change({ "four-tier.yml": contract.replace("dev: {", "dev: { destructive: [jobs.watch],") });
    const allowed = await dev.promote();
    expect(allowed.result.findings.filter(isFailure)).toEqual([]);
    expect(jobWrites(allowed.writes).at(-1)).toBe("POST /api/2.2/jobs/delete");
    expect(dev.world.jobs("dev")).toHaveLength(2);
  });
});

describe("a job of more tasks than a page", () => {
  it("is created, read back and compared whole", async () => {
    const many = Array.from(
      { length: 130 },
      (_, index) => `        - { task_key: t${index}, condition_task: { op: EQUAL_TO, left: a, right: b } }\n`,
    );
    const bundle = BUNDLE.replace("jobs:\n", `jobs:\n    wide:\n      name: wide\n      tasks:\n${many.join("")}`);
    const dev = await scene("dev", {}, { "databricks.yml": bundle });
    const { result } = await dev.promote();
    expect(result.findings.filter(isFailure)).toEqual([]);
    expect(dev.world.job("dev", "wide").settings["tasks"]).toHaveLength(130);
    expect((await dev.promote()).writes).toEqual([]);
    dev.world.changeJob("dev", "wide", (settings) => {
      const last = (settings["tasks"] as Record<string, unknown>[]).at(-1);
      if (last !== undefined) last["max_retries"] = 9;
      (settings["tasks"] as Record<string, unknown>[]).push({
        task_key: "by-hand",
        notebook_task: { notebook_path: "/x" },
      });
    });
    const again = await dev.promote();
    expect(ids(again.result)).not.toContain("suite/defect");
    expect(again.result.summary).toContain("by-hand");
  });
});

describe("a resource that gets another key", () => {
  const contract = FILES["four-tier.yml"] ?? "";
  const renamed = (of: string, key: string, now: string): Record<string, string> => ({
    "databricks.yml": BUNDLE.replace(`    ${of}:\n`, `    ${now}:\n`).replaceAll(`${key}.${of}.id`, `${key}.${now}.id`),
  });

  it("would be a second pipeline of one name, which the service refuses: said before anything is written", async () => {
    const dev = await scene();
    await dev.promote();
    const allowed = contract
      .replaceAll("pipelines.ingest", "pipelines.landing")
      .replace("dev: {", "dev: { destructive: [pipelines.ingest],");
    dev.change({ ...renamed("ingest", "pipelines", "landing"), "four-tier.yml": allowed });
    const before = dev.writes().length;
    await expect(dev.promote()).rejects.toMatchObject({ findings: [{ id: "release/name-taken" }] });
    expect(dev.writes()).toHaveLength(before);
  });

  it("is not adopted from ourselves: its old key would delete it", async () => {
    const dev = await scene();
    await dev.promote();
    const { id } = dev.world.job("dev", "score");
    const allowed = contract
      .replace("jobs.score", "jobs.points")
      .replace("dev: {", "dev: { destructive: [jobs.score],");
    dev.change({
      ...renamed("score", "jobs", "points"),
      "four-tier.yml": `${allowed}adopt: { dev: { jobs.points: "${id}" } }\n`,
    });
    const before = dev.writes().length;
    await expect(dev.promote()).rejects.toMatchObject({ findings: [{ id: "release/adopt-taken" }] });
    expect(dev.writes()).toHaveLength(before);
    expect(dev.world.job("dev", "score").id).toBe(id);
  });
});
