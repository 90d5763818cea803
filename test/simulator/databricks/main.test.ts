import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { DEV_ID, request } from "./harness.ts";

const dir = mkdtempSync(join(tmpdir(), "four-tier-main-"));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function simulator(scenario: string): ChildProcess {
  const file = join(mkdtempSync(join(dir, "case-")), "scenario.yml");
  writeFileSync(file, scenario);
  const hook = new URL("../../../simulator/runner/json-hook.ts", import.meta.url).pathname;
  const main = new URL("../../../simulator/main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", hook, main, "--scenario", file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  return child;
}

const SCENARIO = `
databricks:
  workspaces: { dev: { id: "1111111111111111" } }
  service_principals:
    ml-pipelines-dev: { application_id: ${DEV_ID}, workspaces: [dev], secrets: [s3cr3t] }
github:
  repository: acme/ml-pipelines
  users: { octocat: { role: write } }
`;

interface Said {
  readonly databricks: {
    readonly workspaces: { readonly dev: { readonly url: string } };
    readonly principals: { readonly "ml-pipelines-dev": { readonly token: string } };
  };
  readonly github: { readonly api_url: string; readonly tokens: { readonly octocat: string } };
}

describe("npm run simulator", () => {
  it("says in one line where everything is, serves, and ends when told", async () => {
    const child = simulator(SCENARIO);
    if (child.stdout === null) throw new Error("no output");
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
    await once(reader, "line");
    const { databricks, github } = JSON.parse(lines[0] ?? "") as Said;
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const { token } = databricks.principals["ml-pipelines-dev"];
    const me = await request(`${databricks.workspaces.dev.url}/api/2.0/preview/scim/v2/Me`, "GET", bearer(token));
    expect(me.body).toMatchObject({ userName: DEV_ID });
    const repository = await request(`${github.api_url}/repos/acme/ml-pipelines`, "GET", bearer(github.tokens.octocat));
    expect(repository.status).toBe(200);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(lines).toHaveLength(1);
  });

  it("names what it does not understand, and starts nothing", async () => {
    const child = simulator("databricks: { workspaces: {}, jbos: {} }");
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(said).toMatch(/scenario\.yml: databricks: unknown key jbos/);
  });
});
