/** action-report-drift: the results of the jobs that looked → one rolling issue. It has no credential for any tier. */
import { type Finding, FourTierError } from "../findings.ts";
import { reportDrift as report } from "../report-drift.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";

/** Opens, updates or closes the issue about what was found in all tiers. Throws FourTierError for what stops it. */
export async function reportDrift(context: ActionContext): Promise<ActionResult> {
  const { run, log } = context;
  const title = context.input("title") || "Drift between the tiers and what was promoted";
  const label = context.input("label") || "four-tier-drift";
  const key = (context.input("key") || "four-tier.yml").replace(/^\.\//, "");
  const wrong: Finding[] = [];
  const refuse = (name: string, remedy: string): void => {
    wrong.push({ id: `input/${name}`, severity: "error", message: `The input ${name} cannot be used.`, remedy });
  };
  if (title.length > 200 || /[\r\n]/.test(title)) refuse("title", "Give one line of at most 200 characters.");
  if (!/^[A-Za-z0-9][A-Za-z0-9 _-]{0,48}$/.test(label))
    refuse("label", "Give a label of letters, digits, blanks, _ and -.");
  if (!/^[A-Za-z0-9._][A-Za-z0-9._/-]{0,99}$/.test(key)) refuse("key", "Give the contract's file.");
  if (wrong.length > 0) throw new FourTierError(wrong);
  return report({
    github: githubOf(context),
    results: context.input("results"),
    title,
    label,
    key,
    runUrl: `${run.serverUrl}/${run.owner}/${run.repository}/actions/runs/${run.runId}`,
    log,
  });
}
