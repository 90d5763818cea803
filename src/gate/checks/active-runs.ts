/** Nothing that ends by itself is at work of what would change, where the contract wants it so. */
import { type Check, conclude, withFact } from "../check.ts";
import type { ActiveRun } from "../live-facts.ts";
import { inUtc } from "../wall-clock.ts";

export const activeRuns: Check = {
  id: "active-runs",
  title: "what would change is not at work, where the contract wants that",
  evaluate: (facts) =>
    withFact("active-runs", facts.policy, ({ activeRuns: policy }) => {
      if (policy === "allow") {
        return conclude("active-runs", { summary: "Active runs keep their code (active_runs: allow)." });
      }
      return withFact("active-runs", facts.activeRuns, ({ runs, waited }) => {
        // What never ends is neither waited for nor a reason to stop: in prod it is rolled forward.
        const ending = runs.filter(({ continuous }) => !continuous);
        const stopping = policy === "wait" && !waited ? [] : ending;
        return conclude("active-runs", {
          summary:
            ending.length === 0
              ? "Nothing that would change and ends by itself is at work."
              : `Waits for ${ending.map(({ key, id }) => `${key} (run ${id})`).join(", ")}.`,
          evidence: runs.map(({ name, id, url }) => ({
            label: `${name}, run ${id}`,
            ...(url === undefined ? {} : { url }),
          })),
          problems: stopping.map((run) => ({
            what: "active",
            message: `${describe(run)} is about to change${waited ? " and did not end in time" : ""}.`,
            why: `The contract says active_runs: ${policy} for ${facts.tier}. Nothing was applied.`,
            remedy:
              "Promote again when it has ended, or cancel it. active_runs: allow lets it go on with the code it began with.",
          })),
        });
      });
    }),
};

function describe({ key, name, id, since }: ActiveRun): string {
  return `"${name}" (${key}) is at work, run ${id}${since === undefined ? "" : ` since ${inUtc(since)}`}, and`;
}
