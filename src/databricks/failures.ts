/** Why a run or an update failed, in the words of what failed (facts: databricks-api 4, 5). */
import * as v from "valibot";
import { together } from "../http/pool.ts";
import { orMissing } from "./errors.ts";
import { ask, encodePath, id, items, list, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** One thing that failed, and what it said. */
export interface Failure {
  /** The task's key; undefined for a pipeline's update. */
  readonly task: string | undefined;
  /** As the service gave it, at most `LONGEST` characters. Outside text: escape it. */
  readonly error: string;
}

/** Failures that are told of one run; the first ones say enough. */
const MOST_FAILURES = 5;
/** Characters of an error: enough for the message and the innermost frames. */
const LONGEST = 2_000;

const taskSchema = v.looseObject({
  run_id: id,
  task_key: v.optional(v.string(), ""),
  state: v.optional(v.looseObject({ result_state: optionalText, state_message: optionalText })),
  status: v.optional(
    v.looseObject({
      termination_details: v.optional(v.looseObject({ code: optionalText, message: optionalText })),
    }),
  ),
});

/** The tasks of a run that did not succeed, with their own errors; those that only waited for them are left out. */
export async function taskFailures(workspace: Workspace, runId: string): Promise<readonly Failure[]> {
  const request: ApiRequest = { method: "GET", path: "/api/2.2/jobs/runs/get", query: { run_id: runId } };
  const failed: { readonly key: string; readonly runId: string; readonly message: string | undefined }[] = [];
  for await (const task of items(workspace, request, "tasks", taskSchema)) {
    const details = task.status?.termination_details;
    const code = details?.code ?? task.state?.result_state;
    if (code === undefined || SUCCEEDED_OR_NEVER_RAN.includes(code)) continue;
    failed.push({ key: task.task_key, runId: task.run_id, message: details?.message ?? task.state?.state_message });
    if (failed.length === MOST_FAILURES) break;
  }
  return together(
    failed.map(async (task) => ({
      task: task.key,
      error: cut((await outputError(workspace, task.runId)) ?? task.message ?? "It says nothing about why."),
    })),
  );
}

const SUCCEEDED_OR_NEVER_RAN: readonly string[] = [
  "SUCCESS",
  "UPSTREAM_FAILED",
  "UPSTREAM_CANCELED",
  "EXCLUDED",
  "DISABLED",
  "SKIPPED",
];

/** A task's own error; undefined if it has none or its output is gone. */
async function outputError(workspace: Workspace, taskRunId: string): Promise<string | undefined> {
  const request: ApiRequest = { method: "GET", path: "/api/2.2/jobs/runs/get-output", query: { run_id: taskRunId } };
  const answer = await orMissing(ask(workspace, request, v.looseObject({ error: optionalText })));
  return answer?.error === "" ? undefined : answer?.error;
}

const eventSchema = v.looseObject({
  message: optionalText,
  origin: v.optional(v.looseObject({ update_id: optionalText })),
  error: v.optional(
    v.looseObject({
      exceptions: v.optional(v.array(v.looseObject({ class_name: optionalText, message: optionalText })), []),
    }),
  ),
});

/** The newest errors of one update: of the newest page of errors, since events cannot be asked for by update. */
export async function updateFailures(
  workspace: Workspace,
  pipelineId: string,
  updateId: string,
): Promise<readonly Failure[]> {
  const request: ApiRequest = {
    method: "GET",
    path: `/api/2.0/pipelines/${encodePath(pipelineId)}/events`,
    query: { filter: "level='ERROR'", max_results: 100 },
  };
  const { events } = await ask(workspace, request, v.looseObject({ events: list(eventSchema) }));
  return events
    .filter(({ origin }) => origin?.update_id === updateId)
    .slice(0, MOST_FAILURES)
    .map(({ message, error }) => {
      const causes = error?.exceptions.map((exception) => exception.message ?? "") ?? [];
      return { task: undefined, error: cut([message ?? "", ...causes].filter(unlikeBefore).join("\n")) };
    });
}

function unlikeBefore(text: string, index: number, all: readonly string[]): boolean {
  return text !== "" && all.indexOf(text) === index;
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
