/** Whatever changes while a clean-up is at work counts, and is still there afterwards. */
import { describe, expect, it } from "vitest";
import type { DatabricksSimulator } from "../simulator/databricks/server.ts";
import { cleanUp, isThere, outcomes, said, setProperties, unusedSandbox } from "./sandboxes/cleaning.ts";

const TABLE = "octocat_sandbox.gold.scores";
const api = (simulator: DatabricksSimulator): string[] =>
  simulator.requests
    .filter(({ path }) => path.startsWith("/api/"))
    .map(({ method, path, query }) => `${method} ${path.replace(/^\/api\/2\.\d\//, "")} ${query["schema_name"] ?? ""}`);

interface Change {
  readonly make: (simulator: DatabricksSimulator, nth: number) => void;
  /** The request that shows it. */
  readonly shownBy: RegExp;
  /** The request after which it comes too late for that. */
  readonly before: RegExp;
}

const FIRST_DELETION = /^POST jobs\/delete/;
const CATALOG = /^GET unity-catalog\/catalogs\/octocat_sandbox/;
const OF_THE_CATALOG: readonly ((simulator: DatabricksSimulator) => void)[] = [
  (simulator) => setProperties(simulator, { four_tier_warned: "" }),
  (simulator) => setProperties(simulator, { "keep-until": "2199-01-01" }),
  (simulator) => setProperties(simulator, { four_tier_developer: "rob-smith" }),
  (simulator) => setProperties(simulator, { four_tier_project: "other" }),
  ({ world }) => world.setOwner("octocat_sandbox", "mona@example.com"),
];
const CHANGES: Readonly<Record<string, Change>> = {
  "keep_until is set": {
    make: (simulator) => setProperties(simulator, { keep_until: "2199-01-01" }),
    shownBy: CATALOG,
    before: FIRST_DELETION,
  },
  "its mark, its warning or its owner changes": {
    make: (simulator, nth) => OF_THE_CATALOG[nth % OF_THE_CATALOG.length]?.(simulator),
    shownBy: CATALOG,
    before: FIRST_DELETION,
  },
  "a table is made": {
    make: ({ world }) => world.add("octocat_sandbox.gold", "table", "fresh"),
    shownBy: /^GET unity-catalog\/tables gold/,
    before: /^DELETE unity-catalog\/schemas\/octocat_sandbox\.gold/,
  },
  "a job runs, and ends": {
    make: ({ world }) => world.finishRun("dev", world.startRun("dev", "[sandbox octocat] score")),
    shownBy: /^GET jobs\/runs\/list/,
    before: FIRST_DELETION,
  },
};

describe("a sandbox that is about to be removed", () => {
  /** One clean-up with a change right before its nth request; what was asked, the change's place in it, and whether the data is there. */
  async function removal(change?: Change["make"], nth = 0) {
    const { simulator, contract } = await unusedSandbox(8);
    const from = api(simulator).length;
    if (change !== undefined) {
      simulator.when({ path: "/api/*", nth, run: () => change(simulator, nth) });
    }
    const result = await cleanUp({ simulator, contract });
    return { simulator, result, asked: api(simulator).slice(from) };
  }

  it("goes if nothing changes, and the last thing read before the first deletion is what a person may have set", async () => {
    const { asked, result, simulator } = await removal();
    expect(said(result)).toEqual([]);
    expect(isThere(simulator, "octocat_sandbox")).toBe(false);
    const first = asked.findIndex((one) => FIRST_DELETION.test(one));
    expect(asked[first - 1]).toMatch(CATALOG);
    expect(asked.filter((one) => one.startsWith("PATCH"))).toEqual(["PATCH unity-catalog/catalogs/octocat_sandbox "]);
  });

  it.each(Object.entries(CHANGES))(
    "stays if %s before any request up to the last that shows it",
    { timeout: 120_000 },
    async (_name, { make, shownBy, before }) => {
      const { asked } = await removal();
      const deletion = asked.findIndex((one) => before.test(one));
      const last = asked.slice(0, deletion).findLastIndex((one) => shownBy.test(one)) + 1;
      expect(last).toBeGreaterThan(20);
      for (let nth = 1; nth <= last; nth += 1) {
        const { simulator } = await removal(make, nth);
        expect([nth, isThere(simulator, TABLE)]).toEqual([nth, true]);
      }
    },
  );

  it("does not cancel a run that begins after everything was looked at: what runs is in use", async () => {
    const account = await unusedSandbox(8);
    const { simulator } = account;
    simulator.when({
      method: "GET",
      path: "*/catalogs/octocat_sandbox",
      nth: 2,
      run: () => {
        simulator.world.startRun("dev", "[sandbox octocat] score");
      },
    });
    expect(said(await cleanUp(account))).toEqual(["warning sandbox/changed-meanwhile"]);
    expect(api(simulator).filter((one) => one.startsWith("POST jobs/runs/cancel"))).toEqual([]);
  });

  it("says no longer that it is being removed, if nothing of it was", async () => {
    const account = await unusedSandbox(8);
    const { simulator } = account;
    simulator.world.securable("octocat_sandbox").comment = "Mona's";
    simulator.when({
      method: "PATCH",
      path: "*/catalogs/octocat_sandbox",
      after: true,
      run: () => setProperties(simulator, { keep_until: "2199-01-01" }),
    });
    expect(said(await cleanUp(account))).toEqual(["warning sandbox/changed-meanwhile"]);
    expect(simulator.world.securable("octocat_sandbox")).toMatchObject({
      comment: "Mona's",
      properties: { keep_until: "2199-01-01" },
    });
  });
});

describe("a sandbox that is warned of, or kept", () => {
  it.each([
    ["warned of", false, "warn"],
    ["kept", true, "keep"],
  ])(
    "while it is %s, what somebody sets stays, up to the write itself",
    { timeout: 60_000 },
    async (_name, used, decided) => {
      const sandbox = async () => {
        const account = await unusedSandbox(undefined);
        if (used) account.simulator.world.add("octocat_sandbox.gold", "table", "fresh");
        return account;
      };
      const first = await sandbox();
      const from = api(first.simulator).length;
      expect(outcomes(await cleanUp(first))).toEqual([`octocat_sandbox: ${decided}, done`]);
      const asked = api(first.simulator).slice(from);
      const write = asked.findIndex((one) => one.startsWith("PATCH"));
      expect(asked[write - 1]).toMatch(CATALOG);
      for (let nth = 1; nth <= write; nth += 1) {
        const account = await sandbox();
        const { simulator } = account;
        simulator.when({ path: "/api/*", nth, run: () => setProperties(simulator, { keep_until: "2199-01-01" }) });
        expect([nth, outcomes(await cleanUp(account))]).toEqual([nth, ["octocat_sandbox: keep, done"]]);
        expect([nth, simulator.world.securable("octocat_sandbox").properties]).toMatchObject([
          nth,
          { keep_until: "2199-01-01" },
        ]);
      }
    },
  );
});
