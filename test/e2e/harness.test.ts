/** What holds of every whole run: a failing one explains itself, and no test is without the search for secrets. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { edit } from "../../demo/stage.ts";
import { ASSUMPTIONS } from "../../simulator/github/scenario.ts";
import type { Issue } from "../../simulator/github/world.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { writeZip } from "../../simulator/runner/zip.ts";
import { formsOf } from "../actions/canary.ts";
import { expectRun, jobOf } from "./expect-run.ts";
import { DEV } from "./jobs.ts";
import { openPlay, TIERS } from "./play.ts";

const merged = (play: ReturnType<typeof openPlay>, branch: string) =>
  play.merge(branch, branch, (path) => edit(path("src/models/train.py"), (text) => `${text}\n# ${branch}\n`));

const DEPLOYMENT = {
  id: 1,
  sha: "a".repeat(40),
  ref: "main",
  task: "t",
  payload: {},
  environment: "dev",
  description: null,
  creator: "octocat",
  transient: false,
  production: false,
  createdAt: "",
  statuses: [],
};
const ISSUE: Issue = {
  id: 1,
  number: 1,
  user: "octocat",
  labels: [],
  title: "",
  body: "",
  state: "open",
  stateReason: null,
  createdAt: "",
  updatedAt: "",
};

describe("a test that fails", () => {
  const play = openPlay({
    keepsOwnCode: true,
    world: ({ databricks }) => {
      databricks.faults.push({
        method: "POST",
        path: "/api/2.2/jobs/create",
        nth: 2,
        times: 1,
        effect: "error",
        status: 400,
        message: "This job is not to be.",
        delay_ms: 0,
      });
    },
  });

  it("shows which job stopped, the end of its log, and what was written or refused", async () => {
    await merged(play, "refused");
    const run = await play.promote();
    let said = "";
    try {
      expectRun(run).toSucceed();
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain("The run was to succeed and is failure.");
    expect(said).toMatch(new RegExp(`^ {2}failure +${DEV}$`, "m"));
    // the finding, the step's log, the request that was refused, and one before it that was not
    expect(said).toMatch(/^ {4}error \S+: .*This job is not to be/m);
    expect(said).toMatch(new RegExp(`^--- ${DEV}, `, "m"));
    expect(said).toMatch(/^ {2}400 dev POST \/api\/2\.2\/jobs\/create by ml-pipelines-dev$/m);
    expect(said).toMatch(/^ {2}200 dev POST \/api\/2\.0\/workspace/m);
  });
});

describe("the search for secrets", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test.ts"));

  it.each(files)("is after every test of %s", (name) => {
    const text = readFileSync(new URL(name, import.meta.url), "utf8");
    // nothing of a stage is reached but through a play, which searches after each test by itself
    expect(text).toContain("openPlay(");
    expect(text).not.toMatch(/^import[^;]*\b(setStage|openTheatre|createRunner|startDatabricks|startGitHub)\b/m);
  });

  const play = openPlay();
  const secret = 'dose/"canary"+e2e 6713';

  it("knows each token that a job gets", async () => {
    const { github } = play.stage;
    const before = new Set(github.secrets());
    await merged(play, "tokens");
    const given = github.secrets().filter((one) => !before.has(one));
    expect(given.filter((one) => one.startsWith("ghs_")).length).toBeGreaterThan(0);
  });

  it("finds each form in each place", () => {
    const { databricks, github } = play.stage;
    github.scenario.secrets["CANARY"] = secret;
    const { world } = databricks;
    const { artifacts, issues, deployments, runs } = github.world;
    const [run] = runs;
    if (run === undefined) throw new Error("The test before this one makes a run");
    const archived = (name: string, path: string, text: string): (() => void) => {
      const zip = writeZip([{ path, bytes: Buffer.from(text) }]);
      artifacts.push({ id: 1, run, name, zip, digest: "", createdAt: "" });
      return () => void artifacts.pop();
    };
    const silver = world.securable("dev.silver");
    const places: Readonly<Record<string, (text: string) => () => void>> = {
      "dev's pipelines": (text) => {
        const store = world.workspace("dev").pipelines;
        const made = store.create({ name: text, catalog: "dev", schema: "s" }, "ml-pipelines-dev");
        return () => store.delete(made);
      },
      "metastore dev.silver": (text) => {
        silver.comment = text;
        return () => void (silver.comment = undefined);
      },
      "dev's permissions": (text) => {
        const { acls } = world.workspace("dev");
        acls.set("jobs", "1", [{ principal: text, level: "CAN_VIEW" }]);
        return () => acls.remove("jobs", "1");
      },
      artifacts: (text) => archived("digests", "a.txt", `${"x".repeat(99)}${text}`),
      "artifacts (a file's name)": (text) => archived("digests", text, ""),
      "artifacts (their own name)": (text) => archived(text, "a.txt", ""),
      deployments: (text) => {
        deployments.push({ ...DEPLOYMENT, payload: { text } });
        return () => void deployments.pop();
      },
      issues: (text) => {
        issues.push({ ...ISSUE, body: text });
        return () => void issues.pop();
      },
      "/tmp/four-tier-": (text) => {
        const folder = mkdtempSync("/tmp/four-tier-left-");
        writeFileSync(join(folder, "left"), text);
        return () => rmSync(folder, { recursive: true });
      },
      "dev/Shared/left": (text) => {
        world.writeFile("dev", "/Shared/left", `x${text}y`);
        return () => world.writeFile("dev", "/Shared/left", "");
      },
    };
    expect(formsOf(secret).length).toBeGreaterThanOrEqual(6);
    for (const form of formsOf(secret)) {
      for (const [place, plant] of Object.entries(places)) {
        const undo = plant(form);
        const found = play.leaks();
        undo();
        const [where = ""] = place.split(" (");
        expect([place, form, found.some((line) => line.includes(` is in ${where}`))]).toEqual([place, form, true]);
      }
    }
    delete github.scenario.secrets["CANARY"];
  });

  it("finds each form in each header", async () => {
    const { databricks, github } = play.stage;
    github.scenario.secrets["CANARY"] = secret;
    const forms = formsOf(secret).map((form) => form.replaceAll(/[^\x20-\x7e]/g, ""));
    for (const [index, form] of forms.entries()) {
      const headers = { authorization: "Bearer none", "x-note": `${index} ${form}` };
      await fetch(`${databricks.workspaces["dev"]?.url}/api/2.2/jobs/list`, { headers });
      await fetch(`${github.apiUrl}/repos/acme/ml-pipelines`, { headers });
      const found = play.leaks();
      const seen = ["headers to Databricks", "headers to GitHub"].map((place) =>
        found.some((line) => line.includes(` is in ${place}`)),
      );
      expect([form, ...seen]).toEqual([form, true, true]);
    }
    delete github.scenario.secrets["CANARY"];
  });

  it.each(["/tmp/four-tier-literal", resolve("literal")])("need not look at %s: no action can write there", (path) => {
    const write = `require("node:fs").writeFileSync(${JSON.stringify(path)}, "x")`;
    const act = (): unknown =>
      execFileSync(process.execPath, [...play.nodeArguments, "--eval", write], { env: {}, stdio: "pipe" });
    expect(act).toThrow(/ERR_ACCESS_DENIED/);
    expect(existsSync(path)).toBe(false);
  });

  it("finds each form in what an action prints, and in each file of its job", () => {
    const { scenario } = play.stage.github;
    scenario.secrets["CANARY"] = secret;
    const folder = mkdtempSync(join(tmpdir(), "four-tier-tapped-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const roots = ["RUNNER_TEMP", "GITHUB_WORKSPACE", "HOME"];
    for (const root of roots) mkdirSync(join(folder, root, "objects"), { recursive: true });
    const script = `
      import { writeFileSync } from "node:fs";
      import { tmpdir } from "node:os";
      process.stdout.write(process.env.FORM);
      process.stderr.write(process.env.FORM);
      for (const root of ${JSON.stringify(roots)}) writeFileSync(process.env[root] + "/objects/left", process.env.FORM);
      writeFileSync(tmpdir() + "/left", process.env.FORM);`;
    for (const form of formsOf(secret)) {
      const env = { ...Object.fromEntries(roots.map((root) => [root, join(folder, root)])), FORM: form };
      execFileSync(process.execPath, [...play.nodeArguments, "--input-type=module", "--eval", script], {
        env: { PATH: process.env["PATH"], ...env },
        stdio: ["ignore", "ignore", "ignore"],
      });
      const found = play.leaks();
      const places = ["stdout", "stderr", ...[...roots, "TMPDIR"].map((root) => `${root}/`)];
      const seen = places.filter((place) => found.some((line) => line.includes(`.json ${place}`)));
      expect([form, ...seen]).toEqual([form, ...places]);
    }
    delete scenario.secrets["CANARY"];
  });
});

describe("a test that fails by any other assertion", () => {
  const said: string[] = [];
  const play = openPlay({ onFailure: (explanation) => said.push(explanation) });

  it.fails("fails", async () => {
    const { validate } = await merged(play, "unexpected");
    expect(validate.conclusion).toBe("failure");
  });

  it("says what its runs had to say", () => {
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^Run \d+, attempt 1: success$/m);
    expect(said[0]).toContain("--- requests that changed something or were refused");
  });
});

describe("what is not known of GitHub, all of it otherwise", () => {
  // Where a job's token may not ask for a reviewer's rights, nothing gets in (release/entering.test.ts), nor where what an
  // earlier job of the run did cannot be told from the run (release/both-ways.test.ts).
  const shut = ["job_tokens_read_roles", "calls_are_referenced", "clocks_agree", "ended_jobs_show_at_once"];
  const borne = ASSUMPTIONS.filter(({ name }) => !shut.includes(name));
  const otherwise = Object.fromEntries(borne.map(({ name, values }) => [name, values[1]]));
  const play = openPlay({
    world: ({ github }) => void Object.assign(github.assumptions, otherwise),
    example: readOutputs,
  });

  it("takes a release to prod, and nothing of a branch anywhere", async () => {
    await merged(play, "first");
    const promoted = await play.promote();
    expectRun(promoted).toSucceed(DEV, "approve-to-prod / promote", "outputs");
    expectEveryOutput(promoted);
    const digests = new Set(TIERS.map((tier) => play.ledger(tier).release.digest));
    expect(digests.size).toBe(1);

    // the environment's rule does not hold this branch back: the gate must
    play.stage.commit("mine", "A branch of mine", "octocat", (path) =>
      edit(path("src/models/train.py"), (text) => `${text}\n# mine\n`),
    );
    const mark = play.mark();
    const run = await play.promote({ event: "workflow_dispatch", ref: "mine" });
    expectRun(run).toStopAt(DEV, "gate/commit-off-branch", "gate/path-off-branch");
    expect(mark.writes()).toEqual([]);
  });
});

/** A last job of the caller that prints what it can see of the others. */
function readOutputs(path: (file: string) => string): void {
  const job = `
  outputs:
    needs: [deploy-to-dev, gate-to-staging, approve-to-prod]
    runs-on: ubuntu-24.04
    steps:
      - env:
          NEEDS: \${{ toJSON(needs) }}
        run: echo "$NEEDS"
`;
  edit(path(".github/workflows/promote.yml"), (text) => `${text}${job}`);
}

/** The caller was handed all that the called workflows promise, and nothing empty. */
function expectEveryOutput(run: RunResult): void {
  const log = jobOf(run, "outputs")
    .steps.map(({ log }) => log.replaceAll(/^##.*$/gm, ""))
    .join("");
  const needs = JSON.parse(log.slice(log.indexOf("{"))) as Record<string, { outputs: Record<string, string> }>;
  for (const name of ["deploy-to-dev", "gate-to-staging", "approve-to-prod"]) {
    const { on } = parse(readFileSync(`.github/workflows/${name}.yml`, "utf8")) as {
      on: { workflow_call: { outputs: Record<string, unknown> } };
    };
    const outputs = needs[name]?.outputs ?? {};
    expect({ [name]: Object.keys(outputs).sort() }).toEqual({
      [name]: Object.keys(on.workflow_call.outputs).sort(),
    });
    expect(Object.entries(outputs).filter(([, value]) => value === "")).toEqual([]);
  }
}
