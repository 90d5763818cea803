import { afterEach, describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../../../simulator/databricks/scenario.ts";
import type { JsonObject } from "../../../simulator/json.ts";
import { as, closeAll, DEV_ID, scenario, start } from "./harness.ts";

afterEach(closeAll);

const PATH = "/api/2.0/pipelines";
const spec = { name: "ingest", catalog: "dev", schema: "bronze", serverless: true };

async function dev(more: Partial<DatabricksScenario> = {}) {
  const simulator = await start(scenario(more));
  const call = as(simulator, "ml-pipelines-dev", "dev");
  const create = async (given: JsonObject) => (await call("POST", PATH, { body: given })).body["pipeline_id"] as string;
  const get = async (id: string) => (await call("GET", `${PATH}/${id}`)).body;
  return { simulator, call, create, get };
}

describe("a pipeline", () => {
  it("is shown with the service's defaults and without what is input only", async () => {
    const { create, get } = await dev();
    const shown = await get(await create({ ...spec, allow_duplicate_names: true }));
    expect(shown).toMatchObject({
      name: "ingest",
      state: "IDLE",
      creator_user_name: DEV_ID,
      spec: { channel: "CURRENT", edition: "ADVANCED", continuous: false, development: false },
    });
    expect(shown["spec"]).not.toHaveProperty("allow_duplicate_names");
    expect(shown).not.toHaveProperty("run_as");
  });

  it.each([400, 409] as const)("must have a name of its own: %i [?]", async (status) => {
    const { call, create } = await dev({ behaviours: { duplicate_pipeline_name: status } });
    await create(spec);
    const answer = await call("POST", PATH, { body: spec });
    expect(answer.status).toBe(status);
    expect(answer.body["message"]).toMatch(/^The pipeline name 'ingest' is already used/);
    expect(await create({ ...spec, allow_duplicate_names: true })).toMatch(/-/);
  });

  it("is replaced whole by PUT, unless somebody was quicker", async () => {
    const { call, create, get } = await dev();
    const id = await create({ ...spec, tags: { a: "1" } });
    const { last_modified } = await get(id);
    expect(
      (await call("PUT", `${PATH}/${id}`, { body: { ...spec, expected_last_modified: last_modified ?? 0 } })).status,
    ).toBe(200);
    const after = await get(id);
    expect(after["spec"]).not.toHaveProperty("tags");
    expect(after["last_modified"]).not.toBe(last_modified);
    const late = await call("PUT", `${PATH}/${id}`, { body: { ...spec, expected_last_modified: last_modified ?? 0 } });
    expect(late.status).toBe(409);
  });

  it("cannot move between storage and catalog, and names nobody in run_as without the right", async () => {
    const { call, create, get } = await dev();
    const id = await create({ name: "hive" });
    const { spec: first } = await get(id);
    expect((await call("PUT", `${PATH}/${id}`, { body: { name: "hive", catalog: "dev" } })).status).toBe(400);
    expect((await call("PUT", `${PATH}/${id}`, { body: { name: "hive", storage: "/other" } })).status).toBe(400);
    expect((await call("PUT", `${PATH}/${id}`, { body: { name: "hive" } })).status).toBe(200);
    expect((await get(id))["spec"]).toEqual(first);
    const run_as = { service_principal_name: DEV_ID };
    expect((await call("POST", PATH, { body: { ...spec, run_as } })).status).toBe(403);
  });

  it("is found by LIKE, with its wildcards", async () => {
    const { call, create } = await dev();
    await create({ ...spec, name: "a_b" });
    await create({ ...spec, name: "axb" });
    await create({ ...spec, name: "axbc" });
    const names = async (filter: string) =>
      ((await call("GET", `${PATH}?filter=${encodeURIComponent(filter)}`)).body["statuses"] as JsonObject[]).map(
        ({ name }) => name,
      );
    expect(await names("name LIKE 'a_b'")).toEqual(["a_b", "axb"]);
    expect(await names("name LIKE '%xb%'")).toEqual(["axb", "axbc"]);
  });

  it("that is missing is a 404, and somebody else's a 403", async () => {
    const { simulator, call, create } = await dev();
    expect((await call("GET", `${PATH}/none`)).body).toMatchObject({ error_code: "RESOURCE_DOES_NOT_EXIST" });
    const id = await create(spec);
    const mona = as(simulator, "mona@example.com", "dev");
    expect((await mona("GET", `${PATH}/${id}`)).status).toBe(403);
    expect((await mona("GET", PATH)).body).toEqual({});
  });

  it("runs an update, one at a time, to the end the scenario says", async () => {
    const { call, create, get } = await dev({
      updates: [{ pipeline: "ingest", result: "FAILED", polls: 1, error: "boom" }],
    });
    const id = await create(spec);
    const update = (await call("POST", `${PATH}/${id}/updates`, { body: { validate_only: true } })).body[
      "update_id"
    ] as string;
    expect((await call("POST", `${PATH}/${id}/updates`, { body: {} })).status).toBe(409);
    const state = async () => (await call("GET", `${PATH}/${id}/updates/${update}`)).body["update"] as JsonObject;
    expect(await state()).toMatchObject({ state: "RUNNING", validate_only: true, cause: "API_CALL" });
    expect(await state()).toMatchObject({ state: "FAILED" });
    expect(await get(id)).toMatchObject({ state: "FAILED", health: "UNHEALTHY" });
    const events = await call("GET", `${PATH}/${id}/events?filter=${encodeURIComponent("level='ERROR'")}`);
    expect(events.body).toMatchObject({ events: [{ message: "boom", origin: { update_id: update } }] });
  });

  it.each(["taken", "refused"] as const)(
    "tells the events of one update, newer than a time: %s [?]",
    async (position) => {
      const updates = [{ pipeline: "ingest", polls: 1 }];
      const { simulator, call, create } = await dev({ behaviours: { update_id_filter: position }, updates });
      const id = await create(spec);
      const run = async () => {
        const { body } = await call("POST", `${PATH}/${id}/updates`, { body: { validate_only: true } });
        await call("GET", `${PATH}/${id}`);
        await call("GET", `${PATH}/${id}`);
        return body["update_id"] as string;
      };
      const [first, second] = [await run(), await run()];
      const ask = async (filter: string) => {
        const { status, body } = await call("GET", `${PATH}/${id}/events?filter=${encodeURIComponent(filter)}`);
        const events = (body["events"] ?? []) as { origin: { update_id: string } }[];
        return [status, ...events.map(({ origin }) => origin.update_id)];
      };
      const ofSecond = await ask(`update_id = '${second}'`);
      expect(ofSecond).toEqual(position === "taken" ? [200, second] : [400]);
      expect(await ask("level in ('INFO', 'WARN')")).toEqual([200, second, first]);
      expect(await ask("level='ERROR' AND timestamp > '2020-01-01T00:00:00Z'")).toEqual([200]);
      expect(await ask("timestamp > '2999-01-01T00:00:00Z'")).toEqual([200]);
      expect(simulator.unmodelled).toEqual([]);
    },
  );

  it("is made in one schema, and a dry run says what it would have", async () => {
    const { call } = await dev();
    for (const name of ["schema", "target"]) {
      const body = { name: "dotted", catalog: "dev", [name]: "dev.bronze" };
      expect((await call("POST", PATH, { body })).status).toBe(400);
    }
    const dry = await call("POST", PATH, { body: { ...spec, dry_run: true } });
    expect(dry.body["effective_settings"]).toEqual(spec);
  });

  it("that is continuous starts by itself, restarts when edited [?], and stops when told, in its time", async () => {
    const { simulator, call, create, get } = await dev();
    const id = await create({ ...spec, continuous: true });
    expect(await get(id)).toMatchObject({ state: "RUNNING", latest_updates: [{ state: "RUNNING" }] });
    await call("PUT", `${PATH}/${id}`, { body: { ...spec, continuous: true, development: false } });
    expect(simulator.world.pipeline("dev", "ingest").updates.map(({ state }) => state)).toEqual(["QUEUED", "CANCELED"]);
    await call("PUT", `${PATH}/${id}`, { body: spec });
    expect(await get(id)).toMatchObject({ state: "RUNNING" });
    await call("POST", `${PATH}/${id}/stop`, { body: {} });
    expect(simulator.world.workspace("dev").pipelines.stateOf(simulator.world.pipeline("dev", id))).toBe("STOPPING");
    expect(await get(id)).toMatchObject({ state: "IDLE" });
  });
});
