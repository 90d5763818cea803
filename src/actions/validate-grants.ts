/** action-validate-grants: inputs first; then a tier's proof, an audit or a repair, each loaded for who asks for it. */
import type { ReaderChoice } from "../grants/read-estate.ts";
import { onceAsked } from "../http/agent.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { inputsOf } from "./inputs.ts";
import { accessTier } from "./tier-access.ts";

/** The inputs of a proof or an audit, checked. */
export interface Inputs {
  readonly proof: "tier" | "estate";
  readonly reader: ReaderChoice;
  readonly warehouseId: string;
  readonly record: boolean;
  /** `developer: "*"` with an audit of the tier sandbox. */
  readonly allSandboxes: boolean;
}

/** Proves who can read and write what in the tier of this run, or puts it right. */
export async function validateGrants(context: ActionContext): Promise<ActionResult> {
  if (readMode(context) === "repair") return (await import("./grants-story.ts")).putRight(context);
  const inputs = readInputs(context);
  if (inputs.proof === "estate") return (await import("./grants-story.ts")).auditEstate(context, inputs);
  const signing = accessTier(context);
  const { proveTier } = await onceAsked(signing, () => import("./grants-story.ts"));
  return proveTier(context, signing);
}

function readInputs(context: ActionContext): Inputs {
  const inputs = inputsOf(context);
  const proof = inputs.oneOf("proof", ["tier", "estate"], "tier");
  const reader = inputs.oneOf("reader", ["auto", "rest", "sql"], "auto");
  const record = inputs.flag("record");
  const warehouseId = inputs.text("warehouse-id");
  if (reader === "sql" && warehouseId === "")
    inputs.wrong("warehouse-id", "reader: sql needs a SQL warehouse.", "Give its id as warehouse-id.");
  if (warehouseId !== "" && !/^[0-9A-Za-z_-]{1,64}$/.test(warehouseId))
    inputs.wrong("warehouse-id", "warehouse-id is not an id.", "Take it from the warehouse's connection details.");
  if (proof === "tier" && (record || reader === "sql" || warehouseId !== "")) {
    inputs.wrong(
      "proof",
      "record, reader: sql and warehouse-id belong to an audit.",
      "Add proof: estate, or leave them out.",
    );
  }
  const allSandboxes = inputs.text("developer") === "*";
  if (allSandboxes && (proof !== "estate" || inputs.text("tier") !== "sandbox"))
    inputs.wrong("developer", "developer: * means all sandboxes.", "Add tier: sandbox and proof: estate.");
  if (record && inputs.text("tier") === "sandbox")
    inputs.wrong("record", "An audit of a sandbox is not recorded: no gate asks for it.", "Leave record: false.");
  inputs.done();
  return { proof, reader, warehouseId, record, allSandboxes };
}

function readMode(context: ActionContext): "check" | "repair" {
  const inputs = inputsOf(context);
  const mode = inputs.oneOf("mode", ["check", "repair"], "check");
  inputs.done();
  return mode;
}
