/** It is time: within a window of the tier, and in no freeze. */
import { type Check, conclude, type Problem, withFact } from "../check.ts";
import type { GateFacts } from "../facts.ts";
import { duration, shownAt } from "../wall-clock.ts";
import { endOf, nextOpening, openingAt } from "../windows.ts";

export const window: Check = {
  id: "window",
  title: "within the tier's windows, and no freeze",
  evaluate: (facts) =>
    withFact("window", facts.policy, ({ windows, freezes }) => {
      const now = facts.now.getTime();
      const { open, window, freezes: frozen } = openingAt(windows, freezes, now);
      if (open) {
        return conclude("window", {
          problems: clockProblems(facts),
          summary:
            window === undefined
              ? `${facts.tier} takes promotions at any time.`
              : `Within ${window.text} (${shownAt(window.zone, now)}).`,
        });
      }
      const next = nextOpening(windows, freezes, now);
      const zone = windows[0]?.zone ?? frozen[0]?.zone ?? "UTC";
      const opens =
        next === undefined
          ? "No window opens in the next two weeks: see windows and freezes in the contract."
          : `It opens next at ${shownAt(zone, next)}${zone === "UTC" ? "" : ` (${shownAt("UTC", next)})`}.`;
      // An approval may come later; only the promotion itself insists.
      const severity = facts.stage === "promote" ? "error" : "warning";
      const remedy =
        next === undefined
          ? "Change the contract on the default branch."
          : `${facts.stage === "promote" ? "Start a new run" : "Approve"} then.`;
      const shut: Problem[] =
        frozen.length > 0
          ? frozen.map((freeze) => ({
              what: "frozen",
              severity,
              message: `${facts.tier} is frozen until ${shownAt(freeze.zone, endOf(freeze))}: ${freeze.reason}. ${opens}`,
              remedy,
            }))
          : [
              {
                what: "closed",
                severity,
                message: `${facts.tier} takes promotions ${windows.map(({ text }) => text).join(" or ")}; it is ${shownAt(zone, now)}. ${opens}`,
                remedy,
              },
            ];
      return conclude("window", { summary: "", notBefore: next, problems: [...shut, ...clockProblems(facts)] });
    }),
};

/** Windows, freezes, soaks and the ends of holds and approvals go by a clock: never by one that is known to be wrong. */
function clockProblems({ skewMs }: GateFacts): Problem[] {
  if (skewMs === 0) return [];
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  return [
    {
      what: "clock",
      severity: "warning",
      message: `This runner's clock is ${duration(minutes * 60_000)} ${skewMs < 0 ? "ahead of" : "behind"} GitHub's. The gate goes by GitHub's.`,
      remedy: "Set the runner's clock: summaries and the tier's ledger have its times.",
    },
  ];
}
