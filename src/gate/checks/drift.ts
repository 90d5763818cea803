/** Nobody changed the tier by hand since the last promotion, or the change was shown and accepted. */
import type { TierName } from "../../contract/model.ts";
import { type JsonValue, stringifyJson } from "../../json.ts";
import type { DriftEntry } from "../../release/change.ts";
import { type Check, type CheckResult, conclude, type Problem, withFact } from "../check.ts";
import type { GateFacts } from "../facts.ts";

export const drift: Check = {
  id: "drift",
  title: "no change by hand that nobody accepted",
  evaluate: (facts) =>
    withFact("drift", facts.drift, (found) => {
      const accepted = facts.acceptedDrift;
      if (found.empty)
        return conclude("drift", {
          summary:
            facts.order.known && facts.order.value.current === undefined
              ? `${facts.tier} has no release yet that somebody could have changed.`
              : `${facts.tier} is as the last promotion left it.`,
        });
      if (accepted === found.digest) {
        return conclude("drift", {
          summary: `${count(found.entries)} changed by hand, accepted by digest ${found.digest}.`,
        });
      }
      const busy = atWork(facts);
      if (busy !== undefined) return meanwhile(facts.tier, busy, found.entries);
      // Dev is for trying: what was changed there by hand is put back, and said. Before the approval it is shown.
      const free = facts.tier === "dev" || facts.tier === "sandbox";
      const refuse = facts.stage === "promote" && !free;
      const problems: Problem[] = found.entries.map((entry) => ({
        what: entry.what,
        severity: refuse ? "error" : "warning",
        message: `${describe(entry)}: changed in ${facts.tier} by hand since the last promotion.`,
        remedy: refuse
          ? `Nothing was changed. Bring the change into the repository, or start a new run with accept-drift: ${found.digest}`
          : `${becomes(entry, facts.plan)}${free ? "" : ` To let a promotion do so, start a run with accept-drift: ${found.digest}`}`,
      }));
      if (refuse && accepted !== undefined) {
        problems.unshift({
          what: "other",
          message: `The drift that was accepted is ${accepted}, the one at hand is ${found.digest}.`,
          remedy: "Look at the difference below; accept it by its own digest in a new run.",
        });
      }
      return conclude("drift", { summary: `${count(found.entries)} changed by hand.`, problems });
    }),
};

/** What a promotion makes of it, and what to do if that is not wanted, in sentences. */
function becomes({ key, what }: DriftEntry, plan: GateFacts["plan"]): string {
  const planned = plan.known ? plan.value.changes.find((change) => change.key === key)?.action : undefined;
  if (planned === "delete") {
    return what === "missing"
      ? "This release does not have it either: a promotion makes nothing of it."
      : "This release does not have it: a promotion deletes it, and the change goes with it. Keep it in the repository if it is wanted.";
  }
  return what === "missing"
    ? "A promotion makes it anew. Take it out of the repository if it shall stay gone."
    : "A promotion overwrites it. Bring it into the repository if it is wanted.";
}

/** The run of ours that holds the tier's lock, if it is another and has not ended. */
function atWork({ lock, run }: GateFacts): string | undefined {
  if (!lock.known || !lock.value.held || lock.value.ended || lock.value.runId === run.id) return undefined;
  return lock.value.runId;
}

/** What another run writes looks like a hand's work until its ledger says so: it is judged under the lock. */
function meanwhile(tier: TierName, run: string, entries: readonly DriftEntry[]): CheckResult {
  return conclude("drift", {
    summary: `${count(entries)} not as the last promotion left it, while run ${run} is at work in ${tier}.`,
    problems: entries.map((entry) => ({
      what: "meanwhile",
      severity: "warning",
      message: `${describe(entry)}: not as the last promotion left it; run ${run} is at work in ${tier} and may be writing it.`,
      remedy: "Nothing: this is looked at again when that run has ended.",
    })),
  });
}

function count(entries: readonly DriftEntry[]): string {
  return entries.length === 1 ? "1 resource" : `${entries.length} resources`;
}

/** Values come masked where they look like secrets (src/release/plan.ts). */
function describe(entry: DriftEntry): string {
  if (entry.what === "missing") return `${entry.key} is gone`;
  const fields = entry.fields.map((field) => `${field.path}: ${shown(field.old)} → ${shown(field.new)}`);
  return `${entry.key} (${fields.join(", ")})`;
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return "absent";
  const text = stringifyJson(value);
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
