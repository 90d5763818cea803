/** MLflow experiments: named by a path, kept by an id, deleted softly. */
import { afterEach, describe, expect, it } from "vitest";
import { as, closeAll, DEV_ID, scenario, start } from "./harness.ts";

afterEach(closeAll);

const API = "/api/2.0/mlflow/experiments";
const NAME = `/Users/${DEV_ID}/churn`;

async function world() {
  const simulator = await start(
    scenario({ users: { "mona@example.com": {} }, groups: { team: { members: ["mona@example.com"] } } }),
  );
  const dev = as(simulator, "ml-pipelines-dev", "dev");
  const create = async (name = NAME, tags: { key: string; value: string }[] = []) =>
    (await dev("POST", `${API}/create`, { body: { name, tags } })).body["experiment_id"] as string;
  return { simulator, dev, create, mona: as(simulator, "mona@example.com", "dev") };
}

describe("an experiment", () => {
  it("is read by id and by name, without the prefix /Workspace and with the service's own tags", async () => {
    const { dev, create } = await world();
    const id = await create(`/Workspace${NAME}`, [{ key: "team", value: "churn" }]);
    const { experiment } = (await dev("GET", `${API}/get?experiment_id=${id}`)).body as {
      experiment: { tags: unknown };
    };
    expect(experiment).toMatchObject({ experiment_id: id, name: NAME, lifecycle_stage: "active" });
    expect(experiment.tags).toEqual(
      expect.arrayContaining([
        { key: "team", value: "churn" },
        { key: "mlflow.experimentType", value: "MLFLOW_EXPERIMENT" },
      ]),
    );
    expect((await dev("GET", `${API}/get-by-name?experiment_name=${encodeURIComponent(NAME)}`)).body).toEqual({
      experiment,
    });
    expect((await dev("GET", `${API}/get?experiment_id=1`)).status).toBe(404);
  });

  it("needs an absolute path, a folder that is there, and a name that is free", async () => {
    const { dev, create } = await world();
    const status = async (name: string) => (await dev("POST", `${API}/create`, { body: { name } })).status;
    expect([await status("churn"), await status("/Users/gone/churn")]).toEqual([400, 404]);
    await create();
    const taken = await dev("POST", `${API}/create`, { body: { name: NAME } });
    expect([taken.status, taken.body["error_code"]]).toEqual([400, "RESOURCE_ALREADY_EXISTS"]);
  });

  it("is found by its tags, renamed and tagged, and gone from searches once it is deleted", async () => {
    const { dev, create } = await world();
    const id = await create(NAME, [{ key: "team", value: "churn" }]);
    await create(`${NAME}-2`);
    const search = async (filter: string) => {
      const { body } = await dev("POST", `${API}/search`, { body: { filter, max_results: 10 } });
      return (body["experiments"] as { name: string }[] | undefined)?.map(({ name }) => name);
    };
    expect(await search("tags.team = 'churn'")).toEqual([NAME]);
    await dev("POST", `${API}/update`, { body: { experiment_id: id, new_name: `${NAME}-3` } });
    await dev("POST", `${API}/set-experiment-tag`, { body: { experiment_id: id, key: "team", value: "other" } });
    expect(await search("tags.team = 'other' AND tags.team = 'other'")).toEqual([`${NAME}-3`]);
    await dev("POST", `${API}/delete`, { body: { experiment_id: id } });
    expect(await search("tags.team = 'other'")).toBeUndefined();
    expect((await dev("GET", `${API}/get?experiment_id=${id}`)).body).toMatchObject({
      experiment: { lifecycle_stage: "deleted" },
    });
  });

  it("belongs to who made it, until others are let in", async () => {
    const { dev, create, mona } = await world();
    const id = await create();
    expect((await mona("GET", `${API}/get?experiment_id=${id}`)).status).toBe(403);
    const acl = [
      { group_name: "team", permission_level: "CAN_READ" },
      { service_principal_name: DEV_ID, permission_level: "CAN_MANAGE" },
    ];
    expect(
      (await dev("PUT", `/api/2.0/permissions/experiments/${id}`, { body: { access_control_list: acl } })).status,
    ).toBe(200);
    expect((await mona("GET", `${API}/get?experiment_id=${id}`)).status).toBe(200);
    expect((await mona("POST", `${API}/delete`, { body: { experiment_id: id } })).status).toBe(403);
    const owner = [{ service_principal_name: DEV_ID, permission_level: "IS_OWNER" }];
    expect(
      (await dev("PUT", `/api/2.0/permissions/experiments/${id}`, { body: { access_control_list: owner } })).status,
    ).toBe(400);
  });
});
