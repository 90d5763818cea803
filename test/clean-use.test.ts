/** What counts as use of a sandbox, each kind alone; and what is looked at once more right before it goes. */
import { describe, expect, it } from "vitest";
import { startUpdate } from "../src/databricks/pipelines.ts";
import { FourTierError } from "../src/findings.ts";
import { removeDeployed, takeCensus } from "../src/sandboxes/deployed.ts";
import { QUIET } from "./run.ts";
import { cleanUp, DAY, isThere, outcomes, said, setProperties, unusedSandbox } from "./sandboxes/cleaning.ts";

describe("a sandbox is used", () => {
  it.each(["table", "volume", "function", "model"] as const)("by a fresh %s alone, for keep_days", async (type) => {
    const account = await unusedSandbox(undefined);
    account.simulator.world.add("octocat_sandbox.gold", type, "fresh");
    account.simulator.advance(29 * DAY);
    expect(outcomes(await cleanUp(account))).toEqual(["octocat_sandbox: keep, done"]);
    account.simulator.advance(2 * DAY);
    expect(outcomes(await cleanUp(account))).toEqual(["octocat_sandbox: warn, done"]);
  });

  it.each([
    ["ended", 29, "keep"],
    ["ended", 31, "warn"],
    ["runs still", 60, "keep"],
  ])("by an update of its pipeline alone: one that %s after %i days is %s", async (how, days, decision) => {
    const account = await unusedSandbox(undefined);
    const { simulator } = account;
    const { id, updates } = simulator.world.pipeline("dev", "[sandbox octocat] ingest");
    await startUpdate(account.connect("dev", "ml-pipelines-sandbox"), id);
    const [update] = updates;
    if (update === undefined) throw new Error("there is no update");
    if (how === "ended") update.state = "COMPLETED";
    else update.polls = Number.POSITIVE_INFINITY;
    simulator.advance(days * DAY);
    expect(outcomes(await cleanUp(account))).toEqual([`octocat_sandbox: ${decision}, done`]);
  });
});

describe("right before it goes", () => {
  it("the catalog is read once more: whoever sets keep_until after all else is gone keeps it", async () => {
    const account = await unusedSandbox(8);
    const { simulator } = account;
    simulator.when({
      method: "POST",
      path: "*/workspace/delete",
      after: true,
      run: () => setProperties(simulator, { keep_until: "2199-01-01" }),
    });
    const result = await cleanUp(account);
    expect(said(result)).toEqual(["warning sandbox/changed-meanwhile", "error sandbox/unfinished"]);
    expect(isThere(simulator, "octocat_sandbox")).toBe(true);
    expect(isThere(simulator, "octocat_sandbox.gold")).toBe(false);
  });

  it.each<[string, "jobs" | "pipelines", Record<string, unknown>]>([
    ["a job whose tags name another developer by now", "jobs", { tags: { four_tier_developer: "rob_smith" } }],
    ["a job whose tags are gone", "jobs", { tags: {} }],
    [
      "a pipeline whose tags name another developer by now",
      "pipelines",
      { tags: { four_tier_developer: "rob_smith" } },
    ],
    ["a pipeline whose tags name another project by now", "pipelines", { tags: { four_tier_project: "other" } }],
    ["a pipeline that writes another catalog by now", "pipelines", { catalog: "dev" }],
  ])("%s is left alone", async (_name, kind, change) => {
    const account = await unusedSandbox(8);
    const { world } = account.simulator;
    const workspace = account.connect("dev");
    const [target] = (await takeCensus(workspace, account.contract)).filter((each) => each.kind === kind);
    if (target === undefined) throw new Error(`there are no ${kind}`);
    const apply = (settings: Record<string, unknown>): void => {
      for (const [field, value] of Object.entries(change)) {
        const before = settings[field];
        const merge = typeof value === "object" && Object.keys(value ?? {}).length > 0;
        settings[field] = merge ? { ...(before as object), ...value } : value;
      }
    };
    if (kind === "jobs") world.changeJob("dev", target.name, apply);
    else world.changePipeline("dev", target.name, apply);
    const removal = removeDeployed(workspace, target, {
      contract: account.contract,
      check: () => Promise.resolve(),
      pause: () => Promise.resolve(),
      log: QUIET,
    });
    await expect(removal).rejects.toThrow(FourTierError);
    await expect(removal).rejects.toThrow(/sandbox\/changed-hands/);
    expect(world.picture("dev").map(({ name }) => name)).toContain(target.name);
  });
});
