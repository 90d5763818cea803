/** When a sandbox was last used: what changed in its catalog, what of it ran. Our own marks are on the catalog alone, and do not count. */
import type { Contract } from "../contract/model.ts";
import { sandboxUser } from "../contract/values.ts";
import { ApiError } from "../databricks/errors.ts";
import { getJob } from "../databricks/jobs.ts";
import { getPipeline } from "../databricks/pipelines.ts";
import { findUser } from "../databricks/scim.ts";
import {
  type Catalog,
  listFunctions,
  listModels,
  listSchemas,
  listTables,
  listVolumes,
  type Securable,
} from "../databricks/unity.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import { tierFolder } from "../ledger/paths.ts";
import { readLedger } from "../ledger/store.ts";
import type { Usage } from "./decide.ts";
import { type Deployed, lastRunOf } from "./deployed.ts";
import { readMark } from "./mark.ts";

export interface UsageQuestion {
  readonly contract: Contract;
  /** Everything that is deployed to any sandbox. */
  readonly census: readonly Deployed[];
  /** The sandbox principal's application id; undefined if there is none. */
  readonly sandboxPrincipal: string | undefined;
  readonly now: Date;
}

/** Requests in flight. */
const PARALLEL = 8;

/** What belongs to one sandbox of a census: by our tags, or because it writes its catalog. */
export function deployedTo(catalog: string, census: readonly Deployed[]): Deployed[] {
  return census.filter(
    (each) => each.catalog === catalog || (each.developer !== undefined && `${each.developer}_sandbox` === catalog),
  );
}

/** Looks; never throws for what one sandbox alone does not show: that is said, and it is kept. */
export async function usageOf(workspace: Workspace, catalog: Catalog, question: UsageQuestion): Promise<Usage> {
  try {
    const deployed = deployedTo(catalog.name, question.census);
    const [lastChange, runs, hidden, developerLeft] = [
      await lastChangeIn(workspace, catalog.name),
      await mapBounded(deployed, PARALLEL, (each) => lastRunOf(workspace, each, question.now)),
      await unseenResources(workspace, catalog, deployed, question),
      await whyLeft(workspace, catalog, question.contract),
    ];
    const times = runs.filter((time) => time !== undefined);
    const lastRun = times.length === 0 ? undefined : Math.max(...times);
    return { lastChange, lastRun, unseen: hidden, developerLeft };
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    const unseen = `what is in it could not be read: ${error.findings[0]?.message ?? error.message}`;
    return { lastChange: undefined, lastRun: undefined, unseen, developerLeft: undefined };
  }
}

/** The last change of anything in a catalog; undefined if nothing is in it. Throws for an object without a time. */
async function lastChangeIn(workspace: Workspace, catalog: string): Promise<number | undefined> {
  const schemas: string[] = [];
  for await (const { name } of listSchemas(workspace, catalog)) if (name !== "information_schema") schemas.push(name);
  const changes = await mapBounded(schemas, PARALLEL, (schema) => lastChangeOf(workspace, catalog, schema));
  const times = changes.filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** The same of one schema; the schema itself does not count, it is ours. */
export async function lastChangeOf(workspace: Workspace, catalog: string, schema: string): Promise<number | undefined> {
  let last: number | undefined;
  for (const list of [listTables, listVolumes, listFunctions, listModels]) {
    const objects: AsyncGenerator<Securable> = list(workspace, catalog, schema);
    for await (const { fullName, updatedAt } of objects) {
      if (updatedAt === undefined) throw noTime(fullName);
      last = Math.max(last ?? 0, updatedAt);
    }
  }
  return last;
}

/** What the sandbox's ledger names and the census does not show: dev's principal may not see it, so it cannot remove it. */
async function unseenResources(
  workspace: Workspace,
  catalog: Catalog,
  deployed: readonly Deployed[],
  { contract, sandboxPrincipal }: UsageQuestion,
): Promise<string | undefined> {
  const user = userOf(catalog, contract);
  if (sandboxPrincipal === undefined || user === undefined) return undefined;
  const folder = tierFolder(sandboxPrincipal, { project: contract.project, name: "sandbox", developer: user });
  const read = readLedger(workspace, folder, { project: contract.project, tier: "sandbox" });
  const ledger = await read.catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return "hidden" as const;
    throw error;
  });
  // A folder that is not there is refused like one that is hidden. Deployments share theirs with dev's principal, so
  // without anything deployed it is the former.
  if (ledger === "hidden") return deployed.length === 0 ? undefined : `dev's principal may not read ${folder}`;
  const seen = new Set(deployed.map(({ kind, id }) => `${kind} ${id}`));
  const missing = [...(ledger?.resources ?? [])].filter(
    ([, { kind, id }]) => (kind === "jobs" || kind === "pipelines") && !seen.has(`${kind} ${id}`),
  );
  // What is gone is gone; what only hides would stay behind and run on.
  const hidden: string[] = [];
  for (const [key, { kind, id }] of missing) {
    const read = kind === "jobs" ? getJob(workspace, id) : getPipeline(workspace, id);
    const found = await read.catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 403) return "hidden" as const;
      throw error;
    });
    if (found !== undefined) hidden.push(key);
  }
  return hidden.length === 0 ? undefined : `dev's principal does not see ${hidden.join(", ")} as part of it`;
}

/** The developer's part of the catalog's name, as the mark gives it. */
export function userOf(catalog: Pick<Catalog, "properties">, contract: Contract): string | undefined {
  const { developer } = readMark(catalog.properties);
  return developer === undefined ? undefined : sandboxUser(developer, contract.tiers.sandbox.loginSuffix);
}

/** Why a developer does not need the sandbox any more. Who is not shown may only not be visible, and counts as here. */
async function whyLeft(workspace: Workspace, catalog: Catalog, contract: Contract): Promise<string | undefined> {
  const { developer } = readMark(catalog.properties);
  if (developer === undefined) return undefined;
  const name = contract.users.get(developer);
  if (name === undefined) return `${developer} is not among the contract's users any more`;
  const user = await findUser(workspace, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  });
  return user?.active === false ? `${user.userName} is deactivated in Databricks` : undefined;
}

function noTime(fullName: string): FourTierError {
  return new FourTierError({
    id: "sandbox/no-time",
    severity: "unknown",
    where: { kind: "securable", type: "object", name: fullName },
    message: `The service does not say when ${fullName} was last changed.`,
    remedy: "Look at it by hand.",
  });
}
