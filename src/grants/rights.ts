/** How findings about grants name things, and grants of the same kind put together. Pure. */
import type { Finding, Where } from "../findings.ts";
import { type Estate, keyOf, type Securable } from "./model.ts";
import { inWords } from "./witness.ts";

/** The first five, and how many more. */
export const list = (securables: readonly string[]): string => inWords(securables, 5);

/** `external location lake`, `table prod.gold.scores`. */
export const nameIt = (securable: Pick<Securable, "type" | "name">): string =>
  securable.type === "metastore" ? "the metastore" : `${securable.type.replaceAll("_", " ")} ${securable.name}`;

/** Where a finding about a securable is. */
export const at = (securable: Pick<Securable, "type" | "name">): Where => ({
  kind: "securable",
  type: securable.type,
  name: securable.name,
});

/** Where a finding about several securables is: at the first; nowhere if there is none. */
export function firstAt(securables: readonly Securable[]): Pick<Finding, "where"> {
  return securables[0] === undefined ? {} : { where: at(securables[0]) };
}

/** The same rights of one principal, wherever it has them. */
interface RightsGroup {
  readonly principal: string;
  readonly privileges: readonly string[];
  readonly securables: readonly string[];
  readonly first: Securable;
}

/** Grants picked from an estate, those of one principal with the same rights together. */
export function byRights(
  estate: Pick<Estate, "securables">,
  pick: (grant: Securable["grants"][number], securable: Securable) => readonly string[],
): RightsGroup[] {
  const groups = new Map<string, RightsGroup & { readonly securables: string[] }>();
  for (const securable of estate.securables.values()) {
    for (const grant of securable.grants) {
      const privileges = pick(grant, securable);
      if (privileges.length === 0 || grant.principal === undefined) continue;
      const key = JSON.stringify([keyOf(grant.principal), privileges]);
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, { principal: grant.principal, privileges, securables: [nameIt(securable)], first: securable });
      } else group.securables.push(nameIt(securable));
    }
  }
  return [...groups.values()];
}
