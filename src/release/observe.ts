/**
 * What lives in the tier of what is ours. Ours is what the ledger names by id, else what carries our tags (the ledger
 * may be lost, or a create's answer), else what the contract adopts. Same name and none of these: somebody else's.
 */
import type { Tier } from "../contract/model.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { mapBounded, together } from "../http/pool.ts";
import type { JsonArray } from "../json.ts";
import { begunIntents, type Ledger } from "../ledger/model.ts";
import { type Census, knownIds, managedBy, oursFor, type Stray, takeCensus } from "./census.ts";
import type { Desired } from "./change.ts";
import { collisions } from "./collisions.ts";
import { filledSchemas } from "./emptied.ts";
import { kindOf } from "./kinds/index.ts";
import type { Live } from "./kinds/kind.ts";
import { nameIn } from "./resolve.ts";

/** Requests in flight. */
const PARALLEL = 8;

/** A resource of ours as it lives. */
export interface Observed extends Live {
  readonly foundBy: "ledger" | "tags" | "adopted";
}

/** What lives in a tier of the resources that a release is about. */
export interface Observation {
  /** By key; a key the ledger names and the workspace lacks is undefined. */
  readonly live: ReadonlyMap<string, Observed | undefined>;
  /** Carry our tags, but neither the ledger nor the release knows them. */
  readonly orphans: readonly Stray[];
  /** Resources that stand in the way of a create, adopted or somebody else's. */
  readonly namesakes: readonly Namesake[];
  /** An adoption that cannot be, two of ours with one key. */
  readonly findings: readonly Finding[];
}

/** A live resource that a create would meet: the contract adopts it, or it has the same name and is not ours. */
interface Namesake {
  readonly key: string;
  readonly name: string;
  readonly id: string;
  readonly adopted: boolean;
  readonly managedBy: "bundle" | undefined;
  readonly creator: string | undefined;
}

/**
 * What is looked for, by key: kinds, with whether access is to be read, and names. The release says it, and of what it
 * does not have the ledger: what was applied, what was begun and not ended, and what a rollback left.
 */
function askedFor(
  ledger: Ledger | undefined,
  desired: readonly Desired[],
  principal: string,
): {
  readonly kinds: ReadonlyMap<string, { readonly kind: string; readonly permissions: boolean }>;
  readonly names: ReadonlyMap<string, string>;
} {
  const kinds = new Map<string, { kind: string; permissions: boolean }>();
  const names = new Map(desired.map((resource) => [resource.key, nameIn(resource.name, principal)]));
  const alsoNamed = (key: string, name: string): void => {
    if (!names.has(key)) names.set(key, nameIn(name, principal));
  };
  for (const [key, resource] of ledger?.resources ?? []) {
    kinds.set(key, { kind: resource.kind, permissions: resource.permissions !== undefined });
  }
  for (const { key, name, target } of begunIntents(ledger)) {
    const kind = target?.kind ?? kinds.get(key)?.kind ?? kindNameOf(key);
    kinds.set(key, { kind, permissions: target?.permissions !== undefined });
    alsoNamed(key, name);
  }
  for (const [key, { kind, name }] of ledger?.left ?? []) {
    if (!kinds.has(key)) kinds.set(key, { kind, permissions: false });
    alsoNamed(key, name);
  }
  for (const { key, kind, permissions } of desired) {
    kinds.set(key, { kind, permissions: permissions !== undefined || kinds.get(key)?.permissions === true });
  }
  return { kinds, names };
}

/** Reads the live state of everything that the ledger or the release names. Lists a workspace only if ids are missing. */
export async function observe(
  workspace: Workspace,
  question: {
    readonly tier: Tier;
    /** The application id that was proven. */
    readonly principal: string;
    readonly ledger: Ledger | undefined;
    readonly desired: readonly Desired[];
    /** What was read before and need not be read again, by key: as a whole, access included. */
    readonly kept?: ReadonlyMap<string, Observed>;
  },
): Promise<Observation> {
  const { tier, ledger, desired, principal, kept = new Map<string, Observed>() } = question;
  const known = knownIds(ledger);
  const { kinds, names } = askedFor(ledger, desired, principal);
  const count = (keys: readonly string[]): Promise<Census> => {
    const wanted = keys.map((key) => ({ kind: kinds.get(key)?.kind ?? kindNameOf(key), name: names.get(key) ?? "" }));
    return takeCensus(workspace, tier, principal, wanted);
  };
  // What has no id is looked for by name and marks, beside what is read by id.
  const without = [...kinds.keys()].filter((key) => ledger === undefined || !known.has(key));
  const [read, first] = await together([
    mapBounded([...known], PARALLEL, async ([key, id]) => {
      const before = kept.get(key);
      if (before?.id === id) return [key, before] as const;
      return [key, await readOne(workspace, kinds.get(key)?.kind ?? kindNameOf(key), id, "ledger")] as const;
    }),
    count(without),
  ]);
  const live = new Map<string, Observed | undefined>(read);

  const findings: Finding[] = [];
  const namesakes: Namesake[] = [];
  const orphans: Observation["orphans"][number][] = [];
  const unknown = [...kinds].filter(([key]) => live.get(key) === undefined).map(([key, { kind }]) => ({ key, kind }));
  const gone = await count(unknown.map(({ key }) => key).filter((key) => !without.includes(key)));
  const census = { ours: [...first.ours, ...gone.ours], foreign: [...first.foreign, ...gone.foreign] };
  const wanted = new Set(desired.map(({ key }) => key));
  const search = { workspace, tier, principal, census, known, names, wanted };
  for (const { key, found, namesake, finding } of await mapBounded(unknown, PARALLEL, (one) => find(one, search))) {
    if (found !== undefined) live.set(key, found);
    if (namesake !== undefined) namesakes.push(namesake);
    if (finding !== undefined) findings.push(finding);
  }
  for (const found of census.ours) if (!kinds.has(found.key)) orphans.push(found);

  findings.push(...collisions(tier, desired, live), ...(await filledSchemas(workspace, tier, desired, live)));
  const withPermissions = [...live].filter(
    ([key, found]) => found !== undefined && found !== kept.get(key) && kinds.get(key)?.permissions,
  );
  await mapBounded(withPermissions, PARALLEL, async ([key, found]) => {
    if (found !== undefined) live.set(key, await withAccess(workspace, found));
  });
  return { live: new Map([...live].sort(([a], [b]) => (a < b ? -1 : 1))), orphans, namesakes, findings };
}

/** Who a key is that has no id, or whose id nothing answers to: ours by its tags, adopted, a namesake, or not there. */
async function find(
  { key, kind }: { readonly key: string; readonly kind: string },
  search: {
    readonly workspace: Workspace;
    readonly tier: Tier;
    readonly principal: string;
    readonly census: Census;
    readonly known: ReadonlyMap<string, string>;
    readonly names: ReadonlyMap<string, string>;
    /** Keys of the release. */
    readonly wanted: ReadonlySet<string>;
  },
): Promise<{ key: string; found?: Observed | undefined; namesake?: Namesake; finding?: Finding }> {
  const { workspace, tier, principal, census, known, names, wanted } = search;
  const ours = oursFor(census.ours, { key, kind }, principal);
  const [first, ...more] = ours;
  if (first !== undefined) {
    const ids = ours.map((found) => found.id);
    const found = await readOne(workspace, kind, first.id, "tags");
    return { key, found, ...(more.length === 0 ? {} : { finding: duplicate(tier, key, ids) }) };
  }
  const adopted = tier.adopt.get(key);
  if (adopted !== undefined && !known.has(key)) {
    const found = await readOne(workspace, kind, adopted, "adopted");
    if (found === undefined) return { key, finding: notThere(tier, key, adopted) };
    return { key, found, namesake: { ...found, key, adopted: true, managedBy: managedBy(found.settings) } };
  }
  const namesake = census.foreign.find((found) => found.kind === kind && found.name === names.get(key));
  if (namesake === undefined || !wanted.has(key)) return { key };
  return { key, namesake: { ...namesake, key, adopted: false } };
}

/** Reads resources of ours again, by the ids just applied. */
export async function readBack(
  workspace: Workspace,
  resources: readonly { key: string; kind: string; id: string; permissions: JsonArray | undefined }[],
): Promise<ReadonlyMap<string, Observed | undefined>> {
  const live = await mapBounded(resources, PARALLEL, async (resource): Promise<[string, Observed | undefined]> => {
    const found = await readOne(workspace, resource.kind, resource.id, "ledger");
    if (found === undefined || resource.permissions === undefined) return [resource.key, found];
    return [resource.key, await withAccess(workspace, found)];
  });
  return new Map(live);
}

async function readOne(
  workspace: Workspace,
  kind: string,
  id: string,
  foundBy: Observed["foundBy"],
): Promise<Observed | undefined> {
  const found = await kindOf(kind).read(workspace, id);
  return found === undefined ? undefined : { ...found, foundBy };
}

async function withAccess(workspace: Workspace, found: Observed): Promise<Observed> {
  return { ...found, permissions: await kindOf(found.kind).readAccess(workspace, found.id) };
}

function kindNameOf(key: string): string {
  return key.slice(0, key.indexOf("."));
}

function notThere(tier: Tier, key: string, id: string): Finding {
  return {
    id: "release/adopt-missing",
    severity: "error",
    where: { kind: "resource", tier: tier.name, key },
    message: `The contract adopts ${id} as ${key}, and the workspace has no such resource that ${tier.servicePrincipal} can see.`,
    remedy: `Correct the id, give ${tier.servicePrincipal} the right to manage it, or remove it from adopt.${tier.name}.`,
  };
}

function duplicate(tier: Tier, key: string, ids: readonly string[]): Finding {
  return {
    id: "release/duplicate",
    severity: "error",
    where: { kind: "resource", tier: tier.name, key },
    message: `${ids.length} resources carry our tags for ${key}: ${ids.join(", ")}.`,
    why: "Only one can be ours; the others may run on a schedule too.",
    remedy: "Delete the copies (or remove their tags), and run this again.",
  };
}
