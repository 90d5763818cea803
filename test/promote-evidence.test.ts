/** What a promotion leaves for auditors: a document that keeps its published schema, whatever came of the promotion. */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { known } from "../src/gate/facts.ts";
import { DECIDED, judged, seen } from "./gate/facts.ts";
import { BUNDLE } from "./promotion-files.ts";
import { scene, type Scene } from "./promotion.ts";

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
