/**
 * Makes the tier what the release says. Every change is written into the ledger before it is made; a create whose
 * answer was lost is looked up before it is tried again; what is equal is not written; deletions come last.
 */
import type { Workspace } from "../databricks/workspace.ts";
import { FourTierError, messageOf } from "../findings.ts";
import { mapBounded } from "../http/pool.ts";
import { alongside, journal } from "../ledger/journal.ts";
import { type Intent, type Ledger, type LedgerRelease, pendingOver } from "../ledger/model.ts";
import { applyStep, type StepOptions } from "./apply-step.ts";
import type { Observed } from "./observe.ts";
import { independentGroups, inOrder, intentOf, type Step } from "./step.ts";

/** With what a release is applied: what one write needs, and what all of them do. */
interface ApplyOptions extends Omit<StepOptions, "holds"> {
  readonly release: LedgerRelease;
  /** Writes the ledger. */
  readonly save: (ledger: Ledger) => Promise<void>;
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

const PAST = { create: "created", update: "updated", replace: "replaced", delete: "deleted" } as const;

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
