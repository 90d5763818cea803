/** Takes a scene's tier back, as a run of its own. */
import { resolveTier } from "../src/contract/tiers.ts";
import type { LedgerRelease } from "../src/ledger/model.ts";
import { releaseAgain } from "../src/release/again.ts";
import { type JudgedRelease, NOT_HERE } from "../src/release/rollback-target.ts";
import { type RolledBack as Result, type RollbackRequest, rollback } from "../src/rollback.ts";
import { gitOf, type RunOptions, type Scene } from "./promotion.ts";
import { IDS } from "./promotion-files.ts";
import { leaping, RUN } from "./run.ts";

interface RolledBack {
  readonly result: Result;
  readonly records: readonly { release: LedgerRelease; from: string | undefined; ended: string }[];
  readonly log: readonly string[];
  readonly writes: readonly string[];
}

export interface RollbackOptions
  extends Partial<Pick<RollbackRequest, "to" | "deletes" | "signal" | "pause" | "runHasEnded" | "principal">>,
    Pick<RunOptions, "through" | "github"> {
  readonly run?: string;
  /** Called with each line that is said. */
  readonly onLine?: (line: string) => void;
  /** What GitHub's record says of a release, where it is not that it was here and verified. */
  readonly judged?: (release: LedgerRelease) => Partial<JudgedRelease>;
}

let runs = 5_000;

export async function rollbackScene(
  scene: Scene,
  {
    run = String((runs += 1)),
    judged,
    onLine,
    through,
    github = (_what, ask) => ask(),
    ...options
  }: RollbackOptions = {},
): Promise<RolledBack> {
  const git = gitOf(scene.repository);
  const name = scene.tier;
  const contract = await scene.contract(scene.repository.head());
  const tier = { ...resolveTier(contract, name), name };
  const records: { release: LedgerRelease; from: string | undefined; ended: string }[] = [];
  const log: string[] = [];
  const before = scene.writes().length;
  const result = await rollback({
    run: { ...RUN, runId: run, sha: scene.repository.head(), event: "workflow_dispatch" },
    tier,
    contract,
    workspace: (through ?? ((workspace) => workspace))(scene.connect()),
    principal: IDS[name],
    root: "",
    to: "",
    reason: "scores are wrong",
    deletes: [],
    again: (release) =>
      releaseAgain({ git, root: "", contractFile: "four-tier.yml", allowedHosts: [], tier, now: new Date() }, release),
    isAncestor: (a, b) => git.isAncestor(a, b),
    judge: (release) => Promise.resolve({ ...NOT_HERE, wasHere: true, verified: true, ...judged?.(release) }),
    record: (release, from) =>
      github("POST deployments", () => {
        const record = { release, from, ended: "" };
        records.push(record);
        return Promise.resolve({
          id: String(records.length),
          finish: (state: string, text: string) =>
            github("POST statuses", () => {
              record.ended = `${state}: ${text}`;
              if (state === "success") scene.recorded = { commit: release.commit, release: release.digest };
              return Promise.resolve();
            }),
        });
      }),
    runHasEnded: () => Promise.resolve(false),
    lockWaitMs: 60_000,
    log: {
      info: (line) => {
        log.push(line);
        onLine?.(line);
      },
      warning: (line) => log.push(`warning: ${line}`),
    },
    signal: new AbortController().signal,
    ...leaping(),
    ...options,
  });
  return { result, records, log, writes: scene.writes().slice(before) };
}
