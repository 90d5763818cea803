/**
 * When a sandbox was last used: what changed in its catalog, what of it ran. Our own marks are on the catalog alone,
 * and do not count.
 */
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
import { mapBounded, together } from "../http/pool.ts";
import { tierFolder } from "../ledger/paths.ts";
import { readLedger } from "../ledger/store.ts";
import type { Usage } from "./decide.ts";
import { type Deployed, lastRunOf, noTime } from "./deployed.ts";
import { readMark } from "./mark.ts";

/** What is known before a sandbox is looked at. */
export interface UsageQuestion {
  readonly contract: Contract;
  /** Everything that is deployed to any sandbox. */
  readonly census: readonly Deployed[];
  /** dev's application id, which owns the sandboxes. */
  readonly owner: string;
  /** The sandbox principal's application id; undefined if there is none. */
  readonly sandboxPrincipal: string | undefined;
  /** False if too many have left at once for the contract's `users` to be believed (see clean.ts). */
  readonly believeUsers: boolean;
  readonly now: Date;
}

/** One sandbox as it was looked at. */
export interface Inspection {
  readonly usage: Usage;
  /** What is deployed to it and goes with it. */
  readonly own: readonly Deployed[];
  /** What carries its tags or writes its catalog, and is not shown to be its own. */
  readonly others: readonly Deployed[];
}

/** Requests in flight. */
const PARALLEL = 8;

/** Looks; never throws for what one sandbox alone does not show: that is said, and it is kept. */
export async function inspect(workspace: Workspace, catalog: Catalog, question: UsageQuestion): Promise<Inspection> {
  try {
    const touching = question.census.filter((each) => isNamedBy(each, catalog.name) || each.catalog === catalog.name);
    const [lastChange, runs, ledger, developerLeft] = await together([
      lastChangeIn(workspace, catalog.name),
      mapBounded(touching, PARALLEL, (each) => lastRunOf(workspace, each, question.now)),
      readResources(workspace, catalog, touching, question),
      whyLeft(workspace, catalog, question),
    ]);
    const times = runs.filter((time) => time !== undefined);
    const lastRun = times.length === 0 ? undefined : Math.max(...times);
    const isOwn = ownership(catalog, question, ledger.ids);
    return {
      usage: { lastChange, lastRun, unseen: ledger.unseen, developerLeft },
      own: touching.filter(isOwn),
      others: touching.filter((each) => !isOwn(each)),
    };
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    const unseen = `what is in it could not be read: ${error.findings[0]?.message ?? error.message}`;
    return {
      usage: { lastChange: undefined, lastRun: undefined, unseen, developerLeft: undefined },
      own: [],
      others: [],
    };
  }
}

/** By our tags; or, where there are none of ours, because it writes the sandbox's catalog. */
function isNamedBy({ developer, catalog, taggedElsewhere }: Deployed, sandbox: string): boolean {
  return developer === undefined ? catalog === sandbox && !taggedElsewhere : `${developer}_sandbox` === sandbox;
}

/**
 * Tags are copied by whoever clones, and anybody may name a catalog: a sandbox's own is also made by the sandbox's
 * principal, by dev's or by the developer, or known to the ledger by its id.
 */
function ownership(
  catalog: Catalog,
  { contract, owner, sandboxPrincipal }: UsageQuestion,
  ledger: ReadonlySet<string>,
): (each: Deployed) => boolean {
  const { developer } = readMark(catalog.properties);
  const person = developer === undefined ? undefined : contract.users.get(developer);
  const makers = new Set([owner, sandboxPrincipal, person].map((name) => name?.toLowerCase()));
  return (each) =>
    isNamedBy(each, catalog.name) &&
    (ledger.has(`${each.kind} ${each.id}`) || (each.creator !== undefined && makers.has(each.creator.toLowerCase())));
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
      if (updatedAt === undefined) throw noTime(fullName, "was last changed");
      last = Math.max(last ?? 0, updatedAt);
    }
  }
  return last;
}

interface LedgerResources {
  /** `jobs 123`: what the sandbox's ledger names. */
  readonly ids: ReadonlySet<string>;
  /** What of it the census does not show, as a sentence: dev's principal may not see it, so it cannot remove it. */
  readonly unseen: string | undefined;
}

async function readResources(
  workspace: Workspace,
  catalog: Catalog,
  touching: readonly Deployed[],
  { contract, sandboxPrincipal }: UsageQuestion,
): Promise<LedgerResources> {
  const none: ReadonlySet<string> = new Set();
  const user = userOf(catalog, contract);
  if (sandboxPrincipal === undefined || user === undefined) return { ids: none, unseen: undefined };
  const folder = tierFolder(sandboxPrincipal, { project: contract.project, name: "sandbox", developer: user });
  const read = readLedger(workspace, folder, { project: contract.project, tier: "sandbox" });
  const ledger = await read.catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return "hidden" as const;
    throw error;
  });
  // A folder that is not there is refused like one that is hidden. Deployments share theirs with dev's principal, so
  // without anything deployed it is the former.
  if (ledger === "hidden") {
    return { ids: none, unseen: touching.length === 0 ? undefined : `dev's principal may not read ${folder}` };
  }
  const resources = [...(ledger?.resources ?? [])].filter(([, { kind }]) => kind === "jobs" || kind === "pipelines");
  const seen = new Set(touching.map(({ kind, id }) => `${kind} ${id}`));
  // What is gone is gone; what only hides would stay behind and run on.
  const hidden: string[] = [];
  for (const [key, { kind, id }] of resources) {
    if (seen.has(`${kind} ${id}`)) continue;
    const read = kind === "jobs" ? getJob(workspace, id) : getPipeline(workspace, id);
    const found = await read.catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 403) return "hidden" as const;
      throw error;
    });
    if (found !== undefined) hidden.push(key);
  }
  return {
    ids: new Set(resources.map(([, { kind, id }]) => `${kind} ${id}`)),
    unseen: hidden.length === 0 ? undefined : `dev's principal does not see ${hidden.join(", ")} as part of it`,
  };
}

/** The developer's part of the catalog's name, as the mark gives it. */
export function userOf(catalog: Pick<Catalog, "properties">, contract: Contract): string | undefined {
  const { developer } = readMark(catalog.properties);
  return developer === undefined ? undefined : sandboxUser(developer, contract.tiers.sandbox.loginSuffix);
}

/** Why a developer does not need the sandbox any more. Who is not shown may only not be visible, and counts as here. */
async function whyLeft(
  workspace: Workspace,
  catalog: Catalog,
  { contract, believeUsers }: UsageQuestion,
): Promise<string | undefined> {
  const { developer } = readMark(catalog.properties);
  if (developer === undefined) return undefined;
  const name = contract.users.get(developer);
  if (name === undefined) {
    return believeUsers ? `${developer} is not among the contract's users any more` : undefined;
  }
  const user = await findUser(workspace, name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  });
  return user?.active === false ? `${user.userName} is deactivated in Databricks` : undefined;
}
