/**
 * Who can read, write or control a catalog and its storage, and through what: everybody, with the shortest path as a
 * sentence. Pure.
 */
import { accessOf, identitiesOf } from "./closure.ts";
import { ACCOUNT_USERS, type Estate, keyOf, nameOf, type Securable, tierPart } from "./model.ts";
import { effectOf } from "./privileges.ts";
import { reachOf } from "./reach.ts";
import { nameIt } from "./rights.ts";
import { inWords, witness } from "./witness.ts";

/** The most that somebody can do in a catalog; more that is only latent is an entry of its own. */
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
  readonly works: boolean;
  count: number;
  readonly securable: Securable;
}

/** Who can do what, whatever it is called. */
function unionsOf(rights: ReadonlyMap<string, bigint>): Map<Can, bigint> {
  const unions = new Map<Can, bigint>();
  for (const [privilege, set] of rights) {
    const effect = effectOf(privilege);
    if (effect !== "look") unions.set(effect, (unions.get(effect) ?? 0n) | set);
  }
  return unions;
}

/** Everybody who can do more than look, those who can do most first. Groups stand for their members, where those were seen. */
export function pathsInto(whole: Estate, catalog: string): AccessPath[] {
  const estate = tierPart(whole, catalog);
  const reach = reachOf(estate);
  const best = new Map<string, Map<Can, Sample>>();
  const sets = new Map<bigint, readonly string[]>();
  const membersOf = (set: bigint): readonly string[] => {
    const members = sets.get(set) ?? reach.members(set);
    sets.set(set, members);
    return members;
  };
  const meet = (can: Can, works: boolean, principals: readonly string[], securables: readonly Securable[]): void => {
    const [securable] = securables;
    if (securable === undefined) return;
    for (const principal of principals) {
      const mine = best.get(principal) ?? new Map<Can, Sample>();
      best.set(principal, mine);
      const known = mine.get(can);
      const count = securables.length + (known?.count ?? 0);
      if (known === undefined || (works && !known.works)) mine.set(can, { works, securable, count });
      else known.count = count;
    }
  };
  for (const { rights, securables } of reach.classes) {
    const works = unionsOf(rights.works);
    const latent = unionsOf(rights.latent);
    for (const can of ORDER) {
      const now = works.get(can) ?? 0n;
      meet(can, true, membersOf(now), securables);
      meet(can, false, membersOf((latent.get(can) ?? 0n) & ~now), securables);
    }
  }
  return [...best]
    .filter(([principal]) => isLeaf(estate, principal))
    .flatMap(([principal, effects]) => pathsOf(estate, principal, effects))
    .sort((a, b) => ORDER.indexOf(a.can) - ORDER.indexOf(b.can) || (a.name < b.name ? -1 : 1));
}

function isLeaf(estate: Estate, principal: string): boolean {
  const group = estate.groups.get(principal);
  return group === undefined || !group.complete;
}

/** The most that works, and before it the more that is only latent, if there is such. */
function pathsOf(estate: Estate, principal: string, effects: ReadonlyMap<Can, Sample>): AccessPath[] {
  const works = ORDER.find((effect) => effects.get(effect)?.works);
  const most = ORDER.find((effect) => effects.has(effect));
  const told = most === works ? [most] : [most, works];
  return told.flatMap((can) => {
    const sample = can === undefined ? undefined : effects.get(can);
    return can === undefined || sample === undefined ? [] : pathOf(estate, principal, can, sample);
  });
}

function pathOf(estate: Estate, principal: string, can: Can, { securable, works, count }: Sample): AccessPath[] {
  const access = accessOf(estate, identitiesOf(estate, principal), securable).find(
    ({ privilege, state }) => effectOf(privilege) === can && (state === "works") === works,
  );
  // What everybody has is said once, of everybody.
  if (access === undefined || (principal !== ACCOUNT_USERS && keyOf(access.path.groups[0] ?? "") === ACCOUNT_USERS))
    return [];
  const said = witness(estate, principal, [access.privilege], access.path);
  const there = access.path.on.type === securable.type && access.path.on.name === securable.name;
  const missing = works
    ? ""
    : `; only ${inWords(access.missing)} ${access.missing.length === 1 ? "is" : "are"} missing`;
  return [
    {
      principal,
      name: nameOf(estate, estate.principals.get(principal)?.name ?? principal),
      can,
      works,
      count,
      through: `${said}${there ? "" : `, and so ${access.privilege} on ${nameIt(securable)}`}${missing}`,
    },
  ];
}
