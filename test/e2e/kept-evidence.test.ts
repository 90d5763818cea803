/** Evidence is kept by the shipped workflows, on a branch that only grows, and the gate to prod sees staging's there. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { type BranchRules, parseGitHubScenario } from "../../simulator/github/scenario.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { readDocument } from "../../src/release/kept-document.ts";
import { sha256 } from "../../src/sha256.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { BRIEF, PROD, STAGING } from "./jobs.ts";
import { copyCaller, openPlay } from "./play.ts";

const KEEP_STAGING = "keep-staging / keep";
const KEEP_PROD = "keep-prod / keep";
const BRANCH = "four-tier-evidence";

describe("evidence that is kept", () => {
  const play = openPlay({
    world: ({ github }) => {
      const { protected_branches } = parseGitHubScenario({
        protected_branches: { main: {}, "hotfix/**": {}, [BRANCH]: { require_pull_request: false } },
      });
      Object.assign(github, { protected_branches });
    },
    example: (path) => {
      for (const file of ["promote.yml", "hotfix.yml"]) copyCaller("kept", file, path);
      copyCaller("kept-soak", "promote-to-prod.yml", path);
      edit(path("four-tier.yml"), (text) => `${text}evidence: { branch: ${BRANCH} }\n`);
    },
  });
  let rules: Map<string, BranchRules>;
  let onlyGrows: BranchRules;
  /** What brought the release to staging. */
  let first: Awaited<ReturnType<typeof play.start>>;
  let staged: RunResult;

  const files = (): string[] =>
    play.stage
      .git("ls-tree", "-r", "--name-only", BRANCH)
      .split("\n")
      .filter((name) => name.startsWith("ml-pipelines/"));
  const documents = (run = "") =>
    files().flatMap((path) => {
      if (!path.includes(run)) return [];
      const text = `${play.stage.git("show", `${BRANCH}:${path}`)}\n`;
      const { document } = readDocument(text);
      expect(path).toContain(sha256(text));
      return { path, document };
    });

  beforeAll(async () => {
    await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
    const git = (...args: string[]): string => play.stage.git(...args);
    const empty = git("hash-object", "-t", "tree", "-w", "/dev/null");
    git("update-ref", `refs/heads/${BRANCH}`, git("commit-tree", empty, "-m", "Evidence"));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a person changes the rules, which a scenario cannot
    rules = play.stage.github.world.branchRules as Map<string, BranchRules>;
    const found = rules.get(BRANCH);
    if (found === undefined) throw new Error("The branch has no rules");
    onlyGrows = found;
  });

  it("is not, where nothing says that the branch only grows; then nobody is asked about prod", async () => {
    rules.set(BRANCH, { ...onlyGrows, enforcement: "evaluate" });
    first = await play.start();
    staged = await first.done;
    expect(jobOf(staged, STAGING).conclusion).toBe("success");
    expectRun(staged).toStopAt(KEEP_STAGING, "evidence/not-append-only");
    expect(files()).toEqual([]);
    expect(play.stage.databricks.world.jobs("prod")).toEqual([]);
  });

  it("is by the same job again, with the document of the attempt that made it", async () => {
    rules.set(BRANCH, onlyGrows);
    const again = await first.again("omar", "failed");
    const [refused, kept, ...more] = documents();
    expect(more).toEqual([]);
    expect(kept?.document).toMatchObject({ tier: "staging", outcome: "promoted", run: { attempt: 1 } });
    expect(refused?.document).toMatchObject({ tier: "prod", outcome: "refused", run: { attempt: 2 } });
    expect(kept?.path).toMatch(new RegExp(`^ml-pipelines/staging/[0-9-]{10}/${staged.id}-1-promotion-`));
    expect(jobOf(again, KEEP_STAGING).outputs["kept"]).toContain(`/blob/${play.stage.git("rev-parse", `${BRANCH}^`)}/`);
    // The brief saw it there; that the approval says nothing of attempts is another matter.
    expect(textOf(again, BRIEF)).toContain("its evidence is kept");
    expectRun(again).toStopAt(PROD, "gate/approval-re-run");
  });

  it("is seen by a new run's gate though that found nothing to do in staging, and prod's is kept, too", async () => {
    const run = await play.promote({ event: "workflow_dispatch" });
    expectRun(run).toSucceed(KEEP_STAGING, BRIEF, PROD, KEEP_PROD);
    const prod = documents(`/${run.id}-1-promotion-`).find(({ path }) => path.includes("/prod/"))?.document;
    if (prod?.kind !== "promotion-evidence") throw new Error("prod's document is not there");
    expect(prod.outcome).toBe("promoted");
    // One document leads to the other.
    const [link] = prod.gate.checks.find(({ check }) => check === "evidence")?.evidence ?? [];
    expect(link?.url).toMatch(new RegExp(`/blob/[0-9a-f]{40}/ml-pipelines/staging/[^/]+/${staged.id}-1-promotion-`));
    expect(play.stage.git("rev-list", "--count", BRANCH)).toBe("5");
  });

  it("is missed by the promotion itself if its rules were lifted since the brief", async () => {
    const run = await play.toProd(staged, {
      reviewer: () => {
        rules.delete(BRANCH);
        return { user: "ada", state: "approved", comment: "Read the brief." };
      },
    });
    rules.set(BRANCH, onlyGrows);
    expect(jobOf(run, BRIEF).conclusion).toBe("success");
    expectRun(run).toStopAt(PROD, "evidence/not-append-only");
    // Nor is the document of the refusal put there.
    expect(jobOf(run, KEEP_PROD).conclusion).toBe("failure");
  });

  it("is told from a file that somebody changed on the branch, before anybody is asked", async () => {
    const { stage } = play;
    const path = files().find((name) => name.includes(`/${staged.id}-1-`)) ?? "";
    stage.git("checkout", "--quiet", BRANCH);
    writeFileSync(
      join(stage.repoDir, path),
      readFileSync(join(stage.repoDir, path), "utf8").replace('"promoted"', '"refused"'),
    );
    stage.git("commit", "--quiet", "--all", "--message", "Tidy up");
    stage.git("checkout", "--quiet", "main");
    expectRun(await play.toProd(staged)).toStopAt(BRIEF, "gate/evidence-changed");
  });

  it("is of a hotfix by its own caller, where the way to prod waits for staging's", async () => {
    const { stage } = play;
    stage.git("branch", "hotfix/scores", play.ledger("prod").release.commit);
    const script = "src/models/train.py";
    stage.commit("repair", "Repair", "omar", (path) => edit(path(script), (text) => `${text}# repaired\n`));
    const number = await stage.github.openPullRequest({ head: "repair", base: "hotfix/scores", user: "omar" });
    expectRun(await play.validate(number)).toSucceed("validate / validate");
    await stage.github.review(number, "ada");
    const commit = await stage.github.mergePullRequest(number, "omar");

    const run = await play.dispatch("hotfix", { event: "workflow_dispatch", actor: "omar", inputs: { commit } });

    expectRun(run).toSucceed(KEEP_STAGING, BRIEF, PROD, KEEP_PROD);
    const kept = documents(`/${run.id}-1-promotion-`);
    expect(kept.map(({ document }) => document)).toMatchObject([
      { kind: "promotion-evidence", tier: "prod", commit },
      { kind: "promotion-evidence", tier: "staging", commit },
    ]);
  });
});
