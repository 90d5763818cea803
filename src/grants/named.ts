/** The contract's grants, their principals resolved to what Unity Catalog calls them (facts: unity-catalog 1.7, 1.9). */
import type { Contract, GrantRule } from "../contract/model.ts";
import type { Finding, Where } from "../findings.ts";
import { mapBounded, together } from "../http/pool.ts";
import { holds } from "../schedules/policy.ts";
import type { ExpectedGrant, TierPrincipal } from "./expect.ts";
import { ACCOUNT_USERS, isApplicationId, keyOf, type Securable, type SecurableType } from "./model.ts";
import { overlap } from "./patterns.ts";
import type { People } from "./principals.ts";
import { READS } from "./read-rest.ts";

/**
 * The contract's rules for one catalog (and for what lies beside catalogs), and the exceptions that hold at `now`; a name
 * with no or two bearers is a finding.
 */
export async function resolveGrants(
  people: People,
  contract: Contract,
  catalog: string,
  principals: readonly TierPrincipal[],
  securables: readonly Securable[],
  now: Date,
): Promise<{ grants: ExpectedGrant[]; findings: Finding[] }> {
  const granted = new Set(
    securables.flatMap((securable) => securable.grants.flatMap((grant) => grant.principal ?? [])).map(keyOf),
  );
  const findings: Finding[] = [];
  const exceptions = contract.grants.exceptions
    .filter((exception) => holds(exception, now))
    .map(({ until, reason, ...rule }) => ({ ...rule, effect: "allow" as const, exception: { until, reason } }));
  const own = [...contract.grants.rules, ...exceptions].filter(
    ({ on }) =>
      !["catalog", "schema", "table", "volume", "function", "model"].includes(on.type) || overlap(on.name, catalog),
  );
  const resolved = await mapBounded(own, READS, async (rule): Promise<ExpectedGrant> => {
    const on = { type: typeOf(rule.on.type), name: rule.on.name };
    if (rule.principal === "*") return { ...rule, on };
    const found = await bearersOf(people, rule.principal, principals);
    const [only, ...others] = found.names;
    if (others.length > 0) findings.push(ambiguous(rule, found.names));
    // Whom Unity Catalog has granted something by this name, it knows.
    else if (only === undefined && !granted.has(keyOf(rule.principal))) {
      findings.push(found.local ? isLocal(rule) : unknown(rule));
    }
    return { ...rule, on, principal: only ?? rule.principal };
  });
  return { grants: resolved, findings };
}

/** A model's grants are a function's (facts: unity-catalog 1.1). */
function typeOf(type: GrantRule["on"]["type"]): SecurableType {
  return type === "model" ? "function" : type;
}

/** Everybody a name can mean, as Unity Catalog calls them; `local`: a group of that name is the workspace's alone. */
async function bearersOf(
  people: People,
  name: string,
  principals: readonly TierPrincipal[],
): Promise<{ readonly names: readonly string[]; readonly local: boolean }> {
  const only = (found: string) => ({ names: [found], local: false });
  if (keyOf(name) === ACCOUNT_USERS) return only(name);
  const tier = principals.find(({ name: called, key }) => keyOf(called) === keyOf(name) || keyOf(key) === keyOf(name));
  if (tier !== undefined) return only(tier.key);
  const [user, bot, bots, groups] = await together([
    name.includes("@") ? people.user(name) : undefined,
    isApplicationId(name) ? people.bot(name) : undefined,
    people.bots(name),
    people.groups(name),
  ]);
  const shared = groups.filter((group) => !group.local).map((group) => group.name);
  return {
    names: [user, bot, ...shared, ...bots].filter((found) => found !== undefined),
    local: groups.some((group) => group.local),
  };
}

interface Named {
  readonly principal: string;
  readonly where: Where;
}

function ambiguous({ principal, where }: Named, found: readonly string[]): Finding {
  return {
    id: "grants/principal-ambiguous",
    severity: "error",
    where,
    message: `${found.length} principals are called ${principal}: ${found.join(", ")}.`,
    remedy: "Name a service principal by its application id; rename one of two groups.",
  };
}

function isLocal({ principal, where }: Named): Finding {
  return {
    id: "grants/principal-local",
    severity: "error",
    where,
    message: `The contract grants to ${principal}, which is a group of this workspace alone: Unity Catalog does not know it.`,
    remedy: "Make it an account group, or name another one.",
  };
}

function unknown({ principal, where }: Named): Finding {
  return {
    id: "grants/principal-unknown",
    severity: "error",
    where,
    message: `The contract grants to ${principal}, which this workspace does not know as a user, an account group or a service principal.`,
    remedy: "Correct the name, or assign the principal to this workspace.",
  };
}
