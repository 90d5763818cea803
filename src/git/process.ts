/** Running git: no shell, no prompt, nothing that makes it look elsewhere. */
import { execFileSync, spawn } from "node:child_process";
import { FourTierError } from "../findings.ts";

/** Environment variables as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How one git command ended. */
export interface Ended {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs git in the repository; rejects only with NoRepository. */
export type RunGit = (args: readonly string[], input?: string) => Promise<Ended>;

/** refs/replace would give another content for the same id. */
const OPTIONS = ["--no-replace-objects", "--literal-pathspecs", "--no-optional-locks", "-c", "core.quotePath=false"];

/** Variables that make git look elsewhere than at the folder it is run in. */
const REDIRECTING = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_COMMON_DIR",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_NAMESPACE",
  "GIT_GRAFT_FILE",
  "GIT_SHALLOW_FILE",
  "GIT_REPLACE_REF_BASE",
];

function gitEnvironment(environment: Environment): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(([name]) => !REDIRECTING.includes(name));
  return { ...Object.fromEntries(kept), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" };
}

/** Git's exit status when it gives up. */
const FATAL = 128;

/** Runs git; rejects only with NoRepository. */
export function run(folder: string, environment: Environment, args: readonly string[], input?: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", [...OPTIONS, ...args], { cwd: folder, env: gitEnvironment(environment) });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // git that ends early closes its input: its exit status tells why
    child.stdin.on("error", () => undefined);
    child.on("error", () => reject(notStarted(folder)));
    child.on("close", (status) => {
      const said = Buffer.concat(stderr).toString("utf8");
      const ended = { status: status ?? -1, stdout: Buffer.concat(stdout), stderr: said };
      const problem = notOpened(folder, ended);
      if (problem === undefined) resolve(ended);
      else reject(problem);
    });
    child.stdin.end(input ?? "");
  });
}

/** What a command writes, at once: rendering is synchronous, and asks for few files that were not read early. */
export function runNow(folder: string, environment: Environment, args: readonly string[]): Buffer {
  return execFileSync("git", [...OPTIONS, ...args], {
    cwd: folder,
    env: gitEnvironment(environment),
    maxBuffer: 512 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** There is no repository to ask, or no git: true of every question, whatever it was about. */
export class NoRepository extends FourTierError {}

function notStarted(folder: string): NoRepository {
  return new NoRepository({
    id: "git/not-installed",
    severity: "error",
    message: `git could not be started in ${folder}.`,
    remedy: "Run on a machine that has git, after actions/checkout.",
  });
}

/** What git says of a folder that it takes for no repository, or for somebody else's; undefined for any other answer. */
function notOpened(folder: string, { status, stderr }: Ended): NoRepository | undefined {
  if (status !== FATAL) return undefined;
  if (stderr.includes("dubious ownership")) {
    return new NoRepository({
      id: "git/unsafe-directory",
      severity: "error",
      message: `git refuses ${folder}: it belongs to another user.`,
      why: "In a container job the checkout often belongs to the machine's user.",
      remedy: `Run \`git config --global --add safe.directory ${folder}\` in a step before this one.`,
    });
  }
  if (!/not a git repository/i.test(stderr)) return undefined;
  return new NoRepository({
    id: "git/no-repository",
    severity: "error",
    message: `${folder} is not in a git repository.`,
    remedy: "Check the repository out first, with actions/checkout.",
  });
}

/** A command that should have worked. */
export function failed(command: string, ended: Ended): FourTierError {
  // a remote's address may carry a credential
  const said = ended.stderr
    .replaceAll(/:\/\/[^@\s/]+@/g, "://***@")
    .trim()
    .split("\n")
    .slice(0, 5)
    .join(" ");
  return new FourTierError({
    id: "git/failed",
    severity: "error",
    message: `git ${command} ended with status ${ended.status}: ${said}`,
    remedy: "Check the checkout: a full clone (`fetch-depth: 0`) that is not damaged.",
  });
}
