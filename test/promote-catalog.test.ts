/** Schemas, volumes, models and experiments: deployed in order, left alone when nothing changes, told apart from others'. */
import { describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { resolveTier } from "../src/contract/tiers.ts";
import { connect } from "../src/databricks/workspace.ts";
import { findDrift } from "../src/drift.ts";
import { isFailure } from "../src/findings.ts";
import { known } from "../src/gate/facts.ts";
import { kindOf } from "../src/release/kinds/index.ts";
import { ESTATE, KINDS } from "./catalog-files.ts";
import { failures, type Run, type Scene, scene } from "./promotion.ts";
import { FILES, IDS } from "./promotion-files.ts";
import { rollbackScene } from "./rollback.ts";
import { QUIET } from "./run.ts";

const TRAIN = `
    train:
      name: train
      tasks:
        - task_key: train
          notebook_task:
            notebook_path: src/train.py
            base_parameters:
              experiment_id: \${resources.experiments.training.id}
              model: \${resources.registered_models.churn.id}
`;

function bundle(kinds = KINDS): string {
  return `${FILES["databricks.yml"]?.trimEnd()}${TRAIN}${kinds}`;
}

async function stage(estate: Partial<DatabricksScenario> = ESTATE): Promise<Scene> {
  const dev = await scene("dev", estate, { "src/train.py": "# Databricks notebook source\n" });
  dev.change({ "databricks.yml": bundle() });
  return dev;
}

function passed(run: Run): readonly string[] {
  expect(run.result.findings.filter(isFailure)).toEqual([]);
  // a search is sent as a POST
  return run.writes.filter((write) => !write.endsWith("/experiments/search"));
}

/** Writes to what a bundle declares, without the ledger, the lock and files. */
function own(writes: readonly string[]): string[] {
  return writes.filter((write) => !/\/workspace(-files)?\//.test(write) && !write.includes("/permissions/directories"));
}

/** Somebody makes a table in the schema that the release declares. */
function putTable({ world }: Scene): void {
  const schema = world.securable("dev.gold");
  schema.children.set("table scores", {
    ...schema,
    type: "table",
    name: "scores",
    fullName: "dev.gold.scores",
    children: new Map(),
  });
}

const destructive = (keys: string): string =>
  (FILES["four-tier.yml"] ?? "").replace("dev: { workspace", `dev: { destructive: [${keys}], workspace`);

describe("a release with objects of Unity Catalog and an experiment", () => {
  it("is applied in order: schemas, volumes, models, experiments, pipelines, jobs", async () => {
    const dev = await stage();
    const creates = own(passed(await dev.promote()))
      .filter((write) => write.startsWith("POST "))
      .map((write) => write.replace(/^POST \/api\/2\.\d\/(unity-catalog\/|mlflow\/)?/, ""));
    expect(creates.slice(0, 5)).toEqual(["schemas", "volumes", "models", "experiments/create", "pipelines"]);
    expect(creates.slice(5).every((write) => write === "jobs/create")).toBe(true);

    const { world } = dev;
    expect(world.securable("dev.gold")).toMatchObject({
      comment: "What is served",
      properties: {
        team: "churn",
        four_tier_project: "ml-pipelines",
        four_tier_tier: "dev",
        four_tier_key: "schemas.gold",
      },
    });
    expect(world.securable("dev.gold.files").comment).toBe("Uploads\n[four-tier: ml-pipelines dev volumes.files]");
    expect(world.grants("dev.gold")).toEqual({ readers: ["SELECT", "USE_SCHEMA"] });
    expect(world.grants("dev.gold.churn")).toEqual({ readers: ["EXECUTE"] });
    const [experiment] = world.workspace("dev").experiments.all;
    expect(experiment?.name).toBe(`/Users/${IDS.dev}/churn/training`);
    expect(JSON.stringify(world.job("dev", "train").settings["tasks"])).toContain(
      `{"experiment_id":"${experiment?.id}","model":"dev.gold.churn"}`,
    );
  });

  it("is left alone when nothing changed, for one list a kind", async () => {
    const dev = await stage();
    passed(await dev.promote());
    const before = dev.simulator.requests.length;
    const again = await dev.promote();
    expect(passed(again)).toEqual([]);
    const asked = dev.simulator.requests.slice(before).filter(({ path }) => /unity-catalog|mlflow/.test(path));
    expect(asked.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      "GET /api/2.1/unity-catalog/models",
      "GET /api/2.1/unity-catalog/schemas",
      "GET /api/2.1/unity-catalog/volumes",
      "POST /api/2.0/mlflow/experiments/search",
    ]);
    expect(passed(await dev.promote({ deep: true }))).toEqual([]);
  });

  it("changes in place what can be, and says what a change of name would lose", async () => {
    const dev = await stage();
    passed(await dev.promote());
    dev.change({
      "databricks.yml": bundle(
        KINDS.replace("What is served", "Served")
          .replace("value: churn }]", "value: other }]")
          .replace("churn/training", "churn/models")
          .replace("[USE_SCHEMA, SELECT]", "[USE SCHEMA]"),
      ),
    });
    expect(own(passed(await dev.promote())).sort()).toEqual([
      "PATCH /api/2.1/unity-catalog/permissions/schema/dev.gold",
      "PATCH /api/2.1/unity-catalog/schemas/dev.gold",
      "POST /api/2.0/mlflow/experiments/set-experiment-tag",
      "POST /api/2.0/mlflow/experiments/update",
    ]);
    expect(dev.world.grants("dev.gold")).toEqual({ readers: ["USE_SCHEMA"] });
    expect(dev.world.workspace("dev").experiments.all).toMatchObject([{ name: `/Users/${IDS.dev}/churn/models` }]);

    dev.change({ "databricks.yml": bundle(KINDS.replace("name: files", "name: uploads")) });
    const refused = await dev.promote();
    expect(refused.writes).toEqual([]);
    const finding = refused.result.findings.find(({ id }) => id === "gate/destructive");
    expect(finding).toMatchObject({
      message: "The plan would replace volumes.files in dev. Lost would be: all files of a managed volume.",
    });
  });

  it("is never recreated unseen: a model's versions and aliases would be lost", async () => {
    const dev = await stage();
    passed(await dev.promote());
    dev.change({ "databricks.yml": bundle(KINDS.replace("name: churn\n", "name: leaving\n")) });
    const refused = await dev.promote();
    expect(refused.writes).toEqual([]);
    expect(refused.result.findings.find(({ id }) => id === "gate/destructive")).toMatchObject({
      message: "The plan would replace registered_models.churn in dev. Lost would be: all versions and aliases.",
    });
  });

  it("is deleted last and in reverse, what the contract lists, and a schema only if it is empty", async () => {
    const dev = await stage();
    passed(await dev.promote());
    dev.change({
      "databricks.yml": `${FILES["databricks.yml"]}`,
      "four-tier.yml": destructive(
        "schemas.gold, volumes.files, registered_models.churn, experiments.training, jobs.train",
      ),
    });
    const gone = own(passed(await dev.promote()));
    expect(gone).toEqual([
      "POST /api/2.2/jobs/delete",
      "POST /api/2.0/mlflow/experiments/delete",
      "DELETE /api/2.1/unity-catalog/models/dev.gold.churn",
      "DELETE /api/2.1/unity-catalog/volumes/dev.gold.files",
      "DELETE /api/2.1/unity-catalog/schemas/dev.gold",
    ]);
  });

  it("never empties a schema: with a table in it, nothing begins", async () => {
    const dev = await stage();
    passed(await dev.promote());
    const { world } = dev;
    putTable(dev);
    dev.change({
      "databricks.yml": `${FILES["databricks.yml"]}`,
      "four-tier.yml": destructive(
        "schemas.gold, volumes.files, registered_models.churn, experiments.training, jobs.train",
      ),
    });
    const before = dev.writes().length;
    await expect(dev.promote()).rejects.toThrow(
      "release/schema-not-empty: schemas.gold would be dropped, and holds dev.gold.scores. Move or drop",
    );
    expect(dev.writes().slice(before)).toEqual([]);
    expect(world.securable("dev.gold").children.has("table scores")).toBe(true);
  });
});

describe("a rollback", () => {
  it("leaves a schema that the old release does not know, with what is in it, and drift says so", async () => {
    const dev = await stage();
    const without = dev.repository.git("rev-parse", "HEAD~1");
    passed(await dev.promote({ commit: without }));
    passed(await dev.promote());
    putTable(dev);
    expect(failures((await rollbackScene(dev)).result)).toEqual([]);
    expect(dev.world.securable("dev.gold").children.has("table scores")).toBe(true);

    const { findings } = await findDrift({
      tier: resolveTier(await dev.contract(without), "dev"),
      workspace: dev.connect(),
      principal: IDS.dev,
      current: () => Promise.resolve(known({ commit: without, release: dev.recorded?.release ?? "" })),
      log: QUIET,
    });
    expect(findings.map(({ id, where }) => [id, where?.kind === "resource" ? where.key : ""])).toEqual(
      ["experiments.training", "jobs.train", "registered_models.churn", "schemas.gold", "volumes.files"].map((key) => [
        "release/left",
        key,
      ]),
    );
  });
});

describe("what somebody did by hand", () => {
  it("to a comment, a property, a tag or a declared grant is drift, and what others were granted is not", async () => {
    const dev = await stage();
    passed(await dev.promote());
    const { world } = dev;
    world.grant("dev.gold", "analysts", ["SELECT"]);
    expect(passed(await dev.promote({ deep: true }))).toEqual([]);

    world.securable("dev.gold").comment = "mine";
    world.securable("dev.gold.files").comment = "mine";
    world.revoke("dev.gold", "readers", ["SELECT"]);
    world.workspace("dev").experiments.all[0]?.tags.set("team", "mine");
    const repaired = await dev.promote({ deep: true });
    expect(own(passed(repaired)).sort()).toEqual([
      "PATCH /api/2.1/unity-catalog/permissions/schema/dev.gold",
      "PATCH /api/2.1/unity-catalog/schemas/dev.gold",
      "PATCH /api/2.1/unity-catalog/volumes/dev.gold.files",
      "POST /api/2.0/mlflow/experiments/set-experiment-tag",
    ]);
    const { drift } = repaired.result.report as { drift: { entries: { key: string; fields: { path: string }[] }[] } };
    expect(drift.entries.map(({ key, fields }) => [key, fields.map(({ path }) => path)])).toEqual([
      ["experiments.training", ["tags.team"]],
      ["schemas.gold", ["comment", "grants[readers].privileges"]],
      ["volumes.files", ["comment"]],
    ]);
    expect(world.grants("dev.gold")).toEqual({ readers: ["SELECT", "USE_SCHEMA"], analysts: ["SELECT"] });
  });

  it("to the mark keeps a resource from being deleted", async () => {
    const dev = await stage();
    passed(await dev.promote());
    dev.world.securable("dev.gold.files").comment = "mine now";
    dev.change({
      "databricks.yml": bundle(KINDS.replace(/ {2}volumes:[\s\S]*?(?= {2}registered_models)/, "")),
      "four-tier.yml": destructive("volumes.files"),
    });
    const { result, writes } = await dev.promote();
    expect(result.findings.filter(isFailure)).toMatchObject([
      { id: "release/not-marked", message: expect.stringMatching(/^volumes\.files would be deleted/) as string },
    ]);
    expect(result.summary).toContain("❌ | <code>destructive</code>");
    expect(writes).toEqual([]);
    expect(dev.world.securable("dev.gold.files").comment).toBe("mine now");
  });
});

describe("what stood there before", () => {
  const standing: Partial<DatabricksScenario> = {
    ...ESTATE,
    catalogs: { dev: { owner: "ml-pipelines-dev", schemas: { gold: { comment: "old", tables: { scores: {} } } } } },
  };

  it("stops the promotion by its name, unless the contract adopts it", async () => {
    const dev = await stage(standing);
    const refused = await dev.promote();
    expect(refused.writes).toEqual([]);
    expect(
      refused.result.findings.filter(isFailure).map(({ id, message }) => [id, /"dev\.gold"/.test(message)]),
    ).toEqual([["gate/adoption-namesake", true]]);

    dev.change({ "four-tier.yml": `${FILES["four-tier.yml"]}adopt: { dev: { schemas.gold: dev.gold } }\n` });
    passed(await dev.promote());
    expect(dev.world.securable("dev.gold")).toMatchObject({ comment: "What is served" });
    expect(dev.world.securable("dev.gold").children.has("table scores")).toBe(true);
  });

  it("cannot be adopted under another name", async () => {
    const dev = await stage({
      ...ESTATE,
      catalogs: { dev: { owner: "ml-pipelines-dev", schemas: { platinum: {} } } },
    });
    dev.change({ "four-tier.yml": `${FILES["four-tier.yml"]}adopt: { dev: { schemas.gold: dev.platinum } }\n` });
    await expect(dev.promote()).rejects.toMatchObject({ findings: [{ id: "release/adopt-name" }] });
  });
});

describe("whoever only looks", () => {
  it("sees what may be browsed, and no grants: they are then not compared", async () => {
    const viewer = {
      application_id: "55555555-5555-4555-8555-555555555555",
      workspaces: ["dev"],
      secrets: ["dose-view"],
    };
    const owner = { application_id: IDS.dev, workspaces: ["dev"], secrets: ["dose-dev-secret"] };
    const dev = await stage({
      ...ESTATE,
      service_principals: { "ml-pipelines-dev": owner, viewer },
      catalogs: { dev: { owner: "ml-pipelines-dev", grants: { viewer: ["BROWSE"] } } },
    });
    passed(await dev.promote());
    const { clientId, clientSecret } = dev.simulator.credentials("viewer");
    const workspace = connect({
      host: dev.simulator.workspaces["dev"]?.url ?? "",
      credentials: { kind: "secret", clientId, clientSecret },
      log: QUIET,
    });
    const found = await Promise.all(
      ["schemas", "volumes", "registered_models"].map(async (kind, index) => {
        const id = ["dev.gold", "dev.gold.files", "dev.gold.churn"][index] ?? "";
        return [(await kindOf(kind).read(workspace, id))?.name, await kindOf(kind).readAccess(workspace, id)];
      }),
    );
    expect(found).toEqual([
      ["dev.gold", undefined],
      ["dev.gold.files", undefined],
      ["dev.gold.churn", undefined],
    ]);
  });
});

describe("what the service may do one way or the other", () => {
  it.each<NonNullable<DatabricksScenario["behaviours"]>>([
    { securable_exists: 409 },
    { catalog_properties: "merge" },
    { workspace_paths: "prefixed" },
    { empty_pages: true },
  ])("%j changes nothing about what is deployed and left alone", async (behaviours) => {
    const dev = await stage({ ...ESTATE, behaviours });
    passed(await dev.promote());
    expect(passed(await dev.promote())).toEqual([]);
    dev.change({ "databricks.yml": bundle(KINDS.replace("team: churn", "group: churn").replace("Uploads", "Files")) });
    expect(own(passed(await dev.promote())).sort()).toEqual([
      "PATCH /api/2.1/unity-catalog/schemas/dev.gold",
      "PATCH /api/2.1/unity-catalog/volumes/dev.gold.files",
    ]);
    expect(passed(await dev.promote({ deep: true }))).toEqual([]);
  });
});

describe("a lost answer", () => {
  it.each(["/api/2.1/unity-catalog/schemas", "/api/2.1/unity-catalog/models", "/api/2.0/mlflow/experiments/create"])(
    "to POST %s makes nothing twice",
    async (path) => {
      const dev = await stage({ ...ESTATE, faults: [{ method: "POST", path, effect: "lost-answer" }] });
      passed(await dev.promote());
      expect(dev.writes().filter((write) => write === `POST ${path}`)).toHaveLength(1);
      expect(passed(await dev.promote())).toEqual([]);
    },
  );
});

describe("a ledger that is lost", () => {
  it("is found again by names and marks", async () => {
    const dev = await stage();
    passed(await dev.promote());
    dev.recorded = undefined; // nobody proves a release: it is a first promotion again
    const files = dev.world.workspace("dev").files;
    for (const { path } of files.all)
      if (path.endsWith("ledger.json")) files.delete(dev.world.principal("ml-pipelines-dev"), path, false);
    expect(
      own(passed(await dev.promote())).filter((write) => /create|POST .*(schemas|volumes|models)$/.test(write)),
    ).toEqual([]);
    expect(dev.world.workspace("dev").experiments.all).toHaveLength(1);
  });
});
