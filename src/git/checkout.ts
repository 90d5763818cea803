/**
 * Is the working tree what the commit says? Bytes are hashed here and never taken from git's index, which can be told
 * not to look (assume-unchanged). Where bytes differ, git is asked what a check-in would make of them, so that
 * line ends as the repository's rules convert them are no difference. Untracked files do not count.
 */
import { lstat, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "../findings.ts";
import { blobId, SUBMODULE, type TrackedFile } from "./objects.ts";
import type { RunGit } from "./process.ts";

/** Findings shown one a file; more are counted. */
const SHOWN = 20;

const SYMBOLIC_LINK = "120000";
const EXECUTABLE = "100755";

/** Compares the working tree with tracked files of a commit; `git` runs in `folder`, the repository's top. */
export async function compareCheckout(
  folder: string,
  files: readonly TrackedFile[],
  git: RunGit,
): Promise<readonly Finding[]> {
  let fileMode: Promise<boolean> | undefined;
  const modesCount = () => (fileMode ??= readFileMode(git));
  const differing = new Map<string, string>();
  const asked: TrackedFile[] = [];
  const parents = new Map<string, boolean>();
  for (const file of files) {
    if (file.mode === SUBMODULE) continue;
    const verdict = (await behindLink(folder, file.path, parents))
      ? "is reached through a symbolic link"
      : await compareFile(join(folder, file.path), file, modesCount);
    if (verdict === "content") asked.push(file);
    else if (verdict !== undefined) differing.set(file.path, verdict);
  }
  const converted = await convertedIds(asked, git);
  for (const file of asked) {
    if (converted.get(file.path) !== file.blob) differing.set(file.path, "has other bytes");
  }
  return findings(differing);
}

/** False where the file system knows no executable files: git says so when it makes the repository. */
async function readFileMode(git: RunGit): Promise<boolean> {
  const { stdout } = await git(["config", "--type=bool", "--get", "core.fileMode"]);
  return stdout.toString("utf8").trim() !== "false";
}

/** Undefined if equal; "content" if only the bytes differ; else what is wrong. `modesCount` is asked where modes differ. */
async function compareFile(
  path: string,
  file: TrackedFile,
  modesCount: () => Promise<boolean>,
): Promise<string | undefined> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return "is missing";
  if (file.mode === SYMBOLIC_LINK) {
    if (!stat.isSymbolicLink()) return "is not a symbolic link";
    const target = await readlink(path, { encoding: "buffer" });
    return blobId(target, file.blob.length) === file.blob ? undefined : "points elsewhere";
  }
  if (!stat.isFile()) return "is not a regular file";
  const executable = (stat.mode & 0o100) !== 0;
  if (executable !== (file.mode === EXECUTABLE) && (await modesCount())) {
    return executable ? "became executable" : "is no longer executable";
  }
  return blobId(await readFile(path), file.blob.length) === file.blob ? undefined : "content";
}

/** True if a folder on the way is a symbolic link: what lies behind it is not the checkout. */
async function behindLink(folder: string, path: string, seen: Map<string, boolean>): Promise<boolean> {
  const parent = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
  if (parent === "") return false;
  const known = seen.get(parent);
  if (known !== undefined) return known;
  const stat = await lstat(join(folder, parent)).catch(() => undefined);
  const linked = stat?.isSymbolicLink() === true || (await behindLink(folder, parent, seen));
  seen.set(parent, linked);
  return linked;
}

/**
 * The ids that the working copies would have after git's own conversion of line ends and encodings. A file with a
 * `filter` is not asked about: the filter is a command of the machine's configuration and could answer anything.
 */
async function convertedIds(files: readonly TrackedFile[], git: RunGit): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  const plain = files.filter((file) => !/[\n\r]/.test(file.path));
  if (plain.length === 0) return ids;
  const attributes = await git(
    ["check-attr", "-z", "--stdin", "filter"],
    plain.map((file) => `${file.path}\0`).join(""),
  );
  const fields = attributes.stdout.toString("utf8").split("\0");
  const filtered = new Set<string>();
  for (let index = 0; index + 2 < fields.length; index += 3) {
    const [path = "", , value = ""] = fields.slice(index, index + 3);
    if (value !== "unspecified" && value !== "unset") filtered.add(path);
  }
  const askable = plain.filter((file) => !filtered.has(file.path));
  if (attributes.status !== 0 || askable.length === 0) return ids;
  const hashed = await git(["hash-object", "--stdin-paths"], askable.map((file) => `${file.path}\n`).join(""));
  const lines = hashed.stdout.toString("utf8").split("\n");
  for (const [index, file] of askable.entries()) ids.set(file.path, lines[index] ?? "");
  return ids;
}

function findings(differing: ReadonlyMap<string, string>): Finding[] {
  const paths = [...differing.keys()].sort();
  const common = {
    id: "release/checkout-differs",
    severity: "error",
    why: "What is released is the commit; a checkout that differs was changed by a step or by hand.",
    remedy: "Remove the step that changes tracked files, or commit the change; then start a new run.",
  } as const;
  const shown = paths.slice(0, SHOWN).map((path): Finding => {
    const what = differing.get(path) ?? "differs";
    return { ...common, where: { kind: "file", file: path }, message: `${path} in the checkout ${what}.` };
  });
  if (paths.length <= SHOWN) return shown;
  return [...shown, { ...common, message: `${paths.length - SHOWN} more files of the checkout differ.` }];
}
