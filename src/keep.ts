/**
 * Keeps an evidence document for good: on the branch that the contract names, once it is proved that it only grows. A file
 * is added, never replaced. Whether the document is the run's own is decided before anything is asked (ADR 734).
 */
import type { Buffer } from "node:buffer";
import type { Contract, TierName } from "./contract/model.ts";
import type { RunContext } from "./environment.ts";
import { FourTierError } from "./findings.ts";
import { placeFindings } from "./gate/evidence-place.ts";
import type { GitHub } from "./github/client.ts";
import { addFile, bytesAt, mayLookAgain } from "./github/contents.ts";
import { fileUrl } from "./github/links.ts";
import { getBranch, getRepository } from "./github/repository.ts";
import type { EvidenceDocument } from "./release/evidence-document.ts";
import { readPlace } from "./release/evidence-place.ts";
import { documentPath, MOST_BYTES, readDocument } from "./release/kept-document.ts";
import { blocks, code, link, text } from "./report/markdown.ts";
import type { ActionResult } from "./report/report.ts";
import { sha256 } from "./sha256.ts";

/** Somebody else may push at the same moment; who is refused as often as this is not refused by chance. */
const MOST_TRIES = 5;

/** Which document is to be kept, and for whom. */
export interface KeepRequest {
  readonly github: GitHub;
  readonly run: Pick<RunContext, "owner" | "repository" | "runId" | "runAttempt">;
  /** The default branch's. */
  readonly contract: Pick<Contract, "project" | "file" | "evidenceBranch">;
  /** The tier that the document must be of. */
  readonly tier: TierName;
  readonly bytes: Buffer;
  /** SHA-256, as the job that made the document said it. */
  readonly digest: string;
  readonly log: { info(message: string): void };
  readonly signal: AbortSignal;
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

interface Kept {
  /** A commit that has the file. */
  readonly commit: string;
  /** By this run; else it was there. */
  readonly added: boolean;
}

/** Adds the document to the branch. Throws FourTierError for whatever keeps it from being there; then nothing was added. */
export async function keepDocument(request: KeepRequest): Promise<ActionResult> {
  const { github, contract, digest, bytes } = request;
  const document = ownDocument(request);
  const branch = contract.evidenceBranch;
  if (branch === undefined) throw noPlace(contract.file);
  const place = await readPlace(github, branch, (await getRepository(github)).defaultBranch);
  const wrong = placeFindings(place);
  if (wrong.length > 0 || place.head === undefined) throw new FourTierError(wrong);
  const path = documentPath(document, digest);
  const { commit, added } = await append(request, { branch, path, message: messageOf(document, digest) });
  const url = fileUrl(github, commit, path);
  return {
    findings: [],
    outputs: { kept: url, "kept-commit": commit, "kept-path": path },
    summary: blocks(
      `${added ? "Kept" : "It was kept already"} on ${code(branch)}, which only grows: ${link(path, url)}`,
      text(`SHA-256 ${digest}, ${bytes.length} bytes.`),
    ),
    report: { tier: document.tier, branch, path, commit, added, url, sha256: digest },
  };
}

/** Looks, adds, and looks again where an answer leaves open what became of it. */
async function append(
  { github, bytes, log, signal, pause }: KeepRequest,
  file: { readonly branch: string; readonly path: string; readonly message: string },
): Promise<Kept> {
  for (let attempt = 1; ; attempt++) {
    const head = (await getBranch(github, file.branch))?.commit;
    const found = head === undefined ? undefined : await bytesAt(github, file.path, head, MOST_BYTES);
    if (head !== undefined && found?.equals(bytes) === true) return { commit: head, added: attempt > 1 };
    if (found !== undefined) throw otherFile(file);
    try {
      return { commit: await addFile(github, { ...file, bytes }), added: true };
    } catch (error) {
      if (!mayLookAgain(error) || attempt === MOST_TRIES || signal.aborted) throw refused(file.branch, error);
      log.info(`${file.path} was not added (${error.findings[0]?.message ?? ""}); looking again`);
      await pause(attempt ** 2 * 1000, signal);
    }
  }
}

/** The document in the file, which is what the job that made it said, and of this very run. */
function ownDocument({ run, contract, tier, bytes, digest }: KeepRequest): EvidenceDocument {
  const actual = sha256(bytes);
  if (actual !== digest) {
    throw new FourTierError({
      id: "evidence/other-bytes",
      severity: "error",
      message: `The file's SHA-256 is ${actual}, and the job that made the document says ${digest}.`,
      remedy:
        "Hand on the outputs evidence and evidence-digest of one job. If they are, find out which job of the run uploads another file under that name.",
    });
  }
  const read = readDocument(bytes.toString("utf8"));
  if (read.document === undefined) {
    throw new FourTierError({
      id: "evidence/no-document",
      severity: "error",
      message: `The file is no evidence document of this suite: ${read.why}.`,
      remedy:
        "Pin all workflows of the suite to one commit, and hand on the outputs of the job that made the document.",
    });
  }
  const { document } = read;
  const repository = `${run.owner}/${run.repository}`;
  const differ = [
    document.repository === repository ? "" : `of ${document.repository}, not of ${repository}`,
    document.run.id === run.runId ? "" : `of run ${document.run.id}, not of this one`,
    document.run.attempt <= run.runAttempt ? "" : `of attempt ${document.run.attempt}, which is still to come`,
    document.project === contract.project ? "" : `of project ${document.project}, not of ${contract.project}`,
    document.tier === tier ? "" : `of ${document.tier}, not of ${tier}`,
    /^\d{4}-\d{2}-\d{2}T/.test(document.written_at) ? "" : "without the time at which it was written",
  ].filter((each) => each !== "");
  if (differ.length > 0) {
    throw new FourTierError({
      id: "evidence/other-run",
      severity: "error",
      message: `The document is ${differ.join(", ")}.`,
      remedy: "Keep a document in the run that made it: hand on the outputs of the promoting job to keep.yml.",
    });
  }
  return document;
}

function messageOf({ kind, tier, run }: EvidenceDocument, digest: string): string {
  return `Evidence: ${kind.replace(/-evidence$/, "")}, ${tier}, run ${run.id}, attempt ${run.attempt}\n\nSHA-256: ${digest}\n`;
}

function noPlace(file: string): FourTierError {
  return new FourTierError({
    id: "evidence/no-place",
    severity: "error",
    where: { kind: "file", file },
    message: `${file} on the default branch does not say where evidence is kept.`,
    remedy: "Write evidence: { branch: four-tier-evidence } into it, or take the job that calls keep.yml out.",
  });
}

function otherFile({ branch, path }: { readonly branch: string; readonly path: string }): FourTierError {
  return new FourTierError({
    id: "evidence/changed",
    severity: "error",
    message: `${path} is on ${branch} with other bytes than the document has.`,
    why: "The hash in its name is the document's: somebody put another file there, or changed it.",
    remedy: `See who did: git log ${branch} -- ${path}. Revert that commit, then re-run this job.`,
  });
}

function refused(branch: string, error: unknown): unknown {
  const cause = error instanceof FourTierError ? error.findings[0] : undefined;
  if (cause === undefined || !["github/api", "github/unreachable"].includes(cause.id)) return error;
  return new FourTierError(
    {
      id: "evidence/refused",
      severity: "error",
      ...(cause.where === undefined ? {} : { where: cause.where }),
      message: `The document was not added to ${branch}: ${cause.message}`,
      remedy:
        "Re-run this job. If it is refused again, look at the branch's rules: those that ask for pull requests, checks or signatures keep documents off; deletion and non_fast_forward are enough.",
    },
    { cause: error },
  );
}
