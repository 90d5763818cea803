/** An incident's hold through ten deploys that add, delete and change jobs; then everything as it was before, not "all on". */
import { expect, test } from "vitest";
import { resolveTier } from "../src/contract/tiers.ts";
import { liftHolds, takeHold } from "../src/holds.ts";
import { type LockedLedger, withLedger } from "../src/ledger/locked.ts";
import { approve, failures, gitOf, scene } from "./promotion.ts";
import { BUNDLE, CONTRACT, IDS } from "./promotion-files.ts";
import { QUIET } from "./run.ts";

const base = BUNDLE.replace("continuous: false", "continuous: true");
const job = (key: string, start: string): string =>
  `    ${key}:\n      name: ${key}\n      ${start}\n      tasks: [{ task_key: w, notebook_task: { notebook_path: src/scoring/score.py } }]\n`;
const at = (hour: number): string => `schedule: { quartz_cron_expression: 0 0 ${hour} * * ?, timezone_id: UTC }`;

/** What deploy number `count` declares: `old` goes with the fifth, `young` comes with the third, `hand` has another clock from the seventh. */
function files(count: number): Readonly<Record<string, string>> {
  const old = count < 5;
  const young = count >= 3;
  const described = base.replace("name: refresh", `name: refresh\n      description: deploy ${count}`);
  const keys = ["jobs.hand", "jobs.loop", ...(old ? ["jobs.old"] : []), ...(young ? ["jobs.young"] : [])];
  return {
    "databricks.yml": [
      described,
      ...(old ? [job("old", at(1))] : []),
      job("hand", at(count < 7 ? 2 : 4)),
      job("loop", "continuous: {}"),
      ...(young ? [job("young", at(3))] : []),
    ].join(""),
    "four-tier.yml": CONTRACT.replace("jobs.watch]", `jobs.watch, ${keys.join(", ")}]`).replace(
      "prod: {",
      "prod: { destructive: [jobs.old],",
    ),
  };
}

test("nothing starts by itself through ten deploys; then what ran before runs, and what somebody had paused does not", async () => {
  const prod = await scene("prod");
  prod.change(files(0));
  expect(failures((await approve(prod)).result)).toEqual([]);
  const tier = resolveTier(await prod.contract(await gitOf(prod.repository).head()), "prod");
  prod.world.changeJob("prod", "hand", (settings) => {
    settings["schedule"] = { ...(settings["schedule"] as object), pause_status: "PAUSED" };
  });
  const running = (): string[] => [
    ...prod.world
      .jobs("prod")
      .filter(({ settings }) => {
        const start = settings["schedule"] ?? settings["continuous"] ?? settings["trigger"];
        return start !== undefined && (start as { pause_status?: string }).pause_status !== "PAUSED";
      })
      .map(({ settings }) => settings["name"] as string),
    ...prod.world
      .pipelines("prod")
      .filter(({ spec }) => spec["continuous"] === true)
      .map(({ spec }) => spec["name"] as string),
  ];
  const before = running();
  expect(before).toContain("old");
  expect(before).not.toContain("hand");

  const workspace = prod.connect();
  const request = (run: string) => ({
    workspace,
    tier,
    principal: IDS.prod,
    contract: { schedules: { names: [], exceptions: [] } },
    patience: { timeoutMs: 2_000, everyMs: 5 },
    activeRuns: "leave" as const,
    record: () => Promise.resolve("1"),
    run: { id: run, attempt: 1 },
    now: new Date(),
    log: QUIET,
    locked: <T>(work: (ledger: LockedLedger) => Promise<T>): Promise<T> =>
      withLedger(
        workspace,
        {
          folder: prod.folder,
          project: tier.project,
          tier: "prod",
          owner: { run, attempt: 1, job: "operate" },
          runHasEnded: () => Promise.resolve(true),
          waitMs: 0,
          pollMs: 1,
          log: QUIET,
          now: () => new Date(),
          pause: () => Promise.resolve(),
        },
        work,
      ),
  });
  const held = await takeHold({
    ...request("900"),
    scope: "project",
    selector: "all",
    reason: "incident",
    by: "octocat",
    until: undefined,
  });
  expect(held.findings).toEqual([]);
  expect(running()).toEqual([]);

  for (let count = 1; count <= 10; count += 1) {
    prod.change(files(count));
    const { result } = await approve(prod);
    expect(failures(result), `deploy ${count}`).toEqual([]);
    expect(running(), `deploy ${count}`).toEqual([]);
  }

  const resumed = await liftHolds({ ...request("901"), hold: "" });
  expect(resumed.findings.map(({ id }) => id)).toEqual(["schedules/held-and-gone"]);
  expect(running().toSorted()).toEqual([...before.filter((name) => name !== "old"), "young"].toSorted());
}, 120_000);
