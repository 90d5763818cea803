/** It is time: within a window of the tier, and in no freeze. */
import { type Check, conclude, withFact } from "../check.ts";
import { shownAt } from "../wall-clock.ts";
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
      return conclude("window", {
        summary: "",
        notBefore: next,
        problems:
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
              ],
      });
    }),
};
