/**
 * Removes one sandbox: stop, jobs, pipelines, folder, schemas with what is in them, the catalog last. Before each drop the
 * catalog's owner and mark and the last change are read again. Whatever stops it leaves the rest standing, and a later
 * run goes on: what is gone is not looked for twice.
 */
import { ApiError } from "../databricks/errors.ts";
import { deletePath, fileStatus } from "../databricks/files.ts";
import { type Catalog, getCatalog, listSchemas } from "../databricks/unity.ts";
import { deleteEmptyCatalog, deleteSchemaAndContent, updateCatalog } from "../databricks/unity-write.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";
import { acquireLock, type Lock, type LockOptions } from "../ledger/lock.ts";
import { tierFolder } from "../ledger/paths.ts";
import { decide, type Rules } from "./decide.ts";
import { type Deployed, inOrder, removeDeployed } from "./deployed.ts";
import { MARK, readMark, whyNotOurs } from "./mark.ts";
import { deployedTo, lastChangeOf, type UsageQuestion, usageOf, userOf } from "./usage.ts";

interface RemovalRequest extends UsageQuestion {
  readonly workspace: Workspace;
  readonly catalog: Catalog;
  readonly rules: Rules;
  readonly lock: Pick<LockOptions, "owner" | "runHasEnded" | "log" | "now">;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** What was removed, in order: `jobs 123 "[sandbox mona] score"`, `schema mona_sandbox.gold`, `catalog mona_sandbox`. */
export type Removed = readonly string[];

/** Removes it; `done` is filled as it goes, so that it is known how far it came. Throws FourTierError. */
export async function removeSandbox(request: RemovalRequest, done: string[]): Promise<void> {
  const { workspace, catalog, rules, contract, sandboxPrincipal, lock, pause } = request;
  const start = await stillToGo(request);
  await probe(workspace, catalog.name);
  const user = userOf(catalog, contract);
  const folder =
    sandboxPrincipal === undefined || user === undefined
      ? undefined
      : tierFolder(sandboxPrincipal, { project: contract.project, name: "sandbox", developer: user });
  // Nothing is deployed to it meanwhile: whoever would finds the lock taken, then the mark, then no catalog.
  const held = folder === undefined ? undefined : await lockOf(request, folder);
  const check = async (): Promise<void> => held?.check();
  try {
    const properties = { ...start.catalog.properties, [MARK.removing]: rules.now.toISOString() };
    await updateCatalog(workspace, catalog.name, { properties });
    for (const target of inOrder(deployedTo(catalog.name, request.census))) {
      const removed = await removeDeployed(workspace, target, { contract, check, pause, log: lock.log });
      if (removed) done.push(nameOf(target));
    }
    for (const schema of await schemasOf(workspace, catalog.name)) {
      await stillOurs(request, start, schema);
      await check();
      await deleteSchemaAndContent(workspace, `${catalog.name}.${schema}`);
      done.push(`schema ${catalog.name}.${schema}`);
    }
    if (folder !== undefined && held !== undefined) {
      await check();
      await deletePath(workspace, folder, { recursive: true });
      done.push(`folder ${folder}`);
    }
    await stillOurs(request, start, undefined);
    await deleteEmptyCatalog(workspace, catalog.name);
    done.push(`catalog ${catalog.name}`);
  } finally {
    // A lock that went with its folder is nobody's; any other is let go for whoever looks next.
    await held?.release().catch(() => undefined);
  }
}

/** The lock of what is deployed to it; undefined if nothing ever was. Who holds it is at work there: that is use. */
async function lockOf({ workspace, catalog, lock, pause }: RemovalRequest, folder: string): Promise<Lock | undefined> {
  const status = await fileStatus(workspace, folder).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return undefined; // see usage.ts: nothing is deployed there
    throw error;
  });
  if (status === undefined) return undefined;
  try {
    return await acquireLock(workspace, folder, { ...lock, waitMs: 0, pollMs: 0, pause });
  } catch (error) {
    if (error instanceof FourTierError && error.findings[0]?.id === "ledger/locked") {
      throw changed(catalog.name, "a deployment to it is under way");
    }
    throw error;
  }
}

/** The sandbox at the start of its removal. */
interface Start {
  readonly catalog: Catalog;
  readonly lastUse: number;
  /** The developer has left: what still runs or writes there is nobody's use. */
  readonly left: boolean;
}

/** Everything looked at anew, use included: a decision of minutes ago is no reason to drop anything. */
async function stillToGo(request: RemovalRequest): Promise<Start> {
  const { workspace, catalog, rules } = request;
  const now = await look(workspace, catalog.name);
  const usage = await usageOf(workspace, now, request);
  const decision = decide(now, usage, rules);
  if (decision.do !== "remove") throw changed(catalog.name, decision.why);
  return { catalog: now, lastUse: decision.lastUse, left: usage.developerLeft !== undefined };
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

/** Owner and mark once more, and the last change of the schema that is to go, right before a drop. */
async function stillOurs(
  { workspace, rules }: RemovalRequest,
  start: Start,
  schema: string | undefined,
): Promise<void> {
  const { name } = start.catalog;
  const now = await look(workspace, name);
  const reasons = whyNotOurs(now, rules.ours);
  if (reasons.length > 0) throw changed(name, reasons.join("; "));
  const before = readMark(start.catalog.properties);
  const mark = readMark(now.properties);
  if (mark.warned !== before.warned) throw changed(name, "its warning was taken back");
  if (mark.keepUntil !== before.keepUntil) throw changed(name, "somebody has set keep_until");
  if (schema === undefined || start.left) return;
  const lastChange = await lastChangeOf(workspace, name, schema);
  if (lastChange !== undefined && lastChange > start.lastUse) throw changed(name, `${schema} has just been changed`);
}

async function schemasOf(workspace: Workspace, catalog: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of listSchemas(workspace, catalog)) if (name !== "information_schema") names.push(name);
  return names.sort();
}

/**
 * Asks for the catalog to be dropped as if it were empty, which a service that can drop it refuses because it is not. Any
 * other refusal (a protection, something that depends on it) is met now, while nothing is lost.
 */
async function probe(workspace: Workspace, catalog: string): Promise<void> {
  if ((await schemasOf(workspace, catalog)).length === 0) return;
  try {
    await deleteEmptyCatalog(workspace, catalog);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (/\bnot empty\b/i.test(error.detail)) return;
    throw new FourTierError(
      {
        id: "sandbox/protected",
        severity: "error",
        where: { kind: "securable", type: "catalog", name: catalog },
        message: `${catalog} cannot be dropped: ${error.detail} Nothing of it was removed.`,
        remedy: "Take the protection away, or what depends on it; or set its property keep_until if it shall stay.",
      },
      { cause: error },
    );
  }
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
    remedy: "Nothing: the next run looks at it anew.",
  });
}
