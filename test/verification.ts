/** Verifies what a scene's tier has, as a run of its own. */
import { resolveTier } from "../src/contract/tiers.ts";
import { releaseAgain } from "../src/release/again.ts";
import type { RecordInput } from "../src/release/evidence.ts";
import type { ActionResult } from "../src/report/report.ts";
import { type VerifyRequest, verify } from "../src/verify.ts";
import { gitOf, type RunOptions, type Scene } from "./promotion.ts";
import { IDS } from "./promotion-files.ts";
import { leaping, RUN } from "./run.ts";

interface Verified {
  readonly result: ActionResult;
  readonly records: readonly { commit: string; payload: RecordInput<"verification"> }[];
  readonly log: readonly string[];
  /** Jobs and pipelines that were started, as requests. */
  readonly starts: readonly string[];
}

/** The clock of the verification goes on by what it waits, so that an hour takes no time. */
export async function verifyScene(
  scene: Scene,
  {
    run = "900",
    through = (workspace) => workspace,
    ...options
  }: Partial<Pick<VerifyRequest, "policy" | "expected" | "deep" | "signal" | "pause" | "record" | "runHasEnded">> &
    Pick<RunOptions, "through"> & { readonly run?: string } = {},
): Promise<Verified> {
  const git = gitOf(scene.repository);
  const name = scene.tier;
  const tier = { ...resolveTier(await scene.contract(scene.repository.head()), name), name };
  const records: { commit: string; payload: RecordInput<"verification"> }[] = [];
  const log: string[] = [];
  const before = scene.writes().length;
  const result = await verify({
    run: { ...RUN, runId: run, sha: scene.repository.head() },
    tier,
    workspace: through(scene.connect()),
    principal: IDS[name],
    root: "",
    policy: { steps: [{ key: "jobs.score", how: "run" }], timeoutMs: 600_000 },
    expected: "",
    deep: false,
    again: (release) =>
      releaseAgain({ git, root: "", contractFile: "four-tier.yml", allowedHosts: [], tier, now: new Date() }, release),
    record: (commit, payload) => {
      records.push({ commit, payload });
      return Promise.resolve("77");
    },
    runHasEnded: () => Promise.resolve(false),
    log: { info: (line) => log.push(line), warning: (line) => log.push(`warning: ${line}`) },
    signal: new AbortController().signal,
    ...leaping(),
    ...options,
  });
  const starts = scene
    .writes()
    .slice(before)
    .filter((write) => /run-now|\/updates$/.test(write));
  return { result, records, log, starts };
}
