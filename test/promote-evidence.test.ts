/** What a promotion leaves for auditors: a document that keeps its published schema, whatever came of the promotion. */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { known } from "../src/gate/facts.ts";
import { operationEvidence } from "../src/report/evidence.ts";
import { DECIDED, judged, seen } from "./gate/facts.ts";
import { approve, failures, type Scene, scene } from "./promotion.ts";
import { BUNDLE } from "./promotion-files.ts";
import { rollbackScene } from "./rollback.ts";
import { RUN } from "./run.ts";

const schema: unknown = JSON.parse(readFileSync("evidence.schema.json", "utf8"));
const fits = new Ajv({ strict: true, strictRequired: false }).compile(schema as object);

async function promoted(prod: Scene, options: Parameters<Scene["promote"]>[0] = {}) {
  const first = await prod.promote();
  const { "release-digest": release, "plan-digest": digest } = first.result.outputs;
  const { result } = await prod.promote({ ...options, approved: { release, plan: digest } });
  return { first: first.result, result };
}

describe("the evidence of a promotion", () => {
  it("says what was let in, by what proof, by whom, and what came of it", async () => {
    const prod = await scene("prod");
    const reviewed = [{ environments: ["prod"], state: "approved", user: "hubot", comment: "Read the brief." }];
    const verification = judged(
      {
        suite: "four-tier" as const,
        version: 1 as const,
        tier: "staging" as const,
        project: "ml-pipelines",
        run: DECIDED.run,
        kind: "verification" as const,
        release: "1".repeat(64),
        passed: true,
        checks: [],
      },
      { at: "2026-11-23T11:00:00Z" },
    );
    const { result } = await promoted(prod, {
      facts: {
        approvals: known(reviewed),
        verifications: known({ ...seen, failed: undefined, passed: [verification] }),
      },
    });
    expect([fits(result.evidence), fits.errors]).toEqual([true, null]);
    expect(result.evidence).toMatchObject({
      tier: "prod",
      repository: "acme/ml-pipelines",
      release: result.outputs["release-digest"],
      commit: prod.repository.git("rev-parse", "HEAD"),
      outcome: "promoted",
      before: null,
      plan: { digest: result.outputs["plan-digest"] },
      gate: { verdict: "pass" },
      approvals: [{ by: "hubot", how: "review", at: null, says: "Read the brief." }],
      verifications: [{ at: "2026-11-23T11:00:00Z", passed: true, run: "https://gh.example/runs/800" }],
      grants: { passed: true, findings: [] },
    });
    expect(result.evidence["applied"]).toEqual(expect.arrayContaining(["jobs.score", "pipelines.ingest"]));
    expect(result.evidence["deployment"]).not.toBeNull();
  });

  it("is there for a refusal, too, with the checks that refused", async () => {
    const prod = await scene("prod");
    const { first } = await promoted(prod);
    expect([fits(first.evidence), fits.errors]).toEqual([true, null]);
    expect(first.evidence).toMatchObject({
      outcome: "refused",
      applied: [],
      deployment: null,
      gate: { verdict: "fail" },
    });
  });

  it("masks what looks like a secret", async () => {
    const prod = await scene("prod");
    const secret = "dapi0123456789abcdef0123456789abcdef";
    prod.change({
      "databricks.yml": BUNDLE.replace(
        "max_concurrent_runs: 1",
        `max_concurrent_runs: 1\n      description: ${secret}`,
      ),
    });
    const { result } = await promoted(prod);
    expect(JSON.stringify(result.evidence)).toContain("***");
    expect(JSON.stringify(result.evidence)).not.toContain(secret);
  });
});

describe("the evidence of a rollback", () => {
  it("says from what to what, why, how far it came, and that the tier is held", async () => {
    const prod = await scene("prod");
    const good = prod.repository.git("rev-parse", "HEAD");
    const first = await approve(prod);
    const extra = `${BUNDLE.trimEnd()}\n    extra:\n      name: extra\n      tasks: [{ task_key: a, condition_task: { op: EQUAL_TO, left: a, right: a } }]\n`;
    const bad = prod.change({
      "src/scoring/score.py": "# Databricks notebook source\nprint('bad')\n",
      "databricks.yml": extra,
    });
    const second = await approve(prod);
    prod.world.changeJob("prod", "refresh", (settings) => {
      settings["max_concurrent_runs"] = 7;
    });
    const { result } = await rollbackScene(prod);
    expect(failures(result)).toEqual([]);
    expect([fits(result.evidence), fits.errors]).toEqual([true, null]);
    expect(result.evidence).toMatchObject({
      kind: "rollback-evidence",
      tier: "prod",
      release: first.result.outputs["release-digest"],
      commit: good,
      before: { release: second.result.outputs["release-digest"], commit: bad },
      reason: "scores are wrong",
      verified: true,
      outcome: "rolled-back",
      reached: "end",
      held: true,
      not_applied: [],
      left: ["jobs.extra"],
      drift: { resources: ["jobs.refresh"] },
      plan: { changes: [{ key: "jobs.extra", action: "delete" }, { key: "jobs.score" }] },
      run: { event: "workflow_dispatch", actor: "octocat" },
    });
    expect(result.evidence["applied"]).toContain("jobs.score");
    expect(result.evidence["deployment"]).not.toBeNull();
  });

  it("is there for one that failed, too", async () => {
    const prod = await scene("prod");
    await approve(prod);
    prod.change({ "src/scoring/score.py": "# Databricks notebook source\nprint('bad')\n" });
    await approve(prod);
    prod.simulator.fault({
      method: "POST",
      path: "/api/2.2/jobs/reset",
      effect: "error",
      status: 403,
      times: "always",
    });
    const { result } = await rollbackScene(prod);
    expect([fits(result.evidence), fits.errors]).toEqual([true, null]);
    expect(result.evidence).toMatchObject({ outcome: "failed", reached: "paused", held: true });
    expect(result.evidence["not_applied"]).toContain("jobs.score");
  });
});

describe("the evidence of an operation", () => {
  it("says what was decided, and what was wrong", () => {
    const of = { tier: { name: "prod", project: "ml-pipelines" }, reason: "incident 7", deployment: "71" } as const;
    const finding = { id: "operate/not-kept", severity: "warning", message: "m", remedy: "r" } as const;
    const ended = {
      run: { ...RUN, triggeringActor: "hubot" },
      findings: [finding],
      now: new Date("2026-11-23T12:00:00Z"),
    };
    const rejected = operationEvidence({ ...of, operation: "reject", release: "1".repeat(64) }, ended);
    expect([fits(rejected), fits.errors]).toEqual([true, null]);
    expect(rejected).toMatchObject({
      kind: "operation-evidence",
      operation: "reject",
      release: "1".repeat(64),
      reason: "incident 7",
      deployment: "71",
      run: { actor: "octocat", triggering_actor: "hubot" },
      findings: [{ id: "operate/not-kept", severity: "warning" }],
    });
    const paused = operationEvidence(
      { ...of, operation: "pause", selector: "tag:team", until: null, schedules: ["jobs.score"] },
      { ...ended, findings: [] },
    );
    expect([fits(paused), fits.errors]).toEqual([true, null]);
    expect(paused).toMatchObject({ selector: "tag:team", until: null, schedules: ["jobs.score"], release: null });
  });
});
