/** action-report-drift: what jobs that looked have come to → one rolling issue. It has no credential for any tier. */
import { runUrl } from "../github/links.ts";
import { isKey, keyOf } from "../own-mark.ts";
import type { ActionResult } from "../report/report.ts";
import { reportDrift as aboutDrift } from "../report-drift.ts";
import { reportSandboxes } from "../report-sandboxes.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import { inputsOf } from "./inputs.ts";

const ABOUT = {
  drift: { report: aboutDrift, title: "Drift between the tiers and what was promoted", label: "four-tier-drift" },
  sandboxes: { report: reportSandboxes, title: "Sandboxes that nobody uses", label: "four-tier-sandboxes" },
} as const;

/**
 * Opens, updates or closes the issue about drift in all tiers, or about sandboxes that are due. Throws FourTierError
 * for what stops it.
 */
export async function reportDrift(context: ActionContext): Promise<ActionResult> {
  const { run, log } = context;
  const inputs = inputsOf(context);
  const asked = inputs.text("about") || "drift";
  const about = asked === "sandboxes" ? "sandboxes" : "drift";
  const title = inputs.text("title") || ABOUT[about].title;
  const label = inputs.text("label") || ABOUT[about].label;
  const key = keyOf(inputs.text("key") || "four-tier.yml");
  const refuse = (name: string, remedy: string): void =>
    inputs.wrong(name, `The input ${name} cannot be used.`, remedy);
  if (asked !== about) refuse("about", "Say drift or sandboxes.");
  if (title.length > 200 || /[\r\n]/.test(title)) refuse("title", "Give one line of at most 200 characters.");
  if (!/^[A-Za-z0-9][A-Za-z0-9 _-]{0,48}$/.test(label))
    refuse("label", "Give a label of letters, digits, blanks, _ and -.");
  if (!isKey(key)) refuse("key", "Give the contract's file.");
  inputs.done();
  return ABOUT[about].report({
    github: githubOf(context),
    results: inputs.text("results"),
    title,
    label,
    key,
    runUrl: runUrl(run, run.runId),
    log,
  });
}
