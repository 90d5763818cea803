/**
 * The privileges that the contract's grants name: one that does not exist, or that cannot be held on what the rule speaks of,
 * gives nothing and forbids nothing. The list is open (facts: unity-catalog 1.1): a name that is like none we know may be
 * new, so that is a warning. Pure.
 */
import type { GrantException, GrantRule } from "../contract/model.ts";
import { nearestName } from "../contract/nearest.ts";
import type { Finding } from "../findings.ts";
import { isDataType, type SecurableType } from "./model.ts";
import { ALL_PRIVILEGES, isNamed, KNOWN_PRIVILEGES, typesOf } from "./privileges.ts";
import { inWords } from "./witness.ts";

type Given = Pick<GrantRule | GrantException, "on" | "privileges" | "where">;

/** What is wrong with one rule's or exception's privileges, at its line. */
export function checkPrivileges({ on, privileges, where }: Given): Finding[] {
  return privileges.flatMap((privilege): Finding[] => {
    if (privilege === ALL_PRIVILEGES) return [];
    if (!isNamed(privilege)) {
      const near = nearestName(privilege, KNOWN_PRIVILEGES);
      return [
        {
          id: "grants/privilege-unknown",
          severity: near === undefined ? "warning" : "error",
          where,
          message: `${privilege} is no privilege of Unity Catalog that Four-Tier knows${near === undefined ? "" : `; did you mean ${near}?`}`,
          why: "A rule about a privilege that does not exist gives nothing, and forbids nothing.",
          remedy:
            near === undefined
              ? "Correct the name; if it is a new privilege, a repair leaves it out, and everybody who holds it is reported."
              : `Write ${near}.`,
        },
      ];
    }
    return fits(privilege, on.type) ? [] : [misfit(privilege, on.type, where)];
  });
}

/** True if somebody can be granted a privilege on a type; of the metastore everything is taken. */
function fits(privilege: string, type: GrantRule["on"]["type"] | SecurableType): boolean {
  const types = typesOf(privilege);
  if (privilege === ALL_PRIVILEGES || type === "metastore" || types === undefined) return true;
  return types.includes(type === "model" ? "function" : type);
}

function withArticle(type: string): string {
  const name = type.replaceAll("_", " ");
  return name === "metastore" ? "the metastore" : `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

function misfit(privilege: string, type: GrantRule["on"]["type"], where: Finding["where"]): Finding {
  const types = typesOf(privilege) ?? [];
  const data = types.filter(isDataType);
  const can = (data.length > 0 ? data : types).map(withArticle);
  return {
    id: "grants/privilege-misfit",
    severity: "error",
    ...(where === undefined ? {} : { where }),
    message: `${privilege} cannot be granted on ${withArticle(type)}; it can on ${inWords(can).replace(/ and ([^,]+)$/, " or $1")}.`,
    why: "The rule gives nothing, and forbids nothing.",
    remedy: `Write the rule about ${can[0] ?? "something else"}, or name another privilege.`,
  };
}
