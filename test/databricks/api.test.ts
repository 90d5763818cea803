import { describe, expect, it } from "vitest";
import { ApiError, isMissing, LostAnswer, UnexpectedAnswer } from "../../src/databricks/errors.ts";
import { searchExperiments } from "../../src/databricks/experiments.ts";
import { fileStatus, listFolder, readFile, writeFile } from "../../src/databricks/files.ts";
import {
  createJob,
  deleteJob,
  getJob,
  getRun,
  listJobs,
  listRuns,
  resetJob,
  runNow,
} from "../../src/databricks/jobs.ts";
import { getPermissions, putPermissions } from "../../src/databricks/permissions.ts";
import {
  createPipeline,
  deletePipeline,
  getPipeline,
  listPipelines,
  updatePipeline,
} from "../../src/databricks/pipelines.ts";
import { findServicePrincipals, findUser, listGroups } from "../../src/databricks/scim.ts";
import { getBindings, getCatalog, listModels, listTables } from "../../src/databricks/unity.ts";
import { getEffectiveGrants, getGrants } from "../../src/databricks/unity-grants.ts";
import { json } from "../http/loopback.ts";
import { collect, connectTo, fakeWorkspace, type Routes } from "./fake.ts";

const BIG = "8728374651029384756";

async function open(routes: Routes) {
  const fake = await fakeWorkspace(routes);
  return { ...fake, ...connectTo(fake.url) };
}

/** A route that answers pages in order. */
const inPages =
  (...pages: readonly unknown[]): Routes[string] =>
  (_request, response, count) =>
    json(response, 200, pages[count - 1] ?? {});

const missingJob = { error_code: "INVALID_PARAMETER_VALUE", message: "Job 7 does not exist." };

describe("connections", () => {
  it("names method, path, status, code and request id in errors, and no query", async () => {
    const { workspace } = await open({
      "GET /api/x": (_request, response) =>
        json(response, 403, { error_code: "PERMISSION_DENIED", message: "You may not" }, { "x-request-id": "req-7" }),
    });
    const error = await workspace
      .call({ method: "GET", path: "/api/x", query: { q: "canary" } })
      .catch((error: unknown) => error);
    expect(error).toMatchObject({ status: 403, code: "PERMISSION_DENIED", request: "GET /api/x", requestId: "req-7" });
    expect((error as ApiError).findings[0]?.where).toEqual({
      kind: "request",
      method: "GET",
      path: "/api/x",
      status: 403,
      requestId: "req-7",
    });
    expect(String(error)).not.toContain("canary");
  });

  it("cannot be led to another host by a path", async () => {
    const { workspace, seen } = await open({});
    await expect(workspace.call({ method: "GET", path: "@127.0.0.1:1/x" })).rejects.toThrow("http/host-refused");
    const before = seen.length;
    await expect(workspace.call({ method: "GET", path: "//127.0.0.1:1/x" })).rejects.toThrow("404");
    expect(seen.length).toBe(before + 1);
  });

  it.each([
    "http://dev.cloud.databricks.com",
    "https://user:pass@dev.cloud.databricks.com",
    "https://x.databricks.com/path",
    "https://x.databricks.com?o=1",
    "dev.cloud.databricks.com",
  ])("refuses %s as a workspace", (host) => {
    expect(() => connectTo(host)).toThrow("databricks/host");
  });

  it("says what is wrong when a page comes with 200 that is no answer of the API", async () => {
    const { workspace } = await open({
      "GET /api/2.0/workspace/get-status": (_request, response) => void response.end("<html>Sign in</html>"),
    });
    await expect(fileStatus(workspace, "/Workspace/x")).rejects.toThrow(UnexpectedAnswer);
  });

  it("names the workspace to a host that serves several, and to no other", async () => {
    const ask = async (host_type: string): Promise<unknown> => {
      const fake = await fakeWorkspace({
        "GET /.well-known/databricks-config": (_request, response) => json(response, 200, { host_type }),
        "GET /api/x": (_request, response) => json(response, 200, {}),
      });
      const { workspace } = connectTo(fake.url, { workspaceId: "1234" });
      await workspace.call({ method: "GET", path: "/api/x" });
      return fake.calls[0]?.headers["x-databricks-workspace-id"];
    };
    expect(await ask("unified")).toBe("1234");
    expect(await ask("workspace")).toBeUndefined();
  });
});

describe("jobs", () => {
  it("keeps every digit of an id, there and back", async () => {
    const { workspace, calls } = await open({
      "POST /api/2.2/jobs/create": (_request, response) => json(response, 200, `{"job_id": ${BIG}}`),
      "POST /api/2.2/jobs/reset": (_request, response) => json(response, 200, {}),
    });
    const id = await createJob(workspace, { name: "score" });
    expect(id).toBe(BIG);
    await resetJob(workspace, id, { name: "score" });
    expect(calls[1]?.body.toString()).toBe(`{"job_id":${BIG},"new_settings":{"name":"score"}}`);
  });

  it("walks all pages, empty ones and pages without the key included", async () => {
    const job = (job_id: number) => ({ job_id, settings: { name: `job ${job_id}` }, creator_user_name: "a@b.c" });
    const { workspace, calls } = await open({
      "GET /api/2.2/jobs/list": inPages(
        { jobs: [job(1)], next_page_token: "t1" },
        { jobs: [], next_page_token: "t2" },
        { next_page_token: "t3" },
        { jobs: [job(2)], next_page_token: "" },
      ),
    });
    expect(
      (await collect(listJobs(workspace, { name: "x", expandTasks: true }))).map(({ id, name }) => [id, name]),
    ).toEqual([
      ["1", "job 1"],
      ["2", "job 2"],
    ]);
    expect(calls.map(({ query }) => Object.fromEntries(query))).toEqual([
      { limit: "100", name: "x", expand_tasks: "true" },
      { limit: "100", name: "x", expand_tasks: "true", page_token: "t1" },
      { limit: "100", name: "x", expand_tasks: "true", page_token: "t2" },
      { limit: "100", name: "x", expand_tasks: "true", page_token: "t3" },
    ]);
  });

  it("stops at a list that names the same page again and again", async () => {
    const { workspace, calls } = await open({
      "GET /api/2.2/jobs/list": (_request, response) => json(response, 200, { jobs: [], next_page_token: "again" }),
    });
    await expect(collect(listJobs(workspace))).rejects.toThrow(UnexpectedAnswer);
    expect(calls).toHaveLength(2);
  });

  it("stops at a search that names the same page again and again, and asks for a page in its body", async () => {
    const { workspace, calls } = await open({
      "POST /api/2.0/mlflow/experiments/search": (_request, response) =>
        json(response, 200, { experiments: [], next_page_token: "again" }),
    });
    await expect(searchExperiments(workspace, { key: "k" })).rejects.toThrow(UnexpectedAnswer);
    const asked = { filter: "tags.key = 'k'", max_results: 1000, view_type: "ACTIVE_ONLY" };
    expect(calls.map(({ body }) => JSON.parse(body.toString()) as unknown)).toEqual([
      asked,
      { ...asked, page_token: "again" },
    ]);
  });

  it("merges the pages of a job with many tasks", async () => {
    const { workspace } = await open({
      "GET /api/2.2/jobs/get": inPages(
        {
          job_id: 7,
          settings: { name: "big", tasks: [{ task_key: "a" }], parameters: [{ name: "p" }] },
          next_page_token: "2",
        },
        { job_id: 7, settings: { tasks: [{ task_key: "b" }] } },
      ),
    });
    expect((await getJob(workspace, "7"))?.settings).toEqual({
      name: "big",
      tasks: [{ task_key: "a" }, { task_key: "b" }],
      parameters: [{ name: "p" }],
    });
  });

  it("takes the service's 400 for a missing job as missing, and no other 400", async () => {
    const gone = (_request: unknown, response: Parameters<Routes[string]>[1]): void => json(response, 400, missingJob);
    const { workspace } = await open({
      "GET /api/2.2/jobs/get": gone,
      "POST /api/2.2/jobs/delete": gone,
      "POST /api/2.2/jobs/reset": gone,
    });
    expect(await getJob(workspace, "7")).toBeUndefined();
    await expect(deleteJob(workspace, "7")).resolves.toBeUndefined();
    const error = await resetJob(workspace, "7", {}).catch((error: unknown) => error);
    expect(isMissing(error)).toBe(true);

    const bad = await open({
      "GET /api/2.2/jobs/get": (_request, response) =>
        json(response, 400, { error_code: "INVALID_PARAMETER_VALUE", message: "bad id" }),
    });
    await expect(getJob(bad.workspace, "7")).rejects.toThrow(ApiError);
  });

  it("does not take a proxy's 404, or an API that is not there, for a missing job", async () => {
    for (const body of ["<html>not here</html>", { error_code: "ENDPOINT_NOT_FOUND", message: "No API found" }, ""]) {
      const { workspace } = await open({ "GET /api/2.2/jobs/get": (_request, response) => json(response, 404, body) });
      await expect(getJob(workspace, "7")).rejects.toThrow("404");
    }
  });

  it.each([
    ["a reset after it was sent", (response: Parameters<Routes[string]>[1]) => void response.socket?.resetAndDestroy()],
    ["500", (response: Parameters<Routes[string]>[1]) => void response.writeHead(500).end()],
    ["503", (response: Parameters<Routes[string]>[1]) => void response.writeHead(503, { "retry-after": "1" }).end()],
  ])("never sends a create twice: %s", async (_what, fail) => {
    const { workspace, calls } = await open({ "POST /api/2.2/jobs/create": (_request, response) => fail(response) });
    await expect(createJob(workspace, { name: "score" })).rejects.toThrow(LostAnswer);
    expect(calls).toHaveLength(1);
  });

  it("sends a create again when it was throttled", async () => {
    const { workspace, clock } = await open({
      "POST /api/2.2/jobs/create": (_request, response, count) =>
        count === 1
          ? json(response, 429, { error_code: "REQUEST_LIMIT_EXCEEDED", message: "slow down" }, { "retry-after": "9" })
          : json(response, 200, { job_id: 5 }),
    });
    expect(await createJob(workspace, {})).toBe("5");
    expect(clock.slept).toEqual([9_000]);
  });

  it("starts a run once even if the answer is lost, by its token", async () => {
    const { workspace, calls } = await open({
      "POST /api/2.2/jobs/run-now": (_request, response, count) =>
        count === 1 ? void response.socket?.resetAndDestroy() : json(response, 200, { run_id: 9 }),
    });
    expect(await runNow(workspace, "7", { idempotencyToken: "t".repeat(64) })).toBe("9");
    expect(new Set(calls.map(({ body }) => body.toString())).size).toBe(1);
    await expect(runNow(workspace, "7", { idempotencyToken: "t".repeat(65) })).rejects.toThrow(RangeError);
  });

  it.each([
    [{ status: { state: "RUNNING" } }, false, false, undefined],
    [{ status: { state: "TERMINATED", termination_details: { code: "SUCCESS" } } }, true, true, "SUCCESS"],
    [
      { status: { state: "TERMINATED", termination_details: { code: "SUCCESS_WITH_FAILURES" } } },
      true,
      false,
      "SUCCESS_WITH_FAILURES",
    ],
    [{ status: { state: "TERMINATED", termination_details: { code: "SOMETHING_NEW" } } }, true, false, "SOMETHING_NEW"],
    [{ state: { life_cycle_state: "INTERNAL_ERROR", result_state: "FAILED" } }, true, false, "FAILED"],
    [{ state: { life_cycle_state: "TERMINATED", result_state: "SUCCESS" } }, true, true, "SUCCESS"],
    [{ state: { life_cycle_state: "SKIPPED" } }, true, false, undefined],
    [{ state: { life_cycle_state: "BLOCKED" } }, false, false, undefined],
    [{}, false, false, undefined],
  ])("reads the state of a run: %o", async (fields, done, succeeded, code) => {
    const { workspace } = await open({
      "GET /api/2.2/jobs/runs/get": (_request, response) => json(response, 200, { run_id: 1, ...fields }),
    });
    expect(await getRun(workspace, "1")).toMatchObject({ done, succeeded, code });
  });

  it("asks for no more runs a page than the service gives", async () => {
    const { workspace, calls } = await open({ "GET /api/2.2/jobs/runs/list": inPages({}) });
    expect(await collect(listRuns(workspace, { jobId: "7", activeOnly: true }))).toEqual([]);
    expect(Number(calls[0]?.query.get("limit"))).toBeLessThan(25);
  });
});

describe("pipelines", () => {
  it("says LostAnswer for a create, and for an update that only its own first attempt would refuse", async () => {
    const reset: Routes[string] = (_request, response) => void response.socket?.resetAndDestroy();
    const { workspace, calls } = await open({ "POST /api/2.0/pipelines": reset, "PUT /api/2.0/pipelines/p1": reset });
    await expect(createPipeline(workspace, { name: "x" })).rejects.toThrow(LostAnswer);
    await expect(updatePipeline(workspace, "p1", {}, { expectedLastModified: 5 })).rejects.toThrow(LostAnswer);
    expect(calls).toHaveLength(2);
    expect(calls[1]?.body.toString()).toBe('{"expected_last_modified":5}');
  });

  it("asks for 100 a page and gives what is there; a missing one is undefined", async () => {
    const { workspace, calls } = await open({
      "GET /api/2.0/pipelines": inPages({ statuses: [{ pipeline_id: "a", name: "A", state: "IDLE" }] }),
      "GET /api/2.0/pipelines/a": inPages({
        pipeline_id: "a",
        name: "A",
        state: "IDLE",
        spec: { name: "A" },
        last_modified: 1_700_000_000_000,
        // A time in milliseconds may come as text; `Date.parse` takes its digits for a year.
        latest_updates: [{ creation_time: "1700000000001" }],
      }),
      "GET /api/2.0/pipelines/b": (_request, response) =>
        json(response, 404, {
          error_code: "RESOURCE_DOES_NOT_EXIST",
          message: "The specified pipeline b was not found.",
        }),
    });
    expect(await collect(listPipelines(workspace))).toHaveLength(1);
    expect(Object.fromEntries(calls[0]?.query ?? [])).toEqual({ max_results: "100" });
    expect(await getPipeline(workspace, "a")).toMatchObject({
      id: "a",
      spec: { name: "A" },
      lastModified: 1_700_000_000_000,
      lastUpdate: 1_700_000_000_001,
    });
    expect(await getPipeline(workspace, "b")).toBeUndefined();
  });

  it("always says whether datasets go with a deleted pipeline, whose service's default is yes", async () => {
    const { workspace, calls } = await open({
      "DELETE /api/2.0/pipelines/a": (_request, response) => json(response, 200, {}),
    });
    await deletePipeline(workspace, "a", { cascade: false });
    expect(calls[0]?.query.get("cascade")).toBe("false");
    await expect(deletePipeline(workspace, "..", { cascade: true })).rejects.toThrow(RangeError);
  });
});

describe("workspace files", () => {
  const path = "/Workspace/Users/33/a b.py";
  const write = `POST /api/2.0/workspace-files/import-file/${encodeURIComponent(path.slice(1))}`;
  const read = "GET /api/2.0/workspace/export";
  const bytes = Buffer.from("print('é')\n");

  it("sends the bytes as they are", async () => {
    const { workspace, calls } = await open({ [write]: (_request, response) => json(response, 200, {}) });
    expect(await writeFile(workspace, path, bytes, { overwrite: false })).toBe("created");
    expect(calls[0]?.body).toEqual(bytes);
    expect(calls[0]?.query.get("overwrite")).toBe("false");
  });

  it.each([
    [409, { error_code: "RESOURCE_ALREADY_EXISTS", message: "x" }],
    [400, { error_code: "INVALID_PARAMETER_VALUE", message: "Node /a already exists." }],
  ])("says exists for %i", async (status, body) => {
    const { workspace } = await open({ [write]: (_request, response) => json(response, status, body) });
    expect(await writeFile(workspace, path, bytes, { overwrite: false })).toBe("exists");
  });

  it("resolves a lost answer by looking: ours, somebody else's, or not written at all", async () => {
    const lost: Routes[string] = (_request, response) => void response.socket?.resetAndDestroy();
    const ours = await open({ [write]: lost, [read]: (_request, response) => void response.end(bytes) });
    expect(await writeFile(ours.workspace, path, bytes, { overwrite: false })).toBe("created");
    const theirs = await open({ [write]: lost, [read]: (_request, response) => void response.end("other") });
    expect(await writeFile(theirs.workspace, path, bytes, { overwrite: false })).toBe("exists");
    const absent = await open({
      [write]: (request, response, count) => (count === 1 ? lost(request, response, count) : json(response, 200, {})),
      [read]: (_request, response) =>
        json(response, 404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "Path doesn't exist." }),
    });
    expect(await writeFile(absent.workspace, path, bytes, { overwrite: false })).toBe("created");
  });

  it("goes over to the multipart import where import-file is gone", async () => {
    const { workspace, calls } = await open({
      [write]: (_request, response) =>
        json(response, 404, { error_code: "ENDPOINT_NOT_FOUND", message: "No API found" }),
      "POST /api/2.0/workspace/import": (_request, response) => json(response, 200, {}),
    });
    expect(await writeFile(workspace, path, bytes, { overwrite: true })).toBe("created");
    const sent = calls[1];
    const form = await new Response(new Uint8Array(sent?.body ?? []), {
      headers: { "content-type": sent?.headers["content-type"] ?? "" },
    }).formData();
    expect([form.get("path"), form.get("format"), form.get("overwrite")]).toEqual([path, "AUTO", "true"]);
    expect(await (form.get("content") as File).text()).toBe("print('é')\n");
  });

  it("says that a parent folder is missing in a way a caller can ask for", async () => {
    const { workspace } = await open({
      [write]: (_request, response) =>
        json(response, 404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "The parent folder does not exist." }),
    });
    const error = await writeFile(workspace, path, bytes, { overwrite: false }).catch((error: unknown) => error);
    expect(isMissing(error)).toBe(true);
  });

  it("gives bytes back, and undefined for what is not there", async () => {
    const { workspace } = await open({
      [read]: (request, response) =>
        request.query.get("path") === path
          ? void response.end(bytes)
          : json(response, 404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "x" }),
      "GET /api/2.0/workspace/list": (_request, response) => json(response, 200, {}),
    });
    expect(Buffer.from((await readFile(workspace, path)) ?? [])).toEqual(bytes);
    expect(await readFile(workspace, "/Workspace/none")).toBeUndefined();
    expect(await listFolder(workspace, "/Workspace/empty")).toEqual([]);
  });
});

describe("Unity Catalog", () => {
  const uc = "/api/2.1/unity-catalog";

  it("reads grants in pages of the server's size, an empty answer, orphans and blanks in privileges", async () => {
    const { workspace, calls } = await open({
      [`GET ${uc}/permissions/catalog/prod`]: inPages(
        { next_page_token: "2" },
        { privilege_assignments: [{ principal: "a", privileges: ["ALL PRIVILEGES"] }], next_page_token: "3" },
        { privilege_assignments: [{ principal_id: 17, privileges: ["SELECT"] }] },
      ),
      [`GET ${uc}/permissions/schema/prod.gold`]: inPages({}),
    });
    expect(await getGrants(workspace, "catalog", "prod")).toEqual([
      { principal: "a", principalId: undefined, privileges: ["ALL_PRIVILEGES"] },
      { principal: "", principalId: "17", privileges: ["SELECT"] },
    ]);
    expect(calls.every(({ query }) => query.get("max_results") === "0")).toBe(true);
    expect(await getGrants(workspace, "schema", "prod.gold")).toEqual([]);
  });

  it("reads effective grants with where they come from", async () => {
    const { workspace } = await open({
      [`GET ${uc}/effective-permissions/table/a.b.c`]: inPages({
        privilege_assignments: [
          {
            principal: "x",
            privileges: [
              { privilege: "SELECT", inherited_from_type: "CATALOG", inherited_from_name: "a" },
              { privilege: "MODIFY" },
            ],
          },
        ],
      }),
    });
    expect(await getEffectiveGrants(workspace, "table", "a.b.c")).toEqual([
      {
        principal: "x",
        privileges: [
          { privilege: "SELECT", inheritedFrom: { type: "catalog", name: "a" } },
          { privilege: "MODIFY", inheritedFrom: undefined },
        ],
      },
    ]);
  });

  it("tells a missing catalog from one that may not be seen", async () => {
    const { workspace } = await open({
      [`GET ${uc}/catalogs/none`]: (_request, response) =>
        json(response, 404, { error_code: "CATALOG_DOES_NOT_EXIST", message: "Catalog 'none' does not exist." }),
      [`GET ${uc}/catalogs/prod`]: (_request, response) =>
        json(response, 403, {
          error_code: "PERMISSION_DENIED",
          message: "User does not have USE CATALOG on Catalog 'prod'.",
        }),
    });
    expect(await getCatalog(workspace, "none")).toBeUndefined();
    await expect(getCatalog(workspace, "prod")).rejects.toMatchObject({ status: 403 });
  });

  it("gives full names, table types and workspace ids as text", async () => {
    const { workspace } = await open({
      [`GET ${uc}/tables`]: inPages({
        tables: [{ name: "t", full_name: "a.b.t", owner: "o", table_type: "NEW_TYPE" }],
      }),
      [`GET ${uc}/models`]: inPages({ registered_models: [{ name: "m", browse_only: true }] }),
      [`GET ${uc}/bindings/catalog/prod`]: (_request, response) =>
        json(response, 200, `{"bindings":[{"workspace_id":${BIG},"binding_type":"BINDING_TYPE_READ_ONLY"}]}`),
    });
    expect(await collect(listTables(workspace, "a", "b"))).toEqual([
      { name: "t", fullName: "a.b.t", owner: "o", browseOnly: false, type: "NEW_TYPE" },
    ]);
    expect(await collect(listModels(workspace, "a", "b"))).toEqual([
      { name: "m", fullName: "a.b.m", owner: undefined, browseOnly: true },
    ]);
    expect(await getBindings(workspace, "catalog", "prod")).toEqual([
      { workspaceId: BIG, type: "BINDING_TYPE_READ_ONLY" },
    ]);
  });
});

describe("people and groups", () => {
  const scim = "GET /api/2.0/preview/scim/v2";

  it("counts SCIM pages from 1, goes on after what came, and compares whole names without case", async () => {
    const principal = (id: number, displayName: string) => ({ id, applicationId: `app-${id}`, displayName });
    const { workspace, calls } = await open({
      [`${scim}/ServicePrincipals`]: inPages(
        { totalResults: 3, Resources: [principal(1, "ml")] },
        { totalResults: 3, Resources: [principal(2, "mlops"), principal(3, "ML")] },
      ),
    });
    const found = await findServicePrincipals(workspace, { displayName: "ml" });
    expect(found.map(({ applicationId }) => applicationId)).toEqual(["app-1", "app-3"]);
    expect(calls.map(({ query }) => query.get("startIndex"))).toEqual(["1", "2"]);
  });

  it("ends at an empty page when the total is not told, and quotes what it filters by", async () => {
    const { workspace, calls } = await open({
      [`${scim}/Groups`]: inPages({ Resources: [{ id: "1", displayName: 'a"b' }] }, {}),
    });
    expect(await collect(listGroups(workspace, { displayName: 'a"b' }))).toHaveLength(1);
    expect(calls[0]?.query.get("filter")).toBe('displayName eq "a\\"b"');
    expect(calls).toHaveLength(2);
  });

  it("tells members apart by their reference", async () => {
    const members = [
      { value: 1, $ref: "Users/1", display: "Mona" },
      { value: "2", $ref: "https://x/api/2.0/preview/scim/v2/Groups/2" },
      { value: "3", type: "ServicePrincipal" },
      { value: "4" },
    ];
    const { workspace } = await open({
      [`${scim}/Groups`]: inPages({
        totalResults: 1,
        Resources: [{ id: 5, displayName: "g", members, meta: { resourceType: "WorkspaceGroup" } }],
      }),
    });
    const [group] = await collect(listGroups(workspace));
    expect(group?.kind).toBe("workspace");
    expect(group?.members.map(({ id, kind }) => [id, kind])).toEqual([
      ["1", "user"],
      ["2", "group"],
      ["3", "service-principal"],
      ["4", "unknown"],
    ]);
  });

  it("finds a user whatever the case of the address", async () => {
    const { workspace } = await open({
      [`${scim}/Users`]: inPages({ totalResults: 1, Resources: [{ id: "9", userName: "Mona@Example.com" }] }),
    });
    expect(await findUser(workspace, "mona@example.com")).toMatchObject({ id: "9" });
  });
});

describe("permissions", () => {
  it("writes one shape and reads the other", async () => {
    const answer = {
      object_id: "/jobs/7",
      access_control_list: [
        {
          service_principal_name: "app",
          display_name: "x",
          all_permissions: [{ permission_level: "IS_OWNER", inherited: false }],
        },
        { group_name: "admins", all_permissions: [{ permission_level: "CAN_MANAGE", inherited: true }] },
      ],
    };
    const { workspace, calls } = await open({
      "GET /api/2.0/permissions/jobs/7": inPages(answer),
      "PUT /api/2.0/permissions/jobs/7": inPages(answer),
    });
    const expected = [
      { kind: "service-principal", principal: "app", level: "IS_OWNER", inherited: false },
      { kind: "group", principal: "admins", level: "CAN_MANAGE", inherited: true },
    ];
    expect(await getPermissions(workspace, "jobs", "7")).toEqual(expected);
    const entries = [
      { kind: "service-principal", principal: "app", level: "IS_OWNER" },
      { kind: "group", principal: "readers", level: "CAN_VIEW" },
    ] as const;
    expect(await putPermissions(workspace, "jobs", "7", entries)).toEqual(expected);
    expect(JSON.parse(calls[1]?.body.toString() ?? "")).toEqual({
      access_control_list: [
        { service_principal_name: "app", permission_level: "IS_OWNER" },
        { group_name: "readers", permission_level: "CAN_VIEW" },
      ],
    });
  });
});
