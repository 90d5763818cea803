/**
 * `npm run simulator -- --scenario FILE [--repo DIR]`: starts what the scenario describes, prints one line of JSON with
 * every URL and credential, and runs until it is interrupted (docs/scenario.md).
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type DatabricksSimulator, startDatabricks } from "./databricks/server.ts";
import { type GitHubSimulator, startGitHub } from "./github/server.ts";
import { parseScenario } from "./scenario.ts";

const USAGE = "usage: npm run simulator -- --scenario FILE [--repo DIR]";

interface Running {
  readonly databricks: DatabricksSimulator | undefined;
  readonly github: GitHubSimulator | undefined;
  readonly close: () => Promise<void>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { scenario: { type: "string" }, repo: { type: "string" } } });
  if (values.scenario === undefined) throw new Error(USAGE);
  const running = await start(values.scenario, values.repo);
  process.stdout.write(`${JSON.stringify(describe(running))}\n`);
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("SIGINT", resolve);
  process.once("SIGTERM", resolve);
  await promise;
  await running.close();
}

async function start(file: string, repo: string | undefined): Promise<Running> {
  const scenario = parseScenario(readFileSync(file, "utf8"), file);
  const closing: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const one of closing.toReversed()) await one();
  };
  try {
    let github: GitHubSimulator | undefined;
    if (scenario.github !== undefined) {
      const repoDir = repo ?? temporaryRepository(closing);
      github = await startGitHub(scenario.github, { repoDir });
      const started = github;
      closing.push(() => started.close());
    }
    let databricks: DatabricksSimulator | undefined;
    if (scenario.databricks !== undefined) {
      databricks = await startDatabricks(scenario.databricks);
      const started = databricks;
      closing.push(() => started.close());
      // tokens that GitHub's issuer signs are checked with its keys, which are on loopback
      if (github !== undefined) databricks.trustIssuer(github.oidcIssuer, github.jwksUrl);
    }
    return { databricks, github, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A repository with one empty commit, gone when the simulator ends. */
function temporaryRepository(closing: (() => void)[]): string {
  const dir = mkdtempSync(join(tmpdir(), "four-tier-simulator-"));
  closing.push(() => rmSync(dir, { recursive: true, force: true }));
  const git = (...args: string[]) => execFileSync("git", args, { cwd: dir, stdio: "pipe" });
  git("init", "--quiet", "--initial-branch=main");
  const who = ["-c", "user.name=simulator", "-c", "user.email=simulator@example.com"];
  git(...who, "commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message", "Start");
  return dir;
}

function describe({ databricks, github }: Running): object {
  return {
    ...(databricks === undefined
      ? {}
      : {
          databricks: {
            account_id: databricks.accountId,
            account_url: databricks.accountUrl,
            workspaces: databricks.workspaces,
            principals: databricks.principals(),
          },
        }),
    ...(github === undefined
      ? {}
      : {
          github: {
            api_url: github.apiUrl,
            repository: github.scenario.repository,
            repo_dir: github.repoDir,
            oidc_issuer: github.oidcIssuer,
            jwks_url: github.jwksUrl,
            tokens: Object.fromEntries(
              Object.keys(github.scenario.users).map((login) => [login, github.userToken(login)]),
            ),
          },
        }),
  };
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
