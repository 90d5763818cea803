/** `PUT …/contents/{path}`: one file, one commit, straight onto a branch (REST reference, "Create or update file contents"). */
import { mkdtemp, rm, writeFile as writeLocal } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { needsPull, rulesFor } from "../branch-rules.ts";
import * as git from "../git.ts";
import { type Answer, bodyOf, type Call, type Partly, type Schemas } from "../http.ts";
import { Shapes } from "../shapes.ts";
import { Refusal } from "../world.ts";

/** Without a branch the service takes the default one; author and committer are whoever asks. */
export const newFile = v.strictObject({
  message: v.string(),
  content: v.string(),
  branch: v.optional(v.string()),
  /** The blob that is replaced: a file that is there needs it. */
  sha: v.optional(v.string()),
});

/** Makes or replaces a file. Another push at the same moment wins, and this one is refused. */
export async function writeFile(call: Call): Promise<Answer> {
  const { dir, scenario } = call.world;
  const body = bodyOf(newFile, call);
  const path = call.params["path"] ?? "";
  if (path.split("/").some((part) => ["", ".", "..", ".git"].includes(part))) {
    throw new Refusal(422, "path contains a malformed path component");
  }
  const branch = body.branch ?? scenario.default_branch;
  const ref = `refs/heads/${branch}`;
  const head = await git.resolveCommit(dir, ref);
  if (head === undefined) throw new Refusal(404, `Branch ${branch} not found`);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(body.content)) throw new Refusal(422, "content is not valid Base64");
  if (needsPull(rulesFor(call.world, branch))) {
    // What the status is, nobody showed us (docs/assumptions.md A108).
    const status = scenario.assumptions.rules_refuse_as_conflict ? 409 : 422;
    throw new Refusal(status, "Repository rule violations found\n\nChanges must be made through a pull request.\n\n");
  }
  const found = (await git.tree(dir, head, true))?.find((entry) => entry.path === path);
  if (found?.type === "tree") throw new Refusal(422, `${path} is a folder`);
  if (found !== undefined && body.sha === undefined) {
    throw new Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.');
  }
  if (body.sha !== undefined && body.sha !== found?.sha) {
    throw new Refusal(409, `${path} does not match ${body.sha}`);
  }
  const bytes = Buffer.from(body.content, "base64");
  const { blob, tree } = await treeWith(dir, head, path, bytes);
  const author = { name: call.login, email: `${call.login}@users.noreply.github.com` };
  const sha = await git.commitTree(dir, tree, [head], body.message, author);
  const moved = await git.git(dir, ["update-ref", ref, sha, head]).then(
    () => false,
    () => true,
  );
  if (moved) {
    const now = (await git.resolveCommit(dir, ref)) ?? "";
    throw new Refusal(409, `is at ${now} but expected ${head}`);
  }
  const commit = await git.commit(dir, sha);
  if (commit === undefined) throw new Error(`Commit ${sha} is gone`);
  const { commit: said, ...shown } = new Shapes(call.world, call.apiUrl).commit(commit);
  const answer: Partly<Schemas["file-commit"]> = {
    content: {
      name: path.split("/").at(-1) ?? path,
      path,
      sha: blob,
      size: bytes.length,
      html_url: `https://github.com/${scenario.repository}/blob/${branch}/${path}`,
      type: "file",
    },
    commit: {
      sha: commit.sha,
      html_url: shown.html_url ?? "",
      author: commit.author,
      committer: commit.committer,
      message: said?.message ?? "",
    },
  };
  return { status: found === undefined ? 201 : 200, body: answer };
}

/** The tree of a commit with one file more, or another. An index of its own: several may be made at once. */
async function treeWith(
  dir: string,
  head: string,
  path: string,
  bytes: Buffer,
): Promise<{ readonly blob: string; readonly tree: string }> {
  const folder = await mkdtemp(join(tmpdir(), "four-tier-index-"));
  try {
    const file = join(folder, "content");
    await writeLocal(file, bytes);
    const index = { GIT_INDEX_FILE: join(folder, "index") };
    const blob = await git.git(dir, ["hash-object", "-w", "--no-filters", file]);
    await git.git(dir, ["read-tree", head], index);
    await git.git(dir, ["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`], index);
    return { blob, tree: await git.git(dir, ["write-tree"], index) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
