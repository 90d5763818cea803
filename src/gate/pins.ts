/** Which reusable workflows of the suite a caller's workflow file calls, and at which ref. */
import * as v from "valibot";
import { parseDocument } from "yaml";
import type { CallerJob, WorkflowPin } from "./evidence-facts.ts";

const CallerSchema = v.object({
  jobs: v.record(v.string(), v.looseObject({ name: v.optional(v.string()), uses: v.optional(v.string()) })),
});

/** The jobs of a workflow file that call a workflow of `suite` (owner/name); none if the file cannot be read as one. */
export function suitePins(workflow: string, suite: string): WorkflowPin[] {
  const pins: WorkflowPin[] = [];
  for (const [id, { name, uses }] of jobsOf(workflow)) {
    const [path, ref] = (uses ?? "").split("@", 2);
    if (path?.startsWith(`${suite}/.github/workflows/`) === true && ref !== undefined && ref !== "") {
      pins.push({ job: name ?? id, path, ref });
    }
  }
  return pins;
}

/** Every job of a workflow file; none if it cannot be read as one. */
export function callerJobs(workflow: string): CallerJob[] {
  return jobsOf(workflow).map(([key, { name, uses }]) => ({ key, name: name ?? key, calls: uses?.split("@", 1)[0] }));
}

type Jobs = readonly [string, v.InferOutput<typeof CallerSchema>["jobs"][string]][];

/** By the file's text: the gate asks for each run behind its evidence, and nearly all of them ran the same file. */
const known = new Map<string, Jobs>();

function jobsOf(workflow: string): Jobs {
  const jobs = known.get(workflow) ?? readJobs(workflow);
  known.set(workflow, jobs);
  return jobs;
}

function readJobs(workflow: string): Jobs {
  const document = parseDocument(workflow);
  if (document.errors.length > 0) return [];
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    return []; // aliases of aliases of aliases, or one without an anchor
  }
  const caller = v.safeParse(CallerSchema, value);
  return caller.success ? Object.entries(caller.output.jobs) : [];
}
