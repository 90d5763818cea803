/** Two deployers and one workspace: what the Databricks CLI deployed becomes ours, and it sees what is ours. */
import { expect, onTestFinished, test } from "vitest";
import { CLI, cliOf } from "../cli.ts";
import { FILES } from "../promotion-files.ts";
import { project, titles } from "./project.ts";

const BUNDLE_FILES = {
  ...FILES,
  // YAML allows a plain `?` before a comma in a flow mapping, and we read it; the CLI's parser (1.12.1) does not.
  "databricks.yml": (FILES["databricks.yml"] ?? "").replace("0 5 * * * ?,", '"0 5 * * * ?",'),
};
const DEV = { mode: "promote", tier: "dev" };

test.skipIf(CLI === undefined)(
  "what the Databricks CLI deployed is refused, then adopted, and never doubled",
  async () => {
    const ours = await project({ files: BUNDLE_FILES });
    const { simulator } = ours.account;
    const { world } = simulator;
    const cli = cliOf(simulator, { files: BUNDLE_FILES, variables: { catalog: "dev" } });
    onTestFinished(cli.end);
    await cli.run("bundle", "deploy", "--target", "dev");
    const names = ["refresh", "score", "watch"];
    const jobIds = names.map((name) => String(world.job("dev", name).id));
    const pipelineId = world.pipeline("dev", "ingest").id;
    const before = ours.account.writes().length;

    const refused = await ours.run(DEV);
    expect(refused.exitCode).toBe(1);
    expect(new Set(titles(refused))).toEqual(new Set(["gate/adoption-bundle"]));
    expect(titles(refused)).toHaveLength(4);
    for (const { message } of refused.annotations) expect(message).toContain("that a bundle deployment manages");
    expect(ours.account.writes().slice(before)).toEqual([]);

    const adopt = [
      ...names.map((name, index) => `jobs.${name}: "${jobIds[index]}"`),
      `pipelines.ingest: ${pipelineId}`,
    ];
    await ours.merge({
      "four-tier.yml": `${ours.account.contractText}adopt: { dev: { ${adopt.join(", ")} } }\n`,
    });
    const adopted = await ours.run(DEV);
    expect(titles(adopted)).toEqual([]);
    expect(adopted.exitCode).toBe(0);
    expect(names.map((name) => String(world.job("dev", name).id))).toEqual(jobIds);
    expect(world.jobs("dev")).toHaveLength(names.length);
    expect(world.pipelines("dev").map(({ id }) => id)).toEqual([pipelineId]);
    expect(world.job("dev", "score").settings).not.toHaveProperty("deployment");
    expect(world.job("dev", "refresh").settings).toMatchObject({
      tasks: [{ pipeline_task: { pipeline_id: pipelineId } }],
      tags: { four_tier_key: "jobs.refresh" },
    });

    const settled = ours.account.writes().length;
    expect((await ours.run(DEV)).outputs).toMatchObject({ changed: "false" });
    expect(ours.account.writes().slice(settled)).toEqual([]);

    const listed = (await cli.json("jobs", "list")) as { job_id: number | bigint }[];
    expect(listed.map(({ job_id }) => String(job_id)).sort()).toEqual([...jobIds].sort());
  },
);

test.skipIf(CLI === undefined)("the Databricks CLI sees what we promoted, and can run it", async () => {
  const ours = await project({ files: BUNDLE_FILES });
  expect(titles(await ours.run(DEV))).toEqual([]);
  const { simulator } = ours.account;
  const cli = cliOf(simulator, { files: {} });
  onTestFinished(cli.end);
  const { id } = simulator.world.job("dev", "score");
  expect(await cli.json("jobs", "get", String(id))).toMatchObject({
    job_id: id,
    settings: { name: "score", tags: { four_tier_tier: "dev" } },
  });
  expect(await cli.json("pipelines", "list-pipelines")).toMatchObject([{ name: "ingest" }]);
  expect(await cli.json("jobs", "run-now", String(id))).toMatchObject({ state: { result_state: "SUCCESS" } });
  const path = simulator.world.files("dev").find((file) => file.endsWith("/src/scoring/score")) ?? "";
  expect(await cli.run("workspace", "export", path)).toContain("print('scores')");
  expect(simulator.unmodelled).toEqual([]);
});
