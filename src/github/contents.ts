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
});

/** The text of a file at a ref (commit or branch); undefined if it is not there. Throws for what is larger than 1 MB. */
export async function fileAt(github: GitHub, path: string, ref: string): Promise<string | undefined> {
  const found = await github.find(
    "GET /repos/{owner}/{repo}/contents/{+path}",
    { path: path.split("/").map(encodeURIComponent).join("/"), ref },
    FileSchema,
    "contents: read",
  );
  if (found === undefined) return undefined;
  if (found.encoding !== "base64") {
    throw new FourTierError({
      id: "github/file-too-large",
      severity: "unknown",
      message: `${path} at ${ref} is too large to be read through GitHub's API (${found.size} bytes).`,
      remedy: "Keep contract, CODEOWNERS and workflow files below 1 MB.",
    });
  }
  return Buffer.from(found.content, "base64").toString("utf8");
}

/** The repository's CODEOWNERS, from the first of the places where GitHub looks; undefined if there is none. */
export async function codeowners(github: GitHub, ref: string): Promise<{ path: string; text: string } | undefined> {
  for (const path of [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"]) {
    const text = await fileAt(github, path, ref);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}
