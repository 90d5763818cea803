/** Which reusable workflows of the suite a caller's workflow file calls, and at which ref. */
import { parseDocument } from "yaml";
import * as v from "valibot";
import type { WorkflowPin } from "./facts.ts";

const CallerSchema = v.object({
  jobs: v.record(v.string(), v.looseObject({ name: v.optional(v.string()), uses: v.optional(v.string()) })),
});

/** The jobs of a workflow file that call a workflow of `suite` (owner/name); none if the file cannot be read as one. */
export function suitePins(workflow: string, suite: string): WorkflowPin[] {
  const document = parseDocument(workflow);
  if (document.errors.length > 0) return [];
  const caller = v.safeParse(CallerSchema, document.toJS({ maxAliasCount: 100 }));
  if (!caller.success) return [];
  const pins: WorkflowPin[] = [];
  for (const [id, { name, uses }] of Object.entries(caller.output.jobs)) {
    const [path, ref] = (uses ?? "").split("@", 2);
    if (path?.startsWith(`${suite}/.github/workflows/`) === true && ref !== undefined && ref !== "") {
      pins.push({ job: name ?? id, path, ref });
    }
  }
  return pins;
}
