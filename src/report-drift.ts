/**
 * One rolling issue for everything that scheduled checks find: opened when something is wrong, rewritten while it is,
 * closed when all tiers were looked at and are clean, opened again when they no longer are.
 */
import type { Finding } from "./findings.ts";
import { markOf } from "./own-mark.ts";
import { readFindings } from "./report/carried-findings.ts";
import { readNeeds } from "./report/carried-needs.ts";
import { driftBody, drifted, driftSummary, type Look } from "./report/drift-issue.ts";
import { count } from "./report/markdown.ts";
import type { ActionResult } from "./report/report.ts";
import { issueWarnings, keepIssue, type RollingReport } from "./rolling-issue.ts";

interface ReportDriftRequest extends RollingReport {
  /** `toJSON(needs)`: results and outputs of the jobs that looked. */
  readonly results: string;
}

/** A job says so where its caller did not ask for a check. */
const NOT_ASKED = "not asked";
const CHECKS = ["grants", "schedules", "drift"];

/** Reads what the jobs that looked have come to; throws FourTierError for what is not `toJSON(needs)`. */
export function readResults(text: string): Look[] {
  return Object.entries(readNeeds(text)).flatMap(([tier, { outputs }]) =>
    CHECKS.flatMap((check): Look[] => {
      const given = outputs[check];
      if (given === NOT_ASKED) return [];
      // A job that was skipped has no outputs: it has looked at nothing.
      const carried = given === undefined || given === "" ? undefined : readFindings(given);
      return [{ tier, check, findings: carried?.findings, more: carried?.more ?? 0 }];
    }),
  );
}

/** Opens, rewrites or closes the issue. The run fails while anything is wrong or was not looked at. */
export async function reportDrift(request: ReportDriftRequest): Promise<ActionResult> {
  const { log, runUrl } = request;
  const looks = readResults(request.results);
  const clean = looks.length > 0 && looks.every((look) => look.findings !== undefined && drifted(look).length === 0);
  const rolling = { ...request, about: "drift" } as const;
  const kept = await keepIssue(rolling, {
    body: driftBody(looks, { marker: markOf(rolling), runUrl }),
    open: !clean,
    closed: `All tiers are clean: ${runUrl}`,
    reopened: `There is drift again: ${runUrl}`,
    news: undefined,
  });
  const { issue } = kept;
  if (issue !== undefined) log.info(`Issue #${issue.number} is ${issue.state}`);
  return {
    findings: [...looks.flatMap((look) => findingsOf(look)), ...issueWarnings(kept)],
    outputs: { clean: String(clean), issue: issue?.number ?? "" },
    summary: driftSummary(looks, issue?.url),
    report: { clean, issue: issue?.url ?? null, looks: looks.map(lookJson) },
  };
}

function findingsOf(look: Look): Finding[] {
  const { tier, check, more } = look;
  if (look.findings === undefined) {
    return [
      {
        id: "drift/not-looked-at",
        severity: "unknown",
        message: `${tier}: nobody knows about ${check}, since the check did not end or its result did not arrive.`,
        remedy: `Look at the job ${tier} of this run.`,
      },
    ];
  }
  const findings = drifted(look);
  if (findings.length === 0) return [];
  return [
    {
      id: "drift/found",
      severity: "error",
      message: `${tier}: ${count(findings.length + more, "finding")} about ${check}, ${[...new Set(findings.map(({ id }) => id))].join(", ")}.`,
      remedy: "The issue says what, and what to do about each.",
    },
  ];
}

function lookJson({ tier, check, findings, more }: Look) {
  return { tier, check, more, findings: findings?.map((finding) => ({ ...finding })) ?? null };
}
