/** What the contract forbids, looked for in the whole closure: by whatever path, working or latent (P1, P2). Pure. */
import type { Finding } from "../findings.ts";
import { accessOf, expand, identitiesOf } from "./closure.ts";
import { covers } from "./compare.ts";
import { type Expectation, type ExpectedGrant, reaches } from "./expect.ts";
import { type Estate, keyOf, type Securable } from "./model.ts";
import { type Reach, reachOf } from "./reach.ts";
import { at, nameIt } from "./rights.ts";
import { witness } from "./witness.ts";

/** One finding a rule and a source of the right: a group with a hundred members is one. */
export function forbidden(estate: Estate, expected: Expectation): Finding[] {
  const rules = expected.grants.filter((grant) => grant.effect === "forbid");
  if (rules.length === 0) return [];
  const reach = reachOf(estate);
  return rules.flatMap((rule) => violations(estate, expected, reach, rule));
}

function violations(estate: Estate, expected: Expectation, reach: Reach, rule: ExpectedGrant): Finding[] {
  const forbiddenTo = setOf(estate, reach, (identities) =>
    rule.principal === "*" ? !identities.has(keyOf(expected.own.key)) : identities.has(keyOf(rule.principal)),
  );
  const found = new Map<string, Finding>();
  for (const { rights, securables } of reach.classes) {
    for (const securable of securables.filter((one) => reaches(rule.on, one))) {
      for (const privilege of expand(rule.privileges, securable.type)) {
        const has = (rights.works.get(privilege) ?? 0n) | (rights.latent.get(privilege) ?? 0n);
        const wrong = has & forbiddenTo & ~excepted(estate, expected, reach, securable, privilege);
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
  const access = accessOf(estate, identitiesOf(estate, principal), securable).find(
    (one) => one.privilege === privilege,
  );
  if (access === undefined) return undefined;
  const holder = access.path.groups.at(-1) ?? principal;
  const latent = access.state === "latent" ? ` It does not work yet: ${access.missing.join(" and ")} is missing.` : "";
  return {
    key: JSON.stringify([keyOf(holder), access.path.how, access.path.on, privilege]),
    finding: {
      id: "grants/forbidden",
      severity: "error",
      where: at(access.path.on),
      message: `${witness(estate, principal, [privilege], access.path)}, and so ${privilege} on ${nameIt(securable)}, which the contract forbids.${latent}`,
      remedy: `Take it from ${holder}, or write an exception with a reason and an end.`,
    },
  };
}
