/** One write of a resource: created, brought to its settings, replaced or deleted, with who may see and run it. */
import type { Tier } from "../contract/model.ts";
import { ApiError, LostAnswer } from "../databricks/errors.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError } from "../findings.ts";
import type { JsonObject } from "../json.ts";
import type { Hold } from "../ledger/holds.ts";
import { underHolds } from "../schedules/holds.ts";
import { findByTags } from "./census.ts";
import type { Desired } from "./change.ts";
import { kindOf } from "./kinds/index.ts";
import type { Observed } from "./observe.ts";
import { resolveSettings, unresolved } from "./resolve.ts";
import type { Step } from "./step.ts";

/** With what one resource is written. */
export interface StepOptions {
  readonly tier: Tier;
  /** The tier's application id. */
  readonly principal: string;
  /** The content folder of a component. */
  readonly folder: (component: string, digest: string) => string;
  /** What keeps schedules paused. */
  readonly holds: readonly Hold[];
  /** Throws if the lock is no longer ours. */
  readonly check: () => Promise<void>;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly log: { info(message: string): void };
}

/** How often, and after how many milliseconds, a lost create is looked for: lists can lag behind. */
const LOOK_AGAIN = [0, 1_000, 4_000];
const CREATE_ATTEMPTS = 3;

/** Writes one resource; gives its id, or undefined after a delete. */
export async function applyStep(
  workspace: Workspace,
  step: Step,
  ids: ReadonlyMap<string, string>,
  options: StepOptions,
): Promise<string | undefined> {
  const { desired, live } = step;
  if (desired === undefined) {
    if (live !== undefined) await kindOf(step.kind).remove(workspace, live.id);
    return undefined;
  }
  const settings = settingsFor(desired, live, ids, options);
  let id: string;
  if (live !== undefined && step.action === "replace") {
    await kindOf(step.kind).remove(workspace, live.id);
    id = await create(workspace, step, settings, options);
  } else if (live !== undefined) {
    id = live.id;
    if (step.settings) await update(workspace, step, id, settings);
  } else {
    id = await create(workspace, step, settings, options);
  }
  if (step.permissions && desired.permissions !== undefined) {
    await kindOf(step.kind).writeAccess(workspace, id, {
      declared: desired.permissions,
      before: step.accessBefore,
      live: step.action === "replace" ? undefined : live?.permissions,
      principal: options.principal,
    });
  }
  return id;
}

/**
 * The API's settings: symbols resolved. run_as is left out, which keeps it (the creator, so us), unless somebody else is
 * in it: an adopted job, or one changed by hand (facts: databricks-api 2.6, 5).
 */
function settingsFor(
  desired: Desired,
  live: Observed | undefined,
  ids: ReadonlyMap<string, string>,
  options: StepOptions,
): JsonObject {
  const { run_as: _ours, ...declared } = resolveSettings(desired.settings, {
    folder: options.folder(desired.component, desired.componentDigest),
    principal: options.principal,
    idOf: (key) => ids.get(key),
  });
  const settings = underHolds(options.holds, { ...desired, id: live?.id }, declared);
  const left = unresolved(settings);
  if (left.length > 0) {
    throw new FourTierError({
      id: "release/reference",
      severity: "error",
      message: `${desired.key} refers to ${left.join(", ")}, which nothing in this release gives.`,
      remedy: "Add what it refers to to the bundle, or take the reference out.",
    });
  }
  const foreign = live?.runAs !== undefined && live.runAs !== options.principal;
  return foreign ? { ...settings, run_as: { service_principal_name: options.principal } } : settings;
}

/** Brings a resource to its declared settings; jobs and pipelines are written whole. */
async function update(workspace: Workspace, step: Step, id: string, settings: JsonObject): Promise<void> {
  try {
    await kindOf(step.kind).update(workspace, id, settings, step.live);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403 && settings["run_as"] !== undefined) {
      throw new FourTierError(
        [
          {
            id: "release/run-as",
            severity: "error",
            message: `${step.key} (${id}) runs as ${step.live?.runAs ?? "somebody else"}, and the tier's principal may not make it run as itself.`,
            why: "Whoever a job runs as decides what it can read and write: in a tier that is the tier's principal.",
            remedy:
              "Give the principal the role servicePrincipal.user on itself, or change `run as` by hand once; then run this again.",
          },
          ...error.findings,
        ],
        { cause: error },
      );
    }
    throw error;
  }
}

/** Creates; after a lost answer it looks for what may have come of it, and only then tries again. */
async function create(workspace: Workspace, step: Step, settings: JsonObject, options: StepOptions): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await kindOf(step.kind).create(workspace, settings);
    } catch (error) {
      if (!(error instanceof LostAnswer)) throw error;
      options.log.info(`The answer to creating ${step.key} was lost: looking for "${step.name}".`);
      for (const wait of LOOK_AGAIN) {
        if (wait > 0) await options.pause(wait);
        const found = await findByTags(workspace, options.tier, options.principal, step);
        if (found !== undefined) return found;
      }
      if (attempt >= CREATE_ATTEMPTS) throw error;
      await options.check();
    }
  }
}
