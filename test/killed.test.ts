/**
 * A run dies, and the next one finishes or undoes its work. What a dead run leaves is decided by the writes that took
 * effect, and by nothing that it read; so it is killed behind every write, and once more with those of the next writes
 * arriving that were on the way beside the first of them. Killed before a write, or behind a read, leaves the same.
 */
import { describe, expect, it } from "vitest";
import type { LedgerRelease } from "../src/ledger/model.ts";
import { Crossing, failedOf, script, type Tier, type Told } from "./crossing.ts";
import { BUNDLE, CONTRACT, FILES } from "./promotion-files.ts";
import { killedAfter, preempting, type Seat, type Sent } from "./turns.ts";

const LONG = 600_000;

interface Killing {
  readonly crossing: Crossing;
  readonly has: readonly number[];
  readonly run: (tier: Tier) => (seat: Seat) => Promise<Told>;
  /** What comes after it, and what it must come to. */
  readonly next: (tier: Tier) => Promise<void>;
  /** What the run fails with where nobody kills it. */
  readonly fails?: readonly string[];
  /** Behind which writes it is killed: how many have taken effect by then. Default: none, and each but the last. */
  readonly behind?: (writes: readonly Sent[]) => readonly number[];
}

const everyWrite = (writes: readonly Sent[]): readonly number[] => writes.map((_, index) => index);

/** Kills the run behind each of its writes; gives how often. */
async function killEverywhere(
  { crossing, has, run, next, fails = [], behind = everyWrite }: Killing,
  holes: boolean,
): Promise<number> {
  const whole = await crossing.tier(has);
  const { sent, ends } = await whole.play(preempting([]), { dead: run(whole) });
  expect(failedOf(ends["dead"])).toEqual(fails);
  await whole.close();
  const counts = behind(sent.filter((each) => each.writes));
  const beside = (waiting: readonly Sent[]): number[] =>
    waiting.flatMap((each, index) => (index > 0 && each.writes ? [index] : []));
  for (const count of counts) {
    const tier = await crossing.tier(has);
    const killed = await tier.play(killedAfter(count, holes ? beside : undefined), { dead: run(tier) });
    try {
      expect(killed.ends["dead"]).toBe("killed");
      expect(tier.duplicates()).toEqual([]);
      await next(tier);
    } catch (error) {
      throw new Error(`killed after ${count} writes:\n${script(killed.sent)}\n${String(error)}`, { cause: error });
    } finally {
      await tier.close();
    }
  }
  return counts.length;
}

const KINDS = `
  schemas:
    gold:
      name: gold
      catalog_name: \${var.catalog}
      comment: What is served
      grants: [{ principal: readers, privileges: [USE SCHEMA, SELECT] }]
  volumes:
    files: { name: files, catalog_name: "\${var.catalog}", schema_name: "\${resources.schemas.gold.name}" }
  registered_models:
    churn: { name: churn, catalog_name: "\${var.catalog}", schema_name: "\${resources.schemas.gold.name}" }
  experiments:
    training:
      name: /Users/\${workspace.current_user.userName}/churn/training
      permissions: [{ level: CAN_READ, group_name: readers }]
`;
const ONE_COMPONENT = CONTRACT.slice(0, CONTRACT.indexOf("components:"));
const SMALL = BUNDLE.slice(0, BUNDLE.indexOf("    watch:"));
const { "lib/shared.py": _none, ...files } = FILES;
const release = (text: string, number: number) => ({
  "databricks.yml": text.replace("max_concurrent_runs: 1", `max_concurrent_runs: ${number}`),
  "src/scoring/score.py": `# Databricks notebook source\nprint(${number})\n`,
});

const promotes = (tier: Tier, number: number) => (seat: Seat) => tier.promote(number, { ...seat, run: "dead" });

describe("a first promotion of everything there is, killed behind every write", () => {
  const all = new Crossing(
    "dev",
    [
      { ...files, "four-tier.yml": ONE_COMPONENT, ...release(SMALL + KINDS.slice(1), 1) },
      release(SMALL + KINDS.slice(1), 2),
    ],
    {
      groups: { readers: { members: ["mona@example.com"] } },
      catalogs: { dev: { owner: "ml-pipelines-dev" } },
    },
  );
  it.each([
    ["the same commit finishes it", 0, false],
    ["a newer commit goes over it, and what was on the way arrives", 1, true],
  ])("%s", { timeout: LONG }, async (_name, number, holes) => {
    const killing: Killing = {
      crossing: all,
      has: [],
      run: (tier) => promotes(tier, 0),
      next: (tier) => tier.proveWhole(number),
    };
    expect(await killEverywhere(killing, holes)).toBeGreaterThan(15);
  });
});

describe("an update that creates, changes, replaces and deletes, killed behind every write", () => {
  const feed = (connection: string): string =>
    `feed: { name: feed, catalog: "\${var.catalog}", schema: bronze, serverless: true, ingestion_definition: { connection_name: ${connection} } }`;
  const at = (connection: string): string => SMALL.replace("  pipelines:\n", `  pipelines:\n    ${feed(connection)}\n`);
  const before = `${at("a")}    going: { name: going }\n`;
  const after = `${at("b").replace("0 5 * * * ?", "0 6 * * * ?")}    coming: { name: coming }\n`;
  const free = ONE_COMPONENT.replace("dev: { workspace", 'dev: { destructive: ["*"], workspace');
  const update = new Crossing("dev", [
    { ...files, "four-tier.yml": free, ...release(before, 1) },
    release(after, 2),
    release(after, 3),
  ]);
  it.each([
    ["the same commit finishes it", 1, false],
    ["a newer commit goes over it, and what was on the way arrives", 2, true],
  ])("%s", { timeout: LONG }, async (_name, number, holes) => {
    const killing: Killing = {
      crossing: update,
      has: [0],
      run: (tier) => promotes(tier, 1),
      next: (tier) => tier.proveWhole(number),
    };
    expect(await killEverywhere(killing, holes)).toBeGreaterThan(12);
  });
});

const prod = new Crossing("prod", [
  { ...files, "four-tier.yml": ONE_COMPONENT, ...release(SMALL, 1) },
  release(SMALL.replace("0 5 * * * ?", "0 6 * * * ?"), 2),
]);

const three = new Crossing("prod", [
  { ...files, "four-tier.yml": ONE_COMPONENT, ...release(SMALL, 1) },
  release(SMALL.replace("0 5 * * * ?", "0 6 * * * ?"), 2),
  release(SMALL.replace("0 5 * * * ?", "0 7 * * * ?"), 3),
]);

it("a rollback that is killed behind any write is taken up by the next one, and ends there, though nobody names it", {
  timeout: LONG,
}, async () => {
  const killing: Killing = {
    crossing: three,
    has: [0, 1, 2],
    run: (tier) => (seat) => tier.rollBack(1, { ...seat, run: "dead", to: "" }),
    next: async (tier) => {
      expect(failedOf({ value: await tier.rollBack(1, { run: "next", to: "" }) })).toEqual([]);
      expect(tier.holds()).toEqual(["tier"]);
      await tier.proveStanding(1);
      expect(scheduleOf(tier)).toBe("UNPAUSED");
      // It has ended: the next one goes further back.
      expect(failedOf({ value: await tier.rollBack(0, { run: "last", to: "" }) })).toEqual([]);
      await tier.proveStanding(0);
    },
  };
  expect(await killEverywhere(killing, true)).toBeGreaterThan(15);
});

it("a rollback that was told where to go ends there, too, where the next one would choose another by itself", {
  timeout: LONG,
}, async () => {
  const killing: Killing = {
    crossing: three,
    has: [0, 1, 2],
    // Past the last release but one, which is where a rollback goes that nobody names.
    run: (tier) => (seat) => tier.rollBack(0, { ...seat, run: "dead" }),
    // Where it goes is in the ledger alone: from its first write on, and until the last, which says that it is there.
    behind: (writes) =>
      writes.flatMap(({ what }, index) => (what.includes("ledger.json") ? [index + 1] : [])).slice(0, -1),
    next: async (tier) => {
      expect(failedOf({ value: await tier.rollBack(0, { run: "next", to: "" }) })).toEqual([]);
      expect(tier.holds()).toEqual(["tier"]);
      await tier.proveStanding(0);
      expect(scheduleOf(tier)).toBe("UNPAUSED");
    },
  };
  expect(await killEverywhere(killing, false)).toBeGreaterThan(3);
});

describe("a promotion that fails and puts the tier back, killed behind every write", () => {
  const crossing = new Crossing("prod", [
    {
      ...files,
      "four-tier.yml": ONE_COMPONENT.replace("prod: { workspace", "prod: { on_failure: rollback, workspace"),
      ...release(BUNDLE, 1),
    },
    release(`${BUNDLE.replace("0 5 * * * ?", "0 6 * * * ?")}    coming: { name: coming }\n`, 2),
  ]);
  const killing = {
    crossing,
    has: [0],
    run: (tier: Tier) => {
      tier.scene.simulator.fault({ method: "POST", path: "/api/2.2/jobs/reset", effect: "error", status: 403, nth: 2 });
      return (seat: Seat) => tier.promote(1, { ...seat, run: "dead" });
    },
    fails: ["databricks/refused", "promote/undone"],
  };
  // Killed early it has not met what fails it: the next run does, and the one after that is through.
  const through = async (go: () => Promise<Told>): Promise<void> => {
    const failed = failedOf({ value: await go() });
    if (failed.length === 0) return;
    expect(failed).toContain("databricks/refused");
    expect(failedOf({ value: await go() })).toEqual([]);
  };

  it("the same commit goes in, and what half of each is left is nobody's hand", { timeout: LONG }, async () => {
    const undoing: string[] = [];
    const next = async (tier: Tier): Promise<void> => {
      if (tier.ledger()?.pending?.release.commit === crossing.commits[0]) undoing.push(tier.holds().join());
      await through(() => tier.promote(1, { lockWaitMs: 0 }));
      expect(tier.holds()).toEqual([]);
      await tier.proveStanding(1);
    };
    expect(await killEverywhere({ ...killing, next }, false)).toBeGreaterThan(15);
    expect(undoing.length).toBeGreaterThan(1);
    expect(new Set(undoing)).toEqual(new Set(["tier"]));
  });
});

it.each(["hold", "resume"] as const)(
  "a %s that is killed behind any write is lifted whole",
  { timeout: LONG },
  async (what) => {
    const killing: Killing = {
      crossing: prod,
      has: [0],
      run: (tier) => async (seat) => {
        if (what === "resume") await tier.schedules("hold", "before");
        return tier.schedules(what, "dead", seat);
      },
      next: async (tier) => {
        expect(failedOf({ value: await tier.schedules("hold", "next") })).toEqual([]);
        expect(scheduleOf(tier)).toBe("PAUSED");
        expect(failedOf({ value: await tier.schedules("resume", "last") })).toEqual([]);
        expect(tier.holds()).toEqual([]);
        await tier.proveStanding(0);
        expect(scheduleOf(tier)).toBe("UNPAUSED");
      },
    };
    expect(await killEverywhere(killing, false)).toBeGreaterThan(4);
  },
);

const running = `${SMALL.trimEnd()}\n    loop:\n      name: loop\n      continuous: {}\n      tasks: [{ task_key: a, notebook_task: { notebook_path: src/scoring/score.py } }]\n`;

it("a promotion to prod that is killed behind any write, and what runs all the time, has the new release after the next one", {
  timeout: LONG,
}, async () => {
  const crossing = new Crossing("prod", [
    { ...files, "four-tier.yml": ONE_COMPONENT, ...release(running, 1) },
    release(running, 2),
  ]);
  const killing: Killing = {
    crossing,
    has: [0],
    run: (tier) => promotes(tier, 1),
    next: async (tier) => {
      expect(failedOf({ value: await tier.promote(1, { lockWaitMs: 0 }) })).toEqual([]);
      await tier.proveStanding(1);
      const [newest] = tier.scene.world.runs("prod", "loop");
      expect(newest?.settings).toEqual(tier.scene.world.job("prod", "loop").settings);
      expect(tier.ledger()?.unrolled ?? []).toEqual([]);
    },
  };
  expect(await killEverywhere(killing, false)).toBeGreaterThan(10);
});

const dev = new Crossing("dev", [{ ...files, "four-tier.yml": ONE_COMPONENT, ...release(SMALL, 1) }]);

it("a verification that is killed behind any write keeps nobody from verifying, and counts for nothing by itself", {
  timeout: LONG,
}, async () => {
  const killing: Killing = {
    crossing: dev,
    has: [0],
    run: (tier) => (seat) => tier.verify("dead", seat),
    next: async (tier) => {
      // What it had started goes on in the tier, and ends there by itself: the next one's waits for it in the queue.
      const { world } = tier.scene;
      for (const run of world.runs("dev", "score")) if (run.result === undefined) world.finishRun("dev", run);
      expect(await tier.verify("next")).toMatchObject({ recorded: [{ number: 0, passed: true }] });
      expect(tier.ledger()?.verifications?.map(({ passed }) => passed)).toEqual([true]);
      await tier.proveWhole(0);
    },
  };
  expect(await killEverywhere(killing, false)).toBeGreaterThan(4);
});

it("a ledger that was being made again when the run was killed is made again by the next one", {
  timeout: LONG,
}, async () => {
  const lost = new WeakMap<Tier, Promise<LedgerRelease>>();
  const had = (tier: Tier): Promise<LedgerRelease> => {
    const release = lost.get(tier) ?? tier.lose(0);
    lost.set(tier, release);
    return release;
  };
  const killing: Killing = {
    crossing: dev,
    has: [0],
    run: (tier) => async (seat) => tier.rebuild(await had(tier), "dead", seat),
    next: async (tier) => {
      expect(failedOf({ value: await tier.rebuild(await had(tier), "next") })).toEqual([]);
      await tier.proveWhole(0);
    },
  };
  expect(await killEverywhere(killing, false)).toBeGreaterThan(2);
});

it.each(["hold", "resume"] as const)(
  "a tier's %s that is killed behind any write is decided by the next one",
  { timeout: LONG },
  async (what) => {
    const killing: Killing = {
      crossing: dev,
      has: [0],
      run: (tier) => async (seat) => {
        if (what === "resume") await tier.operate("hold", "before");
        return tier.operate(what, "dead", seat);
      },
      next: async (tier) => {
        expect(failedOf({ value: await tier.operate("hold", "next") })).toEqual([]);
        expect(tier.holds()).toContain("tier");
        expect(failedOf({ value: await tier.operate("resume", "last") })).toEqual([]);
        expect(tier.holds()).toEqual([]);
        await tier.proveWhole(0);
      },
    };
    expect(await killEverywhere(killing, false)).toBeGreaterThan(3);
  },
);

function scheduleOf(tier: Tier): string {
  const { schedule } = tier.scene.world.job("prod", "refresh").settings as { schedule: { pause_status: string } };
  return schedule.pause_status;
}
