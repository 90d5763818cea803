import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { timestamp } from "../simulator/github/text.ts";
import type { Job, Run } from "../simulator/github/world.ts";
import { known } from "../src/gate/facts.ts";
import { halfWayStatement, statementOf } from "../src/gate/record-runs.ts";
import type { GitHub } from "../src/github/client.ts";
import { type RecordInput, recordDeployment, recordOperation } from "../src/release/evidence.ts";
import { readRepository } from "../src/release/read-repository.ts";
import { recordedClosing } from "../src/release/rollback-evidence.ts";
import { readWhereabouts } from "../src/release/whereabouts.ts";
import { whatRunsWhere } from "../src/what-runs-where.ts";
import {
  addRun,
  approve,
  client,
  connect,
  deployed,
  end,
  gate,
  ids,
  LIVE,
  merged,
  PIN,
  payload,
  promoteRun,
  RELEASE,
  ROLLBACK_CALLER,
  WORKFLOWS,
} from "./release/world.ts";

const OPTIONS = { contract: "four-tier.yml", allowedHosts: [], now: new Date() };

let world: Awaited<ReturnType<typeof merged>>;
beforeEach(async () => {
  world = await merged(
    {},
    {
      ".github/workflows/rollback.yml": ROLLBACK_CALLER,
      ".github/workflows/operate.yml": `on: workflow_dispatch\njobs:\n  operate: { name: operate, uses: "${WORKFLOWS}/operate.yml@${PIN}" }\n`,
    },
  );
});
afterEach(() => world[Symbol.asyncDispose]());

const look = () => whatRunsWhere(client(world, world.github.userToken("octocat")), OPTIONS);

/** A chain that went through: dev, staging, and prod approved by hubot. */
async function promoted(): Promise<Job> {
  const { run, prod } = promoteRun(world);
  approve(world, run);
  const github = connect(world, prod);
  for (const tier of ["dev", "staging", "prod"] as const) await deployed(github, tier, run, world.commit);
  end(prod);
  return prod;
}

/** A decision by operate.yml, with the step that says so, unless `says` is another. */
type Decided =
  | Omit<RecordInput<"hold">, "run">
  | Omit<RecordInput<"resume">, "run">
  | Omit<RecordInput<"reject">, "run">
  | Omit<RecordInput<"approval">, "run">;
async function decide(input: Decided, says?: string): Promise<void> {
  const path = ".github/workflows/operate.yml";
  const referenced = [{ path: `${WORKFLOWS}/operate.yml@${PIN}`, sha: PIN }];
  const job = addRun(world, { path, event: "workflow_dispatch", referenced }, "operate / operate");
  const run = { id: String(job.run.id), attempt: 1, job: "operate" };
  const payload = { ...input, run };
  const statement = statementOf({ ...payload, suite: "four-tier", version: 1 });
  const at = job.startedAt;
  job.steps.push({ name: says ?? statement, number: 1, conclusion: "success", startedAt: at, completedAt: at });
  await recordOperation(connect(world, job), { commit: world.commit, payload, description: "decided" });
  end(job);
}

/** A rollback of prod, approved in the environment of operations by hubot. */
async function rolledBack({ by = "octocat" } = {}): Promise<Job> {
  const path = ".github/workflows/rollback.yml";
  const referenced = [{ path: `${WORKFLOWS}/rollback.yml@${PIN}`, sha: PIN }];
  const job = addRun(world, { path, event: "workflow_dispatch", referenced }, "rollback / rollback");
  const { kind: _promotion, ...what } = payload("prod", job.run);
  const input = { ...what, kind: "rollback", from: OTHER_RELEASE, reason: "scores are wrong", by } as const;
  const statement = statementOf({ ...input, suite: "four-tier", version: 1 });
  job.steps.push({
    name: statement,
    number: 1,
    conclusion: "success",
    startedAt: job.startedAt,
    completedAt: job.startedAt,
  });
  const environment = world.github.world.environments.get("prod-ops");
  if (environment === undefined) throw new Error("the scenario has prod-ops");
  job.run.approvals.push({ environments: [environment], user: "hubot", state: "approved", comment: "go back" });
  const record = await recordDeployment(connect(world, job), {
    commit: world.commit,
    payload: input,
    description: "rolling back",
  });
  await record.finish("success", "done");
  end(job);
  return job;
}

/** A promotion to prod that failed in the middle; its job has this step. `change` bends its run. */
async function stopped(step: string, { conclusion = "success", earlier = 0, ...change }: Bent = {}): Promise<Job> {
  const { run, prod } = promoteRun(world, change);
  Object.assign(prod, { attempt: run.attempt });
  const record = await recordDeployment(connect(world, prod), {
    commit: world.commit,
    payload: payload("prod", run),
    description: "promoting",
  });
  await record.finish("failure", "1 of 2 changes applied");
  prod.steps.push({
    name: step,
    number: 9,
    conclusion,
    startedAt: prod.startedAt,
    completedAt: prod.startedAt,
  });
  end(prod, "failure");
  if (earlier > 0) prod.startedAt = prod.completedAt = timestamp(new Date(Date.now() - earlier));
  return prod;
}

type Bent = Partial<Run> & { readonly conclusion?: "success" | "skipped"; readonly earlier?: number };

const OTHER_RELEASE = "9".repeat(64);
const decided = { project: "ml-pipelines", reason: "It scores everybody twice.", by: "hubot" };

describe("what runs where", () => {
  it("says what each tier has, since when, by which run, and who approved it", async () => {
    const before = new Date(Date.now() - 60_000).toISOString();
    const prod = await promoted();
    const { json, text, tiers } = await look();
    expect(tiers.map(({ tier, found }) => [tier, found.known])).toEqual([
      ["dev", true],
      ["staging", true],
      ["prod", true],
    ]);
    expect(json["tiers"]).toMatchObject({
      dev: { has: { commit: world.commit, release: RELEASE, approved_by: [] }, not_believed: [] },
      prod: { has: { approved_by: ["hubot"], run: { id: String(prod.run.id) }, verified: null }, holds: [] },
    });
    const since = tiers[2]?.found.known === true ? (tiers[2].found.value.has?.since ?? "") : "";
    expect(Date.parse(since)).toBeGreaterThan(Date.parse(before));
    expect(text).toContain(`prod     commit ${world.commit.slice(0, 12)}, release ${RELEASE.slice(0, 12)}`);
    // who asked for it and who let it in: an auditor looks for both
    expect(text).toContain("started by octocat, approved by hubot");
  });

  it("says who approved it also when the pins of the suite have moved on since", async () => {
    const { run } = await promoted();
    const { plan } = payload("prod", run);
    await decide({ ...decided, kind: "approval", tier: "prod", release: RELEASE, plan });
    const approvedBy = async () => {
      const { json } = await look();
      return v.parse(
        v.object({ prod: v.object({ has: v.object({ approved_by: v.array(v.string()) }) }) }),
        json["tiers"],
      ).prod.has.approved_by;
    };
    expect(await approvedBy()).toEqual(["hubot", "octocat"]);
    const caller = `on: workflow_dispatch\njobs:\n  operate: { name: operate, uses: "${WORKFLOWS}/operate.yml@${"e".repeat(40)}" }\n`;
    world.repository.commit("raise the pin", { ".github/workflows/operate.yml": caller }, "main");
    expect(await approvedBy()).toEqual(["hubot", "octocat"]);
  });

  it("does not believe what somebody wrote by hand, and says so", async () => {
    await promoted();
    const forged = "9".repeat(64);
    const stranger = client(world, world.github.userToken("mallory"));
    const { run } = addRun(world, { path: ".github/workflows/innocent.yml", headBranch: "innocent" }, "tests");
    await deployed(stranger, "prod", run, world.commit, { release: forged });
    const { json, text } = await look();
    expect(json["tiers"]).toMatchObject({
      prod: { has: { release: RELEASE }, not_believed: [{ creator: "mallory" }] },
    });
    expect(text).toMatch(/NOT BELIEVED: Deployment \d+ by mallory: .*did not call/);
  });

  it("shows holds and rejects with their reasons, and only those that a run stands for", async () => {
    await promoted();
    await decide({ ...decided, kind: "hold", tier: "prod", hold: "tier", selector: "", until: null });
    await decide({ ...decided, kind: "hold", tier: "staging", hold: "tier", selector: "", until: null }, "Say nothing");
    await decide({ ...decided, kind: "reject", tier: "staging", release: RELEASE });
    const { json, text } = await look();
    expect(json["tiers"]).toMatchObject({
      dev: { holds: [] },
      staging: { holds: [], has: { rejected: { reason: decided.reason } } },
      prod: { holds: [{ reason: decided.reason }] },
    });
    expect(text).toContain(`HELD: ${decided.reason}`);
    expect(text).toContain("REJECTED:");
  });

  it("knows that a promotion which stopped half way holds the tier against every other release, until it is resumed", async () => {
    await promoted();
    const first = await stopped(halfWayStatement("prod", RELEASE));
    const held = await look();
    expect(held.json["tiers"]).toMatchObject({
      prod: { holds: [{ reason: expect.stringContaining("stopped half way") as string, by: "octocat" }] },
    });
    expect(held.text).toContain(`HELD: The promotion of ${world.commit.slice(0, 12)} stopped half way`);
    // A brief that looks at no tier says so, too, but to the release that stopped, which may enter again.
    const { run, prod } = promoteRun(world);
    const asked = connect(world, prod);
    const other = await gate(world, asked, run, { stage: "plan", release: OTHER_RELEASE });
    expect(ids(other)).toContain("gate/hold-held");
    expect(ids(await gate(world, asked, run, { stage: "plan" }))).not.toContain("gate/hold-held");
    // A lost ledger gets it back, told once.
    const context = { project: "ml-pipelines", tier: "prod", suiteCommits: [] } as const;
    const repository = {
      defaultBranch: "main",
      head: world.commit,
      headIsProtected: true,
      visibility: "public",
    } as const;
    const recorded = await recordedClosing(asked, { ...context, repository });
    expect(recorded).toMatchObject({ halfWay: { release: RELEASE, run: { id: String(first.run.id) } } });

    await decide({ ...decided, kind: "resume", tier: "prod", hold: "tier", selector: "" });
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [] } });
  });

  it("is over when a promotion has gone through since", async () => {
    await stopped(halfWayStatement("prod", RELEASE));
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [{}] } });
    await promoted();
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [] } });
  });

  it.each<[string, string, Bent]>([
    ["says nothing of it: it was put back, or had begun nothing", "Check who can read and write prod", {}],
    ["says it of another release", halfWayStatement("prod", "9".repeat(64)), {}],
    ["has skipped the step that says so", halfWayStatement("prod", RELEASE), { conclusion: "skipped" }],
    ["ran on a branch", halfWayStatement("prod", RELEASE), { headBranch: "evil", ref: "refs/heads/evil" }],
    ["did not call our workflow", halfWayStatement("prod", RELEASE), { referenced: [] }],
    ["had ended long before the record was written", halfWayStatement("prod", RELEASE), { earlier: 3_600_000 }],
  ])("takes no tier for held by a promotion whose run %s", async (_name, step, change) => {
    await stopped(step, change);
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [] } });
  });

  it("says who holds a tier by the run: of a later attempt whoever started that, and never by the record's own words", async () => {
    await promoted();
    await stopped(halfWayStatement("prod", RELEASE), { attempt: 2, triggeringActor: "hubot" });
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [{ by: "hubot" }] } });
    await rolledBack({ by: "mallory" });
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [{ by: "octocat" }] } });
  });

  it("keeps a tier for held by a rollback that a promotion broke the glass over", async () => {
    await promoted();
    await rolledBack();
    const { run, prod } = promoteRun(world);
    approve(world, run);
    const overrides = [{ check: "hold" as const, reason: "Incident 8.", by: "octocat" }];
    await deployed(connect(world, prod), "prod", run, world.commit, { overrides });
    end(prod);
    const held = [{ reason: expect.stringContaining("scores are wrong") as string }];
    expect((await look()).json["tiers"]).toMatchObject({ prod: { has: { kind: "promotion" }, holds: held } });
    await promoted();
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [] } });
  });

  it("knows that a rollback holds the tier until somebody resumes it, and who approved it", async () => {
    await promoted();
    const job = await rolledBack();
    const held = await look();
    expect(held.json["tiers"]).toMatchObject({
      prod: {
        has: { kind: "rollback", approved_by: ["hubot"] },
        holds: [{ reason: expect.stringContaining("scores are wrong") as string, by: "octocat" }],
      },
    });
    expect(held.text).toMatch(/HELD: Rollback to [0-9a-f]{12}: scores are wrong/);
    expect(held.picture).toMatch(/prod\[.*rolled back, held/);
    // A brief that looks at no tier says so, too; whoever sees the ledger has it from there.
    const { run, prod } = promoteRun(world);
    const asked = connect(world, prod);
    expect(ids(await gate(world, asked, run, { stage: "plan" }))).toContain("gate/hold-held");
    expect(ids(await gate(world, asked, run, { stage: "plan-live" }))).not.toContain("gate/hold-held");
    const kept = {
      holds: [{ reason: "r", by: "b", at: "2026-11-23T12:00:00Z", until: undefined, runId: String(job.run.id) }],
      rejects: [],
    };
    const both = await gate(world, asked, run, { stage: "plan", live: { ...LIVE, kept: known(kept) } });
    expect(ids(both).filter((id) => id === "gate/hold-held")).toHaveLength(1);

    await decide({ ...decided, kind: "resume", tier: "prod", hold: "tier", selector: "" });
    expect((await look()).json["tiers"]).toMatchObject({ prod: { holds: [] } });
    expect(ids(await gate(world, asked, run, { stage: "plan" }))).not.toContain("gate/hold-held");
  });

  it("shows what keeps schedules paused, until that is lifted: one by one, or all at once", async () => {
    await promoted();
    const pause = { ...decided, tier: "prod", hold: "schedules", until: null } as const;
    const unpause = { ...decided, tier: "prod", hold: "schedules", kind: "resume" } as const;
    await decide({ ...pause, kind: "hold", selector: "name:score*" });
    await decide({ ...pause, kind: "hold", selector: "all", until: "2027-01-31" });
    const both = await look();
    expect(both.json["tiers"]).toMatchObject({
      prod: { holds: [], schedules_held: [{ of: "all", until: "2027-01-31" }, { of: "name:score*" }] },
      staging: { schedules_held: [] },
    });
    expect(both.text).toContain(`SCHEDULES HELD (name:score*): ${decided.reason}`);
    await decide({ ...unpause, selector: "all" });
    expect((await look()).json["tiers"]).toMatchObject({ prod: { schedules_held: [{ of: "name:score*" }] } });
    await decide({ ...unpause, selector: "" });
    expect((await look()).json["tiers"]).toMatchObject({ prod: { schedules_held: [] } });
  });

  it("is not hidden by what failed, or by what another project of the repository records", async () => {
    await promoted();
    for (let count = 0; count < 21; count += 1) {
      const { run, prod } = promoteRun(world);
      const github = connect(world, prod);
      await deployed(github, "prod", run, world.commit, { project: "another" });
      const failed = await recordDeployment(github, {
        commit: world.commit,
        payload: payload("prod", run),
        description: "promoting",
      });
      await failed.finish("failure", "0 of 1 changes applied");
      end(prod, "failure");
    }
    const { json, text } = await look();
    expect(json["tiers"]).toMatchObject({ prod: { has: { release: RELEASE }, unfinished: { state: "failure" } } });
    expect(text).toMatch(/failure; what that made of prod, and whether it holds it, only its ledger says/);
  });

  it("is not known, and not empty, where more records claim success than can be judged", async () => {
    await promoted();
    const stranger = client(world, world.github.userToken("mallory"));
    const { run } = addRun(world, { path: ".github/workflows/innocent.yml", headBranch: "innocent" }, "tests");
    for (let count = 0; count < 21; count += 1) await deployed(stranger, "prod", run, world.commit);
    const { tiers, text } = await look();
    expect(tiers.map(({ tier, found }) => [tier, found.known])).toEqual([
      ["dev", true],
      ["staging", true],
      ["prod", false],
    ]);
    expect(text).toMatch(/^prod +GitHub does not say: The newest Deployments of prod do not show what it has/m);
  });

  it("counts from the first record of what is there, however often it was promoted again", async () => {
    const { run, staging } = promoteRun(world);
    const github = connect(world, staging);
    await deployed(github, "dev", run, world.commit);
    const [own] = world.github.world.deployments;
    if (own === undefined) throw new Error("the first promotion has a record");
    const first = timestamp(new Date(Date.now() - 2_000)); // GitHub's times are whole seconds
    Object.assign(own, { createdAt: first });
    await deployed(github, "dev", run, world.commit);
    expect(world.github.world.deployments[1]?.createdAt).not.toBe(first);
    expect((await look()).json["tiers"]).toMatchObject({ dev: { has: { since: first } } });
  });

  it("tells what has not ended, and that nothing is there yet", async () => {
    const { run, staging } = promoteRun(world);
    const github = connect(world, staging);
    await deployed(github, "dev", run, world.commit);
    const last = world.github.world.deployments.at(-1);
    last?.statuses.splice(1);
    const { json, picture } = await look();
    expect(json["tiers"]).toMatchObject({
      dev: { has: null, unfinished: { state: "in_progress", runId: String(run.id) } },
      prod: { has: null, unfinished: null },
    });
    expect(picture).toContain('prod["<b>prod</b><br>nothing yet"]:::unsure');
  });
});

it("throws a defect in reading where evidence is kept, also where no tier has anything yet", async () => {
  const github = client(world, world.github.userToken("octocat"));
  const broken: GitHub = {
    ...github,
    list(route, parameters, schema, needs) {
      if (route.includes("/rules/")) throw new TypeError("a defect");
      return github.list(route, parameters, schema, needs);
    },
  };
  const repository = await readRepository(broken);
  const context = { project: "ml-pipelines", repository, suiteCommits: [PIN], evidenceBranch: "four-tier-evidence" };
  await expect(readWhereabouts(broken, context)).rejects.toThrow("a defect");
});

describe("the command", () => {
  const command = async (...args: string[]) =>
    promisify(execFile)(process.execPath, ["scripts/status.ts", "--repo", "acme/ml-pipelines", ...args], {
      env: {
        PATH: process.env["PATH"],
        GITHUB_TOKEN: world.github.userToken("octocat"),
        GITHUB_API_URL: world.github.apiUrl,
      },
    });

  it("prints lines, JSON or a picture", async () => {
    await promoted();
    expect((await command()).stdout).toContain("approved by hubot");
    expect(JSON.parse((await command("--json")).stdout)).toMatchObject({
      repository: "acme/ml-pipelines",
      tiers: { prod: { has: { release: RELEASE } } },
    });
    expect((await command("--mermaid")).stdout).toMatch(/^```mermaid\nflowchart LR\n/);
  });

  it("says where the contract is wrong, by file and line", async () => {
    world.repository.commit("break it", { "four-tier.yml": "project: ml-pipelines\ntears: {}\n" }, "main");
    await expect(command()).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^four-tier\.yml:2:\d+: contract\/unknown-key: /m) as string,
    });
  });

  it("says what it needs", () => {
    const asked = spawnSync(process.execPath, ["scripts/status.ts"], { encoding: "utf8", env: {} });
    expect(asked.status).toBe(2);
    expect(asked.stderr).toContain("--repo OWNER/NAME");
  });
});
