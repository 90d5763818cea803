/**
 * The runner takes no way around the workflow files: what is broken in a copy of them breaks the run, for the reason
 * that GitHub, Databricks or the gate would give.
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf } from "./expect-run.ts";
import { BRIEF, DEV, PROD, STAGING } from "./jobs.ts";
import { openPlay } from "./play.ts";

const play = openPlay();

/** A copy of the suite in which one workflow file is changed. */
const broken = (workflow: string, change: (text: string) => string): { readonly suiteDir: string } => {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-suite-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const suite = play.stage.suiteDir;
  const actions = ["action-setup-env", "action-promote", "action-validate-grants", "action-pause-pipelines"];
  for (const part of ["dist", ...actions]) symlinkSync(join(suite, part), join(folder, part));
  cpSync(join(suite, ".github"), join(folder, ".github"), { recursive: true });
  edit(join(folder, ".github", "workflows", `${workflow}.yml`), change);
  return { suiteDir: folder };
};
const withBroken = (...how: Parameters<typeof broken>) =>
  play.promote({ event: "workflow_dispatch", ...broken(...how) });
/** Cuts out what matches, which must be there. */
const without = (pattern: RegExp) => (text: string) => text.replace(pattern, "");
const nothingInProd = (): void => expect(play.stage.databricks.world.jobs("prod")).toEqual([]);

beforeAll(async () => {
  await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
});

describe("a reusable workflow", () => {
  it("without a permission to sign in: no token, no dev", async () => {
    const run = await withBroken("deploy-to-dev", without(/^ {6}id-token: write.*\n/m));
    expectRun(run).toStopAt(DEV, "auth/no-credentials");
    expect(play.stage.databricks.world.jobs("dev")).toEqual([]);
  });

  it("without its environment: the token is another's, and dev does not take it", async () => {
    const run = await withBroken("deploy-to-dev", without(/^ {4}environment:\n( {6}.*\n)+/m));
    expectRun(run).toStopAt(DEV, "auth/federation-refused");
    expect(play.stage.databricks.requests.filter(({ path }) => path.startsWith("/api/"))).toEqual([]);
  });

  it("without the permission to record: nothing is applied that nothing would tell of", async () => {
    const run = await withBroken("deploy-to-dev", (text) => text.replaceAll("deployments: write", "deployments: read"));
    expectRun(run).toStopAt(DEV, "github/permission");
    expect(play.stage.databricks.world.jobs("dev")).toEqual([]);
  });

  it("without the permission to read records: nobody can say that dev has nothing yet", async () => {
    const run = await withBroken("deploy-to-dev", without(/^ {6}deployments: write.*\n/m));
    expectRun(run).toStopAt(DEV, "ledger/missing");
    expect(play.stage.databricks.world.jobs("dev")).toEqual([]);
  });

  it("without an output that a later tier needs: staging takes nothing that dev did not hand over", async () => {
    const run = await withBroken("deploy-to-dev", (text) =>
      text.replace("release-digest:\n        description", "release:\n        description"),
    );
    expectRun(run).toStopAt(STAGING, "input/release-digest");
    expect(play.stage.databricks.world.jobs("staging")).toEqual([]);
  });
});

describe("the workflow of prod", () => {
  let staged: RunResult;
  const prodWithBroken = (...how: Parameters<typeof broken>) => play.toProd(staged, broken(...how));

  beforeAll(async () => {
    staged = await play.promote({ reviewer: () => ({ user: "ada", state: "rejected", comment: "Not yet." }) });
    expectRun(staged).toStopAt(PROD);
  });

  it("without an output of the brief: the digest does not arrive, and prod takes nothing that was not approved", async () => {
    const run = await prodWithBroken("approve-to-prod", (text) =>
      text.replaceAll(
        "plan-digest: ${{ steps.brief.outputs.plan-digest }}",
        "plan: ${{ steps.brief.outputs.plan-digest }}",
      ),
    );
    expect(jobOf(run, BRIEF).conclusion).toBe("success");
    expectRun(run).toStopAt(PROD, "input/plan-digest");
    nothingInProd();
  });

  it("without a need: prod does not see what the brief says", async () => {
    const run = await prodWithBroken("approve-to-prod", (text) =>
      text.replace("needs: [brief, brief-live]", "needs: [brief]"),
    );
    expectRun(run).toStopAt(PROD, "input/release-digest", "input/plan-digest");
    nothingInProd();
  });

  it("without the condition: promote is skipped with the brief that was not written", async () => {
    const run = await prodWithBroken("approve-to-prod", without(/^ {4}# One of the two.*\n {4}if: .*\n/m));
    expect(jobOf(run, PROD).conclusion).toBe("skipped");
    nothingInProd();
  });

  it("with a condition that always holds: what the brief refused is refused again", async () => {
    const { environments } = play.stage.github.world;
    const prod = environments.get("prod");
    if (prod === undefined) throw new Error("There is no environment prod");
    const { settings } = prod;
    prod.settings = { ...settings, branch_policy: "none" };
    onTestFinished(() => {
      prod.settings = settings;
    });
    const run = await prodWithBroken("approve-to-prod", (text) =>
      text.replace("if: ${{ !failure() && !cancelled() }}", "if: ${{ always() }}"),
    );
    expect(jobOf(run, BRIEF).conclusion).toBe("failure");
    expect(jobOf(run, PROD).annotations.map(({ title }) => title)).toContain("gate/protection-any-branch");
    nothingInProd();
  });
});

describe("a caller", () => {
  const merge = (branch: string, change: (text: string) => string) =>
    play.merge(branch, branch, (path) => edit(path(".github/workflows/promote.yml"), () => change(play.callers)));

  it("that gives fewer permissions than the called workflow asks for does not start", async () => {
    await merge("fewer-permissions", without(/^ {6}id-token: write.*\n/m));
    const run = await play.promote();
    expect(run.conclusion).toBe("startup_failure");
    expect(run.errors.join("\n")).toMatch(/id-token/);
  });

  it("that does not wait for dev has nothing from dev to hand on", async () => {
    await merge("in-a-hurry", without(/^ {4}needs: deploy-to-dev\n/m));
    const run = await play.promote();
    expectRun(run).toStopAt(STAGING, "input/release-digest");
    nothingInProd();
  });
});
