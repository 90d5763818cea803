import { describe, expect, it } from "vitest";
import { resolveTier } from "../src/contract/tiers.ts";
import { deletePath, listFolder, writeFile } from "../src/databricks/files.ts";
import type { Workspace } from "../src/databricks/workspace.ts";
import { isFailure } from "../src/findings.ts";
import { type Fact, known, notKnown } from "../src/gate/facts.ts";
import { openGit } from "../src/git.ts";
import { plan } from "../src/plan.ts";
import type { CurrentRelease } from "../src/release/current-release.ts";
import type { Artifact } from "../src/release/digest.ts";
import { type JudgedRelease, NOT_HERE } from "../src/release/rollback-target.ts";
import { goodFacts, keptFor } from "./gate/facts.ts";
import { provenBy, type Scene, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT, IDS } from "./promotion-files.ts";
import { QUIET, RUN } from "./run.ts";

/** A brief for the head, with or without a look at the tier. */
async function brief(
  prod: Scene,
  options: {
    live?: boolean;
    own?: boolean;
    /** Done before the brief reads a job. */
    beforeJobs?: () => Promise<void>;
    current?: Fact<CurrentRelease | undefined>;
    carried?: readonly Artifact[];
    judged?: JudgedRelease;
  } = {},
) {
  const git = openGit(prod.repository.folder);
  const commit = await git.head();
  const contract = await prod.contract(commit);
  const candidate = await prod.candidate(commit);
  const good = goodFacts();
  const asked: string[] = [];
  const result = await plan({
    run: RUN,
    tier: resolveTier(contract, prod.tier),
    candidate,
    wheels: [],
    root: "",
    contract,
    allowedHosts: [],
    git,
    live:
      options.live === true
        ? { workspace: seenThrough(prod, options.beforeJobs), own: options.own ?? true }
        : undefined,
    current: () => Promise.resolve(options.current ?? known(undefined)),
    gather: (stage, live, current) => {
      asked.push(stage);
      return Promise.resolve({
        ...good,
        ...live,
        tier: prod.tier,
        stage,
        candidate: { commit, release: candidate.digest, artifacts: [] },
        approved: { release: undefined, plan: undefined },
        destructive: resolveTier(contract, prod.tier).destructive,
        source: known([provenBy(commit, candidate.digest)]),
        documents: known(keptFor(candidate.digest)),
        order: known({ current: current.known ? current.value : undefined, relation: "ahead" }),
      });
    },
    history: () => Promise.resolve(notKnown("not asked", "ask")),
    judge: () => Promise.resolve(options.judged ?? { ...NOT_HERE, wasHere: true, verified: true }),
    whereabouts: () => Promise.resolve(undefined),
    log: QUIET,
    now: new Date(),
  });
  return { result, asked };
}

function seenThrough(prod: Scene, beforeJobs?: () => Promise<void>): Workspace {
  const workspace = prod.connect();
  if (beforeJobs === undefined) return workspace;
  return {
    ...workspace,
    call: async (request) => {
      if (request.path.includes("/jobs/get")) await beforeJobs();
      return workspace.call(request);
    },
  };
}

/** What evidence would prove after a promotion of this commit. */
async function proven(prod: Scene, commit: string): Promise<Fact<CurrentRelease>> {
  return known({ commit, release: (await prod.candidate(commit)).digest, at: "2026-11-20T10:00:00Z", artifacts: [] });
}

async function toProd(prod: Scene) {
  const first = await prod.promote();
  const { "release-digest": release, "plan-digest": digest } = first.result.outputs;
  return prod.promote({ approved: { release, plan: digest } });
}

describe("a brief", () => {
  it("has the same plan from commits, with a look at the tier, and in the promotion itself", async () => {
    const prod = await scene("prod");
    await toProd(prod);
    const current = await proven(prod, prod.repository.git("rev-parse", "HEAD"));
    prod.change({
      "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2"),
      "src/data/ingest.sql": "select 2\n",
    });
    const commits = await brief(prod, { current });
    const live = await brief(prod, { current, live: true });
    const promoted = await toProd(prod);
    const digests = [commits.result, live.result, promoted.result].map(({ outputs }) => outputs["plan-digest"]);
    expect(new Set(digests).size).toBe(1);
    expect([commits.asked, live.asked]).toEqual([["plan"], ["plan-live"]]);
    expect(promoted.result.outputs).toMatchObject({ changed: "true" });
    // the pipeline's code, by its file
    expect(live.result.summary).toMatch(/pipelines\.ingest<\/code> \| its code \| [^\n]*src\/data\/ingest\.sql/);
    expect(live.result.summary).not.toContain("${");
  });

  it("writes nothing and takes no lock: it may wait for an approval as long as it likes", async () => {
    const prod = await scene("prod");
    await toProd(prod);
    prod.change({ "src/data/ingest.sql": "select 2\n" });
    const before = prod.writes().length;
    await brief(prod, { live: true });
    expect(prod.writes().slice(before)).toEqual([]);
  });

  it("shows a change by hand only with a look, and the plan does not depend on it", async () => {
    const prod = await scene("prod");
    await toProd(prod);
    const current = await proven(prod, prod.repository.git("rev-parse", "HEAD"));
    prod.change({ "src/data/ingest.sql": "select 2\n" });
    const before = await brief(prod, { current, live: true });
    prod.world.changeJob("prod", "score", (settings) => void (settings["max_concurrent_runs"] = 9));
    const live = await brief(prod, { current, live: true });
    const blind = await brief(prod, { current });
    expect(live.result.outputs["plan-digest"]).toBe(before.result.outputs["plan-digest"]);
    expect(live.result.outputs["drift-digest"]).not.toBe(before.result.outputs["drift-digest"]);
    expect(blind.result.outputs["drift-digest"]).toBe("");
    expect(live.result.report).toMatchObject({ drift: { entries: [{ key: "jobs.score", what: "changed" }] } });
  });

  it("takes what another promotion of ours wrote while it looked for no change by hand", async () => {
    const prod = await scene("prod");
    await toProd(prod);
    const head = prod.repository.git("rev-parse", "HEAD");
    const current = await proven(prod, head);
    const next = prod.change({ "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2") });
    const { "release-digest": release, "plan-digest": digest } = (await prod.promote({ commit: next })).result.outputs;
    // The whole of another promotion, between what the brief reads of the ledger and what it reads of the job.
    let other: Promise<unknown> | undefined;
    const live = async (): Promise<void> => {
      other ??= prod.promote({ commit: next, approved: { release, plan: digest } });
      await other;
    };
    const found = await brief(prod, { current, live: true, beforeJobs: live });
    expect(other).toBeDefined();
    expect(found.result.report).toMatchObject({ drift: { entries: [] }, current: { commit: next } });
  });

  it("is not written where what the tier runs is not known", async () => {
    const prod = await scene("prod");
    const current = notKnown("GitHub does not say.", "Give the job deployments: read.");
    await expect(brief(prod, { current })).rejects.toMatchObject({
      findings: [{ id: "plan/unknown-current", severity: "unknown" }],
    });
  });

  it("does not believe a record whose digest its commit does not make", async () => {
    const prod = await scene("prod");
    const commit = prod.repository.git("rev-parse", "HEAD");
    const current = known({ commit, release: "f".repeat(64), at: "2026-11-20T10:00:00Z", artifacts: [] });
    await expect(brief(prod, { current })).rejects.toMatchObject({ findings: [{ id: "plan/other-current" }] });
  });

  it("finds the way back by the folders of the tier, and says when a rollback would choose nothing", async () => {
    const prod = await scene("prod");
    await toProd(prod);
    const had = prod.repository.git("rev-parse", "HEAD").slice(0, 12);
    prod.change({ "src/data/ingest.sql": "select 2\n" });
    expect((await brief(prod, { live: true })).result.summary).toMatch(
      new RegExp(`takes prod back to .*${had}.*its files are still there`),
    );
    const judged = { ...NOT_HERE, wasHere: true };
    const unverified = await brief(prod, { live: true, judged });
    expect(unverified.result.summary).toMatch(/would choose nothing by itself.*name one/i);
    await deletePath(prod.connect(), `${prod.folder}/releases`, { recursive: true });
    expect((await brief(prod, { live: true })).result.summary).toContain("its files are **not** there any more");
  });

  it("names a failed run only of a job whose code or settings change, and only if nothing succeeded since", async () => {
    const prod = await scene("prod");
    await toProd(prod);
    const current = await proven(prod, prod.repository.git("rev-parse", "HEAD"));
    prod.world.finishRun("prod", prod.world.startRun("prod", "score"), "FAILED");
    const mixed = "failed runs whose repair would mix two releases";
    prod.change({ "src/data/ingest.sql": "select 2\n" });
    expect((await brief(prod, { live: true, current })).result.summary).not.toContain(mixed);
    prod.change({ "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2") });
    expect((await brief(prod, { live: true, current })).result.summary).toContain(`${mixed}: <code>jobs.score`);
    expect((await brief(prod, { current })).result.summary).toContain("Nobody looked at prod");
    prod.world.finishRun("prod", prod.world.startRun("prod", "score"));
    expect((await brief(prod, { live: true, current })).result.summary).not.toContain(mixed);
  });

  describe("stops before the approval at what the promotion itself would stop at", () => {
    const extra = (kept: boolean): string =>
      kept
        ? `${BUNDLE.trimEnd()}\n    extra:\n      name: extra\n      tasks: [{ task_key: a, condition_task: { op: EQUAL_TO, left: a, right: a } }]\n`
        : BUNDLE;
    const listing = CONTRACT.replace(`client_id: ${IDS.prod} }`, `client_id: ${IDS.prod}, destructive: [jobs.extra] }`);

    async function withExtra() {
      const prod = await scene("prod", {}, { "databricks.yml": extra(true), "four-tier.yml": listing });
      await toProd(prod);
      const current = await proven(prod, prod.repository.git("rev-parse", "HEAD"));
      prod.change({ "databricks.yml": extra(false) });
      return { prod, current };
    }

    it("a resource to delete that lost our mark, in the gate's table and in the first sentence", async () => {
      const { prod, current } = await withExtra();
      const whole = await brief(prod, { current, live: true });
      expect(whole.result.findings.filter(isFailure)).toEqual([]);
      prod.world.changeJob("prod", "extra", (settings) => void (settings["tags"] = {}));
      const seen = await brief(prod, { current, live: true });
      expect(seen.result.findings.map(({ id }) => id)).toContain("release/not-marked");
      expect(seen.result.summary).toMatch(
        /Nobody is asked to approve: the gate does not let this release in .*destructive/,
      );
      expect(seen.result.report).toMatchObject({ brief: { not_looked_at: [] } });
      const promoted = await prod.promote({ approved: { plan: seen.result.outputs["plan-digest"] } });
      expect(promoted.result.findings.map(({ id }) => id)).toContain("release/not-marked");
      expect(promoted.writes).toEqual([]);
    });

    it("a release folder that was touched", async () => {
      const { prod, current } = await withExtra();
      prod.change({ "src/data/ingest.sql": "select 2\n" });
      const folder = `${prod.folder}/releases`;
      await toProd(prod);
      prod.change({ "databricks.yml": BUNDLE.replace("max_concurrent_runs: 1", "max_concurrent_runs: 2") });
      const connection = prod.connect();
      const [scoring] =
        (await listFolder(connection, folder))?.filter(({ path }) => /scoring-[0-9a-f]+$/.test(path)) ?? [];
      await writeFile(connection, `${scoring?.path ?? ""}/extra.py`, new TextEncoder().encode("1"), {
        overwrite: false,
      });
      const touched = await brief(prod, { current, live: true });
      expect(touched.result.findings).toMatchObject([
        { id: "release/folder-tampered", message: expect.stringContaining("does not belong to the release") as string },
      ]);
      expect(touched.result.summary).toContain("Nobody is asked to approve: prod is not as a promotion needs it");
    });

    it("and says, where nobody looked or not at everything, that this comes only after the approval", async () => {
      const { prod, current } = await withExtra();
      const blind = await brief(prod, { current });
      expect(blind.result.summary).toContain(
        "❓ nobody looked at prod&#58; whether the promotion stops at what is there",
      );
      expect(blind.result.report).toMatchObject({
        brief: { not_looked_at: [expect.stringContaining("nobody looked")] },
      });
    });
  });

  it.each([
    ["its runs were cancelled by a promotion that rolled it forward", "continuous: {}", 1],
    ["it runs all the time no more, and only did", "max_concurrent_runs: 1", 0],
  ])("names no failed run of what runs all the time: %s", async (_name, then, byHand) => {
    const stream = (how: string, timeout: number): string =>
      `${BUNDLE.trimEnd()}\n    stream:\n      name: stream\n      ${how}\n      timeout_seconds: ${timeout}\n      tasks: [{ task_key: a, notebook_task: { notebook_path: src/scoring/score.py } }]\n`;
    const files = {
      "databricks.yml": stream("continuous: {}", 1),
      "four-tier.yml": CONTRACT.replace("jobs.watch", "jobs.watch, jobs.stream"),
    };
    const prod = await scene("prod", {}, files);
    await toProd(prod);
    for (let started = 0; started < byHand; started += 1) prod.world.startRun("prod", "stream");
    prod.change({ "databricks.yml": stream(then, 2) });
    await toProd(prod);
    // what a promotion stops, or somebody by hand, to make room
    for (const run of prod.world.runs("prod", "stream")) {
      if (run.result === undefined) prod.world.finishRun("prod", run, "CANCELED");
    }
    expect(prod.world.runs("prod", "stream").some(({ result }) => result === "CANCELED")).toBe(true);
    const current = await proven(prod, prod.repository.git("rev-parse", "HEAD"));
    prod.change({ "databricks.yml": stream(then, 3) });
    expect((await brief(prod, { live: true, current })).result.summary).not.toContain("would mix two releases");
  });
});
