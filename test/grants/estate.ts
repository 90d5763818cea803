/** Short ways to write an estate down, for tests. */
import {
  type Bindings,
  type Estate,
  type Group,
  keyOf,
  normaliseGrants,
  type Policy,
  type Principal,
  type Securable,
  type SecurableType,
  securableKey,
} from "../../src/grants/model.ts";

export const ID = {
  sandbox: "00000000-0000-4000-8000-000000000000",
  dev: "11111111-1111-4111-8111-111111111111",
  staging: "22222222-2222-4222-8222-222222222222",
  prod: "33333333-3333-4333-8333-333333333333",
  stranger: "99999999-9999-4999-8999-999999999999",
} as const;

/** `"table prod.gold.scores": { owner, grants: { mona: ["SELECT"] } }`; a principal `#123` is one that was deleted. */
export type Spec = Readonly<
  Record<string, { readonly owner?: string | undefined; readonly grants?: Readonly<Record<string, readonly string[]>> }>
>;

export interface EstateOptions {
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly incomplete?: readonly string[];
  readonly metastoreOwner?: string;
  readonly bindings?: Bindings;
  /** Display name by application id. */
  readonly names?: Readonly<Record<string, string>>;
  readonly policies?: readonly Policy[];
  /** Holders that nobody lists; everybody else with an e-mail address is a user. */
  readonly unlisted?: readonly string[];
}

function named({ names = {} }: EstateOptions): Principal[] {
  return Object.entries(names).map(([name, displayName]) => ({ kind: "service-principal", name, displayName }));
}

function usersOf(spec: Spec, { unlisted = [], groups = {} }: EstateOptions): Principal[] {
  const holders = Object.values(spec).flatMap(({ owner, grants = {} }) => [owner ?? "", ...Object.keys(grants)]);
  return [...holders, ...Object.values(groups).flat()]
    .filter((name) => name.includes("@") && !unlisted.includes(name))
    .map((name) => ({ kind: "user", name, displayName: name }));
}

export function estateOf(spec: Spec, options: EstateOptions = {}): Estate {
  const securables = new Map<string, Securable>();
  for (const [key, { owner, grants = {} }] of Object.entries(spec)) {
    const [type, name] = key.split(" ");
    const securable: Securable = {
      type: type as SecurableType,
      name: name ?? "",
      kind: undefined,
      owner,
      grants: normaliseGrants(
        Object.entries(grants).map(([principal, privileges]) => ({
          principal: principal.startsWith("#") ? "" : principal,
          principalId: principal.startsWith("#") ? principal.slice(1) : undefined,
          privileges,
        })),
      ),
    };
    securables.set(securableKey(securable), securable);
  }
  const groups = new Map<string, Group>(
    Object.entries(options.groups ?? {}).map(([name, members]) => [
      keyOf(name),
      { name, members, complete: !(options.incomplete ?? []).includes(name) },
    ]),
  );
  const catalog = [...securables.values()].find((securable) => securable.type === "catalog")?.name ?? "prod";
  return {
    securables,
    groups,
    localGroups: new Map(),
    principals: new Map([...usersOf(spec, options), ...named(options)].map((one) => [keyOf(one.name), one])),
    metastoreOwner: options.metastoreOwner,
    externalAccess: undefined,
    bindings: new Map(
      options.bindings === undefined ? [] : [[securableKey({ type: "catalog", name: catalog }), options.bindings]],
    ),
    policies: options.policies ?? [],
  };
}
