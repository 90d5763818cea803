/** Which release a rollback goes to, by records on the simulated GitHub and by the tier's ledger: honest, forged, gone. */
import { describe, expect, test } from "vitest";
import type { Hold } from "../../src/ledger/holds.ts";
import { emptyLedger, type Ledger, type LedgerRelease } from "../../src/ledger/model.ts";
import { readRejects } from "../../src/release/decisions.ts";
import { runReader } from "../../src/release/read-evidence.ts";
import { readRepository } from "../../src/release/read-repository.ts";
import { recordReader } from "../../src/release/records.ts";
import { releaseJudge } from "../../src/release/rollback-evidence.ts";
import { chooseTarget } from "../../src/release/rollback-target.ts";
import { common, decided, OPERATE, operating, type Ready, ready, record, verified, verify } from "./operations.ts";
import { ALL, CALLER, connect, OTHER, PIN, PLAN, RELEASE } from "./world.ts";

type Tier = "dev" | "staging" | "prod";

/** What staging had: the release in question, and a newer one that is to be left. */
function ledgerOf(world: Ready, more: Partial<Ledger> = {}): Ledger {
  const old: LedgerRelease = {
    digest: RELEASE,
    commit: world.commit,
    plan: PLAN,
    at: "2026-11-23T10:00:00Z",
    run: { id: String(world.run.id), attempt: 1 },
    components: {},
    artifacts: [],
  };
  const now = { ...old, digest: "8".repeat(64), commit: OTHER };
  return { ...emptyLedger("ml-pipelines", "staging"), release: now, history: [now, old], ...more };
}

/** What a rollback of staging chooses, with `to` or by itself. */
async function choose(world: Ready, to = "", { ledger = ledgerOf(world), github = world.api } = {}): Promise<string> {
  const repository = await readRepository(world.api);
  const judge = releaseJudge(github, { project: "ml-pipelines", tier: "staging", repository, suiteCommits: [] });
  const isAncestor = () => Promise.resolve(true);
  const { release } = await chooseTarget({ tier: "staging", ledger, to, isAncestor, judge });
  return release.digest;
}

test.each([
  ["is the one before", "b a", 1],
  ["has other content than what is left: a commit that changed nothing of it came between", "b b a", 2],
  ["is not what a revert took back, nor what has the reverted content's place", "a b a g", 3],
  ["is older than all that came since the same content was there", "a c b a g", 4],
])("without a name it %s", async (_what, contents, chosen) => {
  const history = contents.split(" ").map((content, index): LedgerRelease => {
    const run = { id: String(100 - index), attempt: 1 };
    const commit = String(index).repeat(40);
    return {
      digest: content.repeat(64),
      commit,
      plan: PLAN,
      at: "2026-11-23T10:00:00Z",
      run,
      components: {},
      artifacts: [],
    };
  });
  const [now] = history;
  const rejects = { standing: [], lifted: [], doubted: [], outdated: [], unread: [], whole: true };
  const question = {
    tier: "prod",
    to: "",
    isAncestor: () => Promise.resolve(true),
    judge: () => Promise.resolve({ wasHere: true, verified: true, rejects }),
  };
  const ledger = { ...emptyLedger("ml-pipelines", "prod"), release: now, history };
  expect((await chooseTarget({ ...question, ledger })).release).toEqual(history[chosen]);
  // A promotion that stopped half way is gone back from to what was there whole.
  if (now === undefined) throw new Error("nothing was here");
  const pending = { release: { ...now, digest: "9".repeat(64) }, intents: [] };
  expect((await chooseTarget({ ...question, ledger: { ...ledger, pending } })).release).toEqual(now);
});

async function reject(world: Ready, tier: Tier, kind: "reject" | "accept" = "reject") {
  const job = operating(world, `${kind === "reject" ? "Reject" : "Accept"} in ${tier}, release ${RELEASE}`);
  await record(world, job, { ...common(job, tier), kind, release: RELEASE, ...decided });
  return job;
}

const refused = (...ids: string[]) => ({ findings: ids.map((id) => ({ id })) });

test.each<Tier>(["dev", "staging", "prod"])(
  "no rollback goes to what was rejected in %s, named or not",
  async (tier) => {
    await using world = await ready();
    await verify(world);
    expect(await choose(world)).toBe(RELEASE);
    await reject(world, tier);
    await expect(choose(world, RELEASE)).rejects.toMatchObject({
      findings: [
        { id: "rollback/rejected", message: expect.stringContaining(`rejected in ${tier} by hubot`) as string },
      ],
    });
    await expect(choose(world)).rejects.toMatchObject(refused("rollback/none-verified"));
    await reject(world, "prod", "accept");
    expect(await choose(world)).toBe(RELEASE);
  },
);

test("forged rejects do not hide an honest one: what was not looked at is unknown, and is not gone to", async () => {
  await using world = await ready();
  await verify(world);
  const real = await reject(world, "staging");
  for (let index = 0; index < 20; index += 1) {
    const run = { id: `9${index}`, attempt: 1, job: "operate" };
    const payload = { ...common(real, "staging"), run, kind: "accept" as const, release: RELEASE, ...decided };
    await record(world, real, payload, "mallory");
  }
  await expect(choose(world, RELEASE)).rejects.toMatchObject(refused("rollback/reject-unknown"));
  await expect(choose(world)).rejects.toMatchObject(refused("rollback/none-verified", "rollback/reject-unknown"));
});

test("a reject that nobody may read is unknown, with the permission that would show it", async () => {
  await using world = await ready();
  await verify(world);
  await reject(world, "staging");
  const job = operating(world, "Roll staging back");
  const blind = connect(world, job, Object.fromEntries(Object.entries(ALL).filter(([name]) => name !== "actions")));
  const repository = await readRepository(world.api);
  const suite = { repository: "four-tier/four-tier", commits: [] };
  const readRun = runReader(blind, suite.repository, repository.head);
  const reader = recordReader(blind, { project: "ml-pipelines", repository, suite, readRun });
  const judged = { wasHere: true, verified: true, rejects: await readRejects(reader, RELEASE) };
  const question = { tier: "staging", ledger: ledgerOf(world), isAncestor: () => Promise.resolve(true) };
  const asked = chooseTarget({ ...question, to: RELEASE, judge: () => Promise.resolve(judged) });
  await expect(asked).rejects.toMatchObject({
    findings: [{ id: "rollback/reject-unknown", remedy: expect.stringContaining("actions: ") as string }],
  });
});

test("what only the ledger remembers of a reject counts: records can be deleted", async () => {
  await using world = await ready();
  await verify(world);
  const kept = {
    release: RELEASE,
    reason: "it leaks",
    by: "ada",
    at: "2026-11-23T12:00:00Z",
    run: { id: "7", attempt: 1 },
  };
  const ledger = ledgerOf(world, { rejects: [kept] });
  await expect(choose(world, RELEASE, { ledger })).rejects.toMatchObject({
    findings: [{ id: "rollback/rejected", message: expect.stringContaining("by ada: it leaks") as string }],
  });
  const other = ledgerOf(world, { rejects: [{ ...kept, release: "9".repeat(64) }] });
  expect(await choose(world, RELEASE, { ledger: other })).toBe(RELEASE);
});

test("by itself it goes to what passed after the last failure, by whatever suite was pinned then", async () => {
  await using world = await ready();
  await verify(world, true, 7_200_000);
  await verify(world, false, 3_600_000);
  await expect(choose(world)).rejects.toMatchObject(refused("rollback/none-verified"));
  await verify(world);
  world.repository.commit("Newer suite", {
    ".github/workflows/operate.yml": OPERATE.replaceAll(PIN, "7".repeat(40)),
    ".github/workflows/promote.yml": CALLER,
  });
  expect(await choose(world)).toBe(RELEASE);
});

test("a hand-made verification does not make a release one to go back to by itself", async () => {
  await using world = await ready();
  const forged = operating(world, "Say hello");
  await record(world, forged, verified(forged, true), "mallory");
  await expect(choose(world)).rejects.toMatchObject(refused("rollback/none-verified"));
  expect(await choose(world, RELEASE)).toBe(RELEASE);
});

describe("a rollback that did not come to its end", () => {
  const hold = (kind: Hold["kind"], run: string): Hold => ({
    id: "c".repeat(64),
    kind,
    selector: "all",
    scope: "project",
    reason: "Rollback",
    by: "ada",
    at: "2026-11-23T12:00:00Z",
    until: undefined,
    run: { id: run, attempt: 1 },
    prior: [],
    origin: "rollback",
    goal: RELEASE,
  });

  test.each<[string, (ledger: Ledger) => Partial<Ledger>]>([
    [
      "that is half applied",
      ({ history: [now, old] }) => ({
        release: now,
        pending: old && { release: { ...old, run: { id: "71", attempt: 1 } }, intents: [] },
        holds: [hold("tier", "72"), hold("schedules", "72"), hold("schedules", "71")],
      }),
    ],
    [
      "that has not given back its schedules",
      ({ history: [now, old] }) => ({
        release: old && { ...old, run: { id: "71", attempt: 1 } },
        history: [old, now, old].flatMap((each) => each ?? []),
        holds: [hold("tier", "71"), hold("schedules", "71")],
      }),
    ],
    [
      "that has not restarted what runs all the time",
      ({ history: [now, old] }) => ({
        release: old && { ...old, run: { id: "71", attempt: 1 } },
        history: [old, now, old].flatMap((each) => each ?? []),
        unrolled: ["jobs.stream"],
        holds: [hold("tier", "71")],
      }),
    ],
  ])("%s is taken up, verified or not; not once it is rejected", async (_what, change) => {
    await using world = await ready();
    const ledger = ledgerOf(world);
    const begun = { ...ledger, ...change(ledger) };
    expect(await choose(world, "", { ledger: begun })).toBe(RELEASE);
    // Without its hold it is one like any other, and was never verified.
    await expect(choose(world, "", { ledger: { ...begun, holds: [] } })).rejects.toMatchObject(
      refused("rollback/none-verified"),
    );
    await reject(world, "prod");
    await expect(choose(world, "", { ledger: begun })).rejects.toMatchObject(refused("rollback/none-verified"));
  });
});
