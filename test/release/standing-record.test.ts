/** When a promotion with nothing to do may rest on what the run proved that brought the release (ADR 814). */
import { describe, expect, it } from "vitest";
import { timestamp } from "../../simulator/github/text.ts";
import type { Job } from "../../simulator/github/world.ts";
import type { Evidence } from "../../src/release/evidence.ts";
import { RESTED_ON_MS, standingRecord } from "../../src/release/standing-record.ts";
import { connect, deployed, end, merged, PIN, PLAN, promoteRun, RELEASE, type World } from "./world.ts";

type Merged = World & { readonly commit: string };
type Ask = Parameters<typeof standingRecord>[1];

/** A world whose dev job has promoted the merge, and that is asked about it by its ledger. */
async function asked(
  change: {
    readonly record?: Partial<Evidence>;
    readonly ask?: (world: Merged) => Partial<Ask>;
    readonly after?: (world: Merged, dev: Job) => Promise<void> | void;
  } = {},
) {
  await using world = await merged();
  const { run, dev } = promoteRun(world);
  dev.startedAt = timestamp();
  const github = connect(world, dev);
  await deployed(github, "dev", run, world.commit, change.record ?? {});
  await change.after?.(world, dev);
  const release = {
    digest: RELEASE,
    commit: world.commit,
    plan: PLAN,
    at: timestamp(),
    run: { id: String(run.id), attempt: 1 },
    components: {},
    artifacts: [],
  };
  const question: Ask = { project: "ml-pipelines", tier: "dev", suiteCommits: [], release, now: new Date() };
  const found = await standingRecord(github, { ...question, ...change.ask?.(world) });
  return { found, run, dev };
}

describe("a record stands", () => {
  it("if it is the tier's newest, of the run that the ledger names, and its run can be believed", async () => {
    const { found, run, dev } = await asked();
    expect(found).toMatchObject({
      run: String(run.id),
      runUrl: expect.stringMatching(/\/actions\/runs\/\d+$/) as string,
      at: new Date(dev.startedAt).toISOString(),
    });
  });

  it("whatever other projects of the repository have recorded since", async () => {
    const { found } = await asked({
      after: (world, dev) =>
        deployed(connect(world, dev), "dev", dev.run, world.commit, { project: "another", release: "9".repeat(64) }),
    });
    expect(found).toBeDefined();
  });
});

describe("a record does not stand", () => {
  const release = (change: Partial<Ask["release"]>) => (world: Merged) => ({
    release: {
      digest: RELEASE,
      commit: world.commit,
      plan: PLAN,
      at: timestamp(),
      run: { id: String(world.github.world.runs.at(-1)?.id), attempt: 1 },
      components: {},
      artifacts: [],
      ...change,
    },
  });

  it("after a day", async () => {
    const later = (ms: number) => ({ ask: () => ({ now: new Date(Date.now() + ms) }) });
    expect((await asked(later(RESTED_ON_MS - 60_000))).found).toBeDefined();
    expect((await asked(later(RESTED_ON_MS + 60_000))).found).toBeUndefined();
  });

  it("if the ledger names another run, another attempt or another release", async () => {
    expect((await asked({ ask: release({}) })).found).toBeDefined();
    for (const change of [{ run: { id: "1", attempt: 1 } }, { digest: "9".repeat(64) }]) {
      expect((await asked({ ask: release(change) })).found).toBeUndefined();
    }
    const second = (world: Merged) => release({ run: { ...release({})(world).release.run, attempt: 2 } })(world);
    expect((await asked({ ask: second })).found).toBeUndefined();
  });

  it("if its promotion was let in by breaking the glass about grants; about anything else, it does", async () => {
    const over = (check: string) => ({ record: { overrides: [{ check, reason: "night", by: "hubot" }] } });
    expect((await asked(over("grants"))).found).toBeUndefined();
    expect((await asked(over("window"))).found).toBeDefined();
  });

  it("if the default branch has moved on: another contract may say who may do what", async () => {
    const { found } = await asked({
      after: (world) => void world.repository.commit("Another", { "src/score.py": "3\n" }),
    });
    expect(found).toBeUndefined();
  });

  it("if its job failed in the end, or if anybody has written a record since", async () => {
    expect((await asked({ after: (_, dev) => end(dev, "failure") })).found).toBeUndefined();
    const since = async (world: Merged, dev: Job) =>
      deployed(connect(world, dev), "dev", dev.run, world.commit, { release: "9".repeat(64) });
    expect((await asked({ after: since })).found).toBeUndefined();
  });

  it("if the next tier would not take it, since its suite is not the one that is pinned", async () => {
    const moved = (world: Merged) => {
      for (const run of world.github.world.runs) {
        run.referenced = run.referenced.map(({ path }) => ({ path, sha: "7".repeat(40) }));
      }
    };
    expect((await asked({ after: moved })).found).toBeUndefined();
    expect((await asked({ after: moved, ask: () => ({ suiteCommits: ["7".repeat(40), PIN] }) })).found).toBeDefined();
  });
});
