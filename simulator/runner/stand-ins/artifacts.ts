/** actions/upload-artifact and actions/download-artifact: files in, one archive a name, files out. */
import { createHash } from "node:crypto";
import { glob, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { timestamp } from "../../github/text.ts";
import type { Artifact, World } from "../../github/world.ts";
import { UnmodelledError } from "../unmodelled.ts";
import { readZip, writeZip } from "../zip.ts";
import type { StandIn } from "./index.ts";

/** actions/upload-artifact. */
export const uploadArtifact: StandIn = {
  inputs: {
    name: "artifact",
    path: "",
    "if-no-files-found": "warn",
    "retention-days": "0",
    "compression-level": "6",
    overwrite: "false",
    "include-hidden-files": "false",
  },
  run: async ({ world, run, workspace, input, log }) => {
    const name = input("name");
    if (/["/\\:<>|*?\r\n]/.test(name) || name === "") throw new Error(`The artifact name is not valid: ${name}`);
    if (input("path") === "") throw new Error("Input required and not supplied: path");
    const files = await search(workspace, input("path"), input("include-hidden-files") === "true");
    if (!["warn", "error", "ignore"].includes(input("if-no-files-found")))
      throw new Error(`Unrecognized if-no-files-found input: ${input("if-no-files-found")}`);
    if (files.length === 0) {
      const message = `No files were found with the provided path: ${input("path")}. No artifacts will be uploaded.`;
      if (input("if-no-files-found") === "error") throw new Error(message);
      return { outputs: {}, warnings: input("if-no-files-found") === "warn" ? [message] : [] };
    }
    const existing = world.artifacts.findIndex((one) => one.run === run && one.name === name);
    if (existing >= 0) {
      if (input("overwrite") !== "true") {
        throw new Error(
          "Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: an artifact with this name already exists on the workflow run",
        );
      }
      world.artifacts.splice(existing, 1);
    }
    const root = commonFolder(files, workspace, input("path"));
    const entries = [];
    for (const file of files.toSorted()) {
      entries.push({ path: relative(root, file).split(sep).join("/"), bytes: await readFile(file) });
    }
    const zip = writeZip(entries);
    const digest = createHash("sha256").update(zip).digest("hex");
    const artifact: Artifact = { id: world.id(), run, name, zip, digest: `sha256:${digest}`, createdAt: timestamp() };
    world.artifacts.push(artifact);
    log(`Artifact ${name} has ${entries.length} files, SHA256 digest ${digest}`);
    return {
      outputs: {
        "artifact-id": String(artifact.id),
        "artifact-digest": digest,
        "artifact-url": `https://github.com/${world.scenario.repository}/actions/runs/${run.id}/artifacts/${artifact.id}`,
      },
    };
  },
};

/** actions/download-artifact. */
export const downloadArtifact: StandIn = {
  inputs: {
    name: "",
    "artifact-ids": "",
    path: "",
    "run-id": "",
    "github-token": "",
    repository: "",
    "digest-mismatch": "",
  },
  run: async ({ world, run, workspace, input, log }) => {
    const repository = input("repository");
    if (repository !== "" && repository.toLowerCase() !== world.scenario.repository.toLowerCase()) {
      throw new UnmodelledError(`actions/download-artifact from another repository (${repository})`);
    }
    const wanted = input("run-id");
    const elsewhere = wanted !== "" && wanted !== String(run.id);
    if (elsewhere) checkToken(world, input("github-token"));
    const found = world.artifacts.filter((one) => String(one.run.id) === (elsewhere ? wanted : String(run.id)));
    const name = input("name");
    const ids = input("artifact-ids")
      .split(",")
      .map((id) => id.trim())
      .filter((id) => id !== "");
    if (name !== "" && ids.length > 0)
      throw new Error("Inputs 'name' and 'artifact-ids' cannot be used together. Please specify only one.");
    const byId = found.filter((one) => ids.includes(String(one.id)));
    const chosen = ids.length > 0 ? byId : name === "" ? found : found.filter((one) => one.name === name).slice(-1);
    if (ids.length > 0 && chosen.length === 0) throw new Error("None of the provided artifact IDs were found");
    if (chosen.length === 0) throw new Error(`Unable to download artifact(s): Artifact not found for name: ${name}`);
    const path = resolve(workspace, input("path"));
    for (const artifact of chosen) {
      // Several at once get a folder each; one that was asked for does not.
      const folder = name === "" && ids.length !== 1 ? join(path, artifact.name) : path;
      for (const entry of readZip(artifact.zip)) {
        const target = join(folder, entry.path);
        if (relative(folder, target).startsWith("..")) throw new Error(`Malicious entry: ${entry.path}`);
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, entry.bytes);
      }
      log(`Artifact ${artifact.name} was downloaded to ${folder}`);
    }
    return { outputs: { "download-path": path } };
  },
};

/** Another run's artifacts are read through the API: with a token that may read actions. */
function checkToken(world: World, text: string): void {
  const token = world.tokens.get(text);
  const may =
    token !== undefined &&
    (token.kind === "user" ? world.person(token.login).role !== "none" : token.permissions.actions !== "none");
  if (!may) throw new Error("Unable to download artifact(s): Resource not accessible by integration");
}

/** Files that the lines of `path` select: files, folders with all they hold, globs; `!` takes away. */
async function search(workspace: string, paths: string, hidden: boolean): Promise<string[]> {
  const found = new Set<string>();
  for (const line of paths.split("\n").map((one) => one.trim())) {
    if (line === "") continue;
    const except = line.startsWith("!");
    for (const file of await matches(workspace, except ? line.slice(1).trim() : line)) {
      const parts = relative(workspace, file).split(sep);
      const secret = !hidden && parts.some((part) => part.startsWith(".") && part !== "..");
      if (except || secret) found.delete(file);
      else found.add(file);
    }
  }
  return [...found];
}

async function matches(workspace: string, pattern: string): Promise<string[]> {
  const files: string[] = [];
  const starts: string[] = [];
  if (/[*?[]/.test(pattern)) for await (const name of glob(pattern, { cwd: workspace })) starts.push(name);
  else starts.push(pattern);
  for (const start of starts) {
    const path = resolve(workspace, start);
    const kind = await stat(path).catch(() => undefined);
    if (kind?.isFile() === true) files.push(path);
    if (kind?.isDirectory() !== true) continue;
    for await (const name of glob("**/*", { cwd: path })) {
      const inner = join(path, name);
      if ((await stat(inner)).isFile()) files.push(inner);
    }
  }
  return files;
}

/** What the archive's paths are relative to: the folder that was named, or the deepest one that holds all. */
function commonFolder(files: readonly string[], workspace: string, paths: string): string {
  const lines = paths
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("!"));
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) {
    const fixed = only.split(/[\\/]/);
    const glob = fixed.findIndex((part) => /[*?[]/.test(part));
    const base = resolve(
      workspace,
      (glob < 0 ? fixed : fixed.slice(0, glob)).join("/") || (only.startsWith("/") ? "/" : "."),
    );
    return files.length === 1 && files[0] === base ? dirname(base) : base;
  }
  const folders = files.map((file) => dirname(file).split(sep));
  const [first = []] = folders;
  let length = first.length;
  for (const folder of folders)
    while (folder.slice(0, length).join(sep) !== first.slice(0, length).join(sep)) length -= 1;
  return first.slice(0, length).join(sep) || sep;
}
