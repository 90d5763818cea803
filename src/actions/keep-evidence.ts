/** Writes an evidence document beside the report, for the workflow to keep, with its hash for whoever attests it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type JsonObject, stringifyJson } from "../json.ts";
import { sha256 } from "../sha256.ts";
import type { ActionContext } from "./frame.ts";

/** Gives the outputs `evidence-file` and `evidence-digest`; `name` is the file's, and one job may write several. */
export async function keepEvidence(
  { run }: Pick<ActionContext, "run">,
  name: string,
  evidence: JsonObject,
): Promise<Record<"evidence-file" | "evidence-digest", string>> {
  const path = join(run.temp, `four-tier-evidence-${name}.json`);
  const text = `${stringifyJson(evidence, 2)}\n`;
  await writeFile(path, text);
  return { "evidence-file": path, "evidence-digest": sha256(text) };
}
