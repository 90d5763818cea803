/**
 * Two runs in one tier, interleaved request by request. Bounded: every place at which one can be interrupted once by the
 * other, and every two writes, the lock's among them; of orders that differ only in requests that come to the same in
 * either order, one. Then at random: `SEED=7 INTERLEAVINGS=500` tries more than the few that always run, and a failure
 * names its seed.
 */
import { describe, expect, it } from "vitest";
import { Crossing, failedOf, script, type Tier, type Told } from "./crossing.ts";
import { BUNDLE, CONTRACT, FILES } from "./promotion-files.ts";
import { atRandom, type Ended, interruption, preempting, type Schedule, type Seat, type Sent } from "./turns.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const RANDOM = Number(process.env["INTERLEAVINGS"] ?? 12);

const ONE_COMPONENT = CONTRACT.slice(0, CONTRACT.indexOf("components:"));
/** A pipeline and two jobs, one of which needs the pipeline. */
const SMALL = BUNDLE.slice(0, BUNDLE.indexOf("    watch:"));
const release = (number: number, cron: string, more = "") => ({
  "databricks.yml": `${SMALL.replace("max_concurrent_runs: 1", `max_concurrent_runs: ${number + 1}`)
    .replace("development: false", `configuration: { release: "${number}" }`)
    .replace("0 5 * * * ?", cron)}${more}`,
  "src/scoring/score.py": `# Databricks notebook source\nprint(${number})\n`,
});
const { "lib/shared.py": _none, ...files } = FILES;
/** What stands, the older and the newer. */
const RELEASES = [
  { ...files, "four-tier.yml": ONE_COMPONENT, ...release(0, "0 5 * * * ?") },
  release(1, "0 5 * * * ?"),
  release(2, "0 6 * * * ?", "    late: { name: late }\n"),
];
const [OLDER, NEWER] = [1, 2];

/** Hundreds of runs, and more if they are asked for. */
const LONG = 600_000;

type Bodies = Readonly<Record<string, (seat: Seat) => Promise<Told>>>;

interface Play {
  readonly crossing: Crossing;
  readonly has: readonly number[];
  /** The runs, in the order in which they begin. */
  readonly runs: (tier: Tier) => Bodies;
  readonly prove: (tier: Tier, ends: Readonly<Record<string, Ended<Told>>>) => Promise<void>;
}

async function play({ crossing, has, runs, prove }: Play, schedule: Schedule, name: string): Promise<readonly Sent[]> {
  const tier = await crossing.tier(has);
  const { ends, sent } = await tier.play(schedule, runs(tier));
  try {
    await prove(tier, ends);
  } catch (error) {
    throw new Error(`${name}:\n${script(sent)}\n${String(error)}`, { cause: error });
  } finally {
    await tier.close();
  }
  return sent;
}

/** Gives how many were tried. */
async function playAtRandom(one: Play, count: number): Promise<number> {
  let tried = 0;
  for (; tried < count; tried += 1) await play(one, atRandom(SEED + tried), `SEED=${SEED + tried}`);
  return tried;
}

/** The first run, and the places at which it can be interrupted: as numbers of requests that it has sent before. */
async function placesOf(one: Play, which: (sent: Sent) => boolean) {
  const sent = await play(one, preempting([]), "one after the other");
  const run = sent[0]?.run ?? "";
  const own = sent.filter((each) => each.run === run && each.what !== "pause");
  return { run, places: own.flatMap((each, index) => (which(each) ? [index] : [])), own };
}

/**
 * Interrupts the first run before each of its requests that is one of these; and where that is one of `twice`, the second
 * run, too, before each of its own. Gives how often it did the one and the other.
 */
async function interruptAnywhere(
  one: Play,
  which: (sent: Sent) => boolean,
  twice: (sent: Sent) => boolean = () => false,
): Promise<{ readonly once: number; readonly again: number }> {
  const { run, places, own } = await placesOf(one, which);
  const tried = { once: 0, again: 0 };
  let next = 0;
  for (const place of places) {
    if (place < next) continue;
    const sent = await play(one, preempting([place]), `interrupted after ${place}`);
    tried.once += 1;
    const met = interruption(sent, run, place);
    next = place + 1 + (met?.alike ?? 0);
    const [first] = met?.others ?? [];
    const head = own[place];
    if (first === undefined || head === undefined || !twice(head)) continue;
    const from = sent.indexOf(first);
    let after = 1;
    for (const [at, each] of (met?.others ?? []).entries()) {
      if (at < after || !twice(each)) continue;
      const both = await play(one, preempting([place, at]), `interrupted after ${place} and ${at}`);
      tried.again += 1;
      after = at + 1 + (interruption(both, first.run, at, from)?.alike ?? 0);
    }
  }
  return tried;
}

/** Content goes into folders of its own; what is read can only be of another time, and that one interruption shows. */
const matters = ({ writes, what }: Sent): boolean => writes && !/\/releases\/|mkdirs/.test(what);

const promotes = (tier: Tier, number: number, run: string) => (seat: Seat) => tier.promote(number, { ...seat, run });

const dev = new Crossing("dev", RELEASES);
const twoPromotions = (first: number, second: number): Play => ({
  crossing: dev,
  has: [0],
  runs: (tier) => ({
    [`p${first}`]: promotes(tier, first, `p${first}`),
    [`p${second}`]: promotes(tier, second, `p${second}`),
  }),
  prove: async (tier, ends) => {
    // The newer always gets in. The older does, too, if it was before it; else it is told so.
    expect(failedOf(ends[`p${NEWER}`])).toEqual([]);
    const refused = failedOf(ends[`p${OLDER}`]);
    expect(tier.stood()).toEqual(refused.length === 0 ? [0, OLDER, NEWER] : [0, NEWER]);
    if (refused.length > 0) expect(refused).toContain("gate/order-older");
    await tier.proveWhole(NEWER);
  },
});

describe.each([
  ["the older first", OLDER, NEWER],
  ["the newer first", NEWER, OLDER],
])("two promotions, %s", (_name, first, second) => {
  const both = twoPromotions(first, second);

  it("one interruption anywhere, and two at writes", { timeout: LONG }, async () => {
    const tried = await interruptAnywhere(both, () => true, matters);
    expect(tried.once).toBeGreaterThan(15);
    expect(tried.again).toBeGreaterThan(9);
  });
});

it(`two promotions, at random, seed ${SEED}`, { timeout: LONG }, async () => {
  expect(await playAtRandom(twoPromotions(OLDER, NEWER), RANDOM)).toBe(RANDOM);
});

const prod = new Crossing("prod", RELEASES);
const finished = (name: string, allowed: readonly string[], ends: Readonly<Record<string, Ended<Told>>>): boolean => {
  const failed = failedOf(ends[name]);
  for (const id of failed) expect(allowed).toContain(id);
  return failed.length === 0;
};
/** A tier that is held, by then at another release, and changed by whoever is at it. */
const REFUSED = ["gate/hold-held", "gate/order-older", "gate/plan-digest-other-plan", "gate/drift-changed"];
/** A promotion of the newer while the older, which the tier has, is rolled back. */
const withRollback = (rollbackFirst: boolean): Play => ({
  crossing: prod,
  has: [0, OLDER],
  runs: (tier) => {
    const back = (seat: Seat) => tier.rollBack(0, { ...seat, run: "back" });
    const on = promotes(tier, NEWER, "on");
    return rollbackFirst ? { back, on } : { on, back };
  },
  prove: async (tier, ends) => {
    const isBack = finished("back", ["rollback/changed-meanwhile"], ends);
    const isOn = finished("on", REFUSED, ends);
    // A rollback that went through is the last word: it holds the tier.
    expect(isBack || isOn).toBe(true);
    expect(tier.stood()).toEqual([OLDER, ...(isOn ? [NEWER] : []), ...(isBack ? [0] : [])]);
    expect(tier.holds()).toEqual(isBack ? ["tier"] : []);
    await tier.proveStanding(isBack ? 0 : NEWER);
  },
});
/** A promotion of the newer while somebody holds all schedules, or the tier's rule is enforced. */
const withSchedules = (what: "hold" | "enforce", first: boolean): Play => ({
  crossing: prod,
  has: [0],
  runs: (tier) => {
    // somebody paused it by hand: the rule is to be enforced
    if (what === "enforce") tier.scene.world.changeJob("prod", "refresh", paused);
    const other = (seat: Seat) => tier.schedules(what, "other", seat);
    const on = promotes(tier, NEWER, "on");
    return first ? { other, on } : { on, other };
  },
  prove: async (tier, ends) => {
    expect(failedOf(ends["other"])).toEqual([]);
    // Who looks while schedules are being changed sees a change by hand, and says so.
    const release = finished("on", ["gate/drift-changed"], ends) ? NEWER : 0;
    expect(tier.holds()).toEqual(what === "hold" ? ["schedules"] : []);
    await tier.proveStanding(release);
    const { schedule } = tier.scene.world.job("prod", "refresh").settings as { schedule: { pause_status: string } };
    expect(schedule.pause_status).toBe(what === "hold" ? "PAUSED" : "UNPAUSED");
    if (what === "hold") {
      await tier.schedules("resume", "resume");
      expect(tier.holds()).toEqual([]);
      await tier.proveStanding(release);
    }
  },
});
const paused = (settings: Record<string, unknown>): void => {
  settings["schedule"] = { ...(settings["schedule"] as object), pause_status: "PAUSED" };
};

/** Two releases that were approved for what prod has now: whoever is first has the plan that the other's approval was not for. */
const twoToProd: Play = {
  crossing: prod,
  has: [0],
  runs: (tier) => ({ older: promotes(tier, OLDER, "older"), newer: promotes(tier, NEWER, "newer") }),
  prove: async (tier, ends) => {
    const isOlder = finished("older", [...REFUSED, "gate/destructive"], ends);
    const isNewer = finished("newer", ["gate/plan-digest-other-plan", "gate/drift-changed"], ends);
    expect([isOlder, isNewer].filter(Boolean)).toHaveLength(1);
    const now = isNewer ? NEWER : OLDER;
    expect(tier.stood()).toEqual([0, now]);
    await tier.proveStanding(now);
  },
};
const scheduleOf = (tier: Tier): string => {
  const { schedule } = tier.scene.world.job("prod", "refresh").settings as { schedule: { pause_status: string } };
  return schedule.pause_status;
};
/** Two people go back at once, each to another release. */
const twoRollbacks: Play = {
  crossing: prod,
  has: [0, OLDER, NEWER],
  runs: (tier) => ({
    near: (seat) => tier.rollBack(OLDER, { ...seat, run: "near" }),
    far: (seat) => tier.rollBack(0, { ...seat, run: "far" }),
  }),
  prove: async (tier, ends) => {
    const [near, far] = ["near", "far"].map((name) => finished(name, ["rollback/changed-meanwhile"], ends));
    expect(near === true || far === true).toBe(true);
    const [from, ...since] = tier.stood();
    expect(from).toBe(NEWER);
    expect(new Set(since)).toEqual(new Set([...(far === true ? [0] : []), ...(near === true ? [OLDER] : [])]));
    expect(tier.holds()).toEqual(["tier"]);
    await tier.proveStanding(since.at(-1) ?? NEWER);
    expect(scheduleOf(tier)).toBe("UNPAUSED");
  },
};
/** Somebody enforces the rule while a rollback has everything paused. */
const withEnforcement: Play = {
  crossing: prod,
  has: [0, OLDER],
  runs: (tier) => ({
    back: (seat) => tier.rollBack(0, { ...seat, run: "back" }),
    other: (seat) => tier.schedules("enforce", "other", seat),
  }),
  prove: async (tier, ends) => {
    expect([failedOf(ends["back"]), failedOf(ends["other"])]).toEqual([[], []]);
    expect(tier.stood()).toEqual([OLDER, 0]);
    expect(tier.holds()).toEqual(["tier"]);
    await tier.proveStanding(0);
    expect(scheduleOf(tier)).toBe("UNPAUSED");
  },
};
/** Two people hold all schedules at once: neither takes the other's pause for what was there before. */
const twoHolds: Play = {
  crossing: prod,
  has: [0],
  runs: (tier) => ({
    one: (seat) => tier.schedules("hold", "one", seat),
    two: (seat) => tier.schedules("hold", "two", seat),
  }),
  prove: async (tier, ends) => {
    expect([failedOf(ends["one"]), failedOf(ends["two"])]).toEqual([[], []]);
    expect(tier.holds()).toEqual(["schedules", "schedules"]);
    for (const { id } of tier.ledger()?.holds ?? []) {
      expect(scheduleOf(tier)).toBe("PAUSED");
      await tier.schedules("resume", "resume", undefined, id);
    }
    expect(tier.holds()).toEqual([]);
    await tier.proveStanding(0);
    expect(scheduleOf(tier)).toBe("UNPAUSED");
  },
};
/** A verification of what is there, and a promotion over it. */
const withVerification = (first: boolean): Play => {
  const recorded = new WeakMap<Tier, Promise<Awaited<ReturnType<Tier["verify"]>>>>();
  return {
    crossing: dev,
    has: [0],
    runs: (tier) => {
      const seen = (seat: Seat) => {
        const verified = tier.verify("seen", seat);
        recorded.set(tier, verified);
        return verified;
      };
      const on = promotes(tier, NEWER, "on");
      return first ? { seen, on } : { on, seen };
    },
    prove: async (tier, ends) => {
      expect(failedOf(ends["on"])).toEqual([]);
      const failed = failedOf(ends["seen"]);
      if (failed.length > 0) expect(failed).toContain("verify/changed-meanwhile");
      // One that nobody disturbed passes; one that was disturbed says nothing of a release.
      const said = failed.length > 0 ? [] : (await recorded.get(tier))?.recorded;
      expect(said?.map(({ passed }) => passed)).toEqual(failed.length > 0 ? [] : [true]);
      const cached = tier.ledger()?.verifications ?? [];
      expect(cached.map(({ passed }) => passed)).toEqual(failed.length > 0 ? [] : [true]);
      await tier.proveStanding(NEWER);
    },
  };
};
/** The ledger is lost: it is made again while somebody promotes. */
const withRebuild: Play = {
  crossing: dev,
  has: [0],
  runs: (tier) => {
    const lost = tier.lose(0);
    return {
      again: async (seat) => tier.rebuild(await lost, "again", seat),
      on: async (seat) => {
        await lost;
        return tier.promote(NEWER, { ...seat, run: "on" });
      },
    };
  },
  prove: async (tier, ends) => {
    expect(failedOf(ends["again"])).toEqual([]);
    const isOn = finished("on", ["ledger/missing"], ends);
    await tier.proveStanding(isOn ? NEWER : 0);
  },
};

it.each([
  ["two promotions to prod", twoToProd, matters],
  ["two rollbacks", twoRollbacks, matters],
  ["a rollback and the rule being enforced", withEnforcement, matters],
  ["two holds", twoHolds, matters],
  // It writes little, and all that it says rests on what it reads.
  ["a verification and a promotion", withVerification(true), () => true],
  ["a promotion and a verification", withVerification(false), matters],
  ["a ledger that is made again and a promotion", withRebuild, matters],
])("%s: one interruption anywhere that matters, and at random", { timeout: LONG }, async (_name, both, which) => {
  const tried = await interruptAnywhere(both, which);
  expect(tried.once).toBeGreaterThan(3);
  await playAtRandom(both, RANDOM / 6);
});

describe("a promotion and", () => {
  it.each([
    ["a rollback that begins later", withRollback(false)],
    ["a rollback that began earlier", withRollback(true)],
    ["a hold that is taken later", withSchedules("hold", false)],
    ["a hold that began earlier", withSchedules("hold", true)],
    ["the rule being enforced", withSchedules("enforce", true)],
  ])("%s: one interruption at any write, and at random", { timeout: LONG }, async (_name, both) => {
    const tried = await interruptAnywhere(both, matters);
    expect(tried.once).toBeGreaterThan(3);
    await playAtRandom(both, RANDOM / 4);
  });
});

describe("a run that sleeps", () => {
  it("while the lock is taken twice, and finds the number it wanted free again, waits for who has it", async () => {
    const tier = await dev.tier([0]);
    const older = promotes(tier, OLDER, "older");
    const newer = promotes(tier, NEWER, "newer");
    const hold = (seat: Seat) => tier.schedules("hold", "hold", seat);
    const sleeping: Schedule = (players) => {
      const [asleep, ...others] = players;
      const [next] = asleep.waiting;
      const isTaking = next?.what.endsWith("/lock.2") === true && next.writes;
      const holding = others.find(
        ({ name, waiting }) =>
          name === "hold" && waiting.some(({ what }) => what.endsWith("/ledger.json") && what.startsWith("POST")),
      );
      const sleeps = (isTaking && holding === undefined) || asleep.pauses;
      return { next: (asleep.name === "older" && sleeps ? others[0] : asleep)?.name ?? asleep.name };
    };
    const { ends, sent } = await tier.play(sleeping, { older, newer, hold });
    expect(sent.some(({ run, what }) => run === "older" && what.startsWith("POST") && what.endsWith("/lock.2"))).toBe(
      true,
    );
    expect([failedOf(ends["newer"]), failedOf(ends["hold"])]).toEqual([[], []]);
    expect(failedOf(ends["older"])).toContain("gate/order-older");
    expect(tier.stood()).toEqual([0, NEWER]);
    await tier.proveStanding(NEWER);
    await tier.close();
  });

  it("until GitHub takes it for ended and another has taken its lock, does no more than what it had begun", {
    timeout: LONG,
  }, async () => {
    const both = twoPromotions(OLDER, NEWER);
    for (const place of (await placesOf(both, matters)).places) {
      const tier = await dev.tier([0]);
      const asleep = preempting([place]);
      const { ends, sent } = await tier.play(
        (players) => {
          const turn = asleep(players);
          if ("next" in turn && turn.next === "newer") tier.over.add("older");
          return turn;
        },
        { older: promotes(tier, OLDER, "older"), newer: promotes(tier, NEWER, "newer") },
      );
      const late = sent.slice(sent.findLastIndex(({ run }) => run === "newer") + 1).filter(matters);
      const changes = late.filter(({ what }) => !/GitHub|\/lock\.|workspace\/delete$/.test(what));
      // What had been allowed before it slept, and of that what the service itself does not refuse.
      expect(changes.length).toBeLessThanOrEqual(1);
      expect(failedOf(ends["newer"])).toEqual([]);
      // Whoever wrote where another was by then has applied nothing, and does not say so.
      const applied = failedOf(ends["older"]).length === 0;
      expect(changes.length > 0 && applied).toBe(false);
      // One write of the ledger can be under way; the workspace has none that asks who holds the lock (docs/adr/0402).
      const stood = tier.stood();
      expect(changes.some(isLedger) || stood.at(-1) === NEWER).toBe(true);
      expect(applied ? stood : [0, OLDER, NEWER]).toEqual([0, OLDER, NEWER]);
      expect(failedOf({ value: await tier.promote(NEWER, { lockWaitMs: 0 }) })).toEqual([]);
      await tier.proveStanding(NEWER);
      await tier.close();
    }
  });
});

const isLedger = ({ what }: Sent): boolean => what.endsWith("/ledger.json");
