import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { deletePath } from "../../src/databricks/files.ts";
import { acquireLock, type LockOptions, lockHolder } from "../../src/ledger/lock.ts";
import { withLedger } from "../../src/ledger/locked.ts";
import { connectTo, FOLDER, startTier, type TestTier } from "./tier.ts";

const LOCKS = /\/lock\.\d+/;

/** Two runs that know which of them has ended. */
function options(run: string, more: Partial<LockOptions> = {}): LockOptions & { said: string[] } {
  const said: string[] = [];
  return {
    owner: { run, attempt: 1, job: "promote" },
    runHasEnded: () => Promise.resolve(false),
    waitMs: 60_000,
    pollMs: 5,
    log: { info: (message) => said.push(message) },
    now: () => new Date(),
    pause: (milliseconds) => sleep(milliseconds),
    said,
    ...more,
  };
}

function lockFiles({ simulator }: TestTier): string[] {
  return simulator.world.files("dev", FOLDER).map((path) => path.slice(path.lastIndexOf("/") + 1));
}

describe("the tier's lock", () => {
  it("is held by one, freed, and taken by the next with a higher number", async () => {
    const tier = await startTier();
    const first = await acquireLock(tier.workspace, FOLDER, options("1"));
    expect(await lockHolder(tier.workspace, FOLDER)).toEqual({ run: "1", attempt: 1 });
    await first.check();
    await first.release();
    expect(await lockHolder(tier.workspace, FOLDER)).toBeUndefined();
    const second = await acquireLock(tier.workspace, FOLDER, options("2"));
    expect(second.generation).toBe(first.generation + 1);
    expect(lockFiles(tier)).toEqual(["lock.2"]);
  });

  it("makes a second run wait, and says for whom", async () => {
    const tier = await startTier();
    const first = await acquireLock(tier.workspace, FOLDER, options("1"));
    let waited = 0;
    const later = options("2", {
      pause: async () => {
        waited += 1;
        if (waited === 3) await first.release();
      },
    });
    const second = await acquireLock(connectTo(tier.simulator), FOLDER, later);
    expect(waited).toBe(3);
    expect(later.said.join("\n")).toMatch(
      /Waiting for run 1, attempt 1, job promote \(lock 1 since \d{4}-\d\d-\d\d \d\d:\d\d UTC\)/,
    );
    expect(later.said).toHaveLength(1);
    expect(second.generation).toBe(2);
  });

  it("is given to exactly one of many that ask at once", async () => {
    const tier = await startTier();
    let inside = 0;
    let most = 0;
    const work = async (run: string): Promise<void> => {
      const lock = await acquireLock(connectTo(tier.simulator), FOLDER, options(run));
      inside += 1;
      most = Math.max(most, inside);
      await lock.check();
      inside -= 1;
      await lock.release();
    };
    await Promise.all(["1", "2", "3", "4", "5"].map(work));
    expect(most).toBe(1);
  });

  it("is taken over when its owner's run has ended, and then the old owner writes no more", async () => {
    const tier = await startTier();
    const dead = await acquireLock(tier.workspace, FOLDER, options("1"));
    const heir = options("2", { runHasEnded: (run, attempt) => Promise.resolve(run === "1" && attempt === 1) });
    const lock = await acquireLock(tier.workspace, FOLDER, heir);
    expect(heir.said.join("\n")).toMatch(/Taking over the lock of run 1/);
    await lock.check();
    await expect(dead.check()).rejects.toMatchObject({ findings: [{ id: "ledger/lock-lost" }] });
    await dead.release(); // and does not free what is not its own
    await lock.check();
  });

  it("that somebody removes by hand is nobody's: who had it writes no more, whoever begins at the first number again", async () => {
    const tier = await startTier();
    await (await acquireLock(tier.workspace, FOLDER, options("1"))).release();
    const had = await acquireLock(tier.workspace, FOLDER, options("1"));
    for (const name of lockFiles(tier)) await deletePath(tier.workspace, `${FOLDER}/${name}`);
    const gone = { id: "ledger/lock-lost", message: expect.stringContaining("or somebody removed it") as string };
    await expect(had.check()).rejects.toMatchObject({ findings: [gone] });
    const next = await acquireLock(tier.workspace, FOLDER, options("2"));
    expect([had.generation, next.generation]).toEqual([2, 1]);
    await expect(had.check()).rejects.toMatchObject({ findings: [gone] });
    await had.release();
    await next.check();
  });

  it("is taken over from an earlier attempt of the same run without asking anybody", async () => {
    const tier = await startTier();
    await acquireLock(tier.workspace, FOLDER, options("1"));
    const asked: string[] = [];
    const again = options("1", {
      owner: { run: "1", attempt: 2, job: "promote" },
      runHasEnded: (run) => {
        asked.push(run);
        return Promise.resolve(undefined);
      },
    });
    await acquireLock(tier.workspace, FOLDER, again);
    expect(asked).toEqual([]);
  });

  it.each([
    ["nobody can tell whether the owner lives", undefined],
    ["the owner lives", false],
  ])("is not taken over when %s: a clear end after the deadline", async (_name, ended) => {
    const tier = await startTier();
    const first = await acquireLock(tier.workspace, FOLDER, options("1"));
    let clock = 0;
    const waiting = options("2", {
      waitMs: 10 * 60_000,
      runHasEnded: () => Promise.resolve(ended),
      now: () => new Date(clock),
      pause: (milliseconds) => {
        clock += Math.max(milliseconds, 60_000);
        return Promise.resolve();
      },
    });
    await expect(acquireLock(tier.workspace, FOLDER, waiting)).rejects.toMatchObject({
      findings: [{ id: "ledger/locked", message: expect.stringContaining("run 1") as string }],
    });
    await first.check();
  });

  it("is lost as soon as a higher number stands there, before anything is swept away", async () => {
    const tier = await startTier();
    const lock = await acquireLock(tier.workspace, FOLDER, options("1"));
    tier.simulator.world.writeFile("dev", `${FOLDER}/lock.2`, "{}");
    await expect(lock.check()).rejects.toMatchObject({ findings: [{ id: "ledger/lock-lost" }] });
  });

  it("is asked for before each write of the ledger: whoever lost it writes nothing", async () => {
    const tier = await startTier();
    const of = { folder: FOLDER, project: "ml-pipelines", tier: "dev" } as const;
    const log = { info() {}, warning() {} };
    const work = withLedger(tier.workspace, { ...options("1"), ...of, log }, async (ledger) => {
      await ledger.save(ledger.current());
      tier.simulator.world.writeFile("dev", `${FOLDER}/lock.2`, "{}");
      await ledger.save(ledger.current());
    });
    await expect(work).rejects.toMatchObject({ findings: [{ id: "ledger/lock-lost" }] });
    expect(tier.writes().filter((write) => write.endsWith("/ledger.json"))).toHaveLength(1);
  });

  it("that cannot be read is held", async () => {
    const tier = await startTier();
    tier.simulator.world.writeFile("dev", `${FOLDER}/lock.4`, "not a lock");
    await expect(acquireLock(tier.workspace, FOLDER, options("1", { waitMs: 0 }))).rejects.toMatchObject({
      findings: [{ id: "ledger/locked" }],
    });
    expect(lockFiles(tier)).toEqual(["lock.4"]);
  });

  it("is ours although the answer to taking it was lost", async () => {
    const tier = await startTier();
    tier.simulator.fault({ method: "POST", path: "*lock.1", effect: "lost-answer" });
    const lock = await acquireLock(tier.workspace, FOLDER, options("1"));
    await lock.check();
    expect(lockFiles(tier)).toEqual(["lock.1"]);
  });

  it("is not waited for once the run is cancelled", async () => {
    const tier = await startTier();
    await acquireLock(tier.workspace, FOLDER, options("1"));
    const cancel = new AbortController();
    const waiting = options("2", {
      signal: cancel.signal,
      pause: () => {
        cancel.abort();
        return Promise.resolve();
      },
    });
    await expect(acquireLock(tier.workspace, FOLDER, waiting)).rejects.toMatchObject({
      findings: [{ id: "ledger/cancelled" }],
    });
    expect(tier.writes().filter((write) => LOCKS.test(write))).toHaveLength(1);
  });
});
