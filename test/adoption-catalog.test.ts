/** Two deployers of what a catalog holds: what the Databricks CLI made becomes ours, and it sees what is ours. */
import { expect, onTestFinished, test } from "vitest";
import { isFailure } from "../src/findings.ts";
import { ESTATE, KINDS } from "./catalog-files.ts";
import { CLI, type Cli, cliOf } from "./cli.ts";
import { type Scene, scene } from "./promotion.ts";
import { FILES, IDS } from "./promotion-files.ts";

const BUNDLE = `bundle: { name: ml-pipelines }
variables:
  catalog: { default: dev }
targets: { sandbox: {}, dev: { default: true }, staging: {}, prod: {} }
resources:${KINDS.replace("churn/training", "training")}`; // the CLI makes no folder for it
const CONTRACT = (FILES["four-tier.yml"] ?? "").slice(0, (FILES["four-tier.yml"] ?? "").indexOf("components:"));
const BUNDLE_FILES = { "databricks.yml": BUNDLE, "src/note.py": "1\n" };

function stage(): Promise<Scene> {
  return scene("dev", ESTATE, { ...BUNDLE_FILES, "four-tier.yml": CONTRACT });
}

/** Requests that made something of the four kinds. */
const makes = (requests: readonly string[]): string[] =>
  requests.filter((request) => /^POST .*\/(schemas|volumes|models|experiments\/create)$/.test(request)).sort();

test.skipIf(CLI === undefined)(
  "what the CLI made is refused, then adopted by its names and ids, and never doubled",
  async () => {
    const dev = await stage();
    const cli = cliOf(dev.simulator, { files: BUNDLE_FILES, variables: { catalog: "dev" } });
    onTestFinished(cli.end);
    await cli.run("bundle", "deploy", "--target", "dev");
    const made = makes(dev.writes());
    expect(made).toHaveLength(4);

    const refused = await dev.promote();
    expect(refused.writes).toEqual([]);
    expect(refused.result.findings.filter(isFailure).map(({ id }) => id)).toEqual(
      Array.from({ length: 4 }, () => "gate/adoption-namesake"),
    );

    const experiment = await experimentId(cli);
    const adopt = {
      "schemas.gold": "dev.gold",
      "volumes.files": "dev.gold.files",
      "registered_models.churn": "dev.gold.churn",
      "experiments.training": experiment,
    };
    dev.change({ "four-tier.yml": `${CONTRACT}adopt: { dev: ${JSON.stringify(adopt)} }\n` });
    const adopted = await dev.promote();
    expect(adopted.result.findings.filter(isFailure)).toEqual([]);
    expect(makes(dev.writes())).toEqual(made);
    expect(await seen(cli)).toEqual({ ...SEEN, experiment });
    expect(idsOf(dev)).toEqual(adopt);

    const settled = await dev.promote();
    expect(settled.result.outputs).toMatchObject({ changed: "false" });
  },
);

test.skipIf(CLI === undefined)("the CLI sees what we made", async () => {
  const dev = await stage();
  expect((await dev.promote()).result.findings.filter(isFailure)).toEqual([]);
  const cli = cliOf(dev.simulator, { files: {} });
  onTestFinished(cli.end);
  expect(await seen(cli)).toEqual({ ...SEEN, experiment: idsOf(dev)["experiments.training"] });
  expect(await cli.json("grants", "get", "schema", "dev.gold")).toEqual({
    privilege_assignments: [{ principal: "readers", privileges: ["SELECT", "USE_SCHEMA"] }],
  });
});

/** With our marks, which are a line of the comment where there are no properties. */
const SEEN = {
  schemas: ["dev.gold: What is served"],
  volumes: ["dev.gold.files: Uploads", "[four-tier: ml-pipelines dev volumes.files]"],
  models: ["dev.gold.churn: Who leaves", "[four-tier: ml-pipelines dev registered_models.churn]"],
};

interface Listed {
  readonly full_name: string;
  readonly comment?: string;
}

/** Everything of the four kinds that the CLI lists, and the experiment's id. */
async function seen(cli: Cli) {
  const list = async (...args: string[]) => {
    const found = (await cli.json(...args)) as unknown as readonly Listed[];
    return found
      .filter(({ full_name }) => full_name !== "dev.information_schema")
      .flatMap(({ full_name, comment = "" }) => `${full_name}: ${comment}`.split("\n"));
  };
  return {
    schemas: await list("schemas", "list", "dev"),
    volumes: await list("volumes", "list", "dev", "gold"),
    models: await list("registered-models", "list", "--catalog-name", "dev", "--schema-name", "gold"),
    experiment: await experimentId(cli),
  };
}

async function experimentId(cli: Cli): Promise<string> {
  const found = (await cli.json("experiments", "get-by-name", `/Users/${IDS.dev}/training`)) as unknown as {
    readonly experiment: { readonly experiment_id: string };
  };
  return found.experiment.experiment_id;
}

/** What the ledger calls them. */
function idsOf(dev: Scene): Record<string, string> {
  const text = new TextDecoder().decode(dev.world.readFile("dev", `${dev.folder}/ledger.json`));
  const { resources } = JSON.parse(text) as { resources: Record<string, { id: string }> };
  return Object.fromEntries(Object.entries(resources).map(([key, { id }]) => [key, id]));
}
