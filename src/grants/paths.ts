/** Who can read, write or control a catalog, and through what: everybody, with the shortest path as a sentence. Pure. */
import { accessOf, identitiesOf } from "./closure.ts";
import { catalogPart, type Estate, nameOf, type Securable } from "./model.ts";
import { effectOf } from "./privileges.ts";
import { reachOf } from "./reach.ts";
import { nameIt } from "./rights.ts";
import { witness } from "./witness.ts";

/** The most that somebody can do in a catalog. */
export interface AccessPath {
  /** User name, application id, or a group whose members were not seen. */
  readonly principal: string;
  readonly name: string;
  /** `control`: can give himself the rest. */
  readonly can: "control" | "write" | "read";
  /** False: only a missing USE_ right keeps it from working. */
  readonly works: boolean;
  /** On how many things. */
  readonly count: number;
  /** `mona is in group readers, which has SELECT on schema prod.gold, and so SELECT on table prod.gold.scores`. */
  readonly through: string;
}

const ORDER = ["control", "write", "read"] as const;
type Can = (typeof ORDER)[number];

interface Sample {
  works: boolean;
  count: number;
  readonly privilege: string;
  readonly securable: Securable;
}

/** Everybody who can do more than look, those who can do most first. Groups stand for their members, where those were seen. */
export function pathsInto(whole: Estate, catalog: string): AccessPath[] {
  const estate = catalogPart(whole, catalog);
  const reach = reachOf(estate);
  const best = new Map<string, Map<Can, Sample>>();
  const sets = new Map<bigint, readonly string[]>();
  const membersOf = (set: bigint): readonly string[] => {
    const members = sets.get(set) ?? reach.members(set);
    sets.set(set, members);
    return members;
  };
  for (const { rights, securables } of reach.classes) {
    const [securable] = securables;
    if (securable === undefined) continue;
    const can = new Map<string, Map<Can, { works: boolean; privilege: string }>>();
    for (const works of [true, false]) {
      for (const [privilege, set] of works ? rights.works : rights.latent) {
        const effect = effectOf(privilege);
        if (effect === "look") continue;
        for (const principal of membersOf(set)) {
          const mine = can.get(principal) ?? new Map<Can, { works: boolean; privilege: string }>();
          can.set(principal, mine);
          if (!mine.has(effect)) mine.set(effect, { works, privilege });
        }
      }
    }
    for (const [principal, effects] of can) {
      const mine = best.get(principal) ?? new Map<Can, Sample>();
      best.set(principal, mine);
      for (const [effect, { works, privilege }] of effects) {
        const known = mine.get(effect);
        if (known === undefined) mine.set(effect, { works, privilege, securable, count: securables.length });
        else if (works && !known.works)
          mine.set(effect, { works, privilege, securable, count: known.count + securables.length });
        else known.count += securables.length;
      }
    }
  }
  return [...best]
    .filter(([principal]) => isLeaf(estate, principal))
    .flatMap(([principal, effects]) => pathOf(estate, principal, effects))
    .sort((a, b) => ORDER.indexOf(a.can) - ORDER.indexOf(b.can) || (a.name < b.name ? -1 : 1));
}

function isLeaf(estate: Estate, principal: string): boolean {
  const group = estate.groups.get(principal);
  return group === undefined || !group.complete;
}

function pathOf(estate: Estate, principal: string, effects: ReadonlyMap<Can, Sample>): AccessPath[] {
  const can = ORDER.find((effect) => effects.get(effect)?.works) ?? ORDER.find((effect) => effects.has(effect));
  const sample = can === undefined ? undefined : effects.get(can);
  if (can === undefined || sample === undefined) return [];
  const { securable, privilege, works, count } = sample;
  const access = accessOf(estate, identitiesOf(estate, principal), securable).find(
    (one) => one.privilege === privilege,
  );
  if (access === undefined) return [];
  const said = witness(estate, principal, [privilege], access.path);
  const there = access.path.on.type === securable.type && access.path.on.name === securable.name;
  const missing = works ? "" : `; only ${access.missing.join(" and ")} is missing`;
  return [
    {
      principal,
      name: nameOf(estate, estate.principals.get(principal)?.name ?? principal),
      can,
      works,
      count,
      through: `${said}${there ? "" : `, and so ${privilege} on ${nameIt(securable)}`}${missing}`,
    },
  ];
}
