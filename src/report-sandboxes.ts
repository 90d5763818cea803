/**
 * One rolling issue that asks developers whether they still need their sandboxes: opened when a clean-up warns, rewritten
 * while something is due, closed when nothing is. A dry run has warned nobody, so it changes nothing here either.
 */
import type { Finding } from "./findings.ts";
import { markOf } from "./own-mark.ts";
import { type DueSandbox, readDue } from "./report/carried-due.ts";
import { readNeeds } from "./report/carried-needs.ts";
import type { ActionResult } from "./report/report.ts";
import { sandboxesBody, sandboxesNews } from "./report/sandboxes-issue.ts";
import { issueWarnings, keepIssue, type RollingReport } from "./rolling-issue.ts";

interface ReportSandboxesRequest extends RollingReport {
  /** `toJSON(needs)`: results and outputs of the jobs that cleaned up. */
  readonly results: string;
}

/** Opens, rewrites or closes the issue. The run fails if a clean-up does not say what is due; the issue is then left. */
export async function reportSandboxes(request: ReportSandboxesRequest): Promise<ActionResult> {
  const { log, runUrl } = request;
  const sandboxes: DueSandbox[] = [];
  const findings: Finding[] = [];
  let isDry = false;
  for (const [job, { outputs }] of Object.entries(readNeeds(request.results))) {
    const due = readDue(outputs["due"] ?? "");
    if (due === undefined) findings.push(notSaid(job));
    else sandboxes.push(...due.sandboxes);
    isDry ||= due?.dryRun === true;
  }
  const left = { outputs: { clean: "false", issue: "" }, summary: "", report: { clean: false, issue: null } };
  if (findings.length > 0) return { ...left, findings };
  if (isDry) {
    log.info("A dry run has warned nobody: the issue is left as it is.");
    return { ...left, findings: [dryRun()] };
  }
  const isOpen = sandboxes.some(({ is }) => is !== "removed");
  const rolling = { ...request, about: "sandboxes" } as const;
  const kept = await keepIssue(rolling, {
    body: sandboxesBody(sandboxes, { marker: markOf(rolling), runUrl }),
    open: isOpen,
    closed: `No sandbox is due any more: ${runUrl}`,
    reopened: `Sandboxes are due again: ${runUrl}`,
    news: sandboxesNews(sandboxes, runUrl),
  });
  const { issue } = kept;
  if (issue !== undefined) log.info(`Issue #${issue.number} is ${issue.state}`);
  return {
    findings: issueWarnings(kept),
    outputs: { clean: String(!isOpen), issue: issue?.number ?? "" },
    summary: "",
    report: { clean: !isOpen, issue: issue?.url ?? null },
  };
}

function notSaid(job: string): Finding {
  return {
    id: "sandbox/not-said",
    severity: "unknown",
    message: `The job ${job} does not say which sandboxes are due: it did not come to its end. The issue was left as it is.`,
    remedy: `Look at the job ${job} of this run; its output due must be that of action-clean-sandboxes.`,
  };
}

function dryRun(): Finding {
  return {
    id: "sandbox/nobody-told",
    severity: "notice",
    message: "The clean-up was a dry run: it has warned nobody, and the issue was left as it is.",
    remedy: "Nothing. With dry-run: false developers are warned, and asked here.",
  };
}
