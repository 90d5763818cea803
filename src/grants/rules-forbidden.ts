/** What the contract forbids, looked for in the whole closure: by whatever path, working or latent (P1, P2). Pure. */
import type { Finding } from "../findings.ts";
import { accessOf, expand, identitiesOf } from "./closure.ts";
import { covers } from "./compare.ts";
import { type Expectation, type ExpectedGrant, reaches, sparedBy } from "./expect.ts";
import { type Estate, keyOf, type Securable } from "./model.ts";
import { MANAGE } from "./privileges.ts";
import { type Reach, reachOf } from "./reach.ts";
import { at, nameIt } from "./rights.ts";
import { inWords, witness } from "./witness.ts";

/**
 * One finding a rule and a source of the right: a group with a hundred members is one. Who can MANAGE a thing, or owns what
 * holds it, can give himself every right there, so he has what is forbidden, too.
 */
export function forbidden(estate: Estate, expected: Expectation): Finding[] {
  const rules = expected.grants.filter((grant) => grant.effect === "forbid");
  if (rules.length === 0) return [];
  const whole: World = { estate, reach: reachOf(estate) };
  // Somebody owns the metastore, or nobody could help: of everybody, a rule about its owners speaks of those.
  const ownerless = { ...estate, metastoreOwner: undefined };
  const others: World = { estate: ownerless, reach: reachOf(ownerless) };
  return rules.flatMap((rule) => violations(rule.principal === "*" ? others : whole, expected, rule));
}

interface World {
  readonly estate: Estate;
  readonly reach: Reach;
}

function violations({ estate, reach }: World, expected: Expectation, rule: ExpectedGrant): Finding[] {
  const spared = sparedBy(expected, rule);
  const forbiddenTo = setOf(estate, reach, (identities) =>
    rule.principal === "*" ? !spared.some((key) => identities.has(key)) : identities.has(keyOf(rule.principal)),
  );
  const found = new Map<string, Finding>();
  for (const { rights, securables } of reach.classes) {
    const held = (privilege: string): bigint =>
      (rights.works.get(privilege) ?? 0n) | (rights.latent.get(privilege) ?? 0n);
    for (const securable of securables.filter((one) => reaches(rule.on, one))) {
      const excused = (privilege: string): bigint => excepted(estate, expected, reach, securable, privilege);
      const managers = held(MANAGE) & ~excused(MANAGE);
      for (const privilege of expand(rule.privileges, securable.type)) {
        const wrong = (held(privilege) | managers) & forbiddenTo & ~excused(privilege);
        if (wrong === 0n) continue;
        for (const principal of reach.members(wrong)) {
          const said = sayIt(estate, principal, securable, privilege);
          if (said !== undefined && !found.has(said.key)) found.set(said.key, said.finding);
        }
      }
    }
  }
  return [...found.values()];
}

/** Everybody whose identities are as asked, as a set of the reach. */
function setOf(estate: Estate, reach: Reach, is: (identities: ReadonlyMap<string, unknown>) => boolean): bigint {
  return reach.principals.reduce(
    (set, principal, index) => (is(identitiesOf(estate, principal)) ? set | (1n << BigInt(index)) : set),
    0n,
  );
}

function excepted(
  estate: Estate,
  expected: Expectation,
  reach: Reach,
  securable: Securable,
  privilege: string,
): bigint {
  return expected.grants
    .filter(
      (grant) =>
        grant.exception !== undefined && reaches(grant.on, securable) && covers(new Set(grant.privileges), privilege),
    )
    .reduce((set, grant) => set | setOf(estate, reach, (identities) => identities.has(keyOf(grant.principal))), 0n);
}

function sayIt(
  estate: Estate,
  principal: string,
  securable: Securable,
  privilege: string,
): { readonly key: string; readonly finding: Finding } | undefined {
  const all = accessOf(estate, identitiesOf(estate, principal), securable);
  const access = all.find((one) => one.privilege === privilege) ?? all.find((one) => one.privilege === MANAGE);
  if (access === undefined) return undefined;
  const so = access.privilege === privilege ? privilege : `can give itself ${privilege}`;
  const holder = access.path.groups.at(-1) ?? principal;
  const latent =
    access.state === "latent"
      ? ` It does not work yet: ${inWords(access.missing)} ${access.missing.length === 1 ? "is" : "are"} missing.`
      : "";
  return {
    key: JSON.stringify([keyOf(holder), access.path.how, access.path.on, access.privilege]),
    finding: {
      id: "grants/forbidden",
      severity: "error",
      where: at(access.path.on),
      message: `${witness(estate, principal, [access.privilege], access.path)}, and so ${so} on ${nameIt(securable)}, which the contract forbids.${latent}`,
      remedy: `Take it from ${holder}, or write an exception with a reason and an end.`,
    },
  };
}
