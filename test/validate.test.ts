import { afterAll, describe, expect, it } from "vitest";
import { parseContract } from "../src/contract/parse.ts";
import { known, notKnown } from "../src/gate/facts.ts";
import { openGit } from "../src/git.ts";
import { type ValidateRequest, validate } from "../src/validate.ts";
import { BUNDLE, CONTRACT, FILES } from "./promotion-files.ts";
import { newRepository, type Repository, removeFolders } from "./repository.ts";

afterAll(removeFolders);

async function check(repository: Repository, more: Partial<ValidateRequest> = {}) {
  const git = openGit(repository.folder);
  const commit = await git.head();
  const { contract } = parseContract(CONTRACT, "four-tier.yml", { allowedHosts: [] });
  if (contract === undefined) throw new Error("the contract is not valid");
  return validate({
    git,
    commit,
    root: "",
    contract,
    allowedHosts: [],
    artifacts: undefined,
    now: new Date(),
    defaultBranch: "main",
    ...more,
  });
}

it("a commit is rendered for all four tiers and compared with its parent", async () => {
  const repository = newRepository(FILES);
  repository.write("src/scoring/score.py", "# Databricks notebook source\nprint('next')\n");
  repository.commit();
  const { findings, outputs, report } = await check(repository);
  expect(findings).toEqual([]);
  expect(outputs).toMatchObject({
    changed: "true",
    "release-digest": expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  const moved = [{ key: "jobs.score", action: "update" }];
  for (const tier of ["sandbox", "dev", "staging", "prod"]) {
    const changes = (report["tiers"] as Record<string, { action: string }[]>)[tier] ?? [];
    expect(changes.filter(({ action }) => action !== "none")).toMatchObject(moved);
  }
});

it("a digest is said to be without the wheels where they are built only after the merge", async () => {
  const repository = newRepository(FILES);
  const plain = await check(repository);
  expect(plain.summary).toMatch(/Release digest: <code>[0-9a-f]{64}<\/code>\./);
  const task =
    "- { task_key: wheel, environment_key: default, python_wheel_task: { package_name: a, entry_point: b } }";
  const job = `  jobs:\n    wheel:\n      name: wheel\n      environments: [{ environment_key: default, spec: { environment_version: "4", dependencies: [./dist/*.whl] } }]\n      tasks:\n        ${task}\n`;
  repository.write("wheel.yml", `resources:\n${job}`);
  repository.write("databricks.yml", `${BUNDLE}include: [wheel.yml]\n`);
  repository.commit();
  const { findings, summary } = await check(repository);
  expect(findings).toEqual([]);
  expect(summary).toMatch(/Release digest: <code>[0-9a-f]{64}<\/code>, without the wheels, which are built after/);
});

it("what has gathered for dev and prod is told by what their records name", async () => {
  const repository = newRepository(FILES);
  const git = openGit(repository.folder);
  const prod = await git.head();
  repository.write("src/scoring/score.py", "# Databricks notebook source\nprint('next')\n");
  const dev = repository.commit("Score | anew");
  repository.write("src/data/ingest.sql", "select 2\n");
  const head = repository.commit("Ingest more");
  const indexed = (tier: string) => Promise.resolve(known(tier === "dev" ? dev : prod));
  const at = async (more: object) => {
    const { summary, report } = await check(repository, more);
    return { summary, gathered: report["gathered"] as Record<string, { commits: string[]; changes: object[] } | null> };
  };
  const both = await at({ indexed });
  // dev stands at the parent: the plan of the commit is what it gets
  expect(Object.keys(both.gathered)).toEqual(["prod"]);
  expect(both.gathered["prod"]?.commits).toEqual([head, dev]);
  expect(both.gathered["prod"]?.changes).toMatchObject([
    { key: "jobs.refresh", action: "none" },
    { key: "jobs.score", action: "update", class: "re-point" },
    { key: "jobs.watch", action: "none" },
    { key: "pipelines.ingest", action: "update", class: "re-point" },
  ]);
  expect(both.summary).toContain("has gathered for prod");
  expect(both.summary).toContain("jobs.score</code> | update | 🟢 takes new code from its next run |");
  expect(both.summary).toMatch(/Score \S+ anew/);
  expect(both.summary).not.toContain("Score | anew");

  expect(Object.keys((await at({ indexed: () => Promise.resolve(known(prod)) })).gathered)).toEqual(["dev", "prod"]);
  const gone = await at({ indexed: () => Promise.resolve(known("0".repeat(40))) });
  expect(gone.summary).toContain("which this clone does not hold");
  const unread = await at({ indexed: () => Promise.resolve(notKnown("The token may not.", "Give it.")) });
  expect(unread.summary).toContain("Not known: The token may not.");
  expect((await at({ indexed: () => Promise.resolve(known(undefined)) })).summary).toContain("it would get everything");
});

it("what is wrong in every tier is said once, at its line", async () => {
  const repository = newRepository({ ...FILES, "databricks.yml": BUNDLE.replace("score.py", "scores.py") });
  const { findings } = await check(repository);
  expect(findings).toHaveLength(1);
  expect(findings).toMatchObject([{ severity: "error", where: { kind: "file", file: "databricks.yml" } }]);
});

it("staging and prod that differ are found", async () => {
  const bundle = BUNDLE.replace("prod: {}", "prod: { resources: { jobs: { score: { max_concurrent_runs: 4 } } } }");
  const { findings } = await check(newRepository({ ...FILES, "databricks.yml": bundle }));
  expect(findings.map(({ severity }) => severity)).toContain("error");
  expect(JSON.stringify(findings)).toContain("max_concurrent_runs");
});

it("a parent that was broken is no reason to fail the commit that fixes it", async () => {
  const repository = newRepository({ ...FILES, "databricks.yml": "bundle: [" });
  repository.write("databricks.yml", BUNDLE);
  repository.commit();
  expect((await check(repository)).findings).toEqual([]);
});

it("new paths into prod are told at their lines, in the summary, and nothing is asked of a tier", async () => {
  const repository = newRepository(FILES);
  const rules = `${CONTRACT}grants:\n  rules:\n    - { on: schema prod.gold, principal: "read|ers", privileges: [SELECT] }\n`;
  repository.write("four-tier.yml", rules);
  repository.commit();
  const { contract } = parseContract(rules, "four-tier.yml", { allowedHosts: [] });
  if (contract === undefined) throw new Error("the contract is not valid");
  const { findings, summary } = await check(repository, { contract });
  expect(findings).toMatchObject([
    { id: "grants/opens-path", severity: "warning", where: { kind: "file", file: "four-tier.yml", line: 12 } },
  ]);
  expect(summary).toContain("### New paths into staging and prod");
  expect(summary).not.toContain("read|ers");
});

describe("a branch for evidence", () => {
  const findingsOf = async (branch: string, defaultBranch: string | undefined) => {
    const text = `${CONTRACT}evidence: { branch: ${branch} }\n`;
    const repository = newRepository({ ...FILES, "four-tier.yml": text });
    const { contract } = parseContract(text, "four-tier.yml", { allowedHosts: [] });
    if (contract === undefined) throw new Error("the contract is not valid");
    return (await check(repository, { contract, defaultBranch })).findings;
  };
  const where = { kind: "file", file: "four-tier.yml", line: CONTRACT.split("\n").length };

  it("that is the default branch is refused at its line, whatever that is called", async () => {
    const refused = [{ id: "evidence/default-branch", severity: "error", where }];
    expect(await findingsOf("trunk", "trunk")).toMatchObject(refused);
    expect(await findingsOf("main", "main")).toMatchObject(refused);
    expect(await findingsOf("main", "trunk")).toEqual([]);
  });

  it("is warned of where nothing says which one is the default branch, and not passed in silence", async () => {
    expect(await findingsOf("main", undefined)).toMatchObject([
      { id: "evidence/default-branch-unknown", severity: "warning", where },
    ]);
  });
});
