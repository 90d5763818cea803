import { describe, expect, it } from "vitest";
import type { DatabricksScenario } from "../simulator/databricks/scenario.ts";
import { type ProvisionResult, provision } from "../src/provision.ts";
import { MARK } from "../src/sandboxes/mark.ts";
import { GOLD_PRIVILEGES } from "../src/sandboxes/plan.ts";
import { type Account, APPLICATION } from "./account.ts";
import { QUIET } from "./run.ts";
import { estate, SANDBOX_APPLICATION, USERS } from "./sandboxes/estate.ts";

const gold = [...GOLD_PRIVILEGES].sort();

async function run(
  account: Account,
  logins?: readonly string[],
  at = account.simulator.now(),
): Promise<ProvisionResult> {
  const result = await provision({
    workspace: account.connect("dev"),
    contract: account.contract,
    principal: APPLICATION.dev,
    workspaceId: "1111111111111111",
    logins,
    now: at,
    pause: () => Promise.resolve(),
    log: QUIET,
  });
  expect(account.simulator.unmodelled).toEqual([]);
  return result;
}
const said = (result: ProvisionResult): string[] => result.findings.map(({ severity, id }) => `${severity} ${id}`);
const outcomes = (result: ProvisionResult): string[] =>
  result.rows.map(({ catalog, login, outcome }) => `${catalog ?? login}: ${outcome}`);
const DAY = 86_400;
const daysAfter = (time: Date, days: number): string => new Date(time.getTime() + days * DAY * 1_000).toISOString();
/** What was tried to be changed. */
const writes = (account: Account): string[] => account.writes().filter((write) => !write.startsWith("GET"));

describe("provisioning", () => {
  it("makes everybody's sandbox: owned by dev's principal, marked, bound, with gold granted and nothing else", async () => {
    const account = await estate();
    const { world } = account.simulator;
    const now = account.simulator.now();
    const result = await run(account, undefined, now);
    expect(said(result)).toEqual([]);
    expect(outcomes(result)).toEqual(["octocat_sandbox: created", "rob_smith_sandbox: created"]);
    const catalog = world.securable("octocat_sandbox");
    expect(catalog.owner).toBe(APPLICATION.dev);
    expect([...catalog.bindings]).toEqual([["dev", "READ_WRITE"]]);
    expect(catalog.isolation).toBe("ISOLATED");
    expect(catalog.properties).toEqual({
      four_tier_project: "ml-pipelines",
      four_tier_developer: "octocat",
      four_tier_created: now.toISOString(),
      four_tier_expires: daysAfter(now, 30),
    });
    expect(world.grants("octocat_sandbox")).toEqual({
      "mona@example.com": ["USE_CATALOG"],
      "ml-pipelines-sandbox": ["USE_CATALOG"],
    });
    expect(world.grants("octocat_sandbox.gold")).toEqual({ "mona@example.com": gold, "ml-pipelines-sandbox": gold });
    expect(world.grants("octocat_sandbox.default")).toEqual({});
    expect(
      [...catalog.children.values()].flatMap((schema) =>
        schema.name === "information_schema" ? [] : [...schema.children],
      ),
    ).toEqual([]);
    expect(world.grants("rob_smith_sandbox")).not.toHaveProperty("mona@example.com");
  });

  it("grants dev.bronze and dev.silver once, to the group, and nothing else of dev", async () => {
    const account = await estate();
    const { world } = account.simulator;
    expect((await run(account)).sources).toEqual(["dev", "dev.bronze", "dev.silver"]);
    const group = "ml-pipelines-developers";
    expect(world.grants("dev")).toEqual({ [group]: ["USE_CATALOG"] });
    expect(world.grants("dev.bronze")).toEqual({ [group]: ["SELECT", "USE_SCHEMA"] });
    expect(world.grants("dev.silver")).toEqual({ [group]: ["SELECT", "USE_SCHEMA"] });
    expect(world.grants("dev.gold")).toEqual({});
    expect((await run(account)).sources).toEqual([]);
  });

  it("writes nothing the second time", async () => {
    const account = await estate();
    await run(account);
    const before = writes(account).length;
    account.simulator.advance(45 * DAY);
    const again = await run(account);
    expect(outcomes(again)).toEqual(["octocat_sandbox: unchanged", "rob_smith_sandbox: unchanged"]);
    expect(writes(account).slice(before)).toEqual([]);
  });

  it.each([-3, 3])("with a clock that is wrong by %i days writes nothing, and says so", async (days) => {
    const account = await estate();
    const wrong = new Date(account.simulator.now().getTime() + days * DAY * 1_000);
    await expect(run(account, undefined, wrong)).rejects.toThrow(/sandbox\/clock/);
    expect(writes(account)).toEqual([]);
  });

  it("repairs what drifted: binding, isolation, gold, grants, a lost date of the mark", async () => {
    const account = await estate();
    const { world } = account.simulator;
    const made = account.simulator.now();
    await run(account, undefined, made);
    account.simulator.advance(10 * DAY);
    const now = account.simulator.now();
    const catalog = world.securable("octocat_sandbox");
    const { four_tier_expires: _lost, ...properties } = catalog.properties ?? {};
    catalog.properties = { ...properties, keep_until: "2027-06-30" };
    catalog.isolation = "OPEN";
    world.bind("octocat_sandbox", "prod", "READ_ONLY");
    world.revoke("octocat_sandbox.gold", "mona@example.com", ["CREATE_TABLE"]);
    world.revoke("dev.silver", "ml-pipelines-developers", ["SELECT"]);
    const result = await run(account, undefined, now);
    expect(outcomes(result)).toEqual(["octocat_sandbox: mended", "rob_smith_sandbox: unchanged"]);
    expect(result.rows[0]?.done).toEqual(["mark", "isolate", "bind", "grant"]);
    expect(result.sources).toEqual(["dev.silver"]);
    expect([...catalog.bindings]).toEqual([["dev", "READ_WRITE"]]);
    expect(catalog.isolation).toBe("ISOLATED");
    expect(catalog.properties).toMatchObject({
      keep_until: "2027-06-30",
      four_tier_created: made.toISOString(),
      four_tier_expires: daysAfter(now, 30),
    });
    expect(world.grants("octocat_sandbox.gold")["mona@example.com"]).toEqual(gold);
  });

  it.each(["project", "catalog"])("of grants beyond that, authority %s decides", async (authority) => {
    const tail = `${USERS}grants:\n  authority: ${authority}\n  rules: [{ on: catalog octocat_sandbox, principal: auditors, privileges: [USE_CATALOG] }]\n`;
    const account = await estate(
      {
        groups: {
          admins: {},
          auditors: {},
          "ml-pipelines-developers": { members: ["mona@example.com", "ml-pipelines-sandbox"] },
        },
      },
      { tail },
    );
    const { world } = account.simulator;
    await run(account, ["octocat"]);
    world.grant("octocat_sandbox", "auditors", ["USE_CATALOG", "BROWSE"]);
    world.grant("octocat_sandbox", "rob@example.com", ["ALL_PRIVILEGES", "MANAGE"]);
    world.grant("octocat_sandbox.gold", "mona@example.com", ["ALL_PRIVILEGES"]);
    const result = await run(account, ["octocat"]);
    const asOwner = authority === "catalog";
    expect(said(result)).toEqual(asOwner ? [] : ["warning sandbox/excess", "warning sandbox/excess"]);
    expect(world.grants("octocat_sandbox")).toEqual({
      "mona@example.com": ["USE_CATALOG"],
      "ml-pipelines-sandbox": ["USE_CATALOG"],
      auditors: ["BROWSE", "USE_CATALOG"],
      ...(asOwner ? {} : { "rob@example.com": ["ALL_PRIVILEGES", "MANAGE"] }),
    });
    expect(world.grants("octocat_sandbox.gold")["mona@example.com"]).toEqual(
      asOwner ? gold : [...gold, "ALL_PRIVILEGES"].sort(),
    );
  });

  it("two runs at once make one sandbox each developer, and both succeed", async () => {
    const account = await estate();
    const results = await Promise.all([run(account), run(account), run(account)]);
    for (const result of results) expect(said(result)).toEqual([]);
    expect(account.simulator.world.grants("octocat_sandbox.gold")).toEqual({
      "mona@example.com": gold,
      "ml-pipelines-sandbox": gold,
    });
    const made = results.flatMap((result) => result.rows).filter(({ outcome }) => outcome === "created");
    expect(made).toHaveLength(2);
  });

  it("a create whose answer is lost is looked for, not repeated", async () => {
    const lost = { method: "POST", path: "/api/2.1/unity-catalog/*", effect: "lost-answer", times: 2 } as const;
    const account = await estate({ faults: [lost] });
    expect(said(await run(account, ["octocat"]))).toEqual([]);
    const made = writes(account).filter((write) => write === "POST /api/2.1/unity-catalog/catalogs");
    expect(made).toHaveLength(1);
  });

  it("a create of gold that was lost and did not happen is made", async () => {
    const account = await estate({
      faults: [{ method: "POST", path: "*/unity-catalog/schemas", effect: "reset", times: 1 }],
    });
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual([]);
    expect(outcomes(result)).toEqual(["octocat_sandbox: created"]);
    expect(account.simulator.world.grants("octocat_sandbox.gold")["mona@example.com"]).toEqual(gold);
  });

  it("a name that is used by what nobody shows us is refused as another's", async () => {
    const hidden = {
      method: "GET",
      path: "*/catalogs/octocat_sandbox",
      effect: "error",
      status: 404,
      times: "always",
    } as const;
    const account = await estate({
      catalogs: { octocat_sandbox: { owner: "rob@example.com" } },
      faults: [{ ...hidden, code: "CATALOG_DOES_NOT_EXIST", message: "Catalog 'octocat_sandbox' does not exist." }],
    });
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual(["error sandbox/not-ours"]);
    expect(outcomes(result)).toEqual(["octocat_sandbox: refused"]);
  });

  it("what somebody else makes between the look and the create is looked at before it is touched", async () => {
    const account = await estate();
    const { simulator } = account;
    simulator.when({
      method: "POST",
      path: "*/unity-catalog/catalogs",
      run: async () => {
        const path = "/api/2.1/unity-catalog/catalogs";
        await account
          .connect("dev")
          .call({ method: "POST", path, json: { name: "octocat_sandbox" }, repeatable: false });
      },
    });
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual(["error sandbox/not-ours"]);
    expect(writes(account).filter((write) => write.includes("octocat_sandbox"))).toEqual([]);
  });

  it.each<[string, NonNullable<DatabricksScenario["behaviours"]>]>([
    ["409 for a used name", { securable_exists: 409 }],
    ["no schema default", { default_schema: false }],
    ["empty pages", { empty_pages: true }],
  ])("does the same with %s", async (_name, behaviours) => {
    const account = await estate({ behaviours });
    const results = await Promise.all([run(account, ["octocat"]), run(account, ["octocat"])]);
    expect(results.flatMap(said)).toEqual([]);
    expect(outcomes(await run(account, ["octocat"]))).toEqual(["octocat_sandbox: unchanged"]);
    expect([...account.simulator.met.keys()]).toEqual(expect.arrayContaining(Object.keys(behaviours)));
  });

  it.each([{ catalog_properties: "replace" }, { catalog_properties: "merge" }] as const)(
    "completes a mark and keeps what somebody else wrote, with $catalog_properties",
    async (behaviours) => {
      const account = await estate({ behaviours });
      await run(account, ["octocat"]);
      const catalog = account.simulator.world.securable("octocat_sandbox");
      const { [MARK.expires]: _gone, ...rest } = catalog.properties ?? {};
      catalog.properties = { ...rest, note: "mine" };
      expect(said(await run(account, ["octocat"]))).toEqual([]);
      expect(catalog.properties).toMatchObject({ ...rest, note: "mine" });
      expect(catalog.properties[MARK.expires]).toBeTruthy();
      expect([...account.simulator.met.keys()]).toContain("catalog_properties");
    },
  );

  it("without a principal of the sandbox's own, only the developer is granted", async () => {
    const account = await estate({}, { sandbox: "" });
    await run(account, ["octocat"]);
    expect(account.simulator.world.grants("octocat_sandbox")).toEqual({ "mona@example.com": ["USE_CATALOG"] });
  });

  it("finds the sandbox's principal by its name, once", async () => {
    const account = await estate({}, { sandbox: "service_principal: ml-pipelines-sandbox" });
    await run(account, ["octocat"]);
    expect(account.simulator.world.grants("octocat_sandbox")).toHaveProperty("ml-pipelines-sandbox");
    const twins = await estate(
      {
        service_principals: {
          other: {
            application_id: SANDBOX_APPLICATION.replaceAll("5", "6"),
            display_name: "ml-pipelines-sandbox",
            workspaces: ["dev"],
          },
        },
      },
      { sandbox: "service_principal: ml-pipelines-sandbox" },
    );
    await expect(run(twins, ["octocat"])).rejects.toThrow(/sandbox\/principal/);
    expect(writes(twins)).toEqual([]);
  });
});

describe("a sandbox whose removal has begun", () => {
  const COMMENT = "Being removed by Four-Tier since 2027-01-10T00:00:00.000Z: nobody had used it.";
  async function going(): Promise<Account> {
    const account = await estate();
    await run(account, ["octocat"]);
    const catalog = account.simulator.world.securable("octocat_sandbox");
    catalog.properties = { ...catalog.properties, four_tier_warned: "2027-01-01T00:00:00Z", note: "mine" };
    catalog.comment = COMMENT;
    return account;
  }

  it("is left alone by a run for everybody, which says so", async () => {
    const account = await going();
    const result = await run(account);
    expect(said(result)).toEqual(["warning sandbox/in-removal"]);
    expect(result.findings[0]?.message).toMatch(/ in removal since \d{4}-\d\d-\d\d \d\d:\d\d UTC, so/);
    expect(outcomes(result)).toEqual(["octocat_sandbox: left", "rob_smith_sandbox: created"]);
    expect(account.simulator.world.securable("octocat_sandbox").comment).toBe(COMMENT);
  });

  it("is brought back, whole and no longer warned of, by a run for its developer", async () => {
    const account = await going();
    const { world } = account.simulator;
    const gone = {
      method: "DELETE",
      path: "/api/2.1/unity-catalog/schemas/octocat_sandbox.gold",
      query: { force: true },
    } as const;
    await account.connect("dev").call(gone);
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual([]);
    expect(result.rows[0]).toMatchObject({ outcome: "mended", done: ["revive", "create-gold", "grant"] });
    expect(world.grants("octocat_sandbox.gold")["mona@example.com"]).toEqual(gold);
    expect(world.securable("octocat_sandbox")).toMatchObject({
      comment: "The sandbox of octocat (ml-pipelines); made and removed by Four-Tier.",
      properties: { four_tier_warned: "", note: "mine", four_tier_developer: "octocat" },
    });
    expect(outcomes(await run(account, ["octocat"]))).toEqual(["octocat_sandbox: unchanged"]);
  });
});

describe("a catalog of that name", () => {
  const marked = { four_tier_project: "ml-pipelines", four_tier_developer: "octocat" };

  it.each<[string, NonNullable<DatabricksScenario["catalogs"]>[string], string]>([
    ["without our mark", { owner: "ml-pipelines-dev" }, "sandbox/not-ours"],
    [
      "of somebody else's",
      { owner: "rob@example.com", grants: { "ml-pipelines-dev": ["USE_CATALOG"] } },
      "sandbox/not-ours",
    ],
    [
      "with our mark, of somebody else's",
      { owner: "rob@example.com", properties: marked, grants: { "ml-pipelines-dev": ["USE_CATALOG"] } },
      "sandbox/not-ours",
    ],
    ["that cannot be seen", { owner: "rob@example.com" }, "sandbox/not-ours"],
    [
      "of another project",
      { owner: "ml-pipelines-dev", properties: { ...marked, four_tier_project: "other" } },
      "sandbox/not-ours",
    ],
    [
      "of another developer",
      { owner: "ml-pipelines-dev", properties: { ...marked, four_tier_developer: "octo.cat" } },
      "sandbox/collision",
    ],
  ])("%s is refused, and nothing is changed", async (_name, catalog, id) => {
    const account = await estate({ catalogs: { octocat_sandbox: catalog } });
    const result = await run(account);
    expect(said(result)).toEqual([`error ${id}`]);
    expect(outcomes(result)).toEqual(["octocat_sandbox: refused", "rob_smith_sandbox: created"]);
    expect(writes(account).filter((write) => write.includes("octocat"))).toEqual([]);
    expect(account.simulator.world.securable("octocat_sandbox").properties).toEqual(catalog.properties);
  });

  it("names both logins that collide", async () => {
    const account = await estate({}, { tail: "users: { mona-lisa: mona@example.com }\n" });
    await run(account);
    const moved = await estate(
      {
        catalogs: {
          mona_lisa_sandbox: { owner: "ml-pipelines-dev", properties: { ...marked, four_tier_developer: "mona-lisa" } },
        },
      },
      { tail: "users: { mona_lisa: mona@example.com }\n" },
    );
    const [finding] = (await run(moved)).findings;
    expect(finding?.message).toContain("mona_lisa would have the sandbox mona_lisa_sandbox, which is mona-lisa's");
  });
});

describe("bad input stops before anything is made", () => {
  it.each<[string, string, string, Partial<DatabricksScenario>]>([
    ["a login that the contract does not know", "hubot", "sandbox/unknown-login", {}],
    ["a login that leaves nothing", "---", "contract/developer", {}],
    ["a login whose name is kept back", "prod", "contract/developer", {}],
    [
      "somebody whom Databricks does not know",
      "octocat",
      "sandbox/no-such-user",
      {
        users: { "rob@example.com": {} },
        groups: { admins: {}, "ml-pipelines-developers": { members: ["ml-pipelines-sandbox"] } },
      },
    ],
    [
      "a deactivated user",
      "octocat",
      "sandbox/inactive-user",
      { users: { "rob@example.com": {}, "mona@example.com": { active: false } } },
    ],
  ])("%s", async (_name, login, id, scenario) => {
    const account = await estate(scenario);
    const result = await run(account, [login]);
    expect(said(result)).toEqual([`error ${id}`]);
    expect(result.findings[0]?.remedy).not.toBe("");
    expect(writes(account).filter((write) => write.includes("catalogs"))).toEqual([]);
  });

  it("a contract without users", async () => {
    await expect(run(await estate({}, { tail: "" }))).rejects.toThrow(/sandbox\/nobody/);
  });

  it.each<[string, string, Partial<DatabricksScenario>]>([
    ["no storage anywhere", "sandbox/storage-root", { metastore: { storage_root: "" } }],
    ["no right to make catalogs", "sandbox/may-not-create", { metastore: { grants: {} } }],
    ...[
      { status: 400, code: "QUOTA_EXCEEDED", message: "Cannot create more than 1000 Catalog(s) in Metastore" },
      { status: 429, code: "RESOURCE_EXHAUSTED", message: "The quota for the number of catalogs has been reached." },
    ].map(({ status, code, message }): [string, string, Partial<DatabricksScenario>] => [
      `a quota that is reached, told by ${status}`,
      "sandbox/quota",
      { faults: [{ method: "POST", path: "*/catalogs", effect: "error", status, code, message, times: "always" }] },
    ]),
    [
      "an external location that is not granted",
      "sandbox/storage-root",
      {
        faults: [
          {
            method: "POST",
            path: "*/catalogs",
            effect: "error",
            status: 403,
            code: "PERMISSION_DENIED",
            message: "User does not have CREATE MANAGED STORAGE on External Location 'sandboxes'.",
          },
        ],
      },
    ],
  ])("%s is said with its remedy", async (_name, id, scenario) => {
    const result = await run(await estate(scenario), ["octocat"]);
    expect(said(result)).toEqual([`error ${id}`]);
    expect(result.rows.map(({ outcome }) => outcome)).toEqual(["refused"]);
  });

  it("with storage_root in the contract, a metastore without storage is no obstacle", async () => {
    const account = await estate({ metastore: { storage_root: "" } }, { sandbox: "storage_root: s3://acme-sandboxes" });
    expect(said(await run(account, ["octocat"]))).toEqual([]);
    expect(account.simulator.world.securable("octocat_sandbox").storageRoot).toBe("s3://acme-sandboxes");
  });

  it("one refusal about dev stops no sandbox, and is said", async () => {
    const refusal = {
      method: "GET",
      path: "*/permissions/catalog/dev",
      effect: "error",
      status: 403,
      times: "always",
    } as const;
    const account = await estate({ faults: [{ ...refusal, code: "PERMISSION_DENIED", message: "no" }] });
    const result = await run(account);
    expect(said(result)).toEqual(["error databricks/refused"]);
    expect(outcomes(result)).toEqual(["octocat_sandbox: created", "rob_smith_sandbox: created"]);
  });

  it("a sandbox's principal that is nobody is said, with where it stands, and what was made until then", async () => {
    const nobody = "99999999-9999-4999-8999-999999999999";
    const account = await estate({}, { sandbox: `service_principal: ml-pipelines-sandbox, client_id: "${nobody}"` });
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual(["error sandbox/principal"]);
    expect(result.findings[0]?.remedy).toContain("tiers.sandbox.client_id");
    expect(result.rows).toMatchObject([
      { catalog: "octocat_sandbox", outcome: "unfinished", done: ["create-catalog", "isolate", "bind", "create-gold"] },
    ]);
  });

  it("who may not list users learns from the grant that the developer is nobody", async () => {
    const account = await estate({
      users: { "rob@example.com": {} },
      groups: { admins: {}, "ml-pipelines-developers": { members: ["ml-pipelines-sandbox"] } },
      faults: [
        {
          method: "GET",
          path: "*/scim/v2/Users*",
          effect: "error",
          status: 403,
          code: "X",
          message: "no",
          times: "always",
        },
      ],
    });
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual(["error sandbox/no-such-user"]);
    expect(result.findings[0]?.remedy).toContain("users.octocat");
    expect(result.rows).toMatchObject([{ catalog: "octocat_sandbox", outcome: "unfinished" }]);
  });

  it("says that the sandbox's principal is not in the group, and what the group may do beyond reading", async () => {
    const members = ["mona@example.com", "rob@example.com"];
    const account = await estate({ groups: { admins: {}, "ml-pipelines-developers": { members } } });
    const { world } = account.simulator;
    world.grant("dev", "ml-pipelines-developers", ["SELECT"]);
    world.grant("dev.bronze", "ml-pipelines-developers", ["ALL_PRIVILEGES"]);
    world.grant("dev.gold", "ml-pipelines-developers", ["USE_SCHEMA", "SELECT"]);
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual([
      ...Array<string>(3).fill("warning sandbox/reads-more"),
      "warning sandbox/not-a-member",
    ]);
    expect(result.findings.map(({ message }) => message).join()).toMatch(
      /SELECT on dev,.*ALL_PRIVILEGES on dev\.bronze,.*USE_SCHEMA on dev\.gold/,
    );
    expect(world.grants("dev")["ml-pipelines-developers"]).toEqual(["SELECT", "USE_CATALOG"]);
  });

  it("without the group, sandboxes are made and the run still fails", async () => {
    const account = await estate({
      groups: { admins: {}, "ml-pipelines-developers": { workspace: "dev", members: [] } },
    });
    const result = await run(account, ["octocat"]);
    expect(said(result)).toEqual(["error sandbox/no-group"]);
    expect(outcomes(result)).toEqual(["octocat_sandbox: created"]);
    expect(account.simulator.world.grants("dev.bronze")).toEqual({});
  });

  it("says who is not in the group, and which schema is not there yet", async () => {
    const account = await estate({
      groups: { admins: {}, "ml-pipelines-developers": { members: ["rob@example.com", "ml-pipelines-sandbox"] } },
      catalogs: { dev: { owner: "ml-pipelines-dev", schemas: { bronze: {} } } },
    });
    expect(said(await run(account, ["octocat"]))).toEqual([
      "warning sandbox/no-source",
      "warning sandbox/not-a-member",
    ]);
  });
});
