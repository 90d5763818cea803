/** action-promote, mode keep: keeps an evidence document for good. It has no credential for any tier. */
import type { Buffer } from "node:buffer";
import { readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { FourTierError } from "../findings.ts";
import { keepDocument } from "../keep.ts";
import { MOST_BYTES } from "../release/kept-document.ts";
import { defaultBranchContract } from "../release/policy.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf, pause } from "./github.ts";
import { inputsOf } from "./inputs.ts";
import { readTierInputs } from "./tier-inputs.ts";

const HAND_ON = "Hand on the output evidence-digest of the job that made the document.";

/** Keeps the document that was handed over. Throws FourTierError for inputs that cannot be used, and for what stops it. */
export async function keep(context: ActionContext): Promise<ActionResult> {
  const { tier, contract: file, allowedHosts } = readTierInputs(context);
  const inputs = inputsOf(context);
  const folder = inputs.text("evidence");
  if (folder === "") {
    inputs.wrong("evidence", "The input evidence is empty.", "Give the folder that actions/download-artifact wrote.");
  }
  const digest = inputs.digest("evidence-digest", HAND_ON);
  if (digest === "") {
    inputs.wrong(
      "evidence-digest",
      "The input evidence-digest is empty, and only what its maker vouches for is kept.",
      HAND_ON,
    );
  }
  inputs.done();
  const bytes = await onlyFile(isAbsolute(folder) ? folder : join(context.run.workspace, folder));
  const github = githubOf(context);
  return keepDocument({
    github,
    run: context.run,
    contract: await defaultBranchContract(github, file, allowedHosts),
    tier,
    bytes,
    digest,
    log: context.log,
    signal: context.cancelled,
    pause,
  });
}

/** The bytes of the one file in a folder. Throws FourTierError if there is another number of files, or a very large one. */
async function onlyFile(folder: string): Promise<Buffer> {
  const names = await readdir(folder).catch(() => []);
  const [name] = names;
  const file = name === undefined ? undefined : join(folder, name);
  const found = file === undefined ? undefined : await stat(file);
  if (names.length === 1 && file !== undefined && found?.isFile() === true && found.size <= MOST_BYTES) {
    return readFile(file);
  }
  const what =
    names.length === 1
      ? "what is in it is no file, or a larger one than any document"
      : `${names.length} files are in it`;
  throw new FourTierError({
    id: "input/evidence",
    severity: "error",
    message: `The folder that the input evidence names should have one evidence document: ${what}.`,
    remedy:
      "Download the artifact that the promoting job names in its output evidence, by that name, into a folder of its own.",
  });
}
