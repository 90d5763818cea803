/**
 * The frame of every action: inputs are read inside the guarded run, one use case is called, its result is shown,
 * and one policy decides what an error means.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RunContext, readRunContext } from "../environment.ts";
import { describeWhere, type Finding, FourTierError, isFailure, messageOf, sentence } from "../findings.ts";
import { stringifyJson } from "../json.ts";
import { logText } from "../report/log-line.ts";
import { count } from "../report/markdown.ts";
import { type ActionResult, ANNOTATIONS_PER_TYPE, conclusionOf, findingsJson, stepSummary } from "../report/report.ts";
import { hasBegun } from "./begun.ts";
import { core } from "./toolkit.ts";

/** Progress for the person who reads the log. Passed as a parameter, so that tests can record it. */
export interface Log {
  info(message: string): void;
  debug(message: string): void;
  warning(message: string): void;
  /** From here on, this text shows as *** in the log. Call it before the value is used anywhere. */
  secret(value: string): void;
}

/** What an action gets: the run it is in, its inputs, a log. */
export interface ActionContext {
  readonly run: RunContext;
  readonly log: Log;
  /** An input by its name in action.yml, trimmed; empty if not given. */
  input(name: string): string;
  /** Aborted on SIGINT or SIGTERM: stop starting work, finish or record what is in flight. */
  readonly cancelled: AbortSignal;
}

/** Only what is not a workflow command by itself goes to the log as it is: the others are escaped by the toolkit. */
const log: Log = {
  info: (message) => core.info(logText(message)),
  debug: core.debug,
  warning: core.warning,
  secret: core.setSecret,
};

/**
 * Runs an action's main step. Never throws and never leaves a failure unsaid: a FourTierError becomes its findings,
 * anything else is reported as a defect of the suite with its stack at debug level.
 */
export async function runAction(
  name: string,
  useCase: (context: ActionContext) => Promise<ActionResult>,
): Promise<void> {
  const cancelled = new AbortController();
  const cancel = (): void => {
    cancelled.abort();
    log.info("The run is being cancelled: nothing new is begun, and what is under way is ended.");
  };
  process.once("SIGINT", cancel);
  process.once("SIGTERM", cancel);
  let run: RunContext | undefined;
  try {
    run = readRunContext(process.env);
    const result = await useCase({ run, log, input: (input) => core.getInput(input), cancelled: cancelled.signal });
    await show(name, run, result);
  } catch (error) {
    const findings = error instanceof FourTierError ? error.findings : [defect(name, error)];
    await show(name, run, { findings, outputs: {}, summary: "", report: {} });
  } finally {
    process.removeListener("SIGINT", cancel);
    process.removeListener("SIGTERM", cancel);
  }
}

async function show(name: string, run: RunContext | undefined, result: ActionResult): Promise<void> {
  const conclusion = conclusionOf(result.findings);
  for (const [key, value] of Object.entries(result.outputs)) core.setOutput(key, value);
  annotate(result.findings);
  if (run !== undefined) {
    const path = join(run.temp, `four-tier-${name}.json`);
    await writeFile(
      path,
      stringifyJson({ action: name, conclusion, ...result.report, findings: findingsJson(result.findings) }, 2),
    );
    core.setOutput("report", path);
    if (result.sarif !== undefined) {
      const sarif = join(run.temp, `four-tier-${name}.sarif`);
      await writeFile(sarif, stringifyJson(result.sarif, 2));
      core.setOutput("sarif", sarif);
    }
  }
  core.setOutput("conclusion", conclusion);
  if (process.env["GITHUB_STEP_SUMMARY"]) {
    const mode = core.getInput("mode");
    const title = mode === "" || mode === name ? name : `${name}: ${mode}`;
    await core.summary.addRaw(stepSummary(title, result, run !== undefined && hasBegun(run)), true).write();
  }
  const failures = result.findings.filter(isFailure).length;
  if (failures > 0) {
    process.exitCode = 1;
    log.info(`${name}: ${count(failures, "finding")} to fix`);
  }
}

const annotateAs = { error: core.error, warning: core.warning, notice: core.notice } as const;

function annotate(findings: readonly Finding[]): void {
  const shown = { error: 0, warning: 0, notice: 0 };
  for (const finding of findings) {
    const kind = finding.severity === "unknown" ? "error" : finding.severity;
    // The log shows an annotation's text alone, so the place and the id are said there too.
    const place = finding.where === undefined ? "" : ` (${describeWhere(finding.where)})`;
    const line = `${sentence(finding.message)} ${finding.remedy}${place} [${finding.id}]`;
    if (++shown[kind] > ANNOTATIONS_PER_TYPE) {
      log.info(`${kind}: ${line}`);
      continue;
    }
    const where = finding.where;
    annotateAs[kind](line, {
      title: finding.id,
      ...(where?.kind === "file" ? { file: where.file } : {}),
      ...(where?.kind === "file" && where.line !== undefined ? { startLine: where.line } : {}),
      ...(where?.kind === "file" && where.column !== undefined ? { startColumn: where.column } : {}),
    });
  }
}

function defect(name: string, error: unknown): Finding {
  if (error instanceof Error && error.stack !== undefined) core.debug(error.stack);
  return {
    id: "suite/defect",
    severity: "error",
    message: `${name} failed in a way it does not know: ${messageOf(error)}`,
    remedy: "Re-run with debug logging; if it happens again, open an issue with the log.",
  };
}
