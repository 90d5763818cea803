/**
 * Content goes up into write-once folders, one a component digest (design 4). A folder is complete once its manifest
 * stands beside it; what an interrupted upload left is taken up again. The principal that runs user code could have
 * touched a folder, so what is there already is read back and hashed before anything points to it.
 */
import { posix } from "node:path";
import { ApiError } from "../databricks/errors.ts";
import { listFolder, mkdirs, readFile, writeFile } from "../databricks/files.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { type Finding, FourTierError } from "../findings.ts";
import { mapBounded, together } from "../http/pool.ts";
import { sha256 } from "../sha256.ts";
import { type ContentFile, remotePath, sameContent } from "./same-content.ts";

/** Requests in flight: the files API is throttled early (facts: databricks-api 2.7). */
const PARALLEL = 8;

/** What one component's folder shall hold. */
export interface Content {
  readonly component: string;
  readonly digest: string;
  /** Absolute workspace path. */
  readonly folder: string;
  readonly files: readonly ContentFile[];
}

/** What stands of a component's folder, and what is missing. */
export interface FolderState {
  readonly content: Content;
  /** Nothing is missing and the manifest is there. */
  readonly complete: boolean;
  readonly missing: readonly ContentFile[];
  /** Paths whose bytes the service does not hand out, being too big: their size alone was compared. */
  readonly unread: readonly string[];
}

/**
 * Looks at each component's folder; where `read` says so (default: everywhere) it reads back every file that is there,
 * elsewhere it sees only that files are there. Throws FourTierError with `release/folder-tampered` for every file
 * that differs and every file that does not belong there.
 */
export async function inspectFolders(
  workspace: Workspace,
  contents: readonly Content[],
  tier: string,
  read: (component: string, complete: boolean) => boolean | Promise<boolean> = () => true,
): Promise<FolderState[]> {
  for (const { files } of contents) for (const { path } of files) checkInside(path);
  const trees = await listTrees(workspace, contents);
  const findings: Finding[] = [];
  const states = contents.map((content, index) => {
    const { files: present = new Map<string, number | undefined>(), manifest = false } = trees[index] ?? {};
    const wanted = new Set(content.files.map(remotePath));
    for (const path of present.keys()) {
      if (!wanted.has(path)) findings.push(tampered(content, path, "does not belong to the release", tier));
    }
    const missing = content.files.filter((file) => !present.has(remotePath(file)));
    return { content, missing, present, unread: [] as string[], complete: missing.length === 0 && manifest };
  });
  const asked = await together(states.map(({ content, complete }) => read(content.component, complete)));
  const there = states
    .filter((_, index) => asked[index])
    .flatMap((state) => {
      const found = state.content.files.filter((file) => state.present.has(remotePath(file)));
      return found.map((file) => ({ ...state, file }));
    });
  const compared = await mapBounded(there, PARALLEL, async ({ content, present, file }) => {
    const bytes = await readBack(workspace, `${content.folder}/${remotePath(file)}`);
    if (bytes !== "too big") return bytes !== undefined && sameContent(file, bytes) ? "equal" : "different";
    return present.get(remotePath(file)) === file.bytes.length ? "unread" : "different";
  });
  for (const [index, { content, file, unread }] of there.entries()) {
    if (compared[index] === "different") findings.push(tampered(content, file.path, "differs from the release", tier));
    if (compared[index] === "unread") unread.push(file.path);
  }
  if (findings.length > 0) throw new FourTierError(findings);
  return states.map(({ content, complete, missing, unread }) => ({
    content,
    complete,
    missing,
    unread: unread.sort(),
  }));
}

/** Nothing is ever written outside a component's folder, whatever made the path. Throws RangeError. */
function checkInside(path: string): void {
  if (posix.normalize(path) === path && !posix.isAbsolute(path) && path !== ".." && !path.startsWith("../")) return;
  throw new RangeError(`${JSON.stringify(path)} is not a path inside a folder of content`);
}

/**
 * Writes what is missing, the manifest last. Returns how many files were written. Stops between files when the signal
 * aborts, and throws then: the next run takes it up where this one stopped.
 */
export async function uploadFolders(
  workspace: Workspace,
  states: readonly FolderState[],
  options: {
    readonly tier: string;
    /** Called before writing: the lock is still ours. */
    readonly check: () => Promise<void>;
    /** Settles who may read the tier's folder, before there is a file in it. */
    readonly share?: () => Promise<void>;
    readonly log: { info(message: string): void };
    readonly signal?: AbortSignal | undefined;
  },
): Promise<number> {
  const due = states.filter((state) => !state.complete);
  if (due.length === 0) {
    await options.share?.();
    return 0;
  }
  const makeFolders = async (): Promise<void> => {
    await options.check();
    const folders = due.flatMap(({ content, missing }) => leafFolders(content.folder, missing));
    await mapBounded(folders, PARALLEL, (folder) => mkdirs(workspace, folder));
  };
  await together([makeFolders(), options.share?.()]);
  const files = due.flatMap(({ content, missing }) => missing.map((file) => ({ content, file })));
  await mapBounded(files, PARALLEL, async ({ content, file }) => {
    if (options.signal?.aborted) throw new FourTierError(interrupted(content));
    const path = `${content.folder}/${file.path}`;
    if ((await writeFile(workspace, path, file.bytes, { overwrite: false })) === "exists") {
      const bytes = await readBack(workspace, `${content.folder}/${remotePath(file)}`);
      if (bytes === undefined || bytes === "too big" || !sameContent(file, bytes)) {
        throw new FourTierError(tampered(content, file.path, "differs from the release", options.tier));
      }
    }
  });
  await options.check();
  await mapBounded(due, PARALLEL, async ({ content, missing }) => {
    const manifest = new TextEncoder().encode(manifestText(content));
    await writeFile(workspace, manifestPath(content), manifest, { overwrite: true });
    options.log.info(`Uploaded ${content.component}: ${missing.length} of ${content.files.length} files.`);
  });
  return files.length;
}

/** Said for what could not be read back. */
export function unreadFindings(states: readonly FolderState[], tier: string): Finding[] {
  return states.flatMap(({ content, unread }) =>
    unread.map((path) => ({
      id: "release/not-read-back",
      severity: "warning",
      where: { kind: "resource", tier, key: content.component },
      message: `${path} is bigger than the 10 MB that Databricks hands out, so only its size was compared with the release.`,
      why: "A change of the same length by somebody with the rights of the tier's principal would not be seen.",
      remedy: "Keep big files in a volume, or split the wheel.",
    })),
  );
}

/** Beside the folder and not in it, so that the folder holds the component's files and nothing else. */
function manifestPath(content: Content): string {
  return `${content.folder}.manifest.json`;
}

function manifestText(content: Content): string {
  const files = Object.fromEntries(content.files.map((file) => [file.path, sha256(file.bytes)]));
  return `${JSON.stringify({ version: 1, component: content.component, digest: content.digest, files }, undefined, 1)}\n`;
}

/** A file's bytes; undefined if it is gone. Export ends at 10 MB (facts: databricks-api 6). */
async function readBack(workspace: Workspace, path: string): Promise<Uint8Array | "too big" | undefined> {
  try {
    return await readFile(workspace, path);
  } catch (error) {
    if (error instanceof ApiError && /^MAX_\w+_SIZE_EXCEEDED$/.test(error.code)) return "too big";
    throw error;
  }
}

interface Tree {
  /** Sizes of all files below the folder by their path relative to it. */
  readonly files: Map<string, number | undefined>;
  readonly manifest: boolean;
}

/** What stands of each folder: a list of what they are in, then of those that are there, level by level, all at once. */
async function listTrees(workspace: Workspace, contents: readonly Content[]): Promise<readonly Tree[]> {
  const above = [...new Set(contents.map(({ folder }) => posix.dirname(folder)))];
  const listed = await mapBounded(above, PARALLEL, async (folder) => (await listFolder(workspace, folder)) ?? []);
  const there = new Set(listed.flat().map(({ path }) => absolute(path)));
  const trees = contents.map((content) => ({
    root: content.folder,
    files: new Map<string, number | undefined>(),
    manifest: there.has(manifestPath(content)),
  }));
  let level = trees.filter(({ root }) => there.has(root)).map((tree) => ({ tree, folder: tree.root }));
  while (level.length > 0) {
    const below = await mapBounded(level, PARALLEL, async ({ tree, folder }) => {
      const entries = (await listFolder(workspace, folder)) ?? [];
      return entries.flatMap((entry) => {
        const path = absolute(entry.path);
        if (entry.type === "DIRECTORY") return { tree, folder: path };
        tree.files.set(posix.relative(tree.root, path), entry.size);
        return [];
      });
    });
    level = below.flat();
  }
  return trees;
}

/** The API takes paths with and without `/Workspace`, and answers in either form (facts: databricks-api 6). */
function absolute(path: string): string {
  return path.startsWith("/Workspace/") ? path : `/Workspace${path}`;
}

/** Folders that hold files, without those that are parents of others: mkdirs makes parents. */
function leafFolders(root: string, files: readonly ContentFile[]): string[] {
  const folders = [...new Set(files.map((file) => posix.dirname(`${root}/${file.path}`)))].sort();
  return folders.filter((folder) => !folders.some((other) => other.startsWith(`${folder}/`)));
}

function tampered(content: Content, path: string, what: string, tier: string): Finding {
  return {
    id: "release/folder-tampered",
    severity: "error",
    where: { kind: "resource", tier, key: content.component },
    message: `${content.folder}/${path} ${what}.`,
    why: "A release's folder is written once; somebody with the rights of the tier's principal changed it afterwards. Nothing was applied.",
    remedy: `Find out who did it (the workspace's audit log has it). Then delete the folder and ${content.folder}.manifest.json, and run this again: the same bytes are uploaded once more.`,
  };
}

function interrupted(content: Content): Finding {
  return {
    id: "promote/cancelled",
    severity: "error",
    message: `The run was cancelled while ${content.component} was uploaded; no resource was changed.`,
    remedy: "Start the run again: it takes up the upload where this one stopped.",
  };
}
