/**
 * One comment a pull request: whose, on which, and what hinders it. Against the simulated GitHub, as one story: three
 * pull requests, of which prod gets the first, then two at once; what hinders a comment; a rollback while others wait.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { timestamp } from "../simulator/github/text.ts";
import type { Comment, Pull } from "../simulator/github/world.ts";
import { halfWayStatement, statementOf } from "../src/gate/record-runs.ts";
import { type CommentRequest, commentOnPulls, isOwn } from "../src/pull-comments.ts";
import { MOST_PULLS } from "../src/release/comment-targets.ts";
import { recordDeployment } from "../src/release/evidence.ts";
import {
  addRun,
  connect,
  deployed,
  end,
  merged,
  PIN,
  payload,
  promoteRun,
  RELEASE,
  ROLLBACK_CALLER,
  WORKFLOWS,
} from "./release/world.ts";
import { undisturbed } from "./run.ts";

const MARK = "<!-- four-tier release four-tier.yml -->";
const BOT = "github-actions[bot]";
const MAY = { contents: "read", deployments: "read", actions: "read", "pull-requests": "write" } as const;
const NEXT = "3".repeat(64);

let world: Awaited<ReturnType<typeof merged>>;
let waits: number[];
beforeAll(async () => {
  world = await merged({}, { ".github/workflows/rollback.yml": ROLLBACK_CALLER });
});
beforeEach(() => {
  waits = [];
});
afterAll(() => world[Symbol.asyncDispose]());

type Result = Awaited<ReturnType<typeof commentOnPulls>>;

/** A job that may comment, and nothing else. */
function commenting(may: Parameters<typeof connect>[2] = MAY, change: Partial<CommentRequest> = {}): Promise<Result> {
  return commentOnPulls({
    github: connect(world, addRun(world, {}, "comment / comment"), may),
    tier: "prod",
    contract: "four-tier.yml",
    allowedHosts: [],
    ...undisturbed(),
    pause: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
    ...change,
  });
}

const comments = (): Comment[] => world.github.world.comments;
const on = (number: number): Comment[] => comments().filter(({ issue, user }) => issue === number && user === BOT);
const bodyOn = (number: number): string => {
  const [one, ...more] = on(number);
  expect(more).toEqual([]);
  return one?.body ?? "";
};
const found = ({ findings }: Result): string[] => findings.map(({ id, severity }) => `${severity} ${id}`);

/** As somebody else, or another workflow, would. */
function say(issue: number, user: string, body: string): Comment {
  const at = timestamp();
  const comment = { id: world.github.world.id(), issue, user, createdAt: at, updatedAt: at, body };
  comments().push(comment);
  return comment;
}

/** Merges another pull request; gives its merge. */
async function merge(name: string): Promise<string> {
  world.repository.commit(name, { [`src/${name}.py`]: "1\n" }, name);
  const number = await world.github.openPullRequest({ head: name, user: "octocat", title: name });
  const commit = await world.github.mergePullRequest(number, "octocat");
  world.repository.git("checkout", "-q", "--force", "main");
  return commit;
}

/** A run that took a commit to these tiers. */
async function promoted(
  commit: string,
  release: string,
  tiers: readonly ("dev" | "staging" | "prod")[] = ["dev", "staging", "prod"],
): Promise<void> {
  const { run, prod } = promoteRun(world, { headSha: commit });
  const change = { release, components: { default: release } };
  for (const tier of tiers) await deployed(connect(world, prod), tier, run, commit, change);
  end(prod);
}

/** A promotion of a commit to prod that stopped half way, and holds prod since. */
async function stoppedHalfWay(commit: string, release: string): Promise<void> {
  const { run, prod } = promoteRun(world, { headSha: commit });
  const what = payload("prod", run, { release, components: { default: release } });
  const record = await recordDeployment(connect(world, prod), { commit, payload: what, description: "promoting" });
  await record.finish("failure", "1 of 2 changes applied");
  const { startedAt } = prod;
  const name = halfWayStatement("prod", release);
  prod.steps.push({ name, number: 9, conclusion: "success", startedAt, completedAt: startedAt });
  end(prod, "failure");
}

/** A rollback of prod to a commit. */
async function rolledBack(commit: string, release: string, from: string): Promise<void> {
  const path = ".github/workflows/rollback.yml";
  const referenced = [{ path: `${WORKFLOWS}/rollback.yml@${PIN}`, sha: PIN }];
  const job = addRun(world, { path, event: "workflow_dispatch", referenced }, "rollback / rollback");
  const { kind: _promotion, ...what } = payload("prod", job.run, { release, components: { default: release } });
  const input = { ...what, kind: "rollback", from, reason: "scores are wrong", by: "octocat" } as const;
  const name = statementOf({ ...input, suite: "four-tier", version: 1 });
  const { startedAt } = job;
  job.steps.push({ name, number: 1, conclusion: "success", startedAt, completedAt: startedAt });
  const record = await recordDeployment(connect(world, job), { commit, payload: input, description: "rolling back" });
  await record.finish("success", "done");
  end(job);
}

describe("who gets one", () => {
  it("of a tier's first release the pull request that brought its commit", async () => {
    await promoted(world.commit, RELEASE);
    expect((await commenting()).outputs).toEqual({ commented: "1" });
    expect(comments().map(({ issue, user }) => [issue, user])).toEqual([[1, BOT]]);
    comments().length = 0;
  });

  it("those that came with the last release, the newest first, a second apart", async () => {
    await merge("second");
    const third = await merge("third");
    await promoted(third, NEXT);
    const result = await commenting();
    expect(found(result)).toEqual([]);
    expect(result.outputs).toEqual({ commented: "2" });
    expect(comments().map(({ issue }) => issue)).toEqual([3, 2]);
    expect(bodyOn(2)).toContain("**prod has this change**");
    expect(bodyOn(2)).toContain(`| prod | ✅ there | <code>${NEXT.slice(0, 12)}</code> |`);
    expect(waits).toEqual([1000]);
  });

  it("nobody, where a comment says the same already", async () => {
    const before = structuredClone(comments());
    const requests = world.github.requests.length;
    expect((await commenting()).outputs).toEqual({ commented: "0" });
    expect(comments()).toEqual(before);
    expect(world.github.requests.slice(requests).filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("not those of a Deployment that somebody wrote by hand", async () => {
    const forged = await merge("forged");
    const stranger = addRun(world, { path: ".github/workflows/innocent.yml", headBranch: "forged" }, "tests");
    await deployed(connect(world, stranger), "prod", stranger.run, forged, { release: "6".repeat(64) });
    await commenting();
    expect(on(4)).toEqual([]);
  });

  it("at most so many, the newest, and it is said how many were passed over", async () => {
    const { pulls } = world.github.world;
    const model = pulls.find(({ number }) => number === 3);
    if (model === undefined) throw new Error("it was merged");
    const before = comments().splice(0);
    const more = Array.from({ length: MOST_PULLS + 1 }, (_, index): Pull => ({ ...model, number: 101 + index }));
    pulls.push(...more);
    const result = await commenting();
    pulls.splice(-more.length);
    expect(found(result)).toEqual(["warning comment/too-many"]);
    expect(result.findings[0]?.message).toContain("; 3 older ones");
    expect(comments().map(({ issue }) => issue)).toEqual(
      more
        .map(({ number }) => number)
        .toReversed()
        .slice(0, -1),
    );
    comments().splice(0, MOST_PULLS, ...before);
  });
});

describe("which comment is ours", () => {
  it.each([
    [true, { author: BOT, body: `${MARK}\n\nText` }],
    [true, { author: BOT, body: `${MARK}\r\n\r\nText` }],
    [false, { author: "octocat", body: `${MARK}\n\nText` }],
    [false, { author: "four-tier[bot]", body: MARK }],
    [false, { author: undefined, body: MARK }],
    [false, { author: BOT, body: `> ${MARK}\nsaid somebody` }],
    [false, { author: BOT, body: `A report\n${MARK}` }],
    [false, { author: BOT, body: "<!-- four-tier release four-tier.azure.yml -->" }],
  ])("%s: %o", (own, comment) => {
    expect(isOwn(comment, MARK)).toBe(own);
  });

  it("somebody else's with our mark, and another workflow's that quotes it, are left alone", async () => {
    comments().length = 0;
    const theirs = [say(2, "mallory", `${MARK}\nAll is well.`), say(2, BOT, `Summary of the talk:\n${MARK}`)];
    const before = structuredClone(theirs);
    await commenting();
    await commenting();
    expect(theirs).toEqual(before);
    expect(comments().filter(({ issue }) => issue === 2)).toHaveLength(3);
  });

  it("of two the first goes on, and the other says where", async () => {
    comments().length = 0;
    const [first, other] = [say(2, BOT, MARK), say(2, BOT, MARK)];
    await commenting();
    await commenting();
    expect(on(2)).toHaveLength(2);
    expect(first.body).toContain("**prod has this change**");
    expect(other.body).toContain(`#issuecomment-${first.id}">this comment</a>`);
  });

  it("is found behind many others, and none is written where there were too many to look at all", async () => {
    comments().length = 0;
    const chat = (count: number): void => {
      for (let each = 0; each < count; each += 1) say(2, "octocat", "+1");
    };
    chat(250);
    await commenting();
    await commenting();
    expect(on(2)).toHaveLength(1);
    comments().splice(0, comments().length, ...comments().filter(({ user }) => user !== BOT));
    chat(300);
    expect(found(await commenting())).toEqual(["warning comment/not-written"]);
    expect(on(2)).toEqual([]);
    expect(on(3)).toHaveLength(1);
  });

  it("what was said before the merge is not looked through: ours comes after it", async () => {
    comments().length = 0;
    for (let each = 0; each < 600; each += 1) say(2, "octocat", "+1").updatedAt = "2020-01-01T00:00:00Z";
    expect(found(await commenting())).toEqual([]);
    expect(on(2)).toHaveLength(1);
  });
});

describe("what hinders it is a warning", () => {
  beforeEach(() => {
    comments().length = 0;
  });

  it("a job that may not comment is told so once, with the permission and all that it concerns", async () => {
    const result = await commenting({ ...MAY, "pull-requests": "read" });
    expect(found(result)).toEqual(["warning comment/not-written"]);
    expect(result.findings[0]?.message).toContain("#3, #2");
    expect(result.findings[0]?.message).toContain("pull-requests: write");
  });

  it("a locked conversation is passed over, and the next one is commented", async () => {
    const locked = world.github.world.pulls.find(({ number }) => number === 3);
    if (locked === undefined) throw new Error("it was merged");
    locked.locked = true;
    const result = await commenting();
    locked.locked = false;
    expect(found(result)).toEqual(["warning comment/not-written"]);
    expect(result.findings[0]?.message).toMatch(/#3 .*locked/);
    expect(comments().map(({ issue }) => issue)).toEqual([2]);
  });

  it("a job that may not read the record, or a contract that is not there: nothing is said on any", async () => {
    const blind = await commenting({ "pull-requests": "write", contents: "read" });
    const lost = await commenting(MAY, { contract: "other.yml" });
    expect([found(blind), found(lost)]).toEqual([["warning comment/not-read"], ["warning comment/not-read"]]);
    expect(comments()).toEqual([]);
  });

  it("a run that is cancelled stops before the next one", async () => {
    expect(found(await commenting(MAY, { signal: AbortSignal.abort() }))).toEqual(["warning comment/not-written"]);
    expect(comments()).toEqual([]);
  });
});

describe("a rollback, while others wait", () => {
  it("what came is out again; what waits keeps the comment it has, and gets none", async () => {
    comments().length = 0;
    await commenting();
    const fifth = await merge("fifth");
    await promoted(fifth, "4".repeat(64), ["dev", "staging"]);
    await commenting(MAY, { tier: "staging" });
    expect(bodyOn(5)).toContain("**staging has this change**");
    expect(bodyOn(5)).not.toContain("⛔");
    await promoted(await merge("sixth"), "5".repeat(64), ["dev"]);

    await rolledBack(world.commit, RELEASE, NEXT);
    await commenting();

    for (const number of [2, 3]) {
      expect(bodyOn(number)).toContain("**prod does not have this change any more; staging has this change**");
      expect(bodyOn(number)).toContain("scores are wrong");
    }
    expect(bodyOn(5)).toContain("⛔ prod takes no promotion");
    expect(bodyOn(5)).toContain("Next: somebody resumes prod");
    expect(bodyOn(6)).toBe("");
    expect(bodyOn(1)).toBe("");
  });
});

describe("a promotion that stops half way", () => {
  const FIFTH = "4".repeat(64);
  const PARTS = "**prod may have parts of this change; staging has this change**";
  const commitOf = (number: number): string =>
    world.github.world.pulls.find((pull) => pull.number === number)?.mergeSha ?? "";

  it("is said to all whose change it was to bring, until the tier has a release whole", async () => {
    await stoppedHalfWay(commitOf(5), FIFTH);
    await commenting();
    for (const number of [2, 3, 5]) {
      expect(bodyOn(number)).toContain(PARTS);
      expect(bodyOn(number)).toContain("| prod | 🟠 half way |");
      expect(bodyOn(number)).toContain("⛔ prod takes no promotion: The promotion of");
    }
    expect([bodyOn(1), bodyOn(6)]).toEqual(["", ""]);
    await promoted(commitOf(5), FIFTH);
    await commenting();
    for (const number of [2, 3, 5]) expect(bodyOn(number)).toContain("**prod has this change**");
    // The same commit once more, with other wheels: what is there stays there.
    await stoppedHalfWay(commitOf(5), NEXT);
    await commenting();
    expect(bodyOn(5)).toContain("**prod has this change**");
    expect(bodyOn(5)).toContain("⛔ prod takes no promotion");
  });

  it("is said to who merged a tier's first release, too", async () => {
    comments().length = 0;
    world.github.world.deployments.length = 0;
    await stoppedHalfWay(world.commit, RELEASE);
    await commenting();
    expect(bodyOn(1)).toContain("**prod may have parts of this change**");
    expect(bodyOn(1)).toContain("| prod | 🟠 half way | none yet |");
  });
});
