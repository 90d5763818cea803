/** What jobs have come to, as a job that needs them is handed it: their results and outputs. */
import * as v from "valibot";
import { FourTierError } from "../findings.ts";

const Needs = v.record(
  v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_-]*$/)),
  v.object({
    result: v.picklist(["success", "failure", "cancelled", "skipped"]),
    outputs: v.optional(v.record(v.string(), v.string()), {}),
  }),
);

/** Results and outputs by job. Throws FourTierError for what is not `toJSON(needs)`. */
export function readNeeds(text: string): v.InferOutput<typeof Needs> {
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
  return parsed.output;
}
