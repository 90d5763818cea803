// Makes everything a release consists of, and publishes nothing: builds dist/ twice in two folders, compares, collects
// licences and the bill of materials, makes the release commit, and tries its archive. docs/releasing.md tells the rest.
//   --tag vX.Y.Z   the tag that the release will have; the version everywhere must agree
//   --out FOLDER   where the release's files go (default: release); must be empty or absent
//   --dry-run      links the installed node_modules instead of installing twice; no tag needed, the changelog may say Unreleased
//   --built DIST   with --dry-run: the first of the two builds, made elsewhere of the same sources
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { assertSame, sha256 } from "./release/checks.ts";
import { filesBelow, git, releaseCommit } from "./release/commit.ts";
import { bundledPackages, get, licenceFile } from "./release/contents.ts";
import { billOfMaterials, productionOf } from "./release/sbom.ts";
import { notesOf, versionProblems } from "./release/version.ts";

const { values: options } = parseArgs({
  options: {
    tag: { type: "string" },
    out: { type: "string", default: "release" },
    "dry-run": { type: "boolean", default: false },
    built: { type: "string" },
  },
});
/** What a runner tells a step, as far as an action asks before it asks for its inputs. */
const RUNNER = {
  GITHUB_ACTIONS: "true",
  GITHUB_REPOSITORY: "acme/ml-pipelines",
  GITHUB_SHA: "0".repeat(40),
  GITHUB_REF: "refs/heads/main",
  GITHUB_EVENT_NAME: "push",
  GITHUB_ACTOR: "octocat",
  GITHUB_TRIGGERING_ACTOR: "octocat",
  GITHUB_RUN_ID: "1",
  GITHUB_RUN_ATTEMPT: "1",
  GITHUB_JOB: "release",
  GITHUB_WORKFLOW_REF: "acme/ml-pipelines/.github/workflows/promote.yml@refs/heads/main",
  GITHUB_API_URL: "http://127.0.0.1:9",
  GITHUB_SERVER_URL: "https://github.com",
};
/** Where links of the notes lead. */
const REPOSITORY = "https://github.com/four-tier/four-tier";
const root = process.cwd();
const dryRun = options["dry-run"];
const out = resolve(options.out);
const work = mkdtempSync(join(tmpdir(), "four-tier-release-"));
try {
  await release();
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function release(): Promise<void> {
  const { version, tag } = checkedVersion();
  const dirty = git(root, ["status", "--porcelain"]);
  if (dirty !== "") throw new Error(`a release is made of a commit, but this is not committed:\n${dirty}`);
  if (existsSync(out) && readdirSync(out).length > 0) throw new Error(`${options.out} is not empty`);
  const source = git(root, ["rev-parse", "HEAD"]);

  // Folders of unequal length, so that a path that gets into the bundle makes a difference.
  const [first, second] = [join(work, "a"), join(work, "another-folder")];
  const stats = join(work, "stats.json");
  const elsewhere = dryRun ? options.built : undefined;
  const again = elsewhere === undefined ? buildIn(second, source, undefined) : undefined;
  await Promise.all([buildIn(first, source, stats), again]);
  const built = join(first, "dist");
  assertSame(built, elsewhere ?? join(second, "dist"));
  console.log(`built twice, the same ${filesBelow(built).length} files byte for byte`);

  const packages = bundledPackages(JSON.parse(readFileSync(stats, "utf8")), first);
  writeFileSync(join(built, "licenses.txt"), licenceFile(packages));
  const committed = new Date(Number(git(root, ["show", "-s", "--format=%ct", source])) * 1000).toISOString();
  const production = productionOf(JSON.parse(readFileSync("package-lock.json", "utf8")));
  const bill = billOfMaterials(first, { name: "four-tier", version, production, committed }, packages);
  console.log(`${packages.length} packages are in the bundle, all in the bill of materials, all with a licence`);

  // What the release commit adds stays out of the repository: publishing makes the commit again, and compares.
  const objects = join(work, "objects");
  mkdirSync(objects);
  const env = {
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(root, git(root, ["rev-parse", "--git-path", "objects"])),
  };
  const { commit, tree } = releaseCommit(root, { source, tag, dist: built }, env);
  const folder = `four-tier-${version}`;
  const tar = join(work, "release.tar");
  git(root, ["archive", "--format=tar", `--prefix=${folder}/`, `--output=${tar}`, commit], { env });
  tryArchive(tar, folder);
  console.log("every chunk loads, and every action starts from the archive");

  mkdirSync(out, { recursive: true });
  const keep = (name: string, content: string | Uint8Array): void => writeFileSync(join(out, name), content);
  keep(`${folder}.tar.gz`, gzipSync(readFileSync(tar), { level: 9 }));
  keep("sbom.cdx.json", bill);
  keep("licenses.txt", licenceFile(packages));
  keep("notes.md", notesOf(readFileSync("CHANGELOG.md", "utf8"), `${REPOSITORY}/blob/${tag}`));
  keep("release.json", `${JSON.stringify({ version, tag, source, commit, tree }, null, 2)}\n`);
  const sums = filesBelow(out).map((file) => `${sha256(join(out, file))}  ${file}\n`);
  keep("SHA256SUMS", sums.join(""));
  console.log(`${tag} would be ${commit}\n${sums.join("")}`.trim());
  output({ tag, commit, sums: sha256(join(out, "SHA256SUMS")) });
}

function checkedVersion(): { version: string; tag: string } {
  const text = (file: string): string => readFileSync(file, "utf8");
  const versionIn = (file: string): string => {
    const version = get(JSON.parse(text(file)), "version");
    return typeof version === "string" ? version : "";
  };
  const manifest = versionIn("package.json");
  const problems = versionProblems(
    {
      manifest,
      lock: versionIn("package-lock.json"),
      source: text("src/version.ts"),
      changelog: text("CHANGELOG.md"),
      tag: options.tag,
    },
    dryRun,
  );
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return { version: manifest, tag: `v${manifest}` };
}

/** Checks the commit out into a folder, installs there, and builds. */
async function buildIn(folder: string, source: string, stats: string | undefined): Promise<void> {
  mkdirSync(folder);
  const env = { GIT_INDEX_FILE: `${folder}.index` };
  git(root, ["read-tree", source], { env });
  git(root, ["checkout-index", "--all", `--prefix=${folder}/`], { env });
  if (dryRun) linkModules(folder);
  else await run(folder, "npm", ["ci", "--ignore-scripts"]);
  const more = stats === undefined ? [] : ["--stats", stats];
  await run(folder, process.execPath, ["scripts/build.ts", "--quiet", ...more]);
}

/** Hard links, not a symbolic one: the bundler numbers its modules by their real paths. */
function linkModules(folder: string): void {
  const modules = realpathSync(join(root, "node_modules"));
  const target = join(folder, "node_modules");
  const { status } = spawnSync("cp", ["-al", modules, target], { stdio: "ignore" });
  if (status !== 0) cpSync(modules, target, { recursive: true, verbatimSymlinks: true });
}

function run(folder: string, command: string, args: readonly string[]): Promise<void> {
  const PATH = [join(folder, "node_modules", ".bin"), process.env["PATH"]].join(delimiter);
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, PATH }, stdio: "inherit" });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (status) => {
      if (status === 0) done();
      else failed(new Error(`${command} ${args.join(" ")} failed in ${folder}`));
    });
  });
}

/**
 * Unpacks what a runner would download, loads every chunk, and starts every action without inputs: it must come as far as
 * to refuse as it does (`suite/…` is what it says when it breaks). A module that was not bundled, or a file that the archive leaves out, shows here.
 */
function tryArchive(tar: string, folder: string): void {
  const { status } = spawnSync("tar", ["-xf", tar, "-C", work], { stdio: "inherit" });
  if (status !== 0) throw new Error("tar could not unpack the archive");
  const unpacked = join(work, folder);
  const chunks = filesBelow(join(unpacked, "dist")).filter((file) => file.endsWith(".js"));
  const imports = chunks.map((file) => `await import(${JSON.stringify(`./dist/${file}`)});`).join("\n");
  const node = (args: readonly string[], env: NodeJS.ProcessEnv): { status: number | null; text: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: unpacked,
      env: { PATH: process.env["PATH"], ...env },
      encoding: "utf8",
      timeout: 60_000,
    });
    return { status, text: stdout + stderr };
  };
  const loaded = node(["--input-type=module", "--eval", imports], {});
  if (loaded.status !== 0) throw new Error(`a chunk does not load:\n${loaded.text}`);
  const actions = readdirSync(unpacked).filter((name) => name.startsWith("action-"));
  if (actions.length === 0) throw new Error("the archive has no actions");
  const event = join(work, "event.json");
  writeFileSync(event, "{}");
  for (const action of actions) {
    const files = ["OUTPUT", "ENV", "STATE", "PATH", "STEP_SUMMARY"].map((name): [string, string] => {
      const file = join(work, `${action}.${name}`);
      writeFileSync(file, "");
      return [`GITHUB_${name}`, file];
    });
    const env = { ...Object.fromEntries(files), ...RUNNER, GITHUB_EVENT_PATH: event };
    Object.assign(env, { RUNNER_TEMP: work, GITHUB_WORKSPACE: work });
    const started = node([join(action, "main.js")], env);
    if (started.status !== 1 || !/^::error title=(?!suite\/)/m.test(started.text)) {
      throw new Error(`${action} does not start (exit ${String(started.status)}):\n${started.text}`);
    }
  }
}

/** Outputs of the step, when a runner asks for them. */
function output(values: Readonly<Record<string, string>>): void {
  const file = process.env["GITHUB_OUTPUT"];
  if (file === undefined || file === "") return;
  for (const [name, value] of Object.entries(values)) appendFileSync(file, `${name}=${value}\n`);
}
