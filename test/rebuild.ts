/** Makes a scene's ledger again, as a run of its own. */
import { resolveTier } from "../src/contract/tiers.ts";
import type { Finding } from "../src/findings.ts";
import type { LedgerRelease } from "../src/ledger/model.ts";
import { rebuildLedger } from "../src/rebuild.ts";
import { releaseAgain } from "../src/release/again.ts";
import { gitOf, type Scene } from "./promotion.ts";
import { IDS } from "./promotion-files.ts";
import { QUIET } from "./run.ts";

type Options = Partial<
  Pick<Parameters<typeof rebuildLedger>[0], "workspace" | "runHasEnded" | "lockWaitMs" | "pause" | "run">
>;

/** Of what GitHub's record says: this release was the last. */
export async function rebuildScene(
  scene: Scene,
  release: LedgerRelease,
  options: Options = {},
): Promise<readonly Finding[]> {
  const git = gitOf(scene.repository);
  const tier = resolveTier(await scene.contract(release.commit), scene.tier);
  const made = { git, root: "", contractFile: "four-tier.yml", allowedHosts: [], tier, now: new Date() };
  return rebuildLedger({
    workspace: scene.connect(),
    tier,
    principal: IDS[scene.tier],
    run: { runId: "800", runAttempt: 1, job: "verify" },
    records: () => Promise.resolve([release]),
    closedBy: () => Promise.resolve({}),
    again: (each) => releaseAgain(made, each),
    runHasEnded: () => Promise.resolve(undefined),
    lockWaitMs: 0,
    log: QUIET,
    signal: new AbortController().signal,
    now: () => new Date(),
    pause: () => Promise.resolve(),
    ...options,
  });
}
