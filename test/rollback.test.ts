import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deletePath } from "../src/databricks/files.ts";
import { FourTierError } from "../src/findings.ts";
import type { Hold } from "../src/ledger/holds.ts";
import type { Ledger } from "../src/ledger/model.ts";
import { ledgerPath } from "../src/ledger/paths.ts";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import type { ActionResult } from "../src/report/report.ts";
import { Crossing, failedOf } from "./crossing.ts";
import { approve, failures, jobWrites, names, type Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT, FILES } from "./promotion-files.ts";
import { rebuildScene } from "./rebuild.ts";
import { rollbackScene } from "./rollback.ts";

const better = (what: string) => ({ "src/scoring/score.py": `# Databricks notebook source\nprint('${what}')\n` });
const CRON = "schedule: { quartz_cron_expression: 0 5 * * * ?, timezone_id: UTC }";

const STREAM = `${BUNDLE.trimEnd()}\n    stream:\n      name: stream\n      continuous: {}\n      tasks: [{ task_key: a, notebook_task: { notebook_path: src/scoring/score.py } }]\n`;

async function ledgerOf(prod: Scene): Promise<Ledger> {
  const ledger = await readLedger(prod.connect(), prod.folder, { project: "ml-pipelines", tier: prod.tier });
  if (ledger === undefined) throw new Error("there is no ledger");
  return ledger;
}

function held(holds: readonly Hold[], kind: Hold["kind"]): string[] {
  return holds.filter((hold) => hold.kind === kind).map(({ reason }) => reason);
}

/** The folder that the scoring job's code comes from. */
function codeOf(prod: Scene): string {
  return JSON.stringify(prod.world.job("prod", "score").settings).match(/scoring-[0-9a-f]{64}/)?.[0] ?? "nowhere";
}

/** prod after two releases: the second is bad. Gives the commits. */
async function twoReleases(
  files: Readonly<Record<string, string>> = {},
): Promise<{ prod: Scene; good: string; bad: string }> {
  const prod = await scene("prod", {}, files);
  const good = prod.repository.git("rev-parse", "HEAD");
  expect(failures((await approve(prod)).result)).toEqual([]);
  const bad = prod.change(better("bad"));
  expect(failures((await approve(prod)).result)).toEqual([]);
  return { prod, good, bad };
}

describe("a rollback", () => {
  it("goes back to the last verified release by pointing at its folder: nothing is uploaded, built or deleted", async () => {
    const prod = await scene("prod");
    const good = prod.repository.git("rev-parse", "HEAD");
    await approve(prod);
    const [settings, code] = [prod.world.job("prod", "score").settings, codeOf(prod)];
    prod.change(better("bad"));
    await approve(prod);
    expect(codeOf(prod)).not.toBe(code);

    const { result, records, writes } = await rollbackScene(prod);
    expect(failures(result)).toEqual([]);
    expect(codeOf(prod)).toBe(code);
    expect(prod.world.job("prod", "score").settings).toEqual(settings);
    expect(writes.filter((write) => write.includes("/releases/"))).toEqual([]);
    expect(writes.filter((write) => write.includes("delete") && !write.includes("workspace"))).toEqual([]);
    expect(result.outputs).toMatchObject({ commit: good, changed: "true" });
    expect(records).toMatchObject([{ release: { commit: good }, ended: expect.stringMatching(/^success/) as string }]);
    expect(records[0]?.from).not.toBe(records[0]?.release.digest);
    expect((await ledgerOf(prod)).release?.commit).toBe(good);
    expect(result.summary).toMatch(
      /### What was not undone\n\n- Data that the newer release wrote, checkpoints of its streams, and models that it trained stay as they are\.\n/,
    );
    expect(result.summary).toMatch(
      new RegExp(`Next:.*operation <code>reject</code>.*release-digest <code>${records[0]?.from ?? "none"}</code>`),
    );
  });

  it("pauses every schedule before anything else, and gives back just the mix that was there", async () => {
    const two = BUNDLE.replace("    watch:\n      name: watch\n", `    watch:\n      name: watch\n      ${CRON}\n`);
    const { prod } = await twoReleases({ "databricks.yml": two });
    prod.world.changeJob("prod", "watch", (settings) => {
      settings["schedule"] = { ...(settings["schedule"] as object), pause_status: "PAUSED" };
    });
    const seen: unknown[] = [];
    prod.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: () => {
        seen.push(...["refresh", "watch"].map((name) => prod.world.job("prod", name).settings["schedule"]));
      },
    });
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual([]);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual(seen.map(() => expect.objectContaining({ pause_status: "PAUSED" }) as object));
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
    expect(prod.world.job("prod", "watch").settings["schedule"]).toMatchObject({ pause_status: "PAUSED" });
  });

  it("leaves the tier held, and no schedule", async () => {
    const { prod, good } = await twoReleases();
    await rollbackScene(prod);
    const { holds } = await ledgerOf(prod);
    expect(held(holds, "tier")).toEqual([`Rollback to ${good.slice(0, 12)}: scores are wrong`]);
    expect(held(holds, "schedules")).toEqual([]);
  });

  it("takes over holds that a rollback made, and never one of a person whose reason sounds like it", async () => {
    const { prod, good } = await twoReleases();
    await rollbackScene(prod);
    const before = await ledgerOf(prod);
    const [ours] = before.holds;
    if (ours === undefined) throw new Error("no hold");
    const { origin: _none, ...rest } = ours;
    const people = (kind: Hold["kind"], id: string): Hold => ({
      ...rest,
      id: id.repeat(64),
      kind,
      selector: kind === "tier" ? "all" : "name:refresh",
      reason: "Rollback to Monday's data is under way",
      run: { id: "77", attempt: 1 },
    });
    const holds = [ours, people("tier", "a"), people("schedules", "b")];
    await writeLedger(prod.connect(), prod.folder, { ...before, holds });

    const again = await rollbackScene(prod, { to: good });
    expect(failures(again.result)).toEqual([]);
    const after = await ledgerOf(prod);
    expect(new Set(held(after.holds, "tier"))).toEqual(
      new Set([`Rollback to ${good.slice(0, 12)}: scores are wrong`, "Rollback to Monday's data is under way"]),
    );
    expect(held(after.holds, "schedules")).toEqual(["Rollback to Monday's data is under way"]);
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "PAUSED" });
  });

  it("leaves what the old release does not know, paused and said; where the run names it, deletes it", async () => {
    const prod = await scene("prod");
    await approve(prod);
    const bundle = `${BUNDLE.trimEnd()}\n    extra:\n      name: extra\n      ${CRON}\n      tasks: [{ task_key: a, condition_task: { op: EQUAL_TO, left: a, right: a } }]\n`;
    prod.change({ "databricks.yml": bundle });
    expect(failures((await approve(prod)).result)).toEqual([]);
    const left = await rollbackScene(prod);
    expect(failures(left.result)).toEqual([]);
    expect(left.result.summary).toContain(
      "<code>jobs.extra</code> (extra) is not in this release. It was left, paused",
    );
    // what was left is no row of what was done
    expect(left.result.summary).toContain("No resource changes.");
    expect(left.result.summary).not.toContain("its runs and their history");
    expect(prod.world.job("prod", "extra").settings["schedule"]).toMatchObject({ pause_status: "PAUSED" });
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
    expect((await ledgerOf(prod)).resources.has("jobs.extra")).toBe(false);

    const other = await scene("prod");
    await approve(other);
    other.change({ "databricks.yml": bundle });
    await approve(other);
    await rollbackScene(other, { deletes: ["jobs.extra"] });
    expect(names(other)).not.toContain("extra");
  });

  describe("that left something behind", () => {
    const bundle = (also: string): string => `${BUNDLE.trimEnd()}\n${also}`;
    const extra = `    extra:\n      name: extra\n      ${CRON}\n      tasks: [{ task_key: a, condition_task: { op: EQUAL_TO, left: a, right: a } }]\n`;
    const listing = CONTRACT.replace("prod: {", "prod: { destructive: [jobs.extra],");
    const left = (result: ActionResult) =>
      result.findings.flatMap(({ id, where }) =>
        id === "release/left" && where?.kind === "resource" ? [where.key] : [],
      );

    /** Rolled back from a release that had one job more, which the contract lists. */
    async function withLeft() {
      const prod = await scene("prod", {}, { "four-tier.yml": listing });
      await approve(prod);
      prod.change({ "databricks.yml": bundle(extra) });
      expect(failures((await approve(prod)).result)).toEqual([]);
      expect(failures((await rollbackScene(prod)).result)).toEqual([]);
      // somebody resumed the tier
      await writeLedger(prod.connect(), prod.folder, { ...(await ledgerOf(prod)), holds: [] });
      return prod;
    }

    it("does not delete by the contract's list, which is for going forward, and keeps what it left in the ledger", async () => {
      const prod = await withLeft();
      expect(names(prod)).toContain("extra");
      expect([...((await ledgerOf(prod)).left ?? [])]).toMatchObject([["jobs.extra", { kind: "jobs", name: "extra" }]]);
    });

    it("has it named by every promotion after it, and deleted by none that the contract does not let", async () => {
      const prod = await withLeft();
      const id = (await ledgerOf(prod)).left?.get("jobs.extra")?.id ?? "";
      for (const version of [2, 3]) {
        prod.change({
          "four-tier.yml": CONTRACT,
          "databricks.yml": bundle("").replace("max_concurrent_runs: 1", `max_concurrent_runs: ${version}`),
        });
        const { result } = await approve(prod);
        expect(failures(result)).toEqual([]);
        expect(left(result)).toEqual(["jobs.extra"]);
        expect(result.summary).toMatch(new RegExp(`Left in prod by a rollback[^]*jobs\\.extra[^]*${id}[^]*stays`));
        expect(result.report).toMatchObject({ left: [{ key: "jobs.extra", id, goes: false }], drift: { entries: [] } });
      }
      // nothing to do: named all the same
      const nothing = await approve(prod);
      expect(left(nothing.result)).toEqual(["jobs.extra"]);
      expect(nothing.writes).toEqual([]);
      expect(names(prod)).toContain("extra");
      expect((await ledgerOf(prod)).left?.size).toBe(1);
    });

    it("has it deleted by the next promotion where the contract lists it, and forgotten", async () => {
      const prod = await withLeft();
      prod.change({ "databricks.yml": bundle("").replace("max_concurrent_runs: 1", "max_concurrent_runs: 2") });
      const { result } = await approve(prod);
      expect(failures(result)).toEqual([]);
      expect(result.summary).toMatch(/Left in prod by a rollback[^]*🔴 deleted/);
      expect(names(prod)).not.toContain("extra");
      expect((await ledgerOf(prod)).left).toBeUndefined();
      expect(left((await approve(prod)).result)).toEqual([]);
    });

    it("has it deleted even where nothing else changes", async () => {
      const prod = await withLeft();
      const head = (await ledgerOf(prod)).release?.commit ?? "";
      const again = await prod.promote({ commit: head });
      const { "release-digest": release, "plan-digest": plan } = again.result.outputs;
      expect(failures((await prod.promote({ commit: head, approved: { release, plan } })).result)).toEqual([]);
      expect(names(prod)).not.toContain("extra");
    });

    it("has it taken up as it is where it is declared again", async () => {
      const prod = await withLeft();
      const id = (await ledgerOf(prod)).left?.get("jobs.extra")?.id;
      prod.change({ "databricks.yml": bundle(extra), "lib/shared.py": "SHARED = 2\n" });
      const { result } = await approve(prod);
      expect(failures(result)).toEqual([]);
      expect(left(result)).toEqual([]);
      expect((await ledgerOf(prod)).resources.get("jobs.extra")?.id).toBe(id);
      expect((await ledgerOf(prod)).left).toBeUndefined();
      expect(prod.world.job("prod", "extra").settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
    });

    it("is not deleted once somebody took the mark off: it is theirs", async () => {
      const prod = await withLeft();
      prod.world.changeJob("prod", "extra", (settings) => void (settings["tags"] = {}));
      prod.change({ "databricks.yml": bundle("").replace("max_concurrent_runs: 1", "max_concurrent_runs: 2") });
      expect(failures((await approve(prod)).result)).toEqual([]);
      expect(names(prod)).toContain("extra");
      expect((await ledgerOf(prod)).left).toBeUndefined();
    });

    it("has it found again by its tags where the ledger was lost", async () => {
      const prod = await withLeft();
      const { release, left: known } = await ledgerOf(prod);
      await deletePath(prod.connect(), ledgerPath(prod.folder), { recursive: false });
      if (release === undefined) throw new Error("there was a release");
      const findings = await rebuildScene(prod, release);
      expect(findings.map(({ id }) => id)).toEqual(["ledger/rebuilt", "release/left"]);
      expect((await ledgerOf(prod)).left).toEqual(known);
    });

    it("says which key that it was to delete it had nothing for", async () => {
      const { prod } = await twoReleases();
      const { result } = await rollbackScene(prod, { deletes: ["jobs.exrta"] });
      expect(result.findings).toMatchObject([{ id: "rollback/delete-unused", severity: "warning" }]);
    });
  });

  it("leaves it paused for good: enforcing the schedules starts it no more, and names it", async () => {
    const extra = `    extra:\n      name: extra\n      ${CRON}\n      tasks: [{ task_key: a, condition_task: { op: EQUAL_TO, left: a, right: a } }]\n`;
    const crossing = new Crossing("prod", [FILES, { "databricks.yml": `${BUNDLE.trimEnd()}\n${extra}` }]);
    const tier = await crossing.tier([0, 1]);
    try {
      expect(failedOf({ value: await tier.rollBack(0, { run: "back", deletes: [] }) })).toEqual([]);
      const enforced = await tier.schedules("enforce", "later");
      const { world } = tier.scene;
      expect(world.job("prod", "extra").settings["schedule"]).toMatchObject({ pause_status: "PAUSED" });
      expect(world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
      expect(enforced.findings).toMatchObject([{ id: "schedules/duplicate", where: { key: "jobs.extra" } }]);
    } finally {
      await tier.close();
    }
  });

  it("overwrites what somebody changed by hand, and shows it", async () => {
    const { prod } = await twoReleases();
    prod.world.changeJob("prod", "score", (settings) => {
      settings["max_concurrent_runs"] = 9;
    });
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual([]);
    expect(result.summary).toMatch(/max&#95;concurrent&#95;runs&#58; 1 → 9/);
    expect(prod.world.job("prod", "score").settings["max_concurrent_runs"]).toBe(1);
  });

  it("twice in a row goes further back, and not to what was left; then there is nothing older", async () => {
    const prod = await scene("prod");
    const commits = [prod.repository.git("rev-parse", "HEAD")];
    await approve(prod);
    for (const what of ["second", "third"]) {
      commits.push(prod.change(better(what)));
      await approve(prod);
    }
    expect((await rollbackScene(prod)).result.outputs["commit"]).toBe(commits[1]);
    expect((await rollbackScene(prod)).result.outputs["commit"]).toBe(commits[0]);
    await expect(rollbackScene(prod)).rejects.toMatchObject({ findings: [{ id: "rollback/none-verified" }] });
    expect(held((await ledgerOf(prod)).holds, "tier")).toHaveLength(1);
    const forward = await rollbackScene(prod, { to: commits[2]?.slice(0, 10) ?? "" });
    expect(forward.result.outputs["commit"]).toBe(commits[2]);
  });

  it("runs the old release at once where a job runs all the time", async () => {
    const { prod } = await twoReleases({
      "databricks.yml": STREAM,
      "four-tier.yml": CONTRACT.replace("jobs.watch", "jobs.watch, jobs.stream"),
    });
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual([]);
    const [now, ...before] = prod.world.runs("prod", "stream");
    expect(now?.active).toBe(true);
    expect(now?.settings).toEqual(prod.world.job("prod", "stream").settings);
    expect(before.every((run) => !run.active)).toBe(true);
  });

  it("gives the schedules back although a loop cannot be ended, and fails until it is", async () => {
    const prod = await scene("prod");
    await approve(prod);
    prod.change({ "databricks.yml": BUNDLE.replace("name: watch\n", "name: watch\n      continuous: {}\n") });
    expect(failures((await approve(prod)).result)).toEqual([]);
    // Started anew by hand, so that its run does not say that it is a loop's.
    const { jobs } = prod.world.workspace("prod");
    const loop = jobs.start(prod.world.job("prod", "watch"), { trigger: "ONE_TIME", creator: "mona@example.com" });
    loop.course = { ...loop.course, polls: Number.POSITIVE_INFINITY };
    const refused = { status: 403, code: "PERMISSION_DENIED", message: "no" };
    prod.simulator.fault({ method: "POST", path: "/api/2.2/jobs/runs/cancel", effect: "error", times: 2, ...refused });
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual(["promote/loop-goes-on"]);
    expect(result.summary).toContain("does **not** run as before");
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
    expect(loop.active).toBe(true);
  });

  it("ends what runs all the time in the release that is left, whether the old one knows it or not", async () => {
    const prod = await scene("prod");
    await approve(prod);
    const contract = CONTRACT.replace("jobs.watch", "jobs.watch, jobs.stream");
    const looping = STREAM.replace("name: watch\n", "name: watch\n      continuous: {}\n");
    prod.change({ "databricks.yml": looping, "four-tier.yml": contract });
    expect(failures((await approve(prod)).result)).toEqual([]);
    const loops = ["watch", "stream"].flatMap((name) => prod.world.runs("prod", name));
    expect(loops.map(({ active }) => active)).toEqual([true, true]);
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual([]);
    expect(loops.map((run) => run.result)).toEqual(["CANCELED", "CANCELED"]);
    expect(result.summary).toContain("<code>jobs.stream</code> (stream) is not in this release. It was left, paused");
    expect(
      prod.world
        .jobs("prod")
        .flatMap(({ id }) => prod.world.runs("prod", id))
        .filter(({ active }) => active),
    ).toEqual([]);
  });

  it("that could not restart it does so when it is run again", async () => {
    const { prod, good } = await twoReleases({
      "databricks.yml": STREAM,
      "four-tier.yml": CONTRACT.replace("jobs.watch", "jobs.watch, jobs.stream"),
    });
    const refused = { status: 403, code: "PERMISSION_DENIED", message: "no" };
    prod.simulator.fault({ method: "POST", path: "/api/2.2/jobs/runs/cancel", effect: "error", ...refused });
    const [run] = prod.world.runs("prod", "stream");
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual(["promote/not-rolled-forward"]);
    expect(result.findings[0]?.remedy).toContain(`run the rollback again, with to: ${good.slice(0, 12)}`);
    expect((await ledgerOf(prod)).unrolled).toEqual(["jobs.stream"]);
    const again = await rollbackScene(prod);
    expect(failures(again.result)).toEqual([]);
    expect(again.result.outputs["commit"]).toBe(good);
    expect(again.writes).toContain("POST /api/2.2/jobs/runs/cancel");
    const [now] = prod.world.runs("prod", "stream");
    expect(now?.id).not.toBe(run?.id);
    expect(now?.settings).toEqual(prod.world.job("prod", "stream").settings);
    expect((await ledgerOf(prod)).unrolled).toBeUndefined();
  });
});

describe("what is gone", () => {
  it("a job that was deleted by hand is recreated, and its new id is said", async () => {
    const { prod } = await twoReleases();
    const { id } = prod.world.job("prod", "watch");
    prod.world.deleteJob("prod", "watch");
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual([]);
    expect(prod.world.job("prod", "watch").id).not.toBe(id);
    expect(result.summary).toContain("it has a new id");
  });

  it("a release's folder comes again from its commit, which the digest proves", async () => {
    const { prod, good } = await twoReleases();
    const folder = JSON.stringify((await ledgerOf(prod)).history.at(-1)?.components).match(
      /"scoring":"([0-9a-f]{64})"/,
    )?.[1];
    await deletePath(prod.connect(), `${prod.folder}/releases/scoring-${folder}`, { recursive: true });
    const { result, writes } = await rollbackScene(prod, { to: good });
    expect(failures(result)).toEqual([]);
    expect(writes.filter((write) => write.includes(`/releases/scoring-${folder}/`)).length).toBeGreaterThan(0);
  });

  it("a wheel comes from nowhere: refused before anything is written", async () => {
    const wheel = "churn-1.0-py3-none-any.whl";
    const bytes = new TextEncoder().encode("wheel");
    const wheels = [{ name: wheel, sha256: createHash("sha256").update(bytes).digest("hex"), bytes }];
    const bundle = BUNDLE.replace(
      "tasks: [{ task_key: score, notebook_task: { notebook_path: src/scoring/score.py } }]",
      `environments: [{ environment_key: e, spec: { environment_version: "4", dependencies: [dist/${wheel}] } }]
      tasks: [{ task_key: score, environment_key: e, spark_python_task: { python_file: src/scoring/main.py } }]`,
    );
    const dev = await scene("dev", {}, { "databricks.yml": bundle, "src/scoring/main.py": "print(1)\n" });
    await dev.promote({ wheels });
    dev.change({ "src/scoring/main.py": "print(2)\n" });
    await dev.promote({ wheels });
    const kept = await rollbackScene(dev);
    expect(failures(kept.result)).toEqual([]);
    dev.change({ "src/scoring/main.py": "print(3)\n" });
    for (const path of dev.world.files("dev").filter((file) => file.endsWith(wheel))) {
      await deletePath(dev.connect(), `/Workspace${path}`);
    }
    const before = dev.writes().length;
    await expect(rollbackScene(dev, { to: dev.repository.git("rev-parse", "HEAD~1") })).rejects.toMatchObject({
      findings: [{ id: "rollback/content-gone" }],
    });
    expect(dev.writes()).toHaveLength(before);
  });

  it("bytes that somebody changed in the old release's folder stop it, before anything is written", async () => {
    const { prod } = await twoReleases();
    const [first] = prod.world
      .files("prod")
      .filter((file) => file.endsWith("/src/scoring/score"))
      .toSorted();
    for (const path of prod.world.files("prod").filter((file) => file.endsWith("/src/scoring/score"))) {
      prod.world.writeFile("prod", path, "# Databricks notebook source\nprint('owned')\n");
    }
    expect(first).toBeDefined();
    const before = prod.writes().length;
    await expect(rollbackScene(prod)).rejects.toMatchObject({ findings: [{ id: "release/folder-tampered" }] });
    expect(prod.writes()).toHaveLength(before);
  });

  it("a ledger: it says how it is made again", async () => {
    const { prod } = await twoReleases();
    await deletePath(prod.connect(), `${prod.folder}/ledger.json`);
    await expect(rollbackScene(prod)).rejects.toMatchObject({ findings: [{ id: "ledger/missing" }] });
  });
});

describe("which release", () => {
  it("a named one that was never here by any run that can be believed is refused", async () => {
    const { prod, good } = await twoReleases();
    await expect(rollbackScene(prod, { to: good, judged: () => ({ wasHere: false }) })).rejects.toMatchObject({
      findings: [{ id: "rollback/not-proven" }],
    });
  });

  it("one that was never verified is not chosen, and may be named", async () => {
    const { prod, good } = await twoReleases();
    const judged = () => ({ verified: false });
    await expect(rollbackScene(prod, { judged })).rejects.toMatchObject({
      findings: [{ id: "rollback/none-verified" }],
    });
    const { result } = await rollbackScene(prod, { to: good, judged });
    expect(failures(result)).toEqual([]);
    expect(result.summary).toContain("no run that can be believed says so");
  });

  it("one that the tier never had is not found, and what it had is shown", async () => {
    const { prod, good } = await twoReleases();
    const had = new RegExp(`${good.slice(0, 12)} \\([-\\d]{10} [:\\d]{5} UTC\\)`);
    await expect(rollbackScene(prod, { to: "abcdef0" })).rejects.toMatchObject({
      findings: [{ id: "rollback/unknown-release", remedy: expect.stringMatching(had) as string }],
    });
  });

  it("a pipeline that would have to be recreated stops it, since its tables would be lost", async () => {
    const source = (connection: string) =>
      BUNDLE.replace(
        "libraries: [{ file: { path: src/data/ingest.sql } }]",
        `ingestion_definition: { connection_name: ${connection} }`,
      );
    const contract = CONTRACT.replace("prod: {", "prod: { destructive: [pipelines.ingest],");
    const prod = await scene("prod", {}, { "four-tier.yml": contract, "databricks.yml": source("crm") });
    await approve(prod);
    prod.change({ "databricks.yml": source("erp") });
    expect(failures((await approve(prod)).result)).toEqual([]);
    const before = prod.writes().length;
    await expect(rollbackScene(prod)).rejects.toMatchObject({ findings: [{ id: "rollback/destructive" }] });
    expect(prod.writes()).toHaveLength(before);
  });
});

describe("what is named to be deleted and does not carry our mark", () => {
  async function withExtra() {
    const prod = await scene("prod");
    await approve(prod);
    const bundle = `${BUNDLE.trimEnd()}\n    extra:\n      name: extra\n      tasks: [{ task_key: a, condition_task: { op: EQUAL_TO, left: a, right: a } }]\n`;
    const bad = prod.change({ "databricks.yml": bundle });
    expect(failures((await approve(prod)).result)).toEqual([]);
    const take = () => prod.world.changeJob("prod", "extra", (settings) => void (settings["tags"] = {}));
    return { prod, bad, take };
  }

  it("is not deleted: the rollback is refused before anything is written", async () => {
    const { prod, take } = await withExtra();
    take();
    const before = prod.writes().length;
    await expect(rollbackScene(prod, { deletes: ["jobs.extra"] })).rejects.toMatchObject({
      findings: [{ id: "release/not-marked" }],
    });
    expect(prod.writes()).toHaveLength(before);
    expect(names(prod)).toContain("extra");
  });

  it("is not deleted either if it lost the mark while the rollback waited for its turn", async () => {
    const { prod, bad, take } = await withExtra();
    const { result, records } = await rollbackScene(prod, {
      deletes: ["jobs.extra"],
      onLine: (line) => {
        if (line === "── pause") take();
      },
    });
    expect(failures(result)).toEqual(["release/not-marked", "promote/unfinished"]);
    expect(records).toMatchObject([{ ended: "failure: 0 of 1 changes applied" }]);
    expect(names(prod)).toContain("extra");
    expect((await ledgerOf(prod)).release?.commit).toBe(bad);
  });
});

describe("a rollback that does not come to its end", () => {
  it("leaves schedules paused and the tier held; the next run ends it and gives back the first mix", async () => {
    const prod = await scene("prod");
    const good = prod.repository.git("rev-parse", "HEAD");
    await approve(prod);
    prod.change({ ...better("bad"), "src/data/ingest.sql": "select 2\n" });
    await approve(prod);
    const stop = new AbortController();
    prod.simulator.when({ method: "PUT", path: "/api/2.0/pipelines/*", run: () => stop.abort() });
    const broken = await rollbackScene(prod, { run: "71", signal: stop.signal });
    expect(failures(broken.result)).toEqual(["rollback/cancelled", "promote/unfinished"]);
    expect(broken.records).toMatchObject([{ ended: expect.stringMatching(/^failure: 1 of 2/) as string }]);
    expect(broken.result.summary).toContain("Its schedules stay paused");
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "PAUSED" });
    expect(held((await ledgerOf(prod)).holds, "tier")).toHaveLength(1);
    expect((await ledgerOf(prod)).pending?.release.commit).toBe(good);

    // Without a name: neither further back nor forward again to what was left, but to its end.
    const { result } = await rollbackScene(prod, { run: "72" });
    expect(failures(result)).toEqual([]);
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
    const { holds, release, pending } = await ledgerOf(prod);
    expect([held(holds, "schedules"), held(holds, "tier").length, release?.commit, pending]).toEqual([
      [],
      1,
      good,
      undefined,
    ]);
  });

  it("goes to the same release when it is run again without a name: in a new run, and as another attempt", async () => {
    const prod = await scene("prod");
    await approve(prod);
    const good = prod.change(better("good"));
    await approve(prod);
    prod.change({ ...better("bad"), "src/data/ingest.sql": "select 2\n" });
    await approve(prod);
    const stop = new AbortController();
    prod.simulator.when({ method: "PUT", path: "/api/2.0/pipelines/*", run: () => stop.abort() });
    expect(failures((await rollbackScene(prod, { run: "71", signal: stop.signal })).result)).toContain(
      "rollback/cancelled",
    );
    const next = await rollbackScene(prod, { run: "72" });
    expect(next.result.findings.map(({ id, message }) => `${id} ${message}`)).toEqual([
      expect.stringMatching(`^rollback/taken-up .*run 71.*${good.slice(0, 12)}`),
    ]);
    expect((await ledgerOf(prod)).release?.commit).toBe(good);
    // "Re-run all jobs" of a run that came to its end is no second rollback.
    const again = await rollbackScene(prod, { run: "72" });
    expect([failures(again.result), again.result.outputs["commit"]]).toEqual([[], good]);
  });

  it("that could not give back everything goes to the same release when it is run again without a name", async () => {
    const prod = await scene("prod");
    await approve(prod);
    const good = prod.change(better("good"));
    await approve(prod);
    prod.change(better("bad"));
    await approve(prod);
    const refused = { status: 403, code: "PERMISSION_DENIED", message: "no" };
    prod.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      run: () =>
        void prod.simulator.fault({ method: "POST", path: "/api/2.2/jobs/update", effect: "error", ...refused }),
    });
    const { result } = await rollbackScene(prod);
    expect(failures(result)).not.toEqual([]);
    const next = await rollbackScene(prod);
    expect([failures(next.result), next.result.outputs["commit"]]).toEqual([[], good]);
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "UNPAUSED" });
  });

  it("is over once a promotion has gone over it: the next one without a name goes back from that", async () => {
    const prod = await scene("prod");
    await approve(prod);
    const good = prod.change(better("good"));
    await approve(prod);
    const bad = prod.change({ ...better("bad"), "src/data/ingest.sql": "select 2\n" });
    await approve(prod);
    const stop = new AbortController();
    prod.simulator.when({ method: "PUT", path: "/api/2.0/pipelines/*", run: () => stop.abort() });
    await rollbackScene(prod, { signal: stop.signal, to: good });
    prod.change(better("fixed"));
    const brief = await prod.promote({ decisions: {} });
    const digests = { release: brief.result.outputs["release-digest"], plan: brief.result.outputs["plan-digest"] };
    await writeLedger(prod.connect(), prod.folder, {
      ...(await ledgerOf(prod)),
      // Somebody resumed the tier; the schedules stay held.
      holds: (await ledgerOf(prod)).holds.filter(({ kind }) => kind === "schedules"),
    });
    expect(failures((await prod.promote({ approved: digests })).result)).toEqual([]);
    expect((await rollbackScene(prod)).result.outputs["commit"]).toBe(bad);
  });

  it("that cannot pause something changes nothing more, and reports it under its record", async () => {
    const refused = { status: 403, code: "PERMISSION_DENIED", message: "no" };
    const fault = {
      method: "POST",
      path: "/api/2.2/jobs/update",
      effect: "error",
      times: "always",
      ...refused,
    } as const;
    const prod = await scene("prod", { faults: [fault] });
    await approve(prod);
    const bad = prod.change(better("bad"));
    await approve(prod);
    const { result, records } = await rollbackScene(prod);
    expect(failures(result)).toEqual(["schedules/not-applied", "promote/unfinished"]);
    expect(records).toMatchObject([{ ended: "failure: 0 of 1 changes applied" }]);
    expect(result.summary).toContain("not all of its schedules could be paused");
    const { release, holds } = await ledgerOf(prod);
    expect(release?.commit).toBe(bad);
    expect(held(holds, "tier")).toHaveLength(1);
    expect(jobWrites(prod.writes()).filter((write) => write.endsWith("/reset"))).toHaveLength(1);
  });

  it("in GitHub's record alone is to be run again: the tier is held, so a promotion would not do", async () => {
    const { prod, good } = await twoReleases();
    const { result } = await rollbackScene(prod, {
      github: (what, ask) => (what === "POST statuses" ? Promise.reject(new Error("502")) : ask()),
    });
    expect(failures(result)).toEqual(["promote/not-recorded"]);
    expect(result.findings[0]?.remedy).toContain(`run the rollback again, with to: ${good.slice(0, 12)}`);
    const again = await rollbackScene(prod, { to: good });
    expect(failures(again.result)).toEqual([]);
    expect(again.records).toMatchObject([{ ended: expect.stringMatching(/^success/) as string }]);
  });

  it("because nobody records it writes nothing at all", async () => {
    const { prod } = await twoReleases();
    const before = prod.writes().length;
    const down = { id: "github/failed", severity: "unknown", message: "502", remedy: "Wait." } as const;
    const broken = rollbackScene(prod, { github: () => Promise.reject(new FourTierError(down)) });
    await expect(broken).rejects.toMatchObject({ findings: [{ id: "github/failed" }] });
    expect(
      prod
        .writes()
        .slice(before)
        .filter((write) => !/\/lock\.\d+(\.released)?$|workspace\/delete$/.test(write)),
    ).toEqual([]);
    expect((await ledgerOf(prod)).holds).toEqual([]);
  });

  it.each<[string, (prod: Scene) => void, string]>([
    [
      "the service",
      ({ simulator }) =>
        simulator.fault({
          method: "GET",
          path: "/api/2.2/jobs/list",
          effect: "error",
          times: "always",
          status: 403,
          code: "PERMISSION_DENIED",
          message: "no",
        }),
      "databricks/refused",
    ],
    ["a lost lock", (prod) => prod.world.writeFile("prod", `${prod.folder}/lock.999`, "{}"), "ledger/lock-lost"],
  ])("since %s stops it when it gives back, reports that the tier is back and quiet", async (_what, stop, id) => {
    const { prod, good } = await twoReleases();
    const { result, records, log } = await rollbackScene(prod, {
      onLine: (line) => {
        if (line === "── schedules") stop(prod);
      },
    });
    expect(failures(result)).toEqual([id, "promote/unfinished"]);
    expect(result.findings.at(-1)?.remedy).toContain(`run the rollback again, with to: ${good.slice(0, 12)}`);
    expect(records).toMatchObject([{ ended: "failure: 1 of 1 changes applied" }]);
    expect(result.summary).toContain("is back at");
    expect(result.summary).toContain("does **not** run as before");
    expect(log.join("\n")).toContain("did not come to its end");
    const { release, pending } = await ledgerOf(prod);
    expect([release?.commit, pending]).toEqual([good, undefined]);
    expect(prod.world.job("prod", "refresh").settings["schedule"]).toMatchObject({ pause_status: "PAUSED" });
  });

  it("waits for a promotion that holds the lock, and does not undo what came meanwhile unseen", async () => {
    const { prod } = await twoReleases();
    const lock = `${prod.folder}/lock.99`;
    prod.world.writeFile("prod", lock, JSON.stringify({ run: "1", attempt: 1, job: "x", token: "t", at: "now" }));
    let looks = 0;
    const before = prod.writes().length;
    const waiting = rollbackScene(prod, {
      pause: async () => {
        if (++looks !== 2) return;
        const ledger = await ledgerOf(prod);
        if (ledger.release === undefined) throw new Error("nothing there");
        const { writeLedger } = await import("../src/ledger/store.ts");
        await writeLedger(prod.connect(), prod.folder, {
          ...ledger,
          release: { ...ledger.release, digest: "e".repeat(64) },
        });
        prod.world.writeFile("prod", `${lock}.released`, "{}");
      },
    });
    await expect(waiting).rejects.toMatchObject({ findings: [{ id: "rollback/changed-meanwhile" }] });
    expect(jobWrites(prod.writes().slice(before))).toEqual([]);
  });
});
