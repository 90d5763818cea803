import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DatabricksSimulator, startDatabricks } from "../simulator/databricks/server.ts";
import type { DatabricksScenario, FaultInput } from "../simulator/databricks/scenario.ts";
import type { Contract } from "../src/contract/model.ts";
import { parseContract } from "../src/contract/parse.ts";
import { connect } from "../src/databricks/workspace.ts";
import { type CleanRequest, type CleanResult, clean } from "../src/clean.ts";
import { type Account, APPLICATION } from "./account.ts";
import { type Developers, developers } from "./sandboxes/deploying.ts";
import { SANDBOX_APPLICATION } from "./sandboxes/estate.ts";

const DAY = 86_400;
/** A run that is still at work. */
const DEPLOYING = "7";
let runs = 900;
const quiet = { info: () => {}, debug: () => {}, warning: () => {}, secret: () => {} };

async function run(
  { simulator, contract }: Pick<Account, "simulator" | "contract">,
  more: Partial<CleanRequest> = {},
): Promise<CleanResult> {
  return clean({
    workspace: connect({
      host: simulator.workspaces["dev"]?.url ?? "",
      credentials: { kind: "secret", ...simulator.credentials("ml-pipelines-dev") },
      log: quiet,
    }),
    contract,
    principal: APPLICATION.dev,
    dryRun: false,
    most: 3,
    lock: {
      owner: { run: String((runs += 1)), attempt: 1, job: "clean" },
      runHasEnded: (id) => Promise.resolve(id !== DEPLOYING),
      log: quiet,
      now: () => simulator.now(),
    },
    now: simulator.now(),
    pause: () => Promise.resolve(),
    log: quiet,
    ...more,
  });
}
const said = (result: CleanResult): string[] => result.findings.map(({ severity, id }) => `${severity} ${id}`);
const outcomes = (result: CleanResult): string[] =>
  result.rows.map(({ catalog, decision, outcome }) => `${catalog}: ${decision.do}, ${outcome}`).sort();
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

    const first = await run(account);
    expect(outcomes(first)).toEqual(["octocat_sandbox: warn, done", "rob_smith_sandbox: keep, done"]);
    const warned = Date.parse(world.securable("octocat_sandbox").properties?.["four_tier_warned"] ?? "");
    expect(Math.abs(warned - simulator.now().getTime())).toBeLessThan(60_000);
    expect(names()).toHaveLength(10);

    simulator.advance(6 * DAY);
    expect(outcomes(await run(account))).toEqual(["octocat_sandbox: wait, done", "rob_smith_sandbox: keep, done"]);

    simulator.advance(2 * DAY);
    const from = simulator.requests.length;
    const last = await run(account);
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
    expect(outcomes(await run(account))).toEqual(["rob_smith_sandbox: keep, done"]);
  });

  it("writes nothing in a dry run, whatever is due", async () => {
    const { account } = await team();
    const { simulator } = account;
    const dry = async () => {
      const from = simulator.requests.length;
      const result = await run(account, { dryRun: true });
      expect(writes(simulator, from)).toEqual([]);
      return outcomes(result);
    };
    expect(await dry()).toEqual(["octocat_sandbox: warn, dry-run", "rob_smith_sandbox: warn, dry-run"]);
    await run(account);
    simulator.advance(8 * DAY);
    expect(await dry()).toEqual(["octocat_sandbox: remove, dry-run", "rob_smith_sandbox: remove, dry-run"]);
  });

  it("our own marks, grants and clean-ups are no use; what a developer does is, and takes the warning back", async () => {
    const { account } = await team();
    const { simulator } = account;
    await run(account);
    simulator.world.grant("octocat_sandbox", "rob@example.com", ["USE_CATALOG"]);
    simulator.advance(8 * DAY);
    simulator.world.startRun("dev", "[sandbox octocat] score");
    const result = await run(account, { most: 0 });
    expect(outcomes(result)).toEqual(["octocat_sandbox: keep, done", "rob_smith_sandbox: remove, postponed"]);
    expect(said(result)).toEqual(["notice sandbox/cap"]);
    expect(simulator.world.securable("octocat_sandbox").properties).toMatchObject({ four_tier_warned: "" });
  });

  it("never removes more than it may in one run, the longest unused first", async () => {
    const { account } = await team();
    const { simulator } = account;
    await run(account);
    simulator.advance(8 * DAY);
    const result = await run(account, { most: 1 });
    expect(outcomes(result)).toEqual(["octocat_sandbox: remove, postponed", "rob_smith_sandbox: remove, done"]);
    expect(said(result)).toEqual(["notice sandbox/cap"]);
    expect(outcomes(await run(account, { most: 1 }))).toEqual(["octocat_sandbox: remove, done"]);
  });

  it("honours keep_until, and a developer who left or was deactivated", async () => {
    const { account } = await team(1);
    const { simulator } = account;
    simulator.world.principal("mona@example.com").active = false;
    const users = new Map([...account.contract.users].filter(([login]) => login !== "rob-smith"));
    const contract: Contract = { ...account.contract, users };
    const first = await run({ simulator, contract });
    expect(outcomes(first)).toEqual(["octocat_sandbox: warn, done", "rob_smith_sandbox: warn, done"]);
    expect(first.rows.map(({ decision }) => decision.why).sort()).toEqual([
      "mona@example.com is deactivated in Databricks",
      "rob-smith is not among the contract's users any more",
    ]);
    simulator.advance(8 * DAY);
    simulator.world.startRun("dev", "[sandbox octocat] score");
    const kept = simulator.world.securable("rob_smith_sandbox");
    kept.properties = { ...kept.properties, keep_until: "2199-12-31" };
    expect(outcomes(await run({ simulator, contract }))).toEqual([
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
    await run(account);
    simulator.advance(8 * DAY);
    const result = await run(account);
    expect(said(result)).toEqual([]);
    expect(simulator.world.pipelines("dev")).toEqual([]);
    expect(
      simulator.requests
        .filter(({ method, path }) => method === "DELETE" && path.includes("/pipelines/"))
        .every(({ query }) => query["cascade"] === "false"),
    ).toBe(true);
  });
});

describe("what stops a removal loses nothing that it need not", () => {
  /** Warned, and due. */
  async function due(more: Partial<DatabricksScenario> = {}): Promise<Account> {
    const { account } = await team(40, more);
    await run(account);
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
    const result = await run(account);
    expect(said(result)).toEqual(["error sandbox/protected"]);
    expect(one(result)).toMatchObject({ outcome: "failed", removed: [] });
    expect(account.simulator.world.picture("dev")).toHaveLength(before);
    expect(account.simulator.world.securable("octocat_sandbox.gold.scores")).toBeDefined();
  });

  it("something that depends on a schema stops it there, says what is gone, and a later run goes on", async () => {
    const account = await due();
    const lift = fault("*/schemas/octocat_sandbox.gold", {
      method: "DELETE",
      status: 400,
      code: "RESOURCE_CONFLICT",
      message: "Schema 'octocat_sandbox.gold' is in the share 'partners'.",
    });
    account.simulator.fault(lift);
    const result = await run(account);
    expect(said(result)).toEqual(["error databricks/failed", "error sandbox/unfinished"]);
    expect(result.findings[1]?.message).toContain("[sandbox octocat] ingest");
    expect(account.simulator.world.securable("octocat_sandbox.gold.scores")).toBeDefined();
    const again = await run(account);
    expect(said(again)).toEqual([]);
    expect(one(again)?.removed.at(-1)).toBe("catalog octocat_sandbox");
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
    expect(said(await run(account))).toContain("error databricks/failed");
    const again = await run(account);
    expect(said(again)).toEqual([]);
    expect(() => account.simulator.world.securable("octocat_sandbox")).toThrow("octocat_sandbox");
    expect(account.simulator.world.picture("dev")).toEqual([]);
  });

  it.each<[string, (account: Account) => void]>([
    ["changes its owner", ({ simulator }) => simulator.world.setOwner("octocat_sandbox", "mona@example.com")],
    ["sets keep_until", ({ simulator }) => mark(simulator, { keep_until: "2199-01-01" })],
    ["takes the mark away", ({ simulator }) => mark(simulator, { four_tier_project: "" })],
    ["takes the warning back", ({ simulator }) => mark(simulator, { four_tier_warned: "" })],
    ["writes a table", ({ simulator }) => simulator.world.add("octocat_sandbox.gold", "table", "just now")],
  ])("whoever %s between two drops keeps the rest", async (_name, change) => {
    const account = await due();
    account.simulator.when({
      method: "DELETE",
      path: "*/schemas/octocat_sandbox.default",
      after: true,
      run: () => change(account),
    });
    const result = await run(account);
    expect(said(result)[0]).toBe("warning sandbox/changed-meanwhile");
    expect(account.simulator.world.securable("octocat_sandbox.gold.scores")).toBeDefined();
  });

  it("a deployment that is under way is use", async () => {
    const { account, sandbox } = await team();
    await run(account);
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
    const result = await run(account);
    expect(said(result)).toEqual(["warning sandbox/changed-meanwhile"]);
    expect(one(result)).toMatchObject({ outcome: "failed", removed: [] });
  });

  it("what dev's principal may not see is asked about, not removed", async () => {
    const { account } = await team();
    const { simulator } = account;
    await run(account);
    simulator.advance(8 * DAY);
    const job = simulator.world.job("dev", "[sandbox octocat] score");
    const { acls } = simulator.world.workspace("dev");
    acls.set(
      "jobs",
      String(job.id),
      acls.of("jobs", String(job.id)).filter(({ principal }) => principal !== APPLICATION.dev),
    );
    const result = await run(account);
    expect(said(result)).toEqual(["unknown sandbox/unseen"]);
    expect(one(result)).toMatchObject({ decision: { do: "ask" }, removed: [] });
  });

  it.each([-3, 3])("a clock that is wrong by %d days decides nothing", async (days) => {
    const { account } = await team();
    const now = new Date(account.simulator.now().getTime() + days * DAY * 1000);
    const from = account.simulator.requests.length;
    await expect(run(account, { now })).rejects.toThrow(/sandbox\/clock/);
    expect(writes(account.simulator, from)).toEqual([]);
  });
});

function mark({ world }: DatabricksSimulator, properties: Record<string, string>): void {
  const catalog = world.securable("octocat_sandbox");
  catalog.properties = { ...catalog.properties, ...properties };
}

/** Through the real client, against the simulated service: whatever stands in the metastore, only what is provably ours goes. */
describe("whatever catalogs there are", () => {
  const LONG_AGO = "2020-01-01T00:00:00.000Z";
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
      used: fc.constantFrom(false, false, true),
    }),
    { minKeys: 1, maxKeys: 12 },
  );

  it("is dropped only with pattern, mark, owner, and unused since a warning", { timeout: 60_000 }, async () => {
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
              schemas: { gold: { tables: { t: each.used ? {} : { updated: LONG_AGO } } } },
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
          await run({ simulator, contract }, { most: 100 });
          await run({ simulator, contract }, { most: 100 });
          expect(simulator.unmodelled).toEqual([]);
          const left = (name: string): boolean => {
            try {
              return simulator.world.securable(name) !== undefined;
            } catch {
              return false;
            }
          };
          expect(left("dev")).toBe(true);
          for (const [name, each] of Object.entries(given)) {
            // Written from the design, not from the code: a pattern, the mark, the owner, and nobody's use.
            const user = own(name, each.developer)
              .toLowerCase()
              .replaceAll(/[^a-z0-9]/g, "_")
              .replace(/_+$/, "");
            const reserved = ["staging", "prod", "main", "dev"].includes(name);
            const mayGo =
              !reserved &&
              /^[a-z0-9]([a-z0-9_]*[a-z0-9])?_sandbox$/.test(name) &&
              each.owner === "ml-pipelines-dev" &&
              each.project === "ml-pipelines" &&
              user !== "" &&
              `${user}_sandbox` === name &&
              each.created !== "" &&
              each.warned === LONG_AGO &&
              each.keep === "" &&
              (!each.used || !["a", "b-c"].includes(own(name, each.developer)));
            dropped += mayGo ? 1 : 0;
            expect([name, each, left(name)]).toEqual([name, each, !mayGo]);
          }
        } finally {
          await simulator.close();
        }
      }),
      { numRuns: 60 },
    );
    expect(dropped).toBeGreaterThan(3);
  });
});
