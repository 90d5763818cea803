/**
 * Whose a job or a pipeline is. Tags alone prove nothing: a clone carries them too. Ours is what the tier's ledger names
 * by id or the contract adopts; where there is a key and no such id, or no ledger, what carries our tags and the tier's own
 * principal made, if there is one such. Pure.
 */
import { keyByMark, TAGS } from "../bundle/marks.ts";
import type { Contract, Tier } from "../contract/model.ts";
import type { Finding } from "../findings.ts";
import type { JsonObject } from "../json.ts";
import { begunIntents, type Ledger, saysNothing } from "../ledger/model.ts";
import { matches } from "./holds.ts";

/** Whose resources are looked for. */
export interface Owner {
  readonly tier: Pick<Tier, "name" | "project" | "developer" | "adopt" | "schedules">;
  /** Application id of the tier's own principal, whoever looks. */
  readonly principal: string;
  /** Undefined: there is none, or it may not be read. */
  readonly ledger: Ledger | undefined;
  /** Names that the contract counts to the project. */
  readonly names: Contract["schedules"]["names"];
}

/** What is asked about a resource. */
interface Found {
  readonly kind: "jobs" | "pipelines";
  readonly id: string;
  readonly name: string;
  readonly tags: JsonObject;
  /** Who made it: user name, or application id. */
  readonly creator: string | undefined;
}

/** What is known about whose a resource is. */
export interface Ownership {
  /** `jobs.score`, only if it is ours for certain. */
  readonly key: string | undefined;
  /** In the scope `project`: ours, or with our tags, or with a name that the contract counts to the project. */
  readonly project: boolean;
  /** The key that its tags name though it is not ours for certain: a clone, or a copy deployed by hand. */
  readonly claims?: string;
  /** Whose tags it carries, if another project's or another tier's: that one's to pause or to start, not ours. */
  readonly others?: string;
}

/** The ownership of each resource, in the order given. */
export function ownershipOf(found: readonly Found[], owner: Owner): Ownership[] {
  const byId = keysById(owner);
  const claimed = found.map((one) => byId.get(nameOf(one)) ?? claimOf(one, owner.tier));
  const known = new Set(found.flatMap((one) => byId.get(nameOf(one)) ?? []));
  const named = keysOf(owner);
  const made = new Map<string, number>();
  found.forEach(({ creator }, index) => {
    const key = claimed[index];
    if (key !== undefined && creator === owner.principal) made.set(key, (made.get(key) ?? 0) + 1);
  });
  return found.map((one, index): Ownership => {
    const key = claimed[index];
    if (key === undefined) return withoutKey(one, owner);
    const ours = one.creator === owner.principal && made.get(key) === 1 && (named === undefined || named.has(key));
    const certain = known.has(key) ? byId.has(nameOf(one)) : ours;
    return certain ? { key, project: true } : { key: undefined, project: true, claims: key };
  });
}

/**
 * The keys that the tier has; undefined where its ledger does not say. What our principal made under another key is left
 * over from a release that is not there any more: a rollback leaves it paused, and nobody is to start it again.
 */
function keysOf({ ledger, tier }: Owner): ReadonlySet<string> | undefined {
  if (ledger === undefined || saysNothing(ledger)) return undefined;
  return new Set([...ledger.resources.keys(), ...begunIntents(ledger).map(({ key }) => key), ...tier.adopt.keys()]);
}

/** Ids of different kinds are different spaces. */
function nameOf({ kind, id }: Pick<Found, "kind" | "id">): string {
  return `${kind} ${id}`;
}

function keysById({ ledger, tier }: Owner): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const put = (key: string, kind: string, id: string): void => {
    if ((kind === "jobs" || kind === "pipelines") && id !== "") keys.set(nameOf({ kind, id }), key);
  };
  for (const [key, id] of tier.adopt)
    if (ledger?.resources.has(key) !== true) put(key, key.slice(0, key.indexOf(".")), id);
  for (const [key, { kind, id }] of ledger?.resources ?? []) put(key, kind, id);
  // A promotion that did not end knows better what it has made.
  for (const { key, target } of begunIntents(ledger)) if (target !== undefined) put(key, target.kind, target.id);
  return keys;
}

function claimOf({ kind, tags }: Found, tier: Owner["tier"]): string | undefined {
  const key = keyByMark({ tags }, tier);
  return key === undefined || key.includes(".") ? key : `${kind}.${key}`;
}

function withoutKey({ name, tags }: Found, { tier, names }: Owner): Ownership {
  const project = tags[TAGS.project];
  if (project === undefined) {
    return { key: undefined, project: names.some((pattern) => matches(pattern, name)) };
  }
  const text = (tag: string): string => (typeof tags[tag] === "string" ? tags[tag] : "?");
  const ours = project === tier.project && tags[TAGS.tier] === tier.name && tags[TAGS.developer] === tier.developer;
  // Our tags without a key: nobody's release, so as good as a name.
  if (ours) return { key: undefined, project: names.some((pattern) => matches(pattern, name)) };
  const developer = tags[TAGS.developer] === undefined ? "" : ` of ${text(TAGS.developer)}`;
  return { key: undefined, project: false, others: `${text(TAGS.tier)}${developer} of ${text(TAGS.project)}` };
}

/** What runs and was left alone because its tags say that it is another tier's or another project's. */
export function othersNotice(
  tier: string,
  resources: readonly (Ownership & {
    readonly name: string;
    readonly starters: readonly { readonly state: string }[];
  })[],
): Finding[] {
  const left = resources.filter(
    ({ others, starters }) => others !== undefined && starters.some(({ state }) => state === "running"),
  );
  if (left.length === 0) return [];
  const whose = [...new Set(left.map(({ others }) => others))];
  return [
    {
      id: "schedules/others-left",
      severity: "notice",
      message: `${left.length} that run in the workspace of ${tier} were left as they are, by their tags: ${whose.slice(0, 10).join(", ")}${whose.length > 10 ? ", …" : ""}.`,
      remedy: "Nothing: run this for their own tier, with their own contract.",
    },
  ];
}

/** For resources that carry our tags and are not ours for certain. */
export function duplicateFindings(
  tier: Pick<Tier, "name">,
  rule: "running" | "paused",
  resources: readonly (Ownership & { readonly id: string; readonly kind: string; readonly name: string })[],
): Finding[] {
  return resources.flatMap(({ claims, id, kind, name }): Finding[] => {
    if (claims === undefined) return [];
    const what = kind === "jobs" ? "job" : "pipeline";
    return [
      {
        id: "schedules/duplicate",
        severity: "warning",
        where: { kind: "resource", tier: tier.name, key: claims },
        message: `The ${what} ${name} (${id}) carries the tags of ${claims} in ${tier.name}, and is not of the release that ${tier.name} has: neither the ledger nor its maker says so.`,
        why:
          rule === "paused"
            ? "It may be a clone, deployed by hand, or left over from a release that was rolled back. It is paused like everything here, and no exception counts for it."
            : "It may be a clone, deployed by hand, or left over from a release that was rolled back. It is never started by the suite, and what it does by itself goes on.",
        remedy: "Delete it, or remove its four_tier_ tags.",
      },
    ];
  });
}
