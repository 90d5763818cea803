import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isFailure } from "../src/findings.ts";
import { emptyLedger } from "../src/ledger/model.ts";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import { approve, failures, jobWrites, names, Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT, FILES } from "./promotion-files.ts";

const ALL = ["refresh", "score", "watch", "ingest"];

describe("a change by hand", () => {
  it("is put back in dev, and said", async () => {
    const dev = await scene();
    await dev.promote();
    dev.world.changeJob("dev", "score", (settings) => void (settings["max_concurrent_runs"] = 9));
    const { result, writes } = await dev.promote();
    expect(result.findings.map(({ id, severity }) => `${severity} ${id}`)).toContain("warning gate/drift-changed");
    expect(result.findings.filter(isFailure)).toEqual([]);
    expect(jobWrites(writes)).toEqual(["POST /api/2.2/jobs/reset"]);
    expect(dev.world.job("dev", "score").settings).toMatchObject({ max_concurrent_runs: 1 });
  });

  it("on what the release does not have any more goes with it, in dev, and that is said", async () => {
    const dev = await scene();
    await dev.promote();
    dev.change({
      "databricks.yml": BUNDLE.slice(0, BUNDLE.indexOf("    watch:")),
      "four-tier.yml": CONTRACT.replace(", jobs.watch", "").replace("dev: { ", "dev: { destructive: [jobs.watch], "),
    });
    dev.world.changeJob("dev", "watch", (settings) => void (settings["max_concurrent_runs"] = 9));
    const { result } = await dev.promote();
    const said = result.findings.find(({ id }) => id === "gate/drift-changed");
    expect(said?.message).toContain("jobs.watch");
    expect(said?.remedy).toMatch(/deletes it, and the change goes with it/);
    expect(failures(result)).toEqual([]);
    expect(names(dev)).not.toContain("watch");
  });

  it("is refused in prod, shown, and goes through when it was accepted by its digest", async () => {
    const prod = await scene("prod");
    await approve(prod);
    prod.world.changeJob(
      "prod",
      "refresh",
      (settings) => void (settings["schedule"] = { ...(settings["schedule"] as object), pause_status: "PAUSED" }),
    );
    prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    const refused = await approve(prod);
    expect(failures(refused.result)).toEqual(["gate/drift-changed"]);
    expect(refused.writes).toEqual([]);
    expect(refused.result.summary).toMatch(/schedule\.pause.{1,5}status.*UNPAUSED → PAUSED/);
    const other = await approve(prod, "f".repeat(64));
    expect(failures(other.result)).toContain("gate/drift-other");
    expect(other.writes).toEqual([]);
    const accepted = await approve(prod, refused.result.outputs["drift-digest"]);
    expect(failures(accepted.result)).toEqual([]);
    expect(prod.world.job("prod", "refresh").settings).toMatchObject({ schedule: { pause_status: "UNPAUSED" } });
  });

  it("between the gate and the lock is seen under the lock", async () => {
    const prod = await scene("prod");
    await approve(prod);
    prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    prod.simulator.when({
      method: "POST",
      path: "*lock.2",
      run: () => prod.world.changeJob("prod", "score", (settings) => void (settings["max_concurrent_runs"] = 9)),
    });
    const { result, writes } = await approve(prod);
    expect(failures(result)).toEqual(["gate/drift-changed"]);
    expect(jobWrites(writes)).toEqual([]);
    expect(writes.filter((write) => write.includes("/releases/"))).toEqual([]);
  });

  it("that deleted a job brings it back", async () => {
    const dev = await scene();
    await dev.promote();
    dev.world.deleteJob("dev", "score");
    const { result } = await dev.promote();
    expect(failures(result)).toEqual([]);
    expect(names(dev)).toEqual(ALL);
    const watch = dev.world.job("dev", "watch").settings;
    expect(watch).toMatchObject({ tasks: [{ run_job_task: { job_id: dev.world.job("dev", "score").id } }] });
  });
});

describe("what was approved for prod", () => {
  it("is this release and this plan, and nothing else is applied", async () => {
    const prod = await scene("prod");
    const nothing = await prod.promote();
    expect(failures(nothing.result)).toEqual(["gate/plan-digest-no-release", "gate/plan-digest-no-plan"]);
    const wrong = await prod.promote({
      approved: { release: nothing.result.outputs["release-digest"], plan: "f".repeat(64) },
    });
    expect(failures(wrong.result)).toEqual(["gate/plan-digest-other-plan"]);
    expect([...nothing.writes, ...wrong.writes]).toEqual([]);
  });

  it("is computed again under the lock: what the tier has may have changed since the gate was asked", async () => {
    const prod = await scene("prod");
    await approve(prod);
    prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('better')\n" });
    const brief = await prod.promote();
    const { "release-digest": release, "plan-digest": plan } = brief.result.outputs;
    let changed = false;
    const { result, records, writes } = await prod.promote({
      approved: { release, plan },
      through: (workspace) => ({
        ...workspace,
        call: async (request) => {
          if (!changed && request.method === "POST" && request.path.includes("lock")) {
            changed = true;
            const of = { project: "ml-pipelines", tier: "prod" } as const;
            const ledger = await readLedger(prod.connect(), prod.folder, of);
            if (ledger === undefined) throw new Error("there is no ledger");
            // Another run got in between: the tier's release has no such job any more.
            const resources = new Map([...ledger.resources].filter(([key]) => key !== "jobs.watch"));
            await writeLedger(prod.connect(), prod.folder, { ...ledger, resources });
          }
          return workspace.call(request);
        },
      }),
    });
    expect(changed).toBe(true);
    expect(failures(result)).toContain("gate/plan-digest-other-plan");
    expect(result.outputs["plan-digest"]).not.toBe(plan);
    expect([jobWrites(writes), records]).toEqual([[], []]);
  });

  it("is not the plan of the release before", async () => {
    const prod = await scene("prod");
    const first = await approve(prod);
    prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('unread')\n" });
    const brief = await prod.promote();
    const again = await prod.promote({
      approved: { release: brief.result.outputs["release-digest"], plan: first.result.outputs["plan-digest"] },
    });
    expect(failures(again.result)).toEqual(["gate/plan-digest-other-plan"]);
    expect(again.writes).toEqual([]);
  });
});

describe("a pipeline that is deleted", () => {
  it("keeps its tables: a release never removes data", async () => {
    const dev = await scene();
    await dev.promote();
    const jobs = BUNDLE.slice(BUNDLE.indexOf("    score:"));
    const head = BUNDLE.slice(0, BUNDLE.indexOf("  pipelines:"));
    dev.change({
      "databricks.yml": `${head}  jobs:\n${jobs}`,
      "four-tier.yml": (FILES["four-tier.yml"] ?? "")
        .replace('data: { files: ["src/data/**"], resources: [pipelines.ingest, jobs.refresh] }\n  ', "")
        .replace("dev: {", "dev: { destructive: [pipelines.ingest, jobs.refresh],"),
    });
    const { result } = await dev.promote();
    expect(failures(result)).toEqual([]);
    const deletions = dev.simulator.requests.filter(({ method }) => method === "DELETE");
    expect(deletions).toMatchObject([{ query: { cascade: "false" } }]);
    expect(names(dev)).toEqual(["score", "watch"]);
  });
});

describe("what was written", () => {
  it("is read back, and what reads back different fails the promotion", async () => {
    const dev = await scene();
    dev.simulator.when({
      method: "GET",
      path: "/api/2.2/jobs/get",
      run: () => dev.world.changeJob("dev", "refresh", (settings) => void (settings["max_concurrent_runs"] = 7)),
    });
    const bundle = BUNDLE.replace("name: refresh\n", "name: refresh\n      max_concurrent_runs: 2\n");
    dev.change({ "databricks.yml": bundle });
    const { result, records } = await dev.promote();
    expect(failures(result)).toEqual(["release/not-as-applied"]);
    expect(result.findings.find(({ id }) => id === "release/not-as-applied")?.message).toContain(
      "max_concurrent_runs: 2 → 7",
    );
    expect(records).toMatchObject([{ ended: expect.stringMatching(/^failure/) as string }]);
    const again = await dev.promote();
    expect(failures(again.result)).toEqual([]);
    expect(jobWrites(again.writes)).toEqual(["POST /api/2.2/jobs/reset"]);
  });

  it("outside prod has no schedule that the release does not declare", async () => {
    const dev = await scene();
    dev.simulator.when({
      method: "GET",
      path: "/api/2.2/jobs/get",
      run: () =>
        dev.world.changeJob("dev", "score", (settings) => {
          settings["schedule"] = {
            quartz_cron_expression: "0 0 1 * * ?",
            timezone_id: "UTC",
            pause_status: "UNPAUSED",
          };
        }),
    });
    expect(failures((await dev.promote()).result)).toContain("release/schedule-runs");
  });
});

describe("a lock that is lost on the way", () => {
  it("ends the writing with the updates in flight: what needs them is not begun", async () => {
    const dev = await scene();
    await dev.promote();
    dev.change({
      "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2")
        .replace("0 5 * *", "0 6 * *")
        .replace("name: watch", "name: watch\n      max_concurrent_runs: 2"),
    });
    dev.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      after: true,
      run: () => dev.world.writeFile("dev", `${dev.folder}/lock.3`, "{}"),
    });
    const { result, writes } = await dev.promote();
    expect(failures(result)).toEqual(["ledger/lock-lost", "promote/unfinished"]);
    expect(jobWrites(writes)).toEqual(["POST /api/2.2/jobs/reset", "POST /api/2.2/jobs/reset"]);
    expect(dev.world.job("dev", "watch").settings).not.toMatchObject({ max_concurrent_runs: 2 });
  });

  it("leaves a folder that was being written without the manifest that says it is whole", async () => {
    const dev = await scene();
    dev.simulator.when({
      method: "POST",
      path: "*/score.py",
      after: true,
      run: () => dev.world.writeFile("dev", `${dev.folder}/lock.2`, "{}"),
    });
    const { result } = await dev.promote();
    expect(failures(result)).toEqual(["ledger/lock-lost", "promote/unfinished"]);
    expect(dev.world.files("dev").filter((path) => path.endsWith(".manifest.json"))).toEqual([]);
  });

  it("ends the writing with the creates in flight: what needs them is not begun", async () => {
    const dev = await scene();
    dev.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/create",
      after: true,
      run: () => dev.world.writeFile("dev", `${dev.folder}/lock.2`, "{}"),
    });
    const { result } = await dev.promote();
    expect(failures(result)).toEqual(["ledger/lock-lost", "promote/unfinished"]);
    expect(dev.world.jobs("dev").map(({ settings }) => settings["name"])).not.toContain("watch");
    expect(dev.world.jobs("dev")).toHaveLength(2);
  });
});

describe("a record that GitHub does not take", () => {
  it("is sent again", async () => {
    const dev = await scene();
    let asked = 0;
    const finish = (): Promise<void> => ((asked += 1) < 3 ? Promise.reject(new Error("502")) : Promise.resolve());
    const { result, records } = await dev.promote({ finish });
    expect(failures(result)).toEqual([]);
    expect(records).toMatchObject([{ ended: expect.stringMatching(/^success/) as string }]);
  });

  it("fails the run, and the same approved digests then find nothing to do and record that", async () => {
    const prod = await scene("prod");
    const brief = await prod.promote();
    const { "release-digest": release, "plan-digest": plan } = brief.result.outputs;
    const first = await prod.promote({ approved: { release, plan }, finish: () => Promise.reject(new Error("502")) });
    expect(failures(first.result)).toEqual(["promote/not-recorded"]);
    const second = await prod.promote({ approved: { release, plan } });
    expect(failures(second.result)).toEqual([]);
    expect(second.writes).toEqual([]);
    expect(second.records).toMatchObject([{ ended: expect.stringMatching(/^success: nothing to do/) as string }]);
    const other = await prod.promote({ approved: { release, plan: "f".repeat(64) } });
    expect(failures(other.result)).toEqual(["gate/plan-digest-other-plan"]);
  });
});

describe("the tier's folder", () => {
  it("with one byte changed stops whatever would use it, and a promotion that had nothing to do if asked", async () => {
    const dev = await scene();
    await dev.promote();
    const file = dev.world.files("dev", `${dev.folder}/releases`).find((path) => path.endsWith("/lib/shared.py")) ?? "";
    dev.world.flipByte("dev", file);
    const tampered = { findings: [{ id: "release/folder-tampered" }] };
    expect((await dev.promote()).result.summary).toContain("the bytes of files were not compared");
    await expect(dev.promote({ deep: true })).rejects.toMatchObject(tampered);
    // A schedule is no content: the folder stands already and would be used again.
    dev.change({ "databricks.yml": BUNDLE.replace("0 5 * *", "0 6 * *") });
    const before = dev.writes().length;
    await expect(dev.promote()).rejects.toMatchObject(tampered);
    expect(jobWrites(dev.writes().slice(before))).toEqual([]);
  });

  it("from which a file was deleted gets it back", async () => {
    const dev = await scene();
    await dev.promote();
    const file = dev.world.files("dev", `${dev.folder}/releases`).find((path) => path.endsWith("/lib/shared.py")) ?? "";
    dev.world.workspace("dev").files.delete(dev.world.principal("ml-pipelines-dev"), file, false);
    const { result, writes } = await dev.promote({ deep: true });
    expect(failures(result)).toEqual([]);
    expect(jobWrites(writes)).toEqual([]);
    expect(dev.world.readFile("dev", file)).toBeDefined();
  });

  it("holds the carried wheels, and the job points to them", async () => {
    const bundle = BUNDLE.replace(
      "tasks: [{ task_key: score, notebook_task: { notebook_path: src/scoring/score.py } }]",
      'environments: [{ environment_key: default, spec: { environment_version: "4", dependencies: [dist/churn-1.0-py3-none-any.whl] } }]\n      tasks: [{ task_key: score, environment_key: default, python_wheel_task: { package_name: churn, entry_point: score } }]',
    );
    const dev = await scene("dev", {}, { "databricks.yml": bundle });
    const bytes = new Uint8Array([80, 75, 3, 4, 0, 255]);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const wheels = [{ name: "churn-1.0-py3-none-any.whl", sha256, bytes }];
    const { result, records } = await dev.promote({ wheels });
    expect(failures(result)).toEqual([]);
    expect(records).toMatchObject([{ release: { artifacts: [{ name: "churn-1.0-py3-none-any.whl", sha256 }] } }]);
    const { environments } = dev.world.job("dev", "score").settings as {
      environments: { spec: { dependencies: string[] } }[];
    };
    const path = environments[0]?.spec.dependencies[0] ?? "";
    expect(path).toMatch(/\/releases\/scoring-[0-9a-f]{64}\/\.artifacts\/churn-1\.0-py3-none-any\.whl$/);
    expect(dev.world.readFile("dev", path)).toEqual(Buffer.from(bytes));
  });
});

it("a wheel that is in git is a file of the release: built by nobody, the same bytes in dev and prod, part of the digest", async () => {
  const WHEEL = "src/scoring/wheels/churn-1.0-py3-none-any.whl";
  const bundle = BUNDLE.replace(
    "tasks: [{ task_key: score, notebook_task: { notebook_path: src/scoring/score.py } }]",
    `environments: [{ environment_key: default, spec: { environment_version: "4", dependencies: [./${WHEEL}] } }]\n      tasks: [{ task_key: score, environment_key: default, python_wheel_task: { package_name: churn, entry_point: score } }]`,
  );
  const dev = await scene("dev", {}, { "databricks.yml": bundle, [WHEEL]: "" });
  const commit = (...bytes: number[]): string => {
    dev.repository.write(WHEEL, Buffer.from(bytes));
    return dev.repository.commit();
  };
  const first = commit(80, 75, 3, 4, 0, 254);
  const second = commit(80, 75, 3, 4, 13, 10, 255);
  expect((await dev.candidate(first)).digest).not.toBe((await dev.candidate(second)).digest);

  const prod = new Scene(dev.repository, (await scene("prod")).simulator, "prod");
  const runs = [await dev.promote(), await approve(prod)];
  expect(runs.map(({ result }) => failures(result))).toEqual([[], []]);
  expect(new Set(runs.map(({ result }) => result.outputs["release-digest"])).size).toBe(1);
  for (const { tier, world } of [dev, prod]) {
    const { environments } = world.job(tier, "score").settings as {
      environments: { spec: { dependencies: string[] } }[];
    };
    const path = environments[0]?.spec.dependencies[0] ?? "";
    expect(path).toMatch(new RegExp(`/releases/scoring-[0-9a-f]{64}/${WHEEL.replaceAll(".", "\\.")}$`));
    expect(world.readFile(tier, path)).toEqual(Buffer.from([80, 75, 3, 4, 13, 10, 255]));
  }
});

describe("a resource that stood before us", () => {
  const settings = { name: "score", tasks: [{ task_key: "old", notebook_task: { notebook_path: "/Shared/old" } }] };

  it("of the same name is refused, with the line that would adopt it", async () => {
    const dev = await scene("dev", {
      jobs: {
        dev: [
          { owner: "mona@example.com", settings, permissions: [{ principal: "ml-pipelines-dev", level: "CAN_VIEW" }] },
        ],
      },
    });
    const { result, writes } = await dev.promote();
    expect(failures(result)).toEqual(["gate/adoption-namesake"]);
    expect(result.findings.find(({ id }) => id === "gate/adoption-namesake")?.remedy).toContain(
      "adopt: { dev: { jobs.score:",
    );
    expect(writes).toEqual([]);
  });

  it("is taken over when the contract adopts it", async () => {
    const dev = await scene("dev", {
      jobs: { dev: [{ id: "830012345678901234", owner: "ml-pipelines-dev", settings }] },
    });
    dev.change({ "four-tier.yml": `${FILES["four-tier.yml"]}adopt: { dev: { jobs.score: "830012345678901234" } }\n` });
    // The default branch gave it up while the run waited for the lock: the release's own contract does not count.
    const refused = await dev.promote({ decisions: { adopt: new Map() } });
    expect(failures(refused.result)).toEqual(["gate/adoption-namesake"]);
    expect(jobWrites(refused.writes)).toEqual([]);
    const { result } = await dev.promote();
    expect(failures(result)).toEqual([]);
    // it is there, so nobody asks whether there is another
    const unseen = result.findings.filter(({ id }) => id === "gate/adoption-unseen");
    expect(unseen.map(({ message }) => message)).toEqual([expect.not.stringContaining("jobs.score")]);
    expect(names(dev)).toEqual(ALL);
    const job = dev.world.job("dev", "score");
    expect(String(job.id)).toBe("830012345678901234");
    expect(job.settings).toMatchObject({ tags: { four_tier_key: "jobs.score" }, tasks: [{ task_key: "score" }] });
    expect((await dev.promote()).writes).toEqual([]);
  });

  it.each([
    ["allowed", []],
    ["denied", ["release/run-as", "databricks/refused", "promote/unfinished"]],
  ] as const)("and runs as somebody else then runs as us, or it is said why not: %s", async (own, expected) => {
    const permissions = [{ principal: "ml-pipelines-dev", level: "CAN_MANAGE" }];
    const dev = await scene("dev", {
      behaviours: { run_as_itself: own },
      jobs: { dev: [{ id: "83", owner: "mona@example.com", settings, permissions }] },
    });
    dev.change({ "four-tier.yml": `${FILES["four-tier.yml"]}adopt: { dev: { jobs.score: "83" } }\n` });
    expect(failures((await dev.promote()).result)).toEqual(expected);
  });

  it("cannot be adopted by an id that is not there", async () => {
    const dev = await scene();
    dev.change({ "four-tier.yml": `${FILES["four-tier.yml"]}adopt: { dev: { jobs.score: "83" } }\n` });
    await expect(dev.promote()).rejects.toMatchObject({ findings: [{ id: "release/adopt-missing" }] });
  });
});

describe("a lost ledger", () => {
  const lose = (tier: Scene): void => {
    const path = `${tier.folder}/ledger.json`.replace("/Workspace", "");
    tier.world.workspace(tier.tier).files.delete(tier.world.principal(`ml-pipelines-${tier.tier}`), path, false);
  };

  it("is not taken for an empty tier where a run proves a release: nothing is written before it is rebuilt", async () => {
    const prod = await scene("prod");
    await approve(prod);
    prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('newer')\n" });
    lose(prod);
    const before = prod.writes().length;
    await expect(approve(prod)).rejects.toMatchObject({
      findings: [{ id: "ledger/missing", remedy: expect.stringContaining("rebuild: true") as string }],
    });
    expect(prod.writes()).toHaveLength(before);
    // One that holds only what was decided since says no more.
    await writeLedger(prod.connect(), prod.folder, emptyLedger("ml-pipelines", "prod"));
    await expect(approve(prod)).rejects.toMatchObject({ findings: [{ id: "ledger/missing" }] });
  });

  it("is noticed under the lock, too", async () => {
    const dev = await scene();
    await dev.promote();
    dev.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('newer')\n" });
    let lost = false;
    const promoting = dev.promote({
      through: (workspace) => ({
        ...workspace,
        call: (request) => {
          if (!lost && request.method === "POST" && request.path.includes("lock")) {
            lost = true;
            lose(dev);
          }
          return workspace.call(request);
        },
      }),
    });
    await expect(promoting).rejects.toMatchObject({ findings: [{ id: "ledger/missing" }] });
    expect(lost).toBe(true);
    expect(dev.world.readFile("dev", `${dev.folder}/ledger.json`)).toBeUndefined();
  });

  it("costs nothing where nothing was proven yet: what is ours is found by its tags", async () => {
    const dev = await scene();
    await dev.promote();
    dev.recorded = undefined;
    const before = dev.world.picture("dev").map(({ id }) => id);
    lose(dev);
    const { result } = await dev.promote();
    expect(failures(result)).toEqual([]);
    expect(dev.world.picture("dev").map(({ id }) => id)).toEqual(before);
    expect((await dev.promote()).writes).toEqual([]);
  });
});

describe("permissions", () => {
  it("are written if declared, with the tier's principal as the one owner, and not written again", async () => {
    const bundle = BUNDLE.replace(
      "    score:\n      name: score\n",
      "    score:\n      name: score\n      permissions: [{ user_name: mona@example.com, level: CAN_VIEW }]\n",
    );
    const dev = await scene("dev", {}, { "databricks.yml": bundle });
    const first = await dev.promote();
    expect(failures(first.result)).toEqual([]);
    const puts = first.writes.filter((write) => write.includes("/permissions/"));
    expect(puts).toEqual([`PUT /api/2.0/permissions/jobs/${dev.world.job("dev", "score").id}`]);
    expect((await dev.promote()).writes).toEqual([]);
  });
});
