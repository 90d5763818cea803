/**
 * One rolling issue for everything that scheduled checks find: opened when something is wrong, rewritten while it is,
 * closed when all tiers were looked at and are clean, opened again when they no longer are.
 */
import * as v from "valibot";
import { type Finding, FourTierError } from "./findings.ts";
import type { GitHub } from "./github/client.ts";
import { commentOnIssue, createIssue, type Issue, listIssues, updateIssue } from "./github/issues.ts";
import { driftBody, drifted, driftSummary, type Look } from "./report/drift-issue.ts";
import { readFindings } from "./report/carried-findings.ts";
import type { ActionResult } from "./report/report.ts";

/** Who opens issues with a job's token; an issue of anybody else is not ours, whatever it says. */
const AUTHOR = "github-actions[bot]";
/** Issues of our label that are looked at: somebody may have put it on many. */
const MOST_ISSUES = 200;
/** How the mark of any contract's issue begins. */
const ANY_MARK = "<!-- four-tier drift ";

interface ReportDriftRequest {
  readonly github: GitHub;
  /** `toJSON(needs)`: results and outputs of the jobs that looked. */
  readonly results: string;
  readonly title: string;
  readonly label: string;
  /** Tells apart the issues of several contracts of one repository. */
  readonly key: string;
  /** The run's page. */
  readonly runUrl: string;
  readonly log: { info(message: string): void };
}

const Needs = v.record(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_-]*$/)),
  v.object({
    result: v.picklist(["success", "failure", "cancelled", "skipped"]),
    outputs: v.optional(v.record(v.string(), v.string()), {}),
  }),
);

/** A job says so where its caller did not ask for a check. */
const NOT_ASKED = "not asked";
const CHECKS = ["grants", "schedules", "drift"];

/** Reads the results of the jobs; throws FourTierError for what is not `toJSON(needs)`. */
export function readResults(text: string): Look[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = v.safeParse(Needs, value);
  if (!parsed.success || Object.keys(parsed.output).length === 0) {
    throw new FourTierError({
      id: "input/results",
      severity: "error",
      message: "The input results is not what jobs that looked have come to.",
      remedy: "Give it ${{ toJSON(needs) }} in a job that needs those jobs.",
    });
  }
  return Object.entries(parsed.output).flatMap(([tier, { outputs }]) =>
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
  const marker = `${ANY_MARK}${request.key} -->`;
  const [standing, ...doubles] = await findOwn(request, marker);
  const body = driftBody(looks, { marker, runUrl });
  const issue = await bring(request, standing, clean, body);
  for (const double of doubles) await closeDouble(request, double, issue);
  if (issue !== undefined) log.info(`Issue #${issue.number} is ${issue.state}`);
  return {
    findings: looks.flatMap((look) => findingsOf(look)),
    outputs: { clean: String(clean), issue: issue?.number ?? "" },
    summary: driftSummary(looks, issue?.url),
    report: { clean, issue: issue?.url ?? null, looks: looks.map(lookJson) },
  };
}

/** The issue as it is afterwards; undefined if there is none and none is needed. */
async function bring(
  { github, title, label, runUrl }: ReportDriftRequest,
  standing: Issue | undefined,
  clean: boolean,
  body: string,
): Promise<Issue | undefined> {
  if (standing === undefined) return clean ? undefined : createIssue(github, { title, body, label });
  if (clean && standing.state === "closed") return standing;
  const issue = await updateIssue(github, standing.number, { body, state: clean ? "closed" : "open" });
  if (clean) await commentOnIssue(github, issue.number, `All tiers are clean: ${runUrl}`);
  else if (standing.state === "closed") await commentOnIssue(github, issue.number, `There is drift again: ${runUrl}`);
  return issue;
}

/** Two runs at once may each have opened one: the older ones are closed, so that one is left to look at. */
async function closeDouble({ github }: ReportDriftRequest, double: Issue, issue: Issue | undefined): Promise<void> {
  if (double.state === "closed" || issue === undefined) return;
  await updateIssue(github, double.number, { body: double.body, state: "closed" });
  await commentOnIssue(github, double.number, `Goes on in #${issue.number}.`);
}

/**
 * Ours: opened by a job of this repository, newest first. Anybody with triage rights may edit an issue, so it is known by
 * our mark anywhere in it; without any mark by its label and title; and without its label among all that are open.
 */
async function findOwn({ github, label, title }: ReportDriftRequest, marker: string): Promise<Issue[]> {
  const labelled = await own(listIssues(github, label));
  const marked = labelled.filter(({ body }) => body.includes(marker));
  if (marked.length > 0) return marked;
  const bare = labelled.filter((issue) => issue.title === title && !issue.body.includes(ANY_MARK));
  if (bare.length > 0) return bare;
  return (await own(listIssues(github, undefined))).filter(({ body }) => body.includes(marker));
}

async function own(issues: AsyncGenerator<Issue>): Promise<Issue[]> {
  const found: Issue[] = [];
  let seen = 0;
  for await (const issue of issues) {
    if (issue.author === AUTHOR) found.push(issue);
    if (++seen >= MOST_ISSUES) break;
  }
  return found;
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
      message: `${tier}: ${findings.length + more} findings about ${check}, ${[...new Set(findings.map(({ id }) => id))].join(", ")}.`,
      remedy: "The issue says what, and what to do about each.",
    },
  ];
}

function lookJson({ tier, check, findings, more }: Look) {
  return { tier, check, more, findings: findings?.map((finding) => ({ ...finding })) ?? null };
}
