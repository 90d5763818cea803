/** The repair of grants by its workflow: shown without the power to deploy, approved as a promotion is, made as it was shown. */
import { beforeAll, describe, expect, it } from "vitest";
import { edit, type StageOptions } from "../../demo/stage.ts";
import type { PromoteOptions } from "../../demo/theatre.ts";
import type { RunResult } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf } from "./expect-run.ts";
import { openPlay } from "./play.ts";

const AUDITOR = "77777777-7777-4777-8777-777777777777";
const RIGHTS = ["USE_CATALOG", "USE_SCHEMA", "BROWSE", "MANAGE"];

/** The demo's world with an auditor; `reviewers` are those of prod. */
const stageWith = (reviewers: readonly string[]): StageOptions => ({
  world: ({ databricks, github }) => {
    const issuer = "https://token.actions.githubusercontent.com";
    const subject = "repo:acme/ml-pipelines:environment:prod-audit";
    databricks.service_principals["four-tier-audit"] = {
      active: true,
      users: [],
      application_id: AUDITOR,
      workspaces: ["prod"],
      secrets: ["dose-of-prod-audit-0123456789abcdef"],
      federation: [{ issuer, subject, audiences: ["00000000-0000-4000-8000-000000000001"], subject_claim: "sub" }],
    };
    const prod = databricks.catalogs["prod"];
    if (prod === undefined) throw new Error("The scenario has no prod");
    databricks.catalogs["prod"] = { ...prod, grants: { ...prod.grants, "four-tier-audit": RIGHTS } };
    if (github.environments["prod"] !== undefined) github.environments["prod"].reviewers = [...reviewers];
    const like = github.environments["prod-read"];
    if (like === undefined) throw new Error("The scenario has no prod-read");
    github.environments["prod-audit"] = { ...like, variables: { FOUR_TIER_AUDIT_CLIENT_ID: AUDITOR } };
  },
  example: (path) => {
    edit(path("four-tier.yml"), (text) =>
      text.replace(
        /^grants:\n(?: .*\n)*/m,
        `grants:
  authority: catalog
  rules:
    - { on: catalog staging, principal: data-scientists, privileges: [BROWSE] }
    - { on: catalog prod, principal: data-scientists, privileges: [BROWSE] }
    - { on: catalog prod, principal: four-tier-audit, privileges: [${RIGHTS.join(", ")}] }
`,
      ),
    );
  },
});

describe("repair-grants.yml", () => {
  const play = openPlay(stageWith(["ada"]));
  const look = () =>
    play.stage.databricks.requests.filter(({ method, path }) => method === "PATCH" && path.includes("/permissions/"));
  const repair = (inputs: Readonly<Record<string, string>>, more: Partial<PromoteOptions> = {}): Promise<RunResult> =>
    play.promote({
      workflow: "repair-grants.yml",
      event: "workflow_dispatch",
      actor: "octocat",
      inputs,
      ...more,
    });

  beforeAll(() => {
    play.stage.databricks.world.grant("prod.gold.scores", "mona@example.com", ["SELECT"]);
  });

  it("shows the plan and changes nothing unless it is asked to", async () => {
    const run = await repair({ tier: "prod", apply: "false" });
    expectRun(run).toSucceed("repair-grants / plan");
    expect(jobOf(run, "repair-grants / repair").conclusion).toBe("skipped");
    expect(look()).toEqual([]);
  });

  it("is not made when the reviewer says no", async () => {
    const run = await repair(
      { tier: "prod", apply: "true" },
      { reviewer: () => ({ user: "ada", state: "rejected", comment: "" }) },
    );
    expect(jobOf(run, "repair-grants / repair").conclusion).not.toBe("success");
    expect(look()).toEqual([]);
  });

  it("is made once a reviewer approved, and then there is nothing left to do", async () => {
    const run = await repair({ tier: "prod", apply: "true" });
    expectRun(run).toSucceed("repair-grants / plan", "repair-grants / repair");
    expect(look()).toHaveLength(1);
    const again = await repair({ tier: "prod", apply: "true" });
    expect(jobOf(again, "repair-grants / repair").conclusion).toBe("skipped");
    expect(look()).toHaveLength(1);
  });
});

describe("a prod that nobody has to approve", () => {
  const play = openPlay(stageWith([]));

  it("is not repaired", async () => {
    play.stage.databricks.world.grant("prod.gold.scores", "mona@example.com", ["SELECT"]);
    const run = await play.dispatch("repair-grants", {
      event: "workflow_dispatch",
      actor: "octocat",
      inputs: { tier: "prod", apply: "true" },
    });
    expectRun(run).toFail(/grants\/repair-not-approved/);
    expect(play.stage.databricks.world.grants("prod.gold.scores")).toEqual({ "mona@example.com": ["SELECT"] });
  });
});
