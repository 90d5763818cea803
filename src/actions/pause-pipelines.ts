import { FourTierError } from "../findings.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";

/** Not built yet: says so and fails. */
export async function pausePipelines(_context: ActionContext): Promise<ActionResult> {
  throw new FourTierError({
    id: "suite/not-built",
    severity: "error",
    message: "action-pause-pipelines is not built yet.",
    remedy: "Wait for the next release.",
  });
}
