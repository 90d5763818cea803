/** The Databricks CLI as an oracle: what `bundle validate -o json` makes of a bundle, against a server of a few routes. */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { TierName } from "../../src/contract/model.ts";
import { type JsonObject, parseJson } from "../../src/json.ts";

const run = promisify(execFile);

/** The version that made the goldens and the table of fields. */
export const GOLDEN_VERSION = "1.12.1";

/** The CLI of a version on the PATH; undefined if there is none, and the tests that ask it are skipped. */
export function findCli(version: string): string | undefined {
  const names = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "databricks"));
  const path = names.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
  if (path === undefined) return undefined;
  return execFileSync(path, ["version"], { encoding: "utf8" }).includes(`v${version}`) ? path : undefined;
}

export async function cliVersion(cli: string): Promise<string> {
  const { stdout } = await run(cli, ["version"]);
  return stdout.trim().replace(/^Databricks CLI v/, "");
}

interface Identity {
  readonly clientId: string;
  readonly displayName: string;
}

/** Validates the bundle in a copy of `folder` (with `root` inside it) for one tier; throws with what the CLI printed. */
export async function validateWithCli(
  cli: string,
  folder: string,
  root: string,
  tier: TierName,
  identity: Identity,
  variables: Readonly<Record<string, string>>,
): Promise<JsonObject> {
  const scratch = mkdtempSync(join(tmpdir(), "bundle-oracle-"));
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const host = `http://${request.headers.host}`;
    const answers: Record<string, unknown> = {
      "/oidc/.well-known/oauth-authorization-server": {
        authorization_endpoint: `${host}/oidc/v1/authorize`,
        token_endpoint: `${host}/oidc/v1/token`,
      },
      "/oidc/v1/token": { access_token: "token", token_type: "Bearer", expires_in: 3600 },
      "/api/2.0/preview/scim/v2/Me": {
        id: "1",
        userName: identity.clientId,
        displayName: identity.displayName,
        active: true,
      },
      "/api/2.0/workspace/get-status": { object_type: "DIRECTORY", object_id: 1, path: searchParams.get("path") },
      "/api/2.0/workspace/mkdirs": {},
      "/api/2.0/permissions/directories/1": { object_id: "/directories/1", object_type: "directory" },
    };
    const answer = answers[pathname];
    response.writeHead(answer === undefined ? 404 : 200, {
      "content-type": "application/json",
      "X-Databricks-Org-Id": "1",
    });
    response.end(JSON.stringify(answer ?? { error_code: "NOT_FOUND", message: pathname }));
  });
  try {
    cpSync(folder, join(scratch, "repository"), { recursive: true });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const env = {
      PATH: "/usr/bin:/bin",
      HOME: scratch,
      DATABRICKS_HOST: `http://127.0.0.1:${port}`,
      DATABRICKS_CLIENT_ID: identity.clientId,
      DATABRICKS_CLIENT_SECRET: "not-a-secret",
      DATABRICKS_CONFIG_FILE: "/dev/null",
      DATABRICKS_CACHE_ENABLED: "false",
      DATABRICKS_CLI_DISABLE_UPDATE_CHECK: "true",
      GIT_CONFIG_GLOBAL: "/dev/null",
      ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`BUNDLE_VAR_${name}`, value])),
    };
    const options = { cwd: join(scratch, "repository", root), env, maxBuffer: 2 ** 26 };
    const { stdout, stderr } = await run(cli, ["bundle", "validate", "-o", "json", "-t", tier], options);
    if (stderr.includes("Error:")) throw new Error(stderr);
    return parseJson(stdout) as JsonObject;
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The files of a folder as a repository's tracked files: posix path to text. */
export function readFolder(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    paths
      .filter((path) => statSync(join(folder, path)).isFile())
      .sort()
      .map((path) => [path.replaceAll("\\", "/"), readFileSync(join(folder, path), "utf8")]),
  );
}
