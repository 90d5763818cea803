import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../../../simulator/databricks/scenario.ts";
import type { JsonObject } from "../../../simulator/json.ts";
import { as, closeAll, DEV_ID, scenario, start } from "./harness.ts";

afterEach(closeAll);

const HOME = `/Workspace/Users/${DEV_ID}`;
const bytes = (text: string) => new TextEncoder().encode(text);

async function dev(more: Partial<DatabricksScenario> = {}) {
  const simulator = await start(scenario(more));
  const call = as(simulator, "ml-pipelines-dev", "dev");
  const put = (path: string, text: string, overwrite = false) =>
    call("POST", `/api/2.0/workspace-files/import-file${path}?overwrite=${overwrite}`, { body: bytes(text) });
  const mkdirs = (path: string) => call("POST", "/api/2.0/workspace/mkdirs", { body: { path } });
  const status = (path: string) => call("GET", `/api/2.0/workspace/get-status?path=${encodeURIComponent(path)}`);
  const read = (path: string) =>
    call("GET", `/api/2.0/workspace/export?path=${encodeURIComponent(path)}&direct_download=true`);
  return { simulator, call, put, mkdirs, status, read };
}

describe("workspace files", () => {
  it("are written and read byte by byte, under both spellings of a path", async () => {
    const { put, read, status } = await dev();
    expect((await put(`${HOME}/a.txt`, "äöü")).status).toBe(200);
    expect((await read(`/Users/${DEV_ID}/a.txt`)).text).toBe("äöü");
    expect((await status(`${HOME}/a.txt`)).body).toMatchObject({
      object_type: "FILE",
      path: `/Users/${DEV_ID}/a.txt`,
      size: 6,
    });
  });

  it("need their folder, and are not overwritten unless asked", async () => {
    const { put, mkdirs, read } = await dev();
    expect((await put(`${HOME}/x/a.txt`, "1")).status).toBe(404);
    expect((await mkdirs(`${HOME}/x/y`)).status).toBe(200);
    expect((await mkdirs(`${HOME}/x/y`)).status).toBe(200);
    expect((await put(`${HOME}/x/a.txt`, "1")).status).toBe(200);
    const again = await put(`${HOME}/x/a.txt`, "2");
    expect([again.status, again.body["error_code"]]).toEqual([409, "RESOURCE_ALREADY_EXISTS"]);
    expect((await put(`${HOME}/x/a.txt`, "2", true)).status).toBe(200);
    expect((await read(`${HOME}/x/a.txt`)).text).toBe("2");
    expect((await mkdirs(`${HOME}/x/a.txt/z`)).body).toMatchObject({ error_code: "RESOURCE_ALREADY_EXISTS" });
  });

  it("become notebooks by extension and first line, and lose the extension", async () => {
    const { put, status } = await dev();
    await put(`${HOME}/train.py`, "# Databricks notebook source\nprint(1)\n");
    await put(`${HOME}/query.sql`, "-- Databricks notebook source\nselect 1");
    await put(`${HOME}/plain.py`, "print(1)\n# Databricks notebook source\n");
    expect((await status(`${HOME}/train`)).body).toMatchObject({ object_type: "NOTEBOOK", language: "PYTHON" });
    expect((await status(`${HOME}/train.py`)).status).toBe(404);
    expect((await status(`${HOME}/query`)).body).toMatchObject({ language: "SQL" });
    expect((await status(`${HOME}/plain.py`)).body).toMatchObject({ object_type: "FILE" });
    expect((await put(`${HOME}/train.py`, "# Databricks notebook source")).status).toBe(400);
  });

  it.each([
    ["conflict", 400],
    ["replace", 200],
  ] as const)("do not silently become notebooks: %s [?]", async (file_over_notebook, expected) => {
    const { put } = await dev({ behaviours: { file_over_notebook } });
    await put(`${HOME}/x.py`, "# Databricks notebook source");
    expect((await put(`${HOME}/x`, "a file", true)).status).toBe(expected);
  });

  it.each(["HTML", "DBC", "R_MARKDOWN"])("in the format %s are not modelled, and that is said", async (format) => {
    const { simulator, call } = await dev();
    const body = { path: `${HOME}/a`, format, content: "" };
    expect((await call("POST", "/api/2.0/workspace/import", { body })).status).toBe(400);
    expect(simulator.unmodelled).toEqual([`the simulator does not model import in the format ${format}`]);
  });

  it.each([
    ["conflict", 409, "RESOURCE_ALREADY_EXISTS", "already exists"],
    ["code", 400, "RESOURCE_ALREADY_EXISTS", "is taken"],
    ["text", 400, "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS: "],
  ] as const)("that are there are refused by a %s [?]", async (file_exists, status, code, text) => {
    const { put } = await dev({ behaviours: { file_exists } });
    await put(`${HOME}/a.txt`, "1");
    const again = await put(`${HOME}/a.txt`, "2");
    expect([again.status, again.body["error_code"]]).toEqual([status, code]);
    expect(again.body["message"]).toContain(text);
  });

  it("can be imported as JSON up to 10 MB, and beyond as a form", async () => {
    const { call, status } = await dev();
    const json = (size: number) =>
      call("POST", "/api/2.0/workspace/import", {
        body: {
          path: `${HOME}/big.bin`,
          format: "AUTO",
          overwrite: true,
          content: Buffer.alloc(size).toString("base64"),
        },
      });
    expect((await json(10 * 1024 * 1024)).status).toBe(200);
    expect((await json(10 * 1024 * 1024 + 1)).body).toMatchObject({ error_code: "MAX_NOTEBOOK_SIZE_EXCEEDED" });
    const form = new FormData();
    form.set("path", `${HOME}/bigger.bin`);
    form.set("format", "AUTO");
    form.set("overwrite", "true");
    form.set("content", new Blob([new Uint8Array(11 * 1024 * 1024)]), "bigger.bin");
    expect((await call("POST", "/api/2.0/workspace/import", { body: form })).status).toBe(200);
    expect((await status(`${HOME}/bigger.bin`)).body).toMatchObject({ size: 11 * 1024 * 1024 });
  });

  it("are deleted with their folder only when asked", async () => {
    const { call, put, mkdirs, simulator } = await dev();
    await mkdirs(`${HOME}/x`);
    await put(`${HOME}/x/a.txt`, "1");
    const remove = (recursive: boolean) =>
      call("POST", "/api/2.0/workspace/delete", { body: { path: `${HOME}/x`, recursive } });
    expect((await remove(false)).body).toMatchObject({ error_code: "DIRECTORY_NOT_EMPTY" });
    expect((await remove(true)).status).toBe(200);
    expect(simulator.world.files("dev", HOME)).toEqual([]);
  });

  it("are nobody else's, until a folder is shared, and then only as far as that goes", async () => {
    const { call, put, mkdirs, status, simulator } = await dev();
    await mkdirs(`${HOME}/shared`);
    await put(`${HOME}/shared/a.txt`, "1");
    const mona = as(simulator, "mona@example.com", "dev");
    const path = `/Users/${DEV_ID}/shared/a.txt`;
    const reading = () => mona("GET", `/api/2.0/workspace/export?path=${path}&direct_download=true`);
    const writing = () =>
      mona("POST", `/api/2.0/workspace-files/import-file${path}?overwrite=true`, { body: bytes("2") });
    expect((await reading()).status).toBe(403);
    const object_id = (await status(`${HOME}/shared`)).body["object_id"] as bigint;
    const list = [{ user_name: "mona@example.com", permission_level: "CAN_READ" }];
    await call("PUT", `/api/2.0/permissions/directories/${object_id}`, {
      body: { access_control_list: list },
    });
    expect((await reading()).text).toBe("1");
    expect((await writing()).status).toBe(403);
    expect((await mona("GET", `/api/2.0/workspace/list?path=/Users/${DEV_ID}`)).status).toBe(403);
    const above = await call("GET", `/api/2.0/permissions/directories/${object_id}`);
    expect(above.body["access_control_list"]).toContainEqual(
      expect.objectContaining({
        service_principal_name: DEV_ID,
        all_permissions: [expect.objectContaining({ permission_level: "CAN_MANAGE", inherited: true })],
      }),
    );
  });

  it("that are not there are told to whoever may look, and to nobody else", async () => {
    const { status, simulator } = await dev();
    expect((await status("/nope/at/all")).body).toMatchObject({ error_code: "RESOURCE_DOES_NOT_EXIST" });
    const mona = as(simulator, "mona@example.com", "dev");
    expect((await mona("GET", `/api/2.0/workspace/get-status?path=/Users/${DEV_ID}/x`)).status).toBe(403);
  });

  it("are listed one level deep", async () => {
    const { call, put, mkdirs } = await dev();
    await mkdirs(`${HOME}/x/y`);
    await put(`${HOME}/x/a.txt`, "1");
    const list = async (path: string) =>
      ((await call("GET", `/api/2.0/workspace/list?path=${path}`)).body["objects"] ?? []) as JsonObject[];
    expect((await list(`${HOME}/x`)).map(({ object_type }) => object_type)).toEqual(["DIRECTORY", "FILE"]);
    expect(await list(`${HOME}/x/y`)).toEqual([]);
  });
});

describe("faults", () => {
  it("strike the request they name, and no other", async () => {
    const { call, simulator, put } = await dev();
    simulator.fault({ path: "/api/2.0/workspace/mkdirs", nth: 2, effect: "rate-limited", retry_after: 3 });
    const mkdirs = (path: string) => call("POST", "/api/2.0/workspace/mkdirs", { body: { path } });
    expect((await mkdirs(`${HOME}/a`)).status).toBe(200);
    const limited = await mkdirs(`${HOME}/b`);
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "3"]);
    expect((await mkdirs(`${HOME}/b`)).status).toBe(200);
    simulator.fault({ path: "*/import-file/*", effect: "error", status: 503, times: "always" });
    const seen = [(await put(`${HOME}/a.txt`, "1")).status, (await put(`${HOME}/a.txt`, "1")).status];
    expect(seen).toEqual([503, 503]);
    expect(simulator.world.files("dev")).toEqual([]);
  });

  it("break the connection before the effect, or after it", async () => {
    const { simulator, put } = await dev();
    const path = "*/import-file/*";
    simulator.fault({ path, effect: "reset" });
    await expect(put(`${HOME}/a.txt`, "1")).rejects.toThrow("fetch failed");
    expect(simulator.world.files("dev")).toEqual([]);
    simulator.fault({ path, effect: "lost-answer" });
    await expect(put(`${HOME}/a.txt`, "1")).rejects.toThrow("fetch failed");
    expect(simulator.world.files("dev")).toEqual([`/Users/${DEV_ID}/a.txt`]);
    expect(simulator.requests.map(({ status, faults }) => [status, faults])).toEqual([
      [0, ["reset"]],
      [0, ["lost-answer"]],
    ]);
  });

  it("can show what was there before the last write, or refuse a good token as expired", async () => {
    const { call, simulator } = await dev();
    const created = await call("POST", "/api/2.2/jobs/create", { body: { name: "old" } });
    const job_id = created.body["job_id"] as bigint;
    await call("POST", "/api/2.2/jobs/reset", { body: { job_id, new_settings: { name: "new" } } });
    simulator.fault({ path: "/api/2.2/jobs/get", effect: "stale" });
    simulator.fault({ path: "/api/2.2/jobs/get", nth: 2, effect: "expired-token" });
    const get = () => call("GET", `/api/2.2/jobs/get?job_id=${job_id}`);
    expect((await get()).body).toMatchObject({ settings: { name: "old" } });
    expect((await get()).status).toBe(401);
    expect((await get()).body).toMatchObject({ settings: { name: "new" } });
  });

  it("leave room for something to happen between two requests", async () => {
    const { call, simulator } = await dev();
    simulator.when({ method: "POST", path: "/api/2.2/jobs/create", after: true, run: () => simulator.expireTokens() });
    expect((await call("POST", "/api/2.2/jobs/create", { body: { name: "a" } })).status).toBe(200);
    expect((await call("GET", "/api/2.2/jobs/list")).status).toBe(401);
  });
});

describe("a client", () => {
  it("that goes away in the middle of its request does no harm", async () => {
    const { call, simulator } = await dev();
    const { hostname, port } = new URL(simulator.workspaces["dev"]?.url ?? "");
    const socket = connect(Number(port), hostname);
    socket.write(
      "POST /api/2.2/jobs/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n{",
    );
    // the server has the head of the request now, and waits for the rest
    await once(socket, "data");
    socket.resetAndDestroy();
    expect((await call("GET", "/api/2.2/jobs/list")).status).toBe(200);
    expect(simulator.requests).toHaveLength(1);
  });

  it("may send 500 files at once", async () => {
    const { put, simulator } = await dev();
    const paths = Array.from({ length: 500 }, (_, index) => `${HOME}/f${index}.txt`);
    const answers = await Promise.all(paths.map((path) => put(path, "x".repeat(8192))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(simulator.world.files("dev", HOME)).toHaveLength(500);
  });
});

describe("the world", () => {
  it("is changed by hand without a request", async () => {
    const { simulator, put, read } = await dev();
    await put(`${HOME}/a.txt`, "abc");
    simulator.world.flipByte("dev", `${HOME}/a.txt`);
    expect((await read(`${HOME}/a.txt`)).text).toBe("acc");
  });

  it("starts as the scenario says", async () => {
    const { simulator } = await dev({
      files: { dev: { "/Shared/a/b.txt": "hello" } },
      jobs: {
        dev: [
          {
            id: "42",
            owner: "ml-pipelines-dev",
            settings: { name: "old", continuous: { pause_status: "PAUSED" } },
            active_runs: 1,
          },
        ],
      },
      pipelines: { dev: [{ owner: "mona@example.com", spec: { name: "p", tags: { four_tier_key: "pipelines.p" } } }] },
    });
    expect(simulator.world.files("dev", "/Shared")).toEqual(["/Shared/a/b.txt"]);
    expect(simulator.world.picture("dev")).toMatchObject([
      { kind: "job", id: "42", starts: "continuous", paused: true, activeRuns: 1, owner: "ml-pipelines-dev" },
      {
        kind: "pipeline",
        name: "p",
        starts: undefined,
        tags: { four_tier_key: "pipelines.p" },
        owner: "mona@example.com",
      },
    ]);
  });
});
