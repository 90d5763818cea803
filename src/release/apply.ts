/**
 * Makes the tier what the release says. Every change is written into the ledger before it is made; a create whose
 * answer was lost is looked up before it is tried again; what is equal is not written; deletions come last.
 */
import type { Tier } from "../contract/model.ts";
import { ApiError, LostAnswer } from "../databricks/errors.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError, messageOf } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import type { JsonArray, JsonObject } from "../json.ts";
import type { Hold } from "../ledger/holds.ts";
import { alongside, journal } from "../ledger/journal.ts";
import { type Intent, type Ledger, type LedgerRelease, pendingOver } from "../ledger/model.ts";
import { underHolds } from "../schedules/holds.ts";
import { kindOf, rankOf } from "./kinds/index.ts";
import { findByTags, type Observed } from "./observe.ts";
import type { Desired } from "./plan.ts";
import { resolveSettings, unresolved } from "./resolve.ts";

/** One write that is due. */
export interface Step {
  readonly key: string;
  readonly kind: string;
  readonly action: Intent["action"];
  readonly name: string;
  /** What it shall be; undefined for a delete. */
  readonly desired: Desired | undefined;
  /** Keys that must stand first. */
  readonly references: readonly string[];
  /** What lives now; undefined if nothing does. */
  readonly live: Observed | undefined;
  /** Settings are to be written: not where only access is, since writing them can restart what runs all the time. */
  readonly settings: boolean;
  /** Access is to be written. */
  readonly permissions: boolean;
  /** The access that we last applied. */
  readonly accessBefore: JsonArray | undefined;
}

interface ApplyOptions {
  readonly tier: Tier;
  /** The tier's application id. */
  readonly principal: string;
  readonly release: LedgerRelease;
  /** The content folder of a component. */
  readonly folder: (component: string, digest: string) => string;
  /** Throws if the lock is no longer ours. */
  readonly check: () => Promise<void>;
  /** Writes the ledger. */
  readonly save: (ledger: Ledger) => Promise<void>;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly log: { info(message: string): void };
  readonly signal?: AbortSignal | undefined;
}

interface Applied {
  readonly ledger: Ledger;
  /** Keys in the order in which they were written. */
  readonly done: readonly string[];
  /** Steps that were not reached or did not succeed. */
  readonly open: readonly Step[];
  /** What stopped it; undefined if everything was applied. */
  readonly failure: Error | undefined;
  /** Ends when every new id is in the ledger: what follows need not wait for it to begin. */
  readonly written: () => Promise<void>;
}

/** How often, and after how many milliseconds, a lost create is looked for: lists can lag behind. */
const LOOK_AGAIN = [0, 1_000, 4_000];
const CREATE_ATTEMPTS = 3;

/**
 * Applies the steps in order, what needs nothing of each other at the same time: when the lock is lost or the run is
 * cancelled, what is in flight ends and nothing new begins. Never throws for what a step met: the result says what was
 * done and what was not.
 */
export async function applySteps(
  workspace: Workspace,
  steps: readonly Step[],
  live: ReadonlyMap<string, Observed | undefined>,
  start: Ledger,
  options: ApplyOptions,
): Promise<Applied> {
  const order = inOrder(steps);
  if (order.length === 0) {
    return { ledger: start, done: [], open: [], failure: undefined, written: () => Promise.resolve() };
  }
  const known = new Map([...live].flatMap(([key, found]) => (found === undefined ? [] : [[key, found.id] as const])));
  const done: string[] = [];
  let ledger = start;
  let failure: Error | undefined;
  const mark = (step: Step, id: string | undefined): void => {
    ledger = withIntent(ledger, step.key, (intent) => ({
      ...intent,
      done: true,
      target: intent.target === undefined || id === undefined ? intent.target : { ...intent.target, id },
    }));
  };
  const ids = journal(() => options.save(ledger), IDS);
  try {
    ledger = { ...ledger, pending: pendingOver(ledger, options.release, order.map(intentOf)) };
    await options.save(ledger);
    for (const group of independentGroups(order)) {
      // What needs something of the group before begins only after an answer that the lock is still ours.
      const check = alongside(options.check);
      await mapBounded(group, PARALLEL, async (step) => {
        if (options.signal?.aborted) throw new FourTierError(cancelled(done.length, order.length));
        await check();
        const id = await applyStep(workspace, step, known, { ...options, holds: start.holds });
        mark(step, id);
        done.push(step.key);
        options.log.info(`${PAST[step.action]} ${step.key} (${id ?? step.live?.id ?? ""}) "${step.name}"`);
        if (id === undefined || id === known.get(step.key)) return;
        known.set(step.key, id);
        // An id that nobody wrote down is the one thing that cannot be found out cheaply.
        ids.note();
      });
      if (group[0]?.action === "replace") await ids.written();
    }
  } catch (error) {
    failure = error instanceof Error ? error : new Error(messageOf(error));
  }
  const open = order.filter((step) => !done.includes(step.key));
  return { ledger, done, open, failure, written: () => ids.written() };
}

/** Resources written at the same time. */
const PARALLEL = 8;
/** New ids after which the ledger is written, while others are still being created. */
const IDS = 32;

/** The same order in groups of which nothing needs anything else of the same group; a deletion stands alone. */
function independentGroups(order: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of order) {
    const group = groups.at(-1);
    const [first] = group ?? [];
    const alone = step.action === "delete" || step.action === "replace";
    const fits =
      !alone &&
      group !== undefined &&
      first?.kind === step.kind &&
      first.action === step.action &&
      !group.some(({ key }) => step.references.includes(key));
    if (fits) group.push(step);
    else groups.push([step]);
  }
  return groups;
}

const PAST = { create: "created", update: "updated", replace: "replaced", delete: "deleted" } as const;

/** Writes one resource; gives its id, or undefined after a delete. */
async function applyStep(
  workspace: Workspace,
  step: Step,
  ids: ReadonlyMap<string, string>,
  options: ApplyOptions & { readonly holds: readonly Hold[] },
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
  options: ApplyOptions & { readonly holds: readonly Hold[] },
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
async function create(workspace: Workspace, step: Step, settings: JsonObject, options: ApplyOptions): Promise<string> {
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

/** What is needed first comes first; then the order of kinds; deletions last, users before used. */
export function inOrder(steps: readonly Step[]): Step[] {
  const rank = (step: Step): string => `${rankOf(step.kind)} ${step.key}`;
  const sorted = [...steps].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const byKey = new Map(sorted.map((step) => [step.key, step]));
  const placed = new Set<Step>();
  const order: Step[] = [];
  const place = (step: Step): void => {
    if (placed.has(step)) return;
    placed.add(step);
    for (const key of step.references) {
      const needed = byKey.get(key);
      if (needed !== undefined) place(needed);
    }
    order.push(step);
  };
  for (const step of sorted) place(step);
  const deletions = order.filter((step) => step.action === "delete").reverse();
  return [...order.filter((step) => step.action !== "delete"), ...deletions];
}

function intentOf(step: Step): Intent {
  const { desired, live } = step;
  return {
    key: step.key,
    action: step.action,
    name: step.name,
    done: false,
    target:
      desired === undefined
        ? undefined
        : {
            id: step.action === "replace" ? "" : (live?.id ?? ""),
            kind: desired.kind,
            name: desired.name,
            settings: desired.settings,
            permissions: desired.permissions,
            component: desired.component,
            componentDigest: desired.componentDigest,
          },
  };
}

function withIntent(ledger: Ledger, key: string, change: (intent: Intent) => Intent): Ledger {
  if (ledger.pending === undefined) return ledger;
  const intents = ledger.pending.intents.map((intent) => (intent.key === key ? change(intent) : intent));
  return { ...ledger, pending: { ...ledger.pending, intents } };
}

function cancelled(done: number, all: number) {
  return {
    id: "promote/cancelled",
    severity: "error",
    message: `The run was cancelled after ${done} of ${all} changes.`,
    remedy: "Start it again: what was applied is recorded and not repeated.",
  } as const;
}
