/**
 * How a sandbox is known: by its catalog's name, by the mark in its properties, and by who owns it. All three, always:
 * nothing else is ever changed or dropped (design 10).
 */
import { type Contract, TIERS, type Tier } from "../contract/model.ts";
import { nearestName } from "../contract/nearest.ts";
import { sandboxUser } from "../contract/values.ts";
import type { Catalog } from "../databricks/unity.ts";
import type { Finding } from "../findings.ts";
import { inUtc } from "../gate/wall-clock.ts";
import { isSameLogin } from "../login.ts";

/** The properties of a sandbox's catalog. Times are ISO 8601, UTC. */
export const MARK = {
  project: "four_tier_project",
  /** The developer's GitHub login, lower case. */
  developer: "four_tier_developer",
  created: "four_tier_created",
  /** From when on it is removed if nobody uses it; for people to read. */
  expires: "four_tier_expires",
  /** The last use that a clean-up saw. */
  lastUse: "four_tier_last_use",
  /** When its developer was warned of the removal; empty: not warned. */
  warned: "four_tier_warned",
} as const;

/** A day until which a sandbox is kept whatever happens; set by hand. */
const KEEP_UNTIL = "keep_until";

/** What a catalog says of itself. Empty properties count as missing. */
export interface Mark {
  readonly project: string | undefined;
  /** A GitHub login, lower case. */
  readonly developer: string | undefined;
  readonly created: string | undefined;
  readonly expires: string | undefined;
  readonly lastUse: string | undefined;
  readonly warned: string | undefined;
  readonly keepUntil: string | undefined;
  /** Properties that were probably meant as `keep_until`: as they are written. */
  readonly misspelt: readonly string[];
}

/** The mark as a catalog's properties say it; a property that is empty is not there. */
export function readMark(properties: Readonly<Record<string, string>>): Mark {
  const get = (name: string): string | undefined => properties[name] || undefined;
  return {
    project: get(MARK.project),
    developer: get(MARK.developer)?.toLowerCase(),
    created: get(MARK.created),
    expires: get(MARK.expires),
    lastUse: get(MARK.lastUse),
    warned: get(MARK.warned),
    keepUntil: get(KEEP_UNTIL),
    misspelt: Object.keys(properties).filter((name) => properties[name] && isMisspelt(name)),
  };
}

/** `keep-until`, `KEEP_UNTIL`, `four_tier_keep_until`, `keep_untill`: a person set it by hand, so that it stays. */
function isMisspelt(name: string): boolean {
  const letters = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const meant = KEEP_UNTIL.replace("_", "");
  return name !== KEEP_UNTIL && (letters.includes(meant) || nearestName(letters, [meant]) !== undefined);
}

const REMOVING = "Being removed by Four-Tier since ";

/** A sandbox's comment, for people to read. */
export function sandboxComment(login: string, project: string): string {
  return `The sandbox of ${login} (${project}); made and removed by Four-Tier.`;
}

/**
 * The comment of a sandbox whose removal has begun. It is not among the properties: those are sent whole, so that writing
 * one undoes what somebody sets in the same moment, and what is written before a removal must undo nothing.
 */
export function removingComment(since: Date): string {
  return `${REMOVING}${since.toISOString()}: nobody had used it.`;
}

/** When a catalog's removal began, as its comment says; undefined if it did not. */
export function removingSince({ comment }: Pick<Catalog, "comment">): string | undefined {
  return comment?.startsWith(REMOVING) === true ? comment.slice(REMOVING.length).split(": ")[0] : undefined;
}

const PATTERN = /^[a-z0-9](?:[a-z0-9_]*[a-z0-9])?_sandbox$/;

/** True if a catalog has a sandbox's name, `{username}_sandbox`, as provisioning makes it. */
export function isSandboxName(name: string): boolean {
  return PATTERN.test(name);
}

/** Whether a catalog is the sandbox that a tier was resolved to: by the mark, since two logins can come to one name. */
export function markFinding(
  tier: Pick<Tier, "name" | "project" | "login">,
  catalog: Pick<Catalog, "name" | "comment" | "properties">,
): Finding | undefined {
  if (tier.name !== "sandbox") return undefined;
  const { project, developer } = readMark(catalog.properties);
  if (project === tier.project && isSameLogin(developer, tier.login)) {
    const removing = removingSince(catalog);
    return removing === undefined ? undefined : beingRemoved(catalog.name, removing);
  }
  const whose =
    developer === undefined || project === undefined
      ? "carries no mark of a sandbox"
      : `is the sandbox of ${developer} in the project ${project}`;
  return {
    id: "identity/sandbox-mark",
    severity: "error",
    where: { kind: "securable", type: "catalog", name: catalog.name },
    message: `The catalog ${catalog.name} ${whose}, and this run is for ${tier.login ?? "nobody"} in ${tier.project}.`,
    why: "What is deployed here would write another's data.",
    remedy: "Have this developer's sandbox provisioned from the default branch; that says what is in the way.",
  };
}

function beingRemoved(name: string, since: string): Finding {
  return {
    id: "identity/sandbox-removing",
    severity: "error",
    where: { kind: "securable", type: "catalog", name },
    message: `The sandbox ${name} has been in removal since ${inUtc(since)}: nobody had used it.`,
    remedy:
      "Have it provisioned for this developer by name: that stops the removal and brings back what is missing, except data. Then deploy again.",
  };
}

/** What is needed to tell ours: the project, and the application id that owns its sandboxes. */
export interface Ours {
  readonly contract: Pick<Contract, "project" | "tiers">;
  /** dev's principal. */
  readonly owner: string;
}

/** Why a catalog is not one of this project's sandboxes, in the order of weight; empty if it is one. */
export function whyNotOurs(catalog: Pick<Catalog, "name" | "owner" | "properties">, ours: Ours): string[] {
  const { contract, owner } = ours;
  const mark = readMark(catalog.properties);
  const reasons: string[] = [];
  const tier = TIERS.find((name) => contract.tiers[name].catalog.toLowerCase() === catalog.name.toLowerCase());
  if (tier !== undefined) reasons.push(`it is the catalog of ${tier}`);
  if (!isSandboxName(catalog.name)) reasons.push("its name is not that of a sandbox");
  if (mark.project === undefined || mark.developer === undefined) {
    reasons.push(`it does not carry our mark (the properties ${MARK.project} and ${MARK.developer})`);
  } else if (mark.project !== contract.project) {
    reasons.push(`its mark names the project ${mark.project}`);
  } else if (`${sandboxUser(mark.developer, contract.tiers.sandbox.loginSuffix) ?? ""}_sandbox` !== catalog.name) {
    reasons.push(`its mark names the developer ${mark.developer}, whose sandbox it is not`);
  }
  if (catalog.owner?.toLowerCase() !== owner.toLowerCase()) {
    reasons.push(`it belongs to ${catalog.owner ?? "nobody that is shown"}`);
  }
  return reasons;
}
