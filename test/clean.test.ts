import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DatabricksScenario, FaultInput } from "../simulator/databricks/scenario.ts";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import type { CleanResult } from "../src/clean.ts";
import type { Contract } from "../src/contract/model.ts";
import { parseContract } from "../src/contract/parse.ts";
import { mkdirs } from "../src/databricks/files.ts";
import { shareFolder } from "../src/ledger/share.ts";
import { type Account, APPLICATION } from "./account.ts";
import { cleanUp, DAY, DEPLOYING, FOLDER, isThere, outcomes, said, setProperties } from "./sandboxes/cleaning.ts";
import { type Developers, developers } from "./sandboxes/deploying.ts";
import { SANDBOX_APPLICATION } from "./sandboxes/estate.ts";

/** Writes to anything but the sign-in, as a person would list them. */
const writes = (simulator: DatabricksSimulator, from = 0): string[] =>
  simulator.requests
    .slice(from)
    .filter(({ method, path }) => method !== "GET" && path.startsWith("/api/"))
    .map(({ method, path }) => `${method} ${path.replace(/^\/api\/2\.\d\//, "")}`);

/** octocat has deployed and has a table; rob_smith has an empty sandbox. Then `days` go by. */
async function team(days = 40, more: Partial<DatabricksScenario> = {}): Promise<Developers> {
  const made = await developers(more);
  await made.deploy("octocat", made.repository.git("rev-parse", "main"));
  made.account.simulator.world.add("octocat_sandbox.gold", "table", "scores");
  made.account.simulator.advance(days * DAY);
  return made;
}

describe("cleaning", () => {
  it("warns first, removes in a later run, in order, with everything of the sandbox and nothing else", async () => {
    const { account, names, files, deploy, repository } = await team(0);
    await deploy("rob-smith", repository.git("rev-parse", "main"));
    const { simulator } = account;
    const { world } = simulator;
    simulator.advance(31 * DAY);
    world.add("rob_smith_sandbox.gold", "table", "fresh");

    const first = await cleanUp(account);
    expect(outcomes(first)).toEqual(["octocat_sandbox: warn, done", "rob_smith_sandbox: keep, done"]);
    const warned = Date.parse(world.securable("octocat_sandbox").properties?.["four_tier_warned"] ?? "");
    expect(Math.abs(warned - simulator.now().getTime())).toBeLessThan(60_000);
    expect(names()).toHaveLength(10);

    simulator.advance(6 * DAY);
    expect(outcomes(await cleanUp(account))).toEqual(["octocat_sandbox: wait, done", "rob_smith_sandbox: keep, done"]);

    simulator.advance(2 * DAY);
    const from = simulator.requests.length;
    const last = await cleanUp(account);
    expect(said(last)).toEqual([]);
    expect(outcomes(last)).toEqual(["octocat_sandbox: remove, done", "rob_smith_sandbox: keep, done"]);
    expect(
      last.rows
        .find(({ catalog }) => catalog === "octocat_sandbox")
        ?.removed.map((each) => each.replace(/\d{9,}|[0-9a-f-]{36}/g, "ID")),
    ).toEqual([
      ...Array<unknown>(4).fill(expect.stringMatching(/^jobs ID "\[sandbox octocat\] /)),
      expect.stringMatching(/^pipelines ID "\[sandbox octocat\] ingest"/),
      "schema octocat_sandbox.default",
      "schema octocat_sandbox.gold",
      "folder /Workspace/Users/ID/.four-tier/ml-pipelines/sandbox/octocat",
      "catalog octocat_sandbox",
    ]);
    expect(
      writes(simulator, from)
        .filter((write) => write.startsWith("DELETE unity-catalog"))
        .at(-1),
    ).toBe("DELETE unity-catalog/catalogs/octocat_sandbox");
    expect(() => world.securable("octocat_sandbox")).toThrow("octocat_sandbox");
    expect(files("octocat")).toEqual([]);
    expect(names()).toEqual(
      ["ingest", "refresh", "score", "stream", "watch"].map((name) => `[sandbox rob_smith] ${name}`),
    );
    expect(files("rob_smith").length).toBeGreaterThan(4);
    expect(world.securable("dev.gold.scores")).toBeDefined();
    expect(simulator.unmodelled).toEqual([]);
    expect(outcomes(await cleanUp(account))).toEqual(["rob_smith_sandbox: keep, done"]);
  });

  it("writes nothing in a dry run, whatever is due", async () => {
    const { account } = await team();
    const { simulator } = account;
    const dry = async () => {
      const from = simulator.requests.length;
      const result = await cleanUp(account, { dryRun: true });
      expect(writes(simulator, from)).toEqual([]);
      return outcomes(result);
    };
    expect(await dry()).toEqual(["octocat_sandbox: warn, dry-run", "rob_smith_sandbox: warn, dry-run"]);
    await cleanUp(account);
    simulator.advance(8 * DAY);
    expect(await dry()).toEqual(["octocat_sandbox: remove, dry-run", "rob_smith_sandbox: remove, dry-run"]);
  });

  it("our own marks, grants and clean-ups are no use; what a developer does is, and takes the warning back", async () => {
    const { account } = await team();
    const { simulator } = account;
    await cleanUp(account);
    simulator.world.grant("octocat_sandbox", "rob@example.com", ["USE_CATALOG"]);
    simulator.advance(8 * DAY);
    simulator.world.startRun("dev", "[sandbox octocat] score");
    const result = await cleanUp(account, { most: 0 });
    expect(outcomes(result)).toEqual(["octocat_sandbox: keep, done", "rob_smith_sandbox: remove, postponed"]);
    expect(said(result)).toEqual(["notice sandbox/cap"]);
    expect(simulator.world.securable("octocat_sandbox").properties).toMatchObject({ four_tier_warned: "" });
  });

  it("never removes more than it may in one run, the longest unused first", async () => {
    const { account } = await team();
    const { simulator } = account;
    await cleanUp(account);
    simulator.advance(8 * DAY);
    const result = await cleanUp(account, { most: 1 });
    expect(outcomes(result)).toEqual(["octocat_sandbox: remove, postponed", "rob_smith_sandbox: remove, done"]);
    expect(said(result)).toEqual(["notice sandbox/cap"]);
    expect(outcomes(await cleanUp(account, { most: 1 }))).toEqual(["octocat_sandbox: remove, done"]);
  });

  it("honours keep_until, and a developer who left or was deactivated", async () => {
    const { account } = await team(1);
    const { simulator } = account;
    simulator.world.principal("mona@example.com").active = false;
    const users = new Map([...account.contract.users].filter(([login]) => login !== "rob-smith"));
    const contract: Contract = { ...account.contract, users };
    const first = await cleanUp({ simulator, contract });
    expect(outcomes(first)).toEqual(["octocat_sandbox: warn, done", "rob_smith_sandbox: warn, done"]);
    expect(first.rows.map(({ decision }) => decision.why).sort()).toEqual([
      "mona@example.com is deactivated in Databricks",
      "rob-smith is not among the contract's users any more",
    ]);
    simulator.advance(8 * DAY);
    simulator.world.startRun("dev", "[sandbox octocat] score");
    const kept = simulator.world.securable("rob_smith_sandbox");
    kept.properties = { ...kept.properties, keep_until: "2199-12-31" };
    expect(outcomes(await cleanUp({ simulator, contract }))).toEqual([
      "octocat_sandbox: remove, done",
      "rob_smith_sandbox: keep, done",
    ]);
    expect(simulator.world.jobs("dev")).toEqual([]);
  });

  it("removes a pipeline of somebody else's that writes the sandbox, and keeps what it wrote elsewhere", async () => {
    const { account } = await team();
    const { simulator } = account;
    simulator.world.createPipeline("dev", "ml-pipelines-dev", {
      name: "by hand",
      catalog: "Octocat_Sandbox",
      schema: "gold",
      libraries: [{ file: { path: "/Workspace/x.sql" } }],
    });
    await cleanUp(account);
    simulator.advance(8 * DAY);
    const result = await cleanUp(account);
    expect(said(result)).toEqual([]);
    expect(simulator.world.pipelines("dev")).toEqual([]);
    expect(
      simulator.requests
        .filter(({ method, path }) => method === "DELETE" && path.includes("/pipelines/"))
        .every(({ query }) => query["cascade"] === "false"),
    ).toBe(true);
  });
});

describe("what is deployed to a sandbox, and whose", () => {
  /** octocat has left, and is warned of for long enough; the world as `change` leaves it before the removal. */
  async function leaver(change: (made: Developers) => void) {
    const made = await team(1);
    const { simulator, contract: before } = made.account;
    change(made);
    const contract = { ...before, users: new Map([...before.users].filter(([login]) => login !== "octocat")) };
    await cleanUp({ simulator, contract });
    simulator.advance(8 * DAY);
    return { ...made, contract, simulator, result: await cleanUp({ simulator, contract }) };
  }
  /** dev's principal may manage it, so that its right alone does not keep it from being removed. */
  function manageable({ world }: DatabricksSimulator, kind: "jobs" | "pipelines", id: string): void {
    const { acls } = world.workspace("dev");
    acls.set(kind, id, [...acls.of(kind, id), { principal: APPLICATION.dev, level: "CAN_MANAGE" }]);
  }
  const TAGS = { four_tier_project: "ml-pipelines", four_tier_tier: "sandbox", four_tier_developer: "octocat" };
  const library = [{ file: { path: "/Workspace/x.sql" } }];

  it.each<[string, (made: Developers) => void]>([
    [
      "a clone of its job, made by somebody else",
      ({ account: { simulator } }) => {
        const { id } = simulator.world.createJob("dev", "rob@example.com", {
          name: "left",
          tags: { ...TAGS, four_tier_key: "jobs.score" },
          tasks: [{ task_key: "t", notebook_task: { notebook_path: "/Workspace/rob" } }],
        });
        manageable(simulator, "jobs", String(id));
      },
    ],
    [
      "another developer's pipeline that writes it",
      ({ account: { simulator } }) => {
        const tags = { ...TAGS, four_tier_developer: "rob_smith", four_tier_key: "pipelines.ingest" };
        const { id } = simulator.world.createPipeline("dev", "ml-pipelines-sandbox", {
          name: "left",
          catalog: "octocat_sandbox",
          schema: "gold",
          tags,
          libraries: library,
        });
        manageable(simulator, "pipelines", id);
      },
    ],
    [
      "a pipeline of dev that writes it",
      ({ account: { simulator } }) => {
        simulator.world.createPipeline("dev", "ml-pipelines-dev", {
          name: "left",
          catalog: "octocat_sandbox",
          schema: "gold",
          tags: { four_tier_project: "ml-pipelines", four_tier_tier: "dev", four_tier_key: "pipelines.ingest" },
          libraries: library,
        });
      },
    ],
    [
      "a person's pipeline without tags that writes it",
      ({ account: { simulator } }) => {
        const spec = { name: "left", catalog: "octocat_sandbox", schema: "gold", libraries: library };
        manageable(simulator, "pipelines", simulator.world.createPipeline("dev", "rob@example.com", spec).id);
      },
    ],
  ])("leaves %s, and says so", async (_name, change) => {
    const { result, names, simulator } = await leaver(change);
    expect(isThere(simulator, "octocat_sandbox")).toBe(false);
    expect(names()).toEqual(["left"]);
    const findings = result.findings.filter(({ id }) => id !== "sandbox/unseen"); // rob_smith's own, who has no folder
    expect(findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual(["warning sandbox/others-left"]);
    expect(findings[0]?.message).toMatch(/this stayed: (jobs|pipelines) \S+ "left" of \S+\.$/);
  });

  it("a pipeline that the developer made by hand goes with it", async () => {
    const { account, names } = await team();
    const { simulator } = account;
    const spec = { name: "Mona's", catalog: "octocat_sandbox", schema: "gold", libraries: library };
    manageable(simulator, "pipelines", simulator.world.createPipeline("dev", "mona@example.com", spec).id);
    await cleanUp(account);
    simulator.advance(8 * DAY);
    expect(said(await cleanUp(account))).toEqual([]);
    expect(names()).toEqual([]);
  });

  it("what the ledger knows by its id is its own, whoever the service says made it", async () => {
    const { names, result } = await leaver(({ account: { simulator } }) => {
      const { world } = simulator;
      const { id } = world.createJob("dev", "rob@example.com", {
        name: "adopted",
        tags: { ...TAGS, four_tier_key: "jobs.score" },
        tasks: [{ task_key: "t", notebook_task: { notebook_path: "/Workspace/rob" } }],
      });
      manageable(simulator, "jobs", String(id));
      const ledger = `${FOLDER.slice("/Workspace".length)}/ledger.json`;
      const text = Buffer.from(world.readFile("dev", ledger) ?? []).toString();
      const before = String(world.job("dev", "[sandbox octocat] score").id);
      world.writeFile("dev", ledger, text.replaceAll(before, String(id)));
    });
    expect(said(result)).toEqual([]);
    expect(names()).toEqual([]);
  });

  it("jobs and pipelines of a sandbox that is not there are named", async () => {
    const { account } = await team(1);
    const path = "/api/2.1/unity-catalog/catalogs/octocat_sandbox";
    await account.connect("dev").call({ method: "DELETE", path, query: { force: true } });
    const result = await cleanUp(account);
    expect(said(result)).toEqual(["warning sandbox/orphans"]);
    expect(result.findings[0]?.message).toContain("[sandbox octocat] ingest");
  });
});

describe("people who left", () => {
  it("without users nothing is decided", async () => {
    const { account } = await team();
    const { simulator } = account;
    const from = simulator.requests.length;
    const contract: Contract = { ...account.contract, users: new Map() };
    await expect(cleanUp({ simulator, contract })).rejects.toThrow(/sandbox\/nobody/);
    expect(simulator.requests.slice(from)).toEqual([]);
  });

  it("if most have left at once, that hurries nothing, and it is said", async () => {
    const { account } = await team(1);
    const { simulator } = account;
    const contract: Contract = { ...account.contract, users: new Map([["new", "new@example.com"]]) };
    const result = await cleanUp({ simulator, contract });
    expect(outcomes(result)).toEqual(["octocat_sandbox: keep, done", "rob_smith_sandbox: keep, done"]);
    expect(said(result)).toEqual(["warning sandbox/many-left"]);
    expect(result.findings[0]?.message).toContain("2 of 2 sandboxes");
    // Unused for as long as anybody's, they go as anybody's do.
    simulator.advance(40 * DAY);
    expect(outcomes(await cleanUp({ simulator, contract }))).toEqual([
      "octocat_sandbox: warn, done",
      "rob_smith_sandbox: warn, done",
    ]);
  });
});

describe("what stops a removal loses nothing that it need not", () => {
  /** Warned, and due. */
  async function due(more: Partial<DatabricksScenario> = {}): Promise<Account> {
    const { account } = await team(40, more);
    await cleanUp(account);
    account.simulator.advance(8 * DAY);
    return account;
  }
  const one = (result: CleanResult) => result.rows.find(({ catalog }) => catalog === "octocat_sandbox");
  const fault = (path: string, more: Partial<FaultInput> = {}): FaultInput => ({ path, effect: "error", ...more });

  it("a protection of the catalog is met before anything is removed", async () => {
    const account = await due();
    account.simulator.fault(
      fault("*/catalogs/octocat_sandbox", {
        method: "DELETE",
        times: "always",
        status: 400,
        code: "INVALID_STATE",
        message: "Catalog 'octocat_sandbox' has deletion protection enabled.",
      }),
    );
    const before = account.simulator.world.picture("dev").length;
    const result = await cleanUp(account);
    expect(said(result)).toEqual(["error sandbox/protected"]);
    expect(one(result)).toMatchObject({ outcome: "failed", removed: [] });
    expect(account.simulator.world.picture("dev")).toHaveLength(before);
    expect(account.simulator.world.securable("octocat_sandbox.gold.scores")).toBeDefined();
  });

  it("what depends on a schema is met before anything is removed", async () => {
    const account = await due();
    account.simulator.fault(
      fault("*/schemas/octocat_sandbox.gold", {
        method: "DELETE",
        times: "always",
        status: 400,
        code: "RESOURCE_CONFLICT",
        message: "Schema 'octocat_sandbox.gold' is in the share 'partners'.",
      }),
    );
    const before = account.simulator.world.picture("dev").length;
    const result = await cleanUp(account);
    expect(said(result)).toEqual(["error sandbox/protected"]);
    expect(result.findings[0]?.message).toContain("'partners'. Nothing of the sandbox was removed.");
    expect(one(result)).toMatchObject({ outcome: "failed", removed: [] });
    expect(account.simulator.world.picture("dev")).toHaveLength(before);
    expect(isThere(account.simulator, "octocat_sandbox.default")).toBe(true);
    expect(account.simulator.world.securable("octocat_sandbox").comment).toBe(
      "The sandbox of octocat (ml-pipelines); made and removed by Four-Tier.",
    );
  });

  it("what stops it in the middle leaves the rest, says what is gone, and a later run goes on", async () => {
    const account = await due();
    account.simulator.fault(
      fault("*/schemas/octocat_sandbox.gold", { method: "DELETE", nth: 2, status: 400, code: "X", message: "not now" }),
    );
    const result = await cleanUp(account);
    expect(said(result)).toEqual(["error databricks/failed", "error sandbox/unfinished"]);
    expect(result.findings[1]?.message).toContain("[sandbox octocat] ingest");
    expect(isThere(account.simulator, "octocat_sandbox.gold.scores")).toBe(true);
    expect(account.simulator.world.securable("octocat_sandbox").comment).toMatch(/^Being removed by Four-Tier since 2/);
    const again = await cleanUp(account);
    expect(said(again)).toEqual([]);
    expect(one(again)?.removed.at(-1)).toBe("catalog octocat_sandbox");
  });

  it("an interrupted removal of what is used again is over: it may be deployed to", async () => {
    const account = await due();
    account.simulator.fault(
      fault("*/jobs/delete", { method: "POST", nth: 2, status: 400, code: "X", message: "not now" }),
    );
    expect(said(await cleanUp(account))).toContain("error sandbox/unfinished");
    account.simulator.world.add("octocat_sandbox.gold", "table", "fresh");
    expect(outcomes(await cleanUp(account))).toEqual(["octocat_sandbox: keep, done"]);
    expect(account.simulator.world.securable("octocat_sandbox")).toMatchObject({
      comment: "The sandbox of octocat (ml-pipelines); made and removed by Four-Tier.",
      properties: { four_tier_warned: "" },
    });
  });

  it("what could not be begun takes nobody else's turn", async () => {
    const account = await due();
    account.simulator.fault(
      fault("*/catalogs/rob_smith_sandbox", {
        method: "DELETE",
        times: "always",
        status: 400,
        code: "X",
        message: "protected.",
      }),
    );
    const result = await cleanUp(account, { most: 1 });
    expect(outcomes(result)).toEqual(["octocat_sandbox: remove, done", "rob_smith_sandbox: remove, failed"]);
    expect(said(result)).toEqual(["error sandbox/protected"]);
  });

  it("a first deployment that begins after it was looked at stops it", async () => {
    const account = await due();
    const { simulator } = account;
    // Nothing is deployed to rob_smith's, so that there is no lock to take.
    simulator.when({
      method: "PATCH",
      path: "*/catalogs/rob_smith_sandbox",
      run: async () => {
        const folder = `/Workspace/Users/${SANDBOX_APPLICATION}/.four-tier/ml-pipelines/sandbox/rob_smith`;
        const workspace = account.connect("dev", "ml-pipelines-sandbox");
        await mkdirs(workspace, folder);
        const access = { principal: SANDBOX_APPLICATION, readers: undefined, manager: APPLICATION.dev };
        await shareFolder(workspace, folder, access);
      },
    });
    const result = await cleanUp(account);
    expect(outcomes(result)).toEqual(["octocat_sandbox: remove, done", "rob_smith_sandbox: remove, failed"]);
    expect(said(result)).toEqual(["warning sandbox/changed-meanwhile"]);
    expect(isThere(simulator, "rob_smith_sandbox.gold")).toBe(true);
  });

  it.each([
    ["jobs/delete", 2],
    ["pipelines/*", 1],
    ["schemas/octocat_sandbox.default", 1],
    ["workspace/delete", 1],
    ["catalogs/octocat_sandbox", 2],
  ])("interrupted at %s it is resumed", async (path, nth) => {
    const account = await due();
    const method = /jobs|workspace/.test(path) ? "POST" : "DELETE";
    account.simulator.fault(fault(`*/${path}`, { method, nth, status: 400, code: "X", message: "not now" }));
    expect(said(await cleanUp(account))).toContain("error databricks/failed");
    const again = await cleanUp(account);
    expect(said(again)).toEqual([]);
    expect(() => account.simulator.world.securable("octocat_sandbox")).toThrow("octocat_sandbox");
    expect(account.simulator.world.picture("dev")).toEqual([]);
  });

  it.each<[string, (account: Account) => void]>([
    ["changes its owner", ({ simulator }) => simulator.world.setOwner("octocat_sandbox", "mona@example.com")],
    ["sets keep_until", ({ simulator }) => setProperties(simulator, { keep_until: "2199-01-01" })],
    ["takes the mark away", ({ simulator }) => setProperties(simulator, { four_tier_project: "" })],
    ["takes the warning back", ({ simulator }) => setProperties(simulator, { four_tier_warned: "" })],
    ["writes a table", ({ simulator }) => simulator.world.add("octocat_sandbox.gold", "table", "just now")],
  ])("whoever %s between two drops keeps the rest", async (_name, change) => {
    const account = await due();
    account.simulator.when({
      method: "DELETE",
      path: "*/schemas/octocat_sandbox.default",
      after: true,
      run: () => change(account),
    });
    const result = await cleanUp(account);
    expect(said(result)[0]).toBe("warning sandbox/changed-meanwhile");
    expect(account.simulator.world.securable("octocat_sandbox.gold.scores")).toBeDefined();
  });

  it("a deployment that is under way is use", async () => {
    const { account, sandbox } = await team();
    await cleanUp(account);
    account.simulator.advance(8 * DAY);
    const folder = `/Workspace/Users/${SANDBOX_APPLICATION}/.four-tier/ml-pipelines/sandbox/octocat`;
    await sandbox().call({
      method: "POST",
      path: `/api/2.0/workspace-files/import-file/${encodeURIComponent(`${folder.slice(1)}/lock.99`)}`,
      query: { overwrite: false },
      body: {
        bytes: Buffer.from(JSON.stringify({ run: DEPLOYING, attempt: 1, job: "deploy", token: "t", at: "now" })),
        type: "application/octet-stream",
      },
    });
    const result = await cleanUp(account);
    expect(said(result)).toEqual(["warning sandbox/changed-meanwhile"]);
    expect(one(result)).toMatchObject({ outcome: "failed", removed: [] });
  });

  it("what dev's principal may not see is asked about, not removed", async () => {
    const { account } = await team();
    const { simulator } = account;
    await cleanUp(account);
    simulator.advance(8 * DAY);
    const job = simulator.world.job("dev", "[sandbox octocat] score");
    const { acls } = simulator.world.workspace("dev");
    acls.set(
      "jobs",
      String(job.id),
      acls.of("jobs", String(job.id)).filter(({ principal }) => principal !== APPLICATION.dev),
    );
    const result = await cleanUp(account);
    expect(said(result)).toEqual(["unknown sandbox/unseen"]);
    expect(one(result)).toMatchObject({ decision: { do: "ask" }, removed: [] });
  });

  it("a workspace that does not tell its time is no proof that the clock is right", async () => {
    const { account } = await team();
    const workspace = account.connect("dev");
    const timeless = {
      ...workspace,
      call: async (request: Parameters<typeof workspace.call>[0]) => ({
        ...(await workspace.call(request)),
        header: () => undefined,
      }),
    };
    await expect(cleanUp(account, { workspace: timeless })).rejects.toThrow(/sandbox\/clock/);
  });

  it.each([-3, 3])("a clock that is wrong by %d days decides nothing", async (days) => {
    const { account } = await team();
    const now = new Date(account.simulator.now().getTime() + days * DAY * 1000);
    const from = account.simulator.requests.length;
    await expect(cleanUp(account, { now })).rejects.toThrow(/sandbox\/clock/);
    expect(writes(account.simulator, from)).toEqual([]);
  });
});

/** Through the real client, against the simulated service: whatever stands in the metastore, only what is provably ours goes. */
describe("whatever catalogs there are", () => {
  const LONG_AGO = "2020-01-01T00:00:00.000Z";
  /** When its table was last changed; longer ago than a sandbox is kept, but for what is used now. */
  const USED = { never: { updated: LONG_AGO }, "since the warning": { updated: "2021-01-01T00:00:00.000Z" }, now: {} };
  const { contract } = parseContract(
    `tiers:
  dev: { workspace: https://dev.cloud.databricks.com }
  staging: { workspace: https://stg.cloud.databricks.com }
  prod: { workspace: https://prd.cloud.databricks.com }
users: { a: a@example.com, b-c: b@example.com }
`,
    "four-tier.yml",
    { allowedHosts: [] },
  );
  if (contract === undefined) throw new Error("the contract does not parse");

  // Enough sandboxes of people the contract knows, so that each run of this has some to drop.
  const names = fc.oneof(
    { arbitrary: fc.constantFrom("a_sandbox", "b_c_sandbox"), weight: 2 },
    fc.constantFrom(
      "a_sandbox",
      "b_c_sandbox",
      "A_Sandbox",
      "a_sandbox_",
      "sandbox",
      "a_sandbox2",
      "staging",
      "prod",
      "main",
    ),
    fc.stringMatching(/^[a-z][a-z0-9_]{0,6}(_sandbox)?$/),
    fc.stringMatching(/^[A-Za-z0-9$#@é-]{1,8}_sandbox$/),
  );
  const catalogs = fc.dictionary(
    names,
    fc.record({
      owner: fc.constantFrom("ml-pipelines-dev", "ml-pipelines-dev", "ml-pipelines-dev", "mona@example.com"),
      project: fc.constantFrom("ml-pipelines", "ml-pipelines", "ml-pipelines", "other", ""),
      developer: fc.constantFrom("own", "own", "own", "a", "b-c", "zz", ""),
      created: fc.constantFrom(LONG_AGO, LONG_AGO, "", "2020"),
      warned: fc.constantFrom(LONG_AGO, LONG_AGO, LONG_AGO, "", "never"),
      keep: fc.constantFrom("", "", "2199-01-01"),
      used: fc.constantFrom("never", "never", "since the warning", "now"),
    }),
    { minKeys: 1, maxKeys: 12 },
  );

  it("is dropped only with pattern, mark, owner, and unused since a warning", { timeout: 240_000 }, async () => {
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(catalogs, async (all) => {
        // Names do not differ in case alone in one metastore.
        const given = Object.fromEntries(
          Object.entries(all).filter(([name], index, list) =>
            list.slice(index + 1).every(([other]) => other.toLowerCase() !== name.toLowerCase()),
          ),
        );
        const own = (name: string, developer: string): string =>
          developer === "own" ? name.toLowerCase().replace(/_sandbox$/, "") : developer;
        const estate = Object.fromEntries(
          Object.entries(given).map(([name, each]) => [
            name,
            {
              owner: each.owner,
              properties: {
                four_tier_project: each.project,
                four_tier_developer: own(name, each.developer),
                four_tier_created: each.created,
                four_tier_warned: each.warned,
                keep_until: each.keep,
              },
              schemas: { gold: { tables: { t: USED[each.used] } } },
            },
          ]),
        );
        const simulator = await startDatabricks({
          workspaces: { dev: { id: "1111111111111111" } },
          service_principals: {
            "ml-pipelines-dev": { application_id: APPLICATION.dev, workspaces: ["dev"], secrets: ["dose-dev"] },
          },
          users: { "mona@example.com": {}, "a@example.com": {}, "b@example.com": {} },
          metastore: { owner: "ml-pipelines-dev" },
          catalogs: { ...estate, dev: { owner: "ml-pipelines-dev" } },
        });
        try {
          await cleanUp({ simulator, contract }, { most: 100 });
          await cleanUp({ simulator, contract }, { most: 100 });
          expect(simulator.unmodelled).toEqual([]);
          const left = (name: string): boolean => isThere(simulator, name);
          expect(left("dev")).toBe(true);
          const entries = Object.entries(given);
          // Written from the design, not from the code: a pattern, the mark, the owner, and nobody's use.
          const isOurs = ([name, each]: (typeof entries)[number]): boolean => {
            const user = own(name, each.developer)
              .toLowerCase()
              .replaceAll(/[^a-z0-9]/g, "_")
              .replace(/_+$/, "");
            const reserved = ["staging", "prod", "main", "dev"].includes(name);
            return (
              !reserved &&
              /^[a-z0-9]([a-z0-9_]*[a-z0-9])?_sandbox$/.test(name) &&
              each.owner === "ml-pipelines-dev" &&
              each.project === "ml-pipelines" &&
              user !== "" &&
              `${user}_sandbox` === name
            );
          };
          const hasLeft = ([name, each]: (typeof entries)[number]): boolean =>
            !["a", "b-c"].includes(own(name, each.developer));
          const isDue = (one: (typeof entries)[number], believed: boolean): boolean =>
            isOurs(one) &&
            one[1].created !== "" &&
            one[1].warned === LONG_AGO &&
            one[1].keep === "" &&
            (one[1].used === "never" || (believed && hasLeft(one)));
          /** What stands after a run: if most have left at once, having left hurries nothing. */
          const after = (before: typeof entries): typeof entries => {
            const ours = before.filter(isOurs);
            const left = ours.filter(hasLeft);
            const believed = left.length < 2 || left.length <= ours.length / 2;
            const kept = before.filter((one) => !isDue(one, believed));
            // Whoever is taken to be here and used theirs has the warning taken back, or made anew: it is not due in the next run.
            return kept.map(([name, each]) => {
              const isBack = each.used !== "never" && !(believed && hasLeft([name, each]));
              return [name, isBack ? { ...each, warned: "" as const } : each];
            });
          };
          const stand = new Set(after(after(entries)).map(([name]) => name));
          for (const [name, each] of entries) {
            const mayGo = !stand.has(name);
            dropped += mayGo ? 1 : 0;
            expect([name, each, left(name)]).toEqual([name, each, !mayGo]);
          }
        } finally {
          await simulator.close();
        }
      }),
      { numRuns: 120 },
    );
    expect(dropped).toBeGreaterThan(3);
  });
});
