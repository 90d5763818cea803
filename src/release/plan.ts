/** The plan: what would change in a tier, in declared fields, old → new; and a digest of that meaning. */
import { canonicalJson, type JsonArray, type JsonObject } from "../json.ts";
import { accessByPrincipal, hasGrants } from "./access.ts";
import type { Action, Applied, AppliedResource, Change, ChangeClass, Desired, Plan } from "./change.ts";
import { type Difference, differences } from "./fields.ts";
import { classOfCreate, classOfDelete, classOfReplace, classOfUpdate, needsReplacement } from "./impact.ts";
import { masked } from "./mask.ts";
import { differencesDigest } from "./meaning.ts";

/** Compares what a tier last had applied with what a release wants there. Pure: equal input gives an equal digest. */
export function makePlan(from: Applied, to: readonly Desired[]): Plan {
  const wanted = new Map(to.map((desired) => [desired.key, desired]));
  const keys = [...new Set([...from.keys(), ...wanted.keys()])].sort();
  const found = keys.map((key) => compare(key, from.get(key), wanted.get(key)));
  const changes = found.map(({ change, fields }): Change => ({ ...change, fields: fields.map(masked) }));
  const changed = found.filter(({ change }) => change.action !== "none");
  const digest = differencesDigest(changed.map(({ change, fields }) => ({ of: { ...change }, fields })));
  return { changes, digest, empty: changed.length === 0 };
}

interface Compared {
  readonly change: Omit<Change, "fields">;
  readonly fields: readonly Difference[];
}

function compare(key: string, old: AppliedResource | undefined, now: Desired | undefined): Compared {
  const change = (action: Action, name: string, each: ChangeClass, fields: readonly Difference[]): Compared => ({
    change: { key, kind: now?.kind ?? old?.kind ?? "", name, action, class: each },
    fields,
  });
  if (now === undefined) return change("delete", old?.name ?? "", classOfDelete(old?.kind ?? ""), []);
  const wanted = documentOf(now, now.kind, now.permissions, now.settings);
  if (old === undefined) {
    return change("create", now.name, classOfCreate(now.kind, now.settings), differences({}, wanted));
  }
  // a list that is no longer declared is left as it is
  const access = now.permissions === undefined ? undefined : old.permissions;
  // content matters to what points into it
  const before = documentOf(old, now.kind, access, now.settings);
  const fields = differences(before, wanted);
  if (fields.length === 0) return change("none", now.name, "no-op", fields);
  if (needsReplacement(now.kind, fields))
    return change("replace", now.name, classOfReplace(now.kind, now.settings), fields);
  return change("update", now.name, classOfUpdate(now.kind, old.settings, now.settings, fields), fields);
}

/** Everything of a resource that a plan compares, as one document. */
function documentOf(
  resource: Pick<Desired, "name" | "settings" | "component" | "componentDigest">,
  kind: string,
  permissions: JsonArray | undefined,
  pointing: JsonObject,
): JsonObject {
  return {
    ...resource.settings,
    name: resource.name,
    ...accessOf(kind, permissions),
    ...(pointsIntoRelease(pointing) ? { release: `${resource.component}-${resource.componentDigest}` } : {}),
  };
}

function accessOf(kind: string, permissions: JsonArray | undefined): JsonObject {
  if (permissions === undefined) return {};
  const entries = accessByPrincipal(permissions);
  return hasGrants(kind) ? { grants: entries } : { permissions: entries };
}

/** True if a setting refers to the component's folder. */
function pointsIntoRelease(settings: JsonObject): boolean {
  return canonicalJson(settings).includes("${release}");
}
