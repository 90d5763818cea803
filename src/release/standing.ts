/**
 * Where a tier stands towards a release: what was applied, what lives, what the release would change, what somebody
 * changed by hand, and the writes that follow. Pure: observing is done before.
 */
import type { JsonArray, JsonObject } from "../json.ts";
import type { Hold } from "../ledger/holds.ts";
import { begunIntents, type Ledger } from "../ledger/model.ts";
import { componentFolder } from "../ledger/paths.ts";
import { underHolds } from "../schedules/holds.ts";
import { accessList, grantChanges, hasGrants } from "./access.ts";
import type { Applied, AppliedResource, Desired, Drift, Plan } from "./change.ts";
import { driftOf } from "./drift.ts";
import { type Left, leftOf } from "./left.ts";
import type { Observation, Observed } from "./observe.ts";
import type { Place } from "./place.ts";
import { makePlan } from "./plan.ts";
import { references, resolveSettings } from "./resolve.ts";
import type { Step } from "./step.ts";

/** Where a tier stands towards a release. */
export interface Standing {
  readonly ledger: Ledger | undefined;
  readonly observation: Observation;
  /** The last whole release → this one: what an approver approves. */
  readonly plan: Plan;
  /** What was applied → what lives. */
  readonly drift: Drift;
  /** What rollbacks left, beside the plan: it is the same whether or not somebody looked. */
  readonly left: readonly Left[];
  /** The writes that are due: the plan, what drifted, what an unfinished promotion left, and what of the left goes. */
  readonly steps: readonly Step[];
}

/** Compares what was applied, what lives and what is desired. */
export function standingOf(
  ledger: Ledger | undefined,
  observation: Observation,
  desired: readonly Desired[],
  place: Place,
): Standing {
  const baseline: Applied = ledger?.resources ?? new Map();
  const applied = withLeftovers(baseline, ledger, observation, place);
  const drift = driftOf(applied, observation.live, driftContext(applied, observation, place, ledger?.holds));
  const left = leftOf(ledger, observation, new Set([...desired.map(({ key }) => key), ...applied.keys()]), place.tier);
  const gone = left.filter(({ goes }) => goes).map((each) => deletion(each, observation));
  return {
    ledger,
    observation,
    plan: makePlan(baseline, desired),
    drift,
    left,
    steps: [...stepsOf(applied, drift, observation, desired, place), ...gone],
  };
}

/**
 * How a symbolic setting of an applied resource should live. What the tier's holds keep paused should be paused: that is
 * no drift, and to find it running is (docs/adr/0901).
 */
export function driftContext(
  applied: Applied,
  observation: Pick<Observation, "live">,
  place: Place,
  holds: readonly Hold[] = [],
): { resolve: (key: string, settings: JsonObject) => JsonObject; principal: string } {
  return {
    principal: place.principal,
    resolve: (key, settings) => {
      const resource = applied.get(key);
      const { run_as: _never, ...rest } = resolveSettings(settings, {
        folder:
          resource === undefined
            ? "${release}"
            : componentFolder(place.folder, resource.component, resource.componentDigest),
        principal: place.principal,
        idOf: (other) => observation.live.get(other)?.id ?? applied.get(other)?.id,
      });
      return resource === undefined ? rest : underHolds(holds, { ...resource, key }, rest);
    },
  };
}

/** What runs that did not end have made of the tier: where the live state is what one of them wanted, that counts. */
function withLeftovers(baseline: Applied, ledger: Ledger | undefined, observation: Observation, place: Place): Applied {
  const overlay = new Map<string, AppliedResource>(baseline);
  for (const { key, target } of begunIntents(ledger)) {
    const live = observation.live.get(key);
    if (target === undefined) {
      if (live === undefined) overlay.delete(key);
      continue;
    }
    if (live === undefined) continue;
    const reached: AppliedResource = { ...target, id: live.id };
    const alone = new Map([[key, reached]]);
    const context = driftContext(new Map([...overlay, [key, reached]]), observation, place, ledger?.holds);
    if (!baseline.has(key) || driftOf(alone, observation.live, context).empty) overlay.set(key, reached);
  }
  return overlay;
}

function stepsOf(
  applied: Applied,
  drift: Drift,
  observation: Observation,
  desired: readonly Desired[],
  place: Place,
): Step[] {
  const standing = new Map([...applied].filter(([key]) => observation.live.get(key) !== undefined));
  const wanted = new Map(desired.map((resource) => [resource.key, resource]));
  const drifted = new Map(drift.entries.map((entry) => [entry.key, entry]));
  const steps: Step[] = [];
  const { changes } = makePlan(standing, desired);
  const renewed = new Set(
    changes
      .filter(({ key, action }) => action === "replace" || (action === "create" && !observation.live.get(key)))
      .map(({ key }) => key),
  );
  for (const change of changes) {
    const resource = wanted.get(change.key);
    const live = observation.live.get(change.key);
    const accessBefore = applied.get(change.key)?.permissions;
    const permissions = resource !== undefined && accessIsDue(resource, live, accessBefore, place.principal);
    const needed = references(resource?.settings ?? applied.get(change.key)?.settings ?? {});
    // A resource that names another by its id moves when that id does.
    const moved = needed.some((key) => renewed.has(key));
    const due = drifted.has(change.key) || permissions || moved;
    const action = change.action === "none" && due ? "update" : change.action;
    if (action === "none") continue;
    const differ = [...change.fields, ...(drifted.get(change.key)?.fields ?? [])];
    const settings = change.action === "create" || moved || !permissions || differ.some(({ path }) => !isAccess(path));
    steps.push({
      key: change.key,
      kind: change.kind,
      name: change.name,
      action: action === "create" && live !== undefined ? "update" : action,
      desired: resource,
      live,
      settings,
      permissions,
      accessBefore,
      references: needed,
    });
  }
  return steps;
}

function deletion({ key, kind, name }: Left, { live }: Observation): Step {
  return {
    key,
    kind,
    name,
    action: "delete",
    desired: undefined,
    live: live.get(key),
    settings: false,
    permissions: false,
    accessBefore: undefined,
    references: [],
  };
}

/** A field that is written by a request of its own. */
function isAccess(path: string): boolean {
  return /^(?:permissions|grants)(?:\[|$)/.test(path);
}

/** Access is written only where the release declares it, and only if it is not so already. */
function accessIsDue(
  desired: Desired,
  live: Observed | undefined,
  before: JsonArray | undefined,
  principal: string,
): boolean {
  if (desired.permissions === undefined) return false;
  if (live?.permissions === undefined) return true;
  if (hasGrants(desired.kind)) {
    return grantChanges(desired.permissions, before, live.permissions, principal).length > 0;
  }
  const text = (list: ReturnType<typeof accessList>): string =>
    list
      .map((entry) => `${entry.kind} ${entry.principal} ${entry.level}`)
      .sort()
      .join("\n");
  return text(accessList(desired.permissions, principal)) !== text(accessList(live.permissions, principal));
}

/** What the tier has once every step is done: the release, with the ids that live or were just created. */
export function resourcesAfter(
  desired: readonly Desired[],
  ledger: Ledger,
  observation: Pick<Observation, "live">,
): Applied {
  const created = new Map((ledger.pending?.intents ?? []).map((intent) => [intent.key, intent.target?.id]));
  return new Map(
    desired.map(({ key, ...resource }) => {
      const id = created.get(key) || observation.live.get(key)?.id;
      if (id === undefined) throw new Error(`${key} was applied without an id`);
      return [key, { id, ...resource }];
    }),
  );
}
