/**
 * Removes one sandbox: lock, mark, look, then what stands for its use (jobs, pipelines), the schemas with what is in
 * them, the folder, the catalog last. Nothing goes before everything was looked at under the lock and the mark; before
 * each thing that goes, the catalog is read and decided about once more. Whatever stops it leaves the rest standing, and
 * a later run goes on: what is gone is not looked for twice.
 */
import { ApiError } from "../databricks/errors.ts";
import { deletePath, fileStatus } from "../databricks/files.ts";
import { type Catalog, getCatalog, listSchemas } from "../databricks/unity.ts";
import {
  deleteEmptyCatalog,
  deleteEmptySchema,
  deleteSchemaAndContent,
  updateCatalog,
} from "../databricks/unity-write.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError, messageOf } from "../findings.ts";
import { acquireLock, type Lock, type LockOptions } from "../ledger/lock.ts";
import { tierFolder } from "../ledger/paths.ts";
import { decide, type Rules, type Usage } from "./decide.ts";
import { type Deployed, inOrder, lastRunOf, removeDeployed, takeCensus } from "./deployed.ts";
import { removingComment, removingSince } from "./mark.ts";
import { type Inspection, inspect, lastChangeOf, type UsageQuestion, userOf } from "./usage.ts";

interface RemovalRequest extends Omit<UsageQuestion, "census"> {
  readonly workspace: Workspace;
  /** As it was listed. */
  readonly catalog: Catalog;
  /** As it was seen when the removal was decided. */
  readonly usage: Usage;
  readonly rules: Rules;
  readonly lock: Pick<LockOptions, "owner" | "runHasEnded" | "log" | "now">;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/**
 * Removes it and gives what is to be said about what stays. `done` is filled as it goes, so that it is known how far it
 * came: `jobs 123 "[sandbox mona] score"`, `schema mona_sandbox.gold`, `catalog mona_sandbox`. Throws FourTierError.
 */
export async function removeSandbox(request: RemovalRequest, done: string[]): Promise<Finding[]> {
  const { workspace, catalog, contract, sandboxPrincipal } = request;
  const user = userOf(catalog, contract);
  const folder =
    sandboxPrincipal === undefined || user === undefined
      ? undefined
      : tierFolder(sandboxPrincipal, { project: contract.project, name: "sandbox", developer: user });
  const held = folder === undefined ? undefined : await lockOf(request, folder);
  try {
    const before = await stillDue(request, request.usage);
    try {
      await mark(request, before);
      // A deployment takes the lock and then looks for the mark; this looks the other way round, so one sees the other.
      if (folder !== undefined && held === undefined && (await isThere(workspace, folder)))
        throw deploying(catalog.name);
      await probe(workspace, catalog.name);
      const start = await lookAgain(request);
      await removeAll(request, start, { folder, held }, done);
      return start.others.length === 0 ? [] : [othersLeft(catalog.name, start.others)];
    } catch (error) {
      if (done.length === 0) await unmark(request, before);
      throw error;
    }
  } finally {
    // A lock that went with its folder is nobody's; any other is let go for whoever looks next.
    await held?.release().catch(() => undefined);
  }
}

interface Place {
  /** Of what is deployed to it; undefined if nothing can be. */
  readonly folder: string | undefined;
  /** Undefined if nothing ever was deployed. */
  readonly held: Lock | undefined;
}

async function removeAll(
  request: RemovalRequest,
  start: Start,
  { folder, held }: Place,
  done: string[],
): Promise<void> {
  const { workspace, contract, catalog, lock, pause, now } = request;
  const { name } = catalog;
  const still = async (): Promise<void> => {
    await held?.check();
    await stillDue(request, start.usage);
  };
  for (const target of inOrder(start.own)) {
    const idle = async (): Promise<void> => {
      if (start.left) return; // what still runs there is nobody's use
      const lastRun = await lastRunOf(workspace, target, now);
      if (lastRun !== undefined && lastRun > start.lastUse) throw changed(name, `${target.name} has just run`);
    };
    const check = async (): Promise<void> => {
      await idle();
      await still();
    };
    await idle(); // before it is stopped: what runs is in use
    if (await removeDeployed(workspace, target, { contract, check, pause, log: lock.log })) done.push(nameOf(target));
  }
  // What is empty goes first: a refusal that nobody could foresee then loses no data.
  for (const schema of await schemasOf(workspace, name)) {
    const lastChange = await lastChangeOf(workspace, name, schema.name);
    if (!start.left && lastChange !== undefined && lastChange > start.lastUse) {
      throw changed(name, `${schema.name} has just been changed`);
    }
    await still();
    await deleteSchemaAndContent(workspace, `${name}.${schema.name}`);
    done.push(`schema ${name}.${schema.name}`);
  }
  if (folder !== undefined && held !== undefined) {
    await held.check();
    await deletePath(workspace, folder, { recursive: true });
    done.push(`folder ${folder}`);
  }
  await stillDue(request, start.usage);
  await deleteEmptyCatalog(workspace, name);
  done.push(`catalog ${name}`);
}

/** The lock of what is deployed to it; undefined if nothing ever was. Who holds it is at work there: that is use. */
async function lockOf({ workspace, catalog, lock, pause }: RemovalRequest, folder: string): Promise<Lock | undefined> {
  if (!(await isThere(workspace, folder))) return undefined;
  try {
    return await acquireLock(workspace, folder, { ...lock, waitMs: 0, pollMs: 0, pause });
  } catch (error) {
    if (error instanceof FourTierError && error.findings[0]?.id === "ledger/locked") {
      throw deploying(catalog.name);
    }
    throw error;
  }
}

async function isThere(workspace: Workspace, folder: string): Promise<boolean> {
  const status = await fileStatus(workspace, folder).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return undefined; // see usage.ts: nothing is deployed there
    throw error;
  });
  return status !== undefined;
}

/** The catalog as it is now; throws if by that it is not to be removed any more. */
async function stillDue({ workspace, catalog, rules }: RemovalRequest, usage: Usage): Promise<Catalog> {
  const now = await look(workspace, catalog.name);
  mustGo(now, usage, rules);
  return now;
}

function mustGo(catalog: Catalog, usage: Usage, rules: Rules): { readonly lastUse: number } {
  const decision = decide(catalog, usage, rules);
  if (decision.do !== "remove") throw changed(catalog.name, decision.why);
  return decision;
}

/** Says on the catalog that it is being removed: whoever would deploy to it is refused from now on. */
async function mark({ workspace, catalog, usage, rules }: RemovalRequest, before: Catalog): Promise<void> {
  if (removingSince(before) !== undefined) return; // an earlier run began it
  const marked = await updateCatalog(workspace, catalog.name, { comment: removingComment(rules.now) });
  mustGo(marked, usage, rules);
}

/** Takes our mark of a removal back that has removed nothing; if that fails, the next run or provisioning does. */
async function unmark({ workspace, catalog, lock }: RemovalRequest, before: Catalog): Promise<void> {
  if (removingSince(before) !== undefined) return; // an earlier run may have removed something
  try {
    const now = await getCatalog(workspace, catalog.name);
    if (now === undefined || removingSince(now) === undefined) return;
    await updateCatalog(workspace, catalog.name, { comment: before.comment ?? "" });
  } catch (error) {
    lock.log.info(`${catalog.name} still says that it is being removed: ${messageOf(error)}`);
  }
}

/** The sandbox right before anything of it goes. */
interface Start extends Inspection {
  readonly lastUse: number;
  /** The developer has left: what still runs or writes there is nobody's use. */
  readonly left: boolean;
}

/** Everything looked at again, what is deployed and its runs included: a decision of minutes ago removes nothing. */
async function lookAgain(request: RemovalRequest): Promise<Start> {
  const { workspace, catalog, contract, rules } = request;
  const census = await takeCensus(workspace, contract);
  const inspection = await inspect(workspace, catalog, { ...request, census });
  const { lastUse } = mustGo(await look(workspace, catalog.name), inspection.usage, rules);
  return { ...inspection, lastUse, left: inspection.usage.developerLeft !== undefined };
}

async function look(workspace: Workspace, name: string): Promise<Catalog> {
  const catalog = await getCatalog(workspace, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403)
      throw changed(name, `we may not see it any more: ${error.detail}`);
    throw error;
  });
  if (catalog === undefined) throw changed(name, "it is gone");
  return catalog;
}

/** Those that hold nothing first. */
async function schemasOf(
  workspace: Workspace,
  catalog: string,
): Promise<{ readonly name: string; readonly isEmpty: boolean }[]> {
  const found: { name: string; isEmpty: boolean }[] = [];
  for await (const { name } of listSchemas(workspace, catalog)) {
    if (name === "information_schema") continue;
    found.push({ name, isEmpty: (await lastChangeOf(workspace, catalog, name)) === undefined });
  }
  return found.toSorted((a, b) => (a.isEmpty === b.isEmpty ? (a.name < b.name ? -1 : 1) : a.isEmpty ? -1 : 1));
}

/**
 * Asks for what holds something to be dropped as if it were empty, which a service that can drop it refuses because it is
 * not. Any other refusal (a protection, something that depends on it) is met now, while nothing is lost.
 */
async function probe(workspace: Workspace, catalog: string): Promise<void> {
  const schemas = await schemasOf(workspace, catalog);
  if (schemas.length === 0) return;
  await refusedAsNotEmpty(deleteEmptyCatalog(workspace, catalog), "catalog", catalog);
  for (const { name, isEmpty } of schemas) {
    const fullName = `${catalog}.${name}`;
    if (!isEmpty) await refusedAsNotEmpty(deleteEmptySchema(workspace, fullName), "schema", fullName);
  }
}

async function refusedAsNotEmpty(asked: Promise<void>, type: "catalog" | "schema", name: string): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (/\bnot empty\b/i.test(error.detail)) return;
    throw new FourTierError(
      {
        id: "sandbox/protected",
        severity: "error",
        where: { kind: "securable", type, name },
        message: `${name} cannot be dropped: ${error.detail} Nothing of the sandbox was removed.`,
        remedy:
          "Take the protection away, or what depends on it; or set the catalog's property keep_until if it shall stay.",
      },
      { cause: error },
    );
  }
}

function deploying(catalog: string): FourTierError {
  return changed(catalog, "a deployment to it is under way");
}

function othersLeft(catalog: string, others: readonly Deployed[]): Finding {
  const list = others.map((each) => `${nameOf(each)} of ${each.creator ?? "nobody that is shown"}`);
  return {
    id: "sandbox/others-left",
    severity: "warning",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `${catalog} was removed, and this stayed: ${list.join(", ")}.`,
    why: "It names the sandbox, by its tags or by the catalog it writes, but neither the sandbox's principal, dev's nor the developer made it, and the ledger does not know it.",
    remedy: "Have its owner delete it, or give it another catalog and take our tags off.",
  };
}

function nameOf({ kind, id, name }: Deployed): string {
  return `${kind} ${id} "${name}"`;
}

function changed(catalog: string, why: string): FourTierError {
  return new FourTierError({
    id: "sandbox/changed-meanwhile",
    severity: "warning",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `${catalog} is not what it was a moment ago (${why}), so no more of it was removed.`,
    remedy: "Nothing: the next run looks at it again.",
  });
}
