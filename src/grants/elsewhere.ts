/** What a tier's own principal holds on other tiers' catalogs, as far as it sees them at all; only the catalog's own level. */
import { type Contract, TIERS, type TierName } from "../contract/model.ts";
import type { Identity } from "../databricks/identity.ts";
import { type Catalog, listCatalogs } from "../databricks/unity.ts";
import { getEffectiveGrants } from "../databricks/unity-grants.ts";
import type { Workspace } from "../databricks/workspace.ts";
import type { Finding } from "../findings.ts";
import { mayHold, type TierPrincipal } from "./expect.ts";
import type { Cell } from "./matrix.ts";
import { keyOf } from "./model.ts";
import { answerOf, isRefusal, type Refusal } from "./notes.ts";
import { ALL_PRIVILEGES, effectOf } from "./privileges.ts";
import { said } from "./witness.ts";

/** What was seen there. */
interface Elsewhere {
  readonly findings: readonly Finding[];
  readonly cells: readonly Cell[];
  /** Other tiers' catalogs that this principal sees. */
  readonly visible: readonly string[];
  readonly refused: readonly Refusal[];
}

/** Looks at every other tier's catalog that is listed. Throws ApiError where the service fails; a refusal is told. */
export async function seenElsewhere(
  workspace: Workspace,
  contract: Contract,
  own: TierPrincipal,
  me: Identity,
): Promise<Elsewhere> {
  const others = TIERS.filter((tier) => tier !== own.tier && tier !== "sandbox");
  const tierOf = new Map(others.map((tier) => [keyOf(contract.tiers[tier].catalog), tier]));
  const seen: { readonly name: string; readonly found: Held }[] = [];
  // A reader's view tells nothing of the tier's principal.
  if (keyOf(own.key) === keyOf(me.userName)) {
    for await (const catalog of listCatalogs(workspace)) {
      const tier = tierOf.get(keyOf(catalog.name));
      if (tier === undefined || catalog.browseOnly) continue;
      seen.push({ name: catalog.name, found: await heldOn(workspace, catalog, tier, own, me) });
    }
  }
  return {
    findings: seen.flatMap(({ found }) => found.finding ?? []),
    cells: seen.map(({ found }) => found.cell),
    visible: seen.map(({ name }) => name),
    refused: seen.flatMap(({ found }) => found.refused ?? []),
  };
}

/** What the own principal holds on one catalog: the matrix's cell, and what is wrong with it. */
interface Held {
  readonly cell: Cell;
  readonly finding?: Finding;
  readonly refused?: Refusal;
}

async function heldOn(
  workspace: Workspace,
  catalog: Catalog,
  tier: TierName,
  own: TierPrincipal,
  me: Identity,
): Promise<Held> {
  const { name, owner } = catalog;
  const owns = owner !== undefined && keyOf(owner) === keyOf(me.userName);
  const held = await privilegesOn(workspace, name, me.userName);
  if (!held.shown) {
    return {
      cell: { tier, catalog: name, principal: own, reach: "unknown", verdict: "unknown" },
      finding: unseenElsewhere(own, tier, name, held.answer),
      refused: {
        what: `what ${own.name} holds on catalog ${name}`,
        answer: held.answer,
        needs: `nothing on catalog ${name}, or a look at its own rights there`,
      },
    };
  }
  const wrong = held.privileges.filter((privilege) => !mayHold(own.tier, tier, { type: "catalog", name }, privilege));
  const effects = held.privileges.map((privilege) => (privilege === ALL_PRIVILEGES ? "write" : effectOf(privilege)));
  const most = (["control", "write", "read"] as const).find((effect) => effects.includes(effect)) ?? "look";
  const fails = owns || wrong.length > 0;
  return {
    cell: { tier, catalog: name, principal: own, reach: owns ? "owns" : most, verdict: fails ? "fail" : "pass" },
    ...(fails ? { finding: crossTier(own, tier, name, me, owns ? "all" : wrong) } : {}),
  };
}

/** `held`: what it has and may not have, or all of it as the owner. */
function crossTier(
  own: TierPrincipal,
  tier: TierName,
  catalog: string,
  me: Identity,
  held: "all" | readonly string[],
): Finding {
  return {
    id: "grants/cross-tier",
    severity: "error",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `${own.name} (${me.userName}) ${held === "all" ? "owns" : `has ${said(held)} on`} catalog ${catalog}, which is ${tier}'s.`,
    why: `The principal of ${own.tier} must be able to do nothing in ${catalog}.`,
    remedy:
      held === "all"
        ? `Give catalog ${catalog} to ${tier}'s principal.`
        : `Revoke ${said(held)} on catalog ${catalog} from ${own.name} and its groups.`,
  };
}

/** What a principal holds on a catalog by itself and its groups; a refusal is not the same as nothing. */
async function privilegesOn(
  workspace: Workspace,
  catalog: string,
  principal: string,
): Promise<
  { readonly shown: true; readonly privileges: readonly string[] } | { readonly shown: false; readonly answer: string }
> {
  try {
    const found = await getEffectiveGrants(workspace, "catalog", catalog, { principal });
    if (found === undefined) return { shown: false, answer: "listed, and then not found" };
    const privileges = found.flatMap((entry) => entry.privileges.map(({ privilege }) => privilege));
    return { shown: true, privileges: [...new Set(privileges)].sort() };
  } catch (error) {
    if (isRefusal(error)) return { shown: false, answer: answerOf(error) };
    throw error;
  }
}

function unseenElsewhere(own: TierPrincipal, tier: TierName, catalog: string, answer: string): Finding {
  return {
    id: "grants/unseen",
    severity: "unknown",
    where: { kind: "securable", type: "catalog", name: catalog },
    message: `${own.name} sees catalog ${catalog}, which is ${tier}'s, and what it may do there was not shown (${answer}).`,
    why: "Who sees a catalog holds something on it, and nobody looked what.",
    remedy: `Revoke what ${own.name} and its groups hold on catalog ${catalog}; a principal that holds nothing there does not see it.`,
  };
}
