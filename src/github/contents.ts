/** Files at a commit, read through the API: what the default branch says, not what was checked out. */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { FourTierError } from "../findings.ts";
import type { GitHub } from "./client.ts";

const FileSchema = v.object({
  type: v.literal("file"),
  encoding: v.optional(v.string(), "base64"),
  content: v.optional(v.string(), ""),
  size: v.number(),
  sha: v.string(),
});
type File = v.InferOutput<typeof FileSchema>;
const BlobSchema = v.object({ encoding: v.literal("base64"), content: v.string() });

/** The text of a file at a ref (commit or branch); undefined if it is not there. Throws for what is larger than 1 MB. */
export async function fileAt(github: GitHub, path: string, ref: string): Promise<string | undefined> {
  const found = await find(github, path, ref);
  if (found === undefined) return undefined;
  if (found.encoding !== "base64")
    throw tooLarge(path, ref, found, "contract, CODEOWNERS and workflow files below 1 MB");
  return Buffer.from(found.content, "base64").toString("utf8");
}

/** The bytes of a file at a ref, up to `most`; undefined if it is not there. Throws for what is larger. */
export async function bytesAt(github: GitHub, path: string, ref: string, most: number): Promise<Buffer | undefined> {
  const found = await find(github, path, ref);
  if (found === undefined) return undefined;
  if (found.size > most) throw tooLarge(path, ref, found, "evidence documents as they were written");
  if (found.encoding === "base64") return Buffer.from(found.content, "base64");
  // Over 1 MB a file is shown without its content; its blob has it (REST reference, "Get repository content").
  const route = "GET /repos/{owner}/{repo}/git/blobs/{file_sha}";
  const { content } = await github.read(route, { file_sha: found.sha }, BlobSchema, "contents: read");
  return Buffer.from(content, "base64");
}

function find(github: GitHub, path: string, ref: string): Promise<File | undefined> {
  return github.find(
    "GET /repos/{owner}/{repo}/contents/{+path}",
    { path: encoded(path), ref },
    FileSchema,
    "contents: read",
  );
}

function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function tooLarge(path: string, ref: string, { size }: File, keep: string): FourTierError {
  return new FourTierError({
    id: "github/file-too-large",
    severity: "unknown",
    message: `${path} at ${ref} is too large to be read through GitHub's API (${size} bytes).`,
    remedy: `Keep ${keep}.`,
  });
}

/** A file that does not exist yet, on a branch that does. */
interface NewFile {
  readonly branch: string;
  readonly path: string;
  readonly bytes: Buffer;
  /** Of the commit. */
  readonly message: string;
}

/**
 * Adds a file by a commit of its own, and gives that commit. It never replaces one: without the blob that is replaced GitHub
 * refuses. Throws FourTierError; `mayLookAgain` says of which refusals nothing is decided yet.
 */
export async function addFile(github: GitHub, { branch, path, bytes, message }: NewFile): Promise<string> {
  const { commit } = await github.send(
    "PUT /repos/{owner}/{repo}/contents/{+path}",
    { path: encoded(path), branch, message, content: bytes.toString("base64") },
    v.object({ commit: v.object({ sha: v.string() }) }),
    "contents: write",
  );
  return commit.sha;
}

/**
 * Whether a refusal of `addFile` leaves open what became of it: somebody else pushed at the same moment (409), the file is
 * there (422), or the answer was lost. What a rule keeps off stays off.
 */
export function mayLookAgain(error: unknown): error is FourTierError {
  const finding = error instanceof FourTierError ? error.findings[0] : undefined;
  if (finding === undefined || /rule violation/i.test(finding.message)) return false;
  if (finding.id === "github/unreachable") return true;
  const status = finding.where?.kind === "request" ? (finding.where.status ?? 0) : 0;
  return status === 409 || status === 422 || status >= 500;
}

/** The repository's CODEOWNERS, from the first of the places where GitHub looks; undefined if there is none. */
export async function codeowners(github: GitHub, ref: string): Promise<{ path: string; text: string } | undefined> {
  for (const path of [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"]) {
    const text = await fileAt(github, path, ref);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}
