/** The Databricks CLI as a client of the simulator: a foreign client, which was not written with it in mind. */
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { DatabricksSimulator } from "../simulator/databricks/server.ts";
import { type Json, parseJson } from "../simulator/json.ts";

const execute = promisify(execFile);

/** The CLI on the PATH; undefined if there is none, and what asks it is skipped. */
export const CLI: string | undefined = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "databricks"))
  .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);

if (CLI === undefined) console.log("skipped: the Databricks CLI is not on the PATH, so nothing was compared with it");

interface CliOptions {
  /** Workspace of the simulator, and tier of its principal. Default: dev. */
  readonly workspace?: string;
  /** Who signs in. Default: `ml-pipelines-<workspace>`. */
  readonly principal?: string;
  /** The bundle's files, in a git repository of their own. */
  readonly files: Readonly<Record<string, string | Uint8Array | undefined>>;
  /** The bundle's folder in it. */
  readonly root?: string;
  /** Values of the bundle's variables. */
  readonly variables?: Readonly<Record<string, string>>;
}

export interface Cli {
  /** Runs a command and gives what it printed; throws with what it said if it fails. */
  readonly run: (...args: string[]) => Promise<string>;
  /** The same with `-o json`, parsed with ids whole. */
  readonly json: (...args: string[]) => Promise<Json>;
  /** Writes files; undefined removes one. */
  readonly write: (files: CliOptions["files"]) => void;
  readonly folder: string;
  /** Removes everything. */
  readonly end: () => void;
}

/** Signs in with client credentials, by its environment alone: no configuration of this machine counts. */
export function cliOf(simulator: DatabricksSimulator, options: CliOptions): Cli {
  const { workspace = "dev", principal = `ml-pipelines-${workspace}`, root = "", variables = {} } = options;
  const home = mkdtempSync(join(tmpdir(), "four-tier-cli-"));
  const folder = join(home, "repository");
  mkdirSync(folder);
  const { clientId, clientSecret } = simulator.credentials(principal);
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    DATABRICKS_HOST: simulator.workspaces[workspace]?.url ?? "",
    DATABRICKS_CLIENT_ID: clientId,
    DATABRICKS_CLIENT_SECRET: clientSecret,
    DATABRICKS_BUNDLE_ENGINE: "direct",
    DATABRICKS_CLI_DISABLE_UPDATE_CHECK: "true",
    DATABRICKS_CLI_DISABLE_TELEMETRY: "1",
    DATABRICKS_CACHE_ENABLED: "false",
    DATABRICKS_CONFIG_FILE: "/dev/null",
    GIT_CONFIG_GLOBAL: "/dev/null",
    NO_PROXY: "127.0.0.1",
    ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`BUNDLE_VAR_${name}`, value])),
  };
  const write = (files: CliOptions["files"]): void => {
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      if (content === undefined) rmSync(file, { force: true });
      else writeFileSync(file, content);
    }
  };
  execFileSync("git", ["init", "--quiet", "--initial-branch=main", folder], { env });
  write(options.files);
  execFileSync("git", ["-C", folder, "add", "--all"], { env });
  const author = ["-c", "user.name=Mona", "-c", "user.email=mona@example.com"];
  execFileSync("git", ["-C", folder, ...author, "commit", "--quiet", "--allow-empty", "--message", "A bundle"], {
    env,
  });
  const run = async (...args: string[]): Promise<string> => {
    const { stdout } = await execute(CLI ?? "databricks", args, {
      cwd: join(folder, root),
      env,
      maxBuffer: 2 ** 26,
    }).catch((error: unknown) => {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      throw new Error(`databricks ${args.join(" ")}\n${stdout}${stderr}`);
    });
    return stdout;
  };
  return {
    run,
    json: async (...args) => parseJson(await run(...args, "-o", "json")),
    write,
    folder,
    end: () => rmSync(home, { recursive: true, force: true }),
  };
}
