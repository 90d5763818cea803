/** Reading dev's bronze and silver, granted once to the developers' group: what it lacks, and what it has beyond that. */
import { GOLD } from "../contract/defaults.ts";
import type { GrantRule } from "../contract/model.ts";
import type { PrivilegeAssignment } from "../databricks/unity-grants.ts";
import type { Finding } from "../findings.ts";
import { givenByRules, heldBy, type Step } from "./plan.ts";

/** What the group may do with dev beyond reading bronze and silver: said, never taken away, since dev is not a sandbox. */
export function sourcesExcess(
  group: string,
  devCatalog: string,
  rules: readonly GrantRule[],
  seen: (name: string) => readonly PrivilegeAssignment[],
): Finding[] {
  const read = ["USE_SCHEMA", "SELECT"];
  const places = [
    { on: { type: "catalog", name: devCatalog }, privileges: ["USE_CATALOG", "BROWSE"] },
    { on: { type: "schema", name: `${devCatalog}.bronze` }, privileges: read },
    { on: { type: "schema", name: `${devCatalog}.silver` }, privileges: read },
    { on: { type: "schema", name: `${devCatalog}.${GOLD}` }, privileges: [] },
  ] as const;
  return places.flatMap(({ on, privileges }): Finding[] => {
    const allowed = new Set<string>([...privileges, ...givenByRules(rules, group, on)]);
    const beyond = heldBy(group, seen(on.name)).filter((privilege) => !allowed.has(privilege));
    if (beyond.length === 0) return [];
    const finding: Finding = {
      id: "sandbox/reads-more",
      severity: "warning",
      where: { kind: "securable", type: on.type, name: on.name },
      message: `The developers' group ${group} has ${beyond.join(", ")} on ${on.name}, beyond reading dev's bronze and silver.`,
      why: "Whatever a sandbox's code may read of dev, it may write into the sandbox.",
      remedy: "Revoke it, or write it into the contract's grants if it is meant.",
    };
    return [finding];
  });
}

/** Reading dev.bronze and dev.silver, granted once to the group; `seen` is what the group has directly, by place. */
export function planSources(
  group: string,
  devCatalog: string,
  seen: (name: string) => readonly PrivilegeAssignment[],
): Step[] {
  const places = [
    { on: { type: "catalog", name: devCatalog }, privileges: ["USE_CATALOG"] },
    { on: { type: "schema", name: `${devCatalog}.bronze` }, privileges: ["USE_SCHEMA", "SELECT"] },
    { on: { type: "schema", name: `${devCatalog}.silver` }, privileges: ["USE_SCHEMA", "SELECT"] },
  ] as const;
  return places.flatMap(({ on, privileges }): Step[] => {
    const has = heldBy(group, seen(on.name));
    const add = privileges.filter((privilege) => !has.includes(privilege) && !has.includes("ALL_PRIVILEGES"));
    return add.length === 0 ? [] : [{ do: "grant", on, changes: [{ principal: group, add, remove: [] }] }];
  });
}
