/**
 * Takes down what is deployed to one developer's sandbox, for a pull request that was closed: under the sandbox's lock,
 * jobs and pipelines that are ours by tag and by maker, then the releases' folders. The catalog and its data stay.
 */
import type { Contract, Tier } from "./contract/model.ts";
import { deletePath, listFolder } from "./databricks/files.ts";
import type { Workspace } from "./databricks/workspace.ts";
import type { RunContext } from "./environment.ts";
import type { Finding } from "./findings.ts";
import { acquireLock, type LockAccess, lockFor, releaseQuietly } from "./ledger/lock.ts";
import type { Ledger } from "./ledger/model.ts";
import { ledgerPath, tierFolder } from "./ledger/paths.ts";
import { readLedger, writeLedger } from "./ledger/store.ts";
import { type Deployed, inOrder, removeDeployed, takeCensus } from "./sandboxes/deployed.ts";

interface TeardownRequest extends LockAccess {
  readonly run: Pick<RunContext, "runId" | "runAttempt" | "job">;
  /** The sandbox, resolved for its developer and proven. */
  readonly tier: Tier;
  readonly contract: Pick<Contract, "project">;
  readonly workspace: Workspace;
  /** The sandbox principal's application id, proven. */
  readonly principal: string;
  /** The pull request's branch: what another branch has deployed since is left alone. Undefined: whatever is there goes. */
  readonly branch: string | undefined;
  /** The branch that a run was for; undefined if GitHub does not say. */
  readonly branchOf: (run: string) => Promise<string | undefined>;
  readonly lockWaitMs: number;
}

/** What was taken out of a sandbox. */
export interface TeardownResult {
  readonly removed: readonly Deployed[];
  /** Resources of other kinds that the ledger names: what holds data is not taken down. */
  readonly kept: readonly string[];
  readonly findings: readonly Finding[];
}

/** Takes it down; throws FourTierError for what stops it, and the next run goes on from there. */
export async function teardown(request: TeardownRequest): Promise<TeardownResult> {
  const { workspace, tier, principal, log } = request;
  const folder = tierFolder(principal, tier);
  if ((await listFolder(workspace, folder)) === undefined && (await ours(request, undefined)).length === 0) {
    return { removed: [], kept: [], findings: [] };
  }
  const lock = await acquireLock(workspace, folder, lockFor(request, request.lockWaitMs));
  try {
    const check = (): Promise<void> => lock.check();
    let ledger = await readLedger(workspace, folder, { project: tier.project, tier: tier.name });
    const other = await deployedByAnother(request, ledger);
    if (other !== undefined) return { removed: [], kept: [], findings: [other] };
    const targets = inOrder(await ours(request, ledger));
    const removed: Deployed[] = [];
    for (const target of targets) {
      const there = await removeDeployed(workspace, target, { ...request, check });
      if (there) removed.push(target);
      log.info(`${there ? "Removed" : "Already gone:"} ${target.name} (${target.id})`);
      if (ledger === undefined || target.key === undefined || !ledger.resources.has(target.key)) continue;
      const resources = new Map([...ledger.resources].filter(([key]) => key !== target.key));
      await check();
      ledger = await writeLedger(workspace, folder, { ...ledger, resources });
    }
    const kept = [...(ledger?.resources ?? [])].filter(([, { kind }]) => !REMOVED.has(kind)).map(([key]) => key);
    // What is kept is still ours: without the ledger the next deployment would take it for somebody else's.
    await check();
    await deletePath(workspace, `${folder}/releases`, { recursive: true });
    if (kept.length === 0) await deletePath(workspace, ledgerPath(folder));
    else if (ledger !== undefined)
      await writeLedger(workspace, folder, { ...ledger, release: undefined, pending: undefined });
    return { removed, kept, findings: kept.length === 0 ? [] : [keptFinding(tier, kept)] };
  } finally {
    await releaseQuietly(lock, log);
  }
}

/** One sandbox a developer: the last pull request deployed wins, and an older one's end must not take it down. */
async function deployedByAnother(request: TeardownRequest, ledger: Ledger | undefined): Promise<Finding | undefined> {
  const { branch, branchOf, tier } = request;
  if (branch === undefined) return undefined;
  const run = (ledger?.pending?.release ?? ledger?.release)?.run.id;
  if (run === undefined) {
    return (await ours(request, ledger)).length === 0 ? undefined : unknownBranch(tier, branch);
  }
  const deployed = await branchOf(run);
  if (deployed === branch) return undefined;
  return {
    id: "sandbox/other-branch",
    severity: "notice",
    where: { kind: "securable", type: "catalog", name: tier.catalog },
    message: `Nothing was taken down: the sandbox has what run ${run} deployed${deployed === undefined ? ", whose branch GitHub does not say" : ` from ${deployed}`}, and this pull request is of ${branch}.`,
    remedy: "It goes when that pull request is closed; or start the teardown by hand.",
  };
}

function unknownBranch(tier: Tier, branch: string): Finding {
  return {
    id: "sandbox/unknown-branch",
    severity: "warning",
    where: { kind: "securable", type: "catalog", name: tier.catalog },
    message: `Nothing was taken down: the sandbox's ledger does not say which run deployed what is there, so it may not be of ${branch}.`,
    remedy: "Deploy once more, or start the teardown by hand: that takes down whatever is there.",
  };
}

const REMOVED: ReadonlySet<string> = new Set(["jobs", "pipelines"]);

/** Ours: with this developer's tags, and in the ledger or made by the sandbox's principal; a person's copy is the person's. */
async function ours(
  { workspace, contract, tier, principal }: TeardownRequest,
  ledger: Ledger | undefined,
): Promise<Deployed[]> {
  const ids = new Set([...(ledger?.resources ?? [])].map(([, { kind, id }]) => `${kind} ${id}`));
  const prefix = `[sandbox ${tier.developer ?? ""}] `;
  const census = await takeCensus(workspace, contract, (name) => name.startsWith(prefix));
  return census.filter(
    ({ kind, id, developer, creator }) =>
      developer === tier.developer && (ids.has(`${kind} ${id}`) || creator === principal),
  );
}

function keptFinding(tier: Tier, kept: readonly string[]): Finding {
  return {
    id: "sandbox/kept",
    severity: "notice",
    where: { kind: "securable", type: "catalog", name: tier.catalog },
    message: `${kept.join(", ")} stayed: taking a deployment down removes no data.`,
    remedy: "They go with the sandbox; drop them by hand if they are in the way.",
  };
}
