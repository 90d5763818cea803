/** Routes that no module of ours asks: people and the CLI do. Each is asked for what is there. */
import { afterEach, expect, it } from "vitest";
import { parseJson } from "../../../simulator/json.ts";
import { as, closeAll, scenario, start } from "./harness.ts";

afterEach(closeAll);

it("each answers with what is there", async () => {
  const owner = "ml-pipelines-dev";
  const tasks = [{ task_key: "a", notebook_task: { notebook_path: "/a" } }];
  const functions = { double: {} };
  const simulator = await start(
    scenario({
      catalogs: { dev: { owner, schemas: { gold: { functions } } } },
      jobs: { dev: [{ id: "7", owner, settings: { name: "j", tasks } }] },
    }),
  );
  const ask = as(simulator, owner, "dev");
  const found = async (path: string): Promise<unknown> => {
    const { status, text } = await ask("GET", path);
    expect([path, status]).toEqual([path, 200]);
    return parseJson(text);
  };

  expect(await found("/api/2.1/unity-catalog/functions/dev.gold.double")).toMatchObject({
    full_name: "dev.gold.double",
  });
  expect(await found("/api/2.1/unity-catalog/current-metastore-assignment")).toMatchObject({
    workspace_id: 1111111111111111,
    metastore_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
  });
  const { permission_levels: levels } = (await found("/api/2.0/permissions/jobs/7/permissionLevels")) as {
    permission_levels: { permission_level: string }[];
  };
  expect(levels.map((one) => one.permission_level).toSorted()).toEqual([
    "CAN_MANAGE",
    "CAN_MANAGE_RUN",
    "CAN_VIEW",
    "IS_OWNER",
  ]);

  const started = await ask("POST", "/api/2.2/jobs/run-now", { body: { job_id: 7 } });
  const run = `/api/2.2/jobs/runs/get?run_id=${/"run_id":(\d+)/.exec(started.text)?.[1]}`;
  expect((await ask("POST", "/api/2.2/jobs/runs/cancel-all", { body: { job_id: 7 } })).status).toBe(200);
  expect(await found(run)).toMatchObject({ state: { life_cycle_state: "TERMINATED", result_state: "CANCELED" } });

  const told = await ask("POST", "/telemetry-ext", { body: { items: [] } });
  expect(told.body).toEqual({ errors: [], numProtoSuccess: 1 });
  expect(simulator.unmodelled).toEqual([]);
});
