/**
 * The branch for evidence, as anybody with push access can write to it, against the gate to prod. One story: a release of
 * staging whose document is kept, and what is done to it after.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BranchRules } from "../../simulator/github/scenario.ts";
import type { Job } from "../../simulator/github/world.ts";
import { FourTierError } from "../../src/findings.ts";
import { keepingStatement } from "../../src/gate/record-runs.ts";
import type { GitHub } from "../../src/github/client.ts";
import { keepDocument } from "../../src/keep.ts";
import { whatRunsWhere } from "../../src/what-runs-where.ts";
import { MINIMAL } from "../contract/examples.ts";
import { fileOf, promotionDocument } from "../evidence-documents.ts";
import { approve, connect, contract, deployed, gate, ids, merged, promoteRun, RELEASE } from "../release/world.ts";
import { undisturbed } from "../run.ts";

const BRANCH = "four-tier-evidence";
const PLAIN = `project: ml-pipelines\n${MINIMAL}`;
const CONTRACT = `${PLAIN}evidence: { branch: ${BRANCH} }\n`;
const ONLY_GROWS = { require_pull_request: false } as const;

describe("evidence of staging, on the way to prod", () => {
  let world: Awaited<ReturnType<typeof merged>>;
  let made: ReturnType<typeof promoteRun>;
  let github: GitHub;
  let file: ReturnType<typeof fileOf>;
  let path: string;

  beforeAll(async () => {
    const rules = { main: {}, [BRANCH]: ONLY_GROWS };
    world = await merged({ protected_branches: rules }, { "four-tier.yml": CONTRACT });
    world.repository.git("branch", BRANCH);
    made = promoteRun(world);
    github = connect(world, made.prod);
    await deployed(github, "staging", made.run, world.commit);
    approve(world, made.run);
    file = documentOf({});
    says(made.staging, file.digest);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Of this run and this release; `change` bends it. */
  const documentOf = (change: Partial<Parameters<typeof promotionDocument>[0]>) =>
    fileOf(promotionDocument({ release: RELEASE, ...change, run: { id: String(made.run.id), ...change.run } }));
  const ask = (options: Parameters<typeof gate>[3] = {}, by = github) =>
    gate(world, by, made.run, { contract: contract(CONTRACT), ...options });
  const said = async (options: Parameters<typeof gate>[3] = {}) =>
    ids(await ask(options)).filter((id) => id.includes("evidence"));

  /** What our workflow's step leaves in the deploying job. */
  function says(job: Job, digest: string): void {
    const at = "2026-11-23T10:05:00Z";
    const name = keepingStatement(digest);
    job.steps.splice(0, 9, { name, number: 5, conclusion: "success", startedAt: at, completedAt: at });
  }

  /** As keep.yml does it; gives the path. */
  async function keep(document = file): Promise<string> {
    const { outputs } = await keepDocument({
      github: connect(world, made.staging, { contents: "write" }),
      run: { owner: "acme", repository: "ml-pipelines", runId: String(made.run.id), runAttempt: made.run.attempt },
      contract: contract(CONTRACT),
      tier: "staging",
      ...document,
      ...undisturbed(),
    });
    return outputs["kept-path"] ?? "";
  }

  /** As anybody who can push does it: `change` works in a checkout of the branch. */
  function push(files: Readonly<Record<string, string>>, removed?: string): void {
    const { repository } = world;
    if (removed === undefined) repository.commit("Tidy up", files, BRANCH);
    else {
      repository.git("checkout", "-q", BRANCH);
      repository.git("rm", "-q", removed);
      repository.git("commit", "-q", "-m", "Tidy up");
    }
    repository.git("checkout", "-q", "main");
  }

  /** Who is not shown the rules of branches. */
  const blind = (): GitHub => ({
    ...github,
    list: (route, ...rest) => {
      if (!route.includes("/rules/")) return github.list(route, ...rest);
      throw new FourTierError({ id: "github/permission", severity: "unknown", message: "No.", remedy: "Ask." });
    },
  });

  it("is asked for before and after the approval, and not on the way to staging", async () => {
    expect(ids(await ask({ stage: "plan" }))).toEqual(["gate/evidence-not-kept"]);
    expect(ids(await ask())).toEqual(["gate/evidence-not-kept"]);
    expect((await ask({ tier: "staging" })).checks.map(({ check }) => check)).not.toContain("evidence");
  });

  it("lets the release in once it is kept, and is shown by a link that stays right", async () => {
    path = await keep();
    const head = world.repository.git("rev-parse", BRANCH);
    const result = await ask();
    expect(ids(result)).toEqual([]);
    const url = `https://github.com/acme/ml-pipelines/blob/${head}/${path}`;
    expect(result.checks.find(({ check }) => check === "evidence")?.evidence).toEqual([
      { label: `document of run ${made.run.id}`, url },
    ]);
  });

  it("is told from what somebody pushes beside it, over it or after its removal by what the deploying job said", async () => {
    const forged = documentOf({ outcome: "failed" });
    push({ [path.replace(file.digest, forged.digest)]: forged.bytes.toString() });
    expect(await said()).toEqual([]);
    push({ [path]: forged.bytes.toString() });
    expect(await said()).toEqual(["gate/evidence-changed"]);
    push({}, path);
    expect(await said()).toEqual(["gate/evidence-not-kept"]);
    // What was taken away at the head comes back by the same job.
    expect(await keep()).toBe(path);
    expect(await said()).toEqual([]);
  });

  it("is linked to by what says what runs where, as long as it is the one that the job said", async () => {
    const look = async (by = github) => {
      const { text, json, unknown } = await whatRunsWhere(by, {
        contract: "four-tier.yml",
        allowedHosts: [],
        now: new Date(),
      });
      return { unknown, line: /^.*evidence.*$/im.exec(text)?.[0].trim(), json: JSON.stringify(json) };
    };
    const head = world.repository.git("rev-parse", BRANCH);
    const url = `https://github.com/acme/ml-pipelines/blob/${head}/${path}`;
    const kept = await look();
    expect([kept.unknown, kept.line]).toEqual([false, `evidence kept: ${url}`]);
    expect(kept.json).toContain(`"evidence":{"kept":true,"url":"${url}","sha256":"${file.digest}"}`);

    push({ [path]: documentOf({ outcome: "failed" }).bytes.toString() });
    expect((await look()).line).toMatch(/^EVIDENCE NOT KEPT: \S+ on four-tier-evidence is not the evidence of run \d+/);
    push({}, path);
    expect(await look()).toMatchObject({
      unknown: false,
      line: `EVIDENCE NOT KEPT: The evidence of run ${made.run.id}, attempt 1, which brought the release to staging, is not on four-tier-evidence.`,
    });
    expect((await look(blind())).line).toMatch(/^whether its evidence is kept is not known: .* rules cannot be read/);
    expect((await look(blind())).unknown).toBe(true);
    await keep();
  });

  it("is missed under the lock where its rules were lifted meanwhile, and unknown where they are not shown", async () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a person changes the rules, which a scenario cannot
    const rules = world.github.world.branchRules as Map<string, BranchRules>;
    const before = rules.get(BRANCH);
    if (before === undefined) throw new Error("the branch has rules");
    expect(await said({ meanwhile: () => Promise.resolve(rules.delete(BRANCH)) })).toEqual([
      "evidence/not-append-only",
    ]);
    rules.set(BRANCH, before);
    const result = await ask({}, blind());
    expect([result.verdict, ids(result)]).toEqual(["unknown", ["gate/evidence-unknown"]]);
  });

  it("of another run or of another release is none of this deployment's, even where its job said so", async () => {
    for (const change of [{ run: { id: "1" } }, { release: "9".repeat(64) }]) {
      const other = documentOf(change);
      says(made.staging, other.digest);
      push({ [path.replace(file.digest, other.digest)]: other.bytes.toString() });
      expect(await said()).toEqual(["gate/evidence-other"]);
    }
    says(made.staging, file.digest);
  });

  it("of the first attempt is not enough for what a second one deployed", async () => {
    const { staging, run } = made;
    staging.conclusion = "failure";
    const second = { ...staging, id: staging.id + 1, attempt: 2, conclusion: "success" as const, steps: [] };
    run.jobs.push(second);
    run.attempt = 2;
    const again = documentOf({ run: { attempt: 2 } });
    says(second, again.digest);
    await deployed(github, "staging", run, world.commit);
    expect(await said()).toEqual(["gate/evidence-not-kept"]);
    await keep(again);
    expect(await said()).toEqual([]);
  });

  it("is asked for by the default branch's contract, also if that begins while the run waits for its turn", async () => {
    world.repository.commit("No evidence yet", { "four-tier.yml": PLAIN });
    push({}, path.replace(/[^/]+$/, "*"));
    const own = contract(PLAIN);
    expect(await said({ contract: own })).toEqual([]);
    const meanwhile = () => Promise.resolve(world.repository.commit("Evidence", { "four-tier.yml": CONTRACT }));
    expect(await said({ contract: own, meanwhile })).toEqual(["gate/evidence-not-kept"]);
    expect(world.github.unmodelled).toEqual([]);
  });
});
