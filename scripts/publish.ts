// Publishes what scripts/release.ts made: checks it, makes the release commit again and compares, tags it, drafts the
// release, publishes it, and moves the major tag. Builds nothing and needs nothing but Node, git and gh, so that it can
// run where the write token is. docs/releasing.md tells the rest.
//   --files FOLDER   what scripts/release.ts left      --sums HEX   SHA-256 of its SHA256SUMS, as the build job said it
//   --check          stops before anything is written
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { filesBelow, git, releaseCommit } from "./release/commit.ts";
import { isNewest, majorTag } from "./release/version.ts";

const { values: options } = parseArgs({
  options: {
    files: { type: "string", default: "release" },
    sums: { type: "string", default: "" },
    check: { type: "boolean", default: false },
  },
});
const root = process.cwd();
const folder = resolve(options.files);

interface Release {
  readonly version: string;
  readonly tag: string;
  readonly source: string;
  readonly commit: string;
  readonly tree: string;
}

try {
  publish();
} catch (error) {
  console.error(`publish: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

function publish(): void {
  const files = checkedFiles();
  const release = readRelease();
  const head = git(root, ["rev-parse", "HEAD"]);
  if (release.source !== head) throw new Error(`these files are of ${release.source}, but ${head} is checked out`);
  const made = commitAgain(release);
  if (made.commit !== release.commit || made.tree !== release.tree) {
    throw new Error(`the release commit comes out as ${made.commit}, the build said ${release.commit}`);
  }
  console.log(`${release.tag} is ${release.commit}: ${release.source} and its dist/, as built`);
  if (options.check) return;

  const tags = remoteTags();
  const standing = tags.get(release.tag);
  if (standing === undefined)
    git(root, ["push", "--quiet", "origin", `${release.commit}:refs/tags/${release.tag}`], { env: signedIn() });
  else if (standing !== release.commit) {
    throw new Error(`${release.tag} is already there, at ${standing}. A tag is never moved: release a new version.`);
  }
  publishRelease(release, files);
  const major = majorTag(release.version);
  if (major === undefined || !isNewest(release.version, [...tags.keys()])) {
    console.log("the major tag stays where it is: a newer version is out, or this is a candidate");
    return;
  }
  git(root, ["push", "--quiet", "--force", "origin", `${release.commit}:refs/tags/${major}`], { env: signedIn() });
  console.log(`${major} leads to ${release.tag}`);
}

/** Every file is listed and as listed, the list itself is the one that the build job named. */
function checkedFiles(): string[] {
  const list = join(folder, "SHA256SUMS");
  if (sha256(list) !== options.sums) throw new Error("SHA256SUMS is not the one that the build made");
  const said = readFileSync(list, "utf8").trim().split("\n");
  const files = filesBelow(folder).filter((file) => file !== "SHA256SUMS");
  const found = files.map((file) => `${sha256(join(folder, file))}  ${file}`);
  const wrong = [...said.filter((line) => !found.includes(line)), ...found.filter((line) => !said.includes(line))];
  if (wrong.length > 0) throw new Error(`not as the build made it:\n${wrong.join("\n")}`);
  return files;
}

function readRelease(): Release {
  const json: unknown = JSON.parse(readFileSync(join(folder, "release.json"), "utf8"));
  const field = (name: string, form: RegExp): string => {
    const value: unknown = typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
    if (typeof value !== "string" || !form.test(value)) throw new Error(`release.json: ${name} is not as it should be`);
    return value;
  };
  const id = /^[0-9a-f]{40}$/;
  const version = field("version", /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/);
  const tag = field("tag", /^v/);
  if (tag !== `v${version}`) throw new Error(`release.json: ${tag} is not the tag of ${version}`);
  return { version, tag, source: field("source", id), commit: field("commit", id), tree: field("tree", id) };
}

/** The release commit, made here from the archive's dist/. */
function commitAgain(release: Release): { commit: string; tree: string } {
  const work = mkdtempSync(join(tmpdir(), "four-tier-publish-"));
  try {
    const name = `four-tier-${release.version}`;
    const tar = spawnSync("tar", ["-xzf", join(folder, `${name}.tar.gz`), "-C", work, `${name}/dist`], {
      encoding: "utf8",
    });
    if (tar.status !== 0) throw new Error(`tar could not unpack dist/: ${tar.stderr.trim()}`);
    return releaseCommit(root, { source: release.source, tag: release.tag, dist: join(work, name, "dist") });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** git's credential for GitHub, for one call and in no file or argument: checkout leaves none behind. */
function signedIn(): NodeJS.ProcessEnv {
  const token = process.env["GH_TOKEN"];
  if (token === undefined) return {};
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  return {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `http.${process.env["GITHUB_SERVER_URL"] ?? "https://github.com"}/.extraheader`,
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
  };
}

/** Tags of the remote and the commits they lead to. */
function remoteTags(): Map<string, string> {
  const lines = git(root, ["ls-remote", "--tags", "--refs", "origin"], { env: signedIn() }).split("\n");
  return new Map(
    lines
      .filter((line) => line !== "")
      .map((line) => {
        const [commit = "", ref = ""] = line.split("\t");
        return [ref.replace("refs/tags/", ""), commit];
      }),
  );
}

/**
 * First a draft with all its files, then published: a published release cannot be changed any more, if the repository
 * has immutable releases (facts: github 1). A run that stopped half-way goes on where it was.
 */
function publishRelease(release: Release, files: readonly string[]): void {
  const { tag, version } = release;
  const assets = [...files.filter((file) => file !== "notes.md"), "SHA256SUMS"].map((file) => join(folder, file));
  const state = gh(["release", "view", tag, "--json", "isDraft", "--jq", ".isDraft"], true);
  if (state === undefined) {
    const candidate = version.includes("-") ? ["--prerelease"] : [];
    const notes = join(folder, "notes.md");
    gh([
      "release",
      "create",
      tag,
      "--draft",
      "--verify-tag",
      "--title",
      tag,
      "--notes-file",
      notes,
      ...candidate,
      ...assets,
    ]);
  } else if (state === "true") gh(["release", "upload", tag, "--clobber", ...assets]);
  if (state !== "false") gh(["release", "edit", tag, "--draft=false"]);
  const immutable = gh(["api", `repos/{owner}/{repo}/releases/tags/${tag}`, "--jq", ".immutable"], true);
  if (immutable !== "true") {
    console.log(
      "::warning title=release/mutable::The release can still be changed: switch immutable releases on in the repository's settings.",
    );
  }
}

/** Runs gh; with `mayFail`, undefined when it fails. */
function gh(args: readonly string[], mayFail = false): string | undefined {
  const { status, stdout, stderr } = spawnSync("gh", args, { cwd: root, encoding: "utf8" });
  if (status === 0) return stdout.trim();
  if (mayFail) return undefined;
  throw new Error(`gh ${args.slice(0, 2).join(" ")} failed: ${stderr.trim()}`);
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
