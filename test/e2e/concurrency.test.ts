/** Two runs at once, and answers that never arrive: nothing is made twice, and the older commit never wins. */
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, jobOf } from "./expect-run.ts";
import { DEV } from "./jobs.ts";
import { openPlay } from "./play.ts";

const PROMOTE = ".github/workflows/promote.yml";
const TRAIN = "src/models/train.py";
const RESOURCES = 7;
/** Taking it, letting go, and clearing away what older ones left. */
const OF_THE_LOCK = /\/lock\.\d+(\.released)?$|\/workspace\/(mkdirs|delete)$/;

/** A caller that ends at dev: what is shown here happens in one tier. */
const onlyDev = (path: (file: string) => string): void =>
  edit(path(PROMOTE), (text) => text.slice(0, text.indexOf("  gate-to-staging:")));

describe("a create whose answer is lost", () => {
  const play = openPlay({ example: onlyDev });

  it("leaves no second job and no second pipeline", async () => {
    const { databricks } = play.stage;
    const faults = ["/api/2.2/jobs/create", "/api/2.0/pipelines"].map((path) =>
      databricks.fault({ method: "POST", path, workspace: "dev", nth: 1, effect: "lost-answer" }),
    );

    const run = await play.promote();

    expect(faults.map(({ hits }) => hits)).toEqual([1, 1]);
    expectRun(run).toSucceed(DEV);
    // resources() throws if a key is there twice
    expect(play.resources("dev").size).toBe(RESOURCES);
    const creates = databricks.requests.filter(
      ({ method, path }) => method === "POST" && /\/(jobs\/create|pipelines)$/.test(path),
    );
    expect(creates).toHaveLength(RESOURCES);
  });
});

describe("two runs at once", () => {
  const play = openPlay({ example: onlyDev });
  const seed = (path: string, seed: number): void =>
    edit(path, (text) => text.replace(/random_state=\d+/, `random_state=${seed}`));
  const push = (number: number): string => {
    const commit = play.stage.commit(`seed-${number}`, `Seed ${number}`, "Mona", (path) => seed(path(TRAIN), number));
    play.stage.git("merge", "--quiet", "--ff-only", `seed-${number}`);
    return commit;
  };
  /**
   * Resolves when somebody waits for dev's lock: whoever holds it is stopped meanwhile, so who reads it is the other,
   * once for the gate and once to take it.
   */
  const somebodyWaits = async (): Promise<void> => {
    const from = play.stage.databricks.requests.length;
    await until(() => {
      const reads = play.stage.databricks.requests
        .slice(from)
        .filter(({ method, query }) => method === "GET" && /\/lock\.\d+$/.test(query["path"] ?? ""));
      return reads.length >= 2;
    });
  };

  it("of one commit make everything once", async () => {
    const runs = await Promise.all([play.promote(), play.promote({ event: "workflow_dispatch" })]);

    for (const run of runs) expectRun(run).toSucceed(DEV);
    expect(play.resources("dev").size).toBe(RESOURCES);
    expect(new Set(runs.map((run) => jobOf(run, DEV).outputs["changed"]))).toEqual(new Set(["true", "false"]));
  });

  it("the newer waits while the older holds the tier's lock, and comes after it", async () => {
    push(21);
    const newer = Promise.withResolvers<Awaited<ReturnType<typeof play.start>>>();
    // In the middle of the older run, before its first change of a job.
    play.stage.databricks.when({
      method: "POST",
      path: "/api/2.2/jobs/*",
      workspace: "dev",
      run: async () => {
        push(22);
        newer.resolve(await play.start());
        await somebodyWaits();
      },
    });

    const older = await play.promote();
    const run = await (await newer.promise).done;

    // Whether its verification, too, came before the newer release is open.
    const promotion = jobOf(older, DEV).steps.find(({ name }) => name === "Promote the release to dev");
    expect(promotion?.conclusion).toBe("success");
    expectRun(run).toSucceed(DEV);
    expect(logOf(run)).toMatch(new RegExp(`Waiting for run ${older.id}, attempt 1`));
    expect(play.ledger("dev").release.commit).toBe(play.stage.git("rev-parse", "main"));
  });

  it("the older, which waited while the newer held the lock, is refused", async () => {
    push(31);
    const gate = Promise.withResolvers<void>();
    const older = await play.start({
      between: async (job, step) => {
        if (job === DEV && step === "Promote the release to dev") await gate.promise;
      },
    });
    const newest = push(32);
    play.stage.databricks.when({
      method: "POST",
      path: "/api/2.2/jobs/*",
      workspace: "dev",
      run: async () => {
        gate.resolve();
        await somebodyWaits();
      },
    });

    const newer = await play.promote();
    const mark = play.mark();
    const before = play.resources("dev");
    const run = await older.done;

    expectRun(newer).toSucceed(DEV);
    expect(logOf(run)).toMatch(new RegExp(`Waiting for run ${newer.id}, attempt 1`));
    expectRun(run).toStopAt(DEV, "gate/order-older");
    expect(play.resources("dev")).toEqual(before);
    expect(mark.writes().filter((write) => !OF_THE_LOCK.test(write))).toEqual([]);
    expect(play.ledger("dev").release.commit).toBe(newest);
  });
});

function logOf(run: Parameters<typeof jobOf>[0]): string {
  return jobOf(run, DEV)
    .steps.map(({ log }) => log)
    .join("\n");
}

/** Looks again at each turn of the event loop's timers; the test's own time limit ends it. */
async function until(condition: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    if (!condition()) return;
    clearInterval(timer);
    resolve();
  }, 20);
  await promise;
}
