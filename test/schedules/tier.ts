/** The parts of a tier that checking, enforcing and holding need, as the action puts them together. */
import type { TierName } from "../../src/contract/model.ts";
import type { JsonObject } from "../../src/json.ts";
import { type LockedLedger, withLedger } from "../../src/ledger/locked.ts";
import { tierFolder } from "../../src/ledger/paths.ts";
import { readLedger } from "../../src/ledger/store.ts";
import type { SchedulesOptions } from "../../src/schedules.ts";
import { type Account, APPLICATION } from "../account.ts";
import { QUIET } from "../run.ts";

export type Deployed = keyof typeof APPLICATION;

export const cron = { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "Europe/Berlin" };
export const now = new Date("2027-01-15T12:00:00Z");

export const tags = (tier: TierName, key: string): Record<string, string> => ({
  four_tier_project: "ml-pipelines",
  four_tier_tier: tier,
  four_tier_key: key,
});
export const task = { task_key: "run", notebook_task: { notebook_path: "/a" } };
export const job = (tier: Deployed, name: string, settings: object) => ({
  owner: `ml-pipelines-${tier}`,
  settings: { name, tags: tags(tier, `jobs.${name}`), tasks: [task], ...settings },
});
export const pipeline = (tier: Deployed, name: string, spec: object) => ({
  owner: `ml-pipelines-${tier}`,
  spec: { name, tags: tags(tier, `pipelines.${name}`), catalog: tier, schema: "gold", serverless: true, ...spec },
});

/** The tier's ledger, read and locked for real. */
export function ledgerOf(account: Account, tier: Deployed, run = "100") {
  const workspace = account.connect(tier);
  const folder = tierFolder(APPLICATION[tier], account.tier(tier));
  const read = () => readLedger(workspace, folder, { project: "ml-pipelines", tier });
  return {
    folder,
    read,
    holds: async () => (await read())?.holds ?? [],
    locked: <T>(work: (ledger: LockedLedger) => Promise<T>): Promise<T> =>
      withLedger(
        workspace,
        {
          folder,
          project: "ml-pipelines",
          tier,
          owner: { run, attempt: 1, job: "operate" },
          runHasEnded: () => Promise.resolve(false),
          waitMs: 0,
          pollMs: 1,
          log: QUIET,
          now: () => now,
          pause: () => Promise.resolve(),
        },
        work,
      ),
  };
}

export function optionsFor(account: Account, tier: Deployed): Omit<SchedulesOptions, "mode"> {
  const { read, locked } = ledgerOf(account, tier);
  return {
    scope: "project",
    strict: true,
    now,
    patience: { timeoutMs: 1_000, everyMs: 5 },
    activeRuns: "leave",
    also: [],
    contract: account.contract,
    principal: APPLICATION[tier],
    seesAll: true,
    ledger: read,
    record: () => Promise.resolve("1"),
    locked,
  };
}

/** Writes to jobs and pipelines alone: not those to the ledger and the lock. */
export function scheduleWrites(account: Account): string[] {
  return account.writes().filter((write) => !write.includes("/api/2.0/workspace"));
}

/** Writes a ledger that names these resources by id, as a promotion leaves it. */
export async function applied(
  account: Account,
  tier: Deployed,
  ids: readonly (readonly [key: string, id: string, settings?: JsonObject])[],
): Promise<void> {
  const resources = ids.map(([key, id, settings = {}]) => {
    const [kind = "", name = ""] = key.split(".");
    const stored = { id, kind, name, settings, permissions: undefined, component: "default" };
    return [key, { ...stored, componentDigest: "a".repeat(64) }] as const;
  });
  await ledgerOf(account, tier).locked((ledger) =>
    ledger.save({ ...ledger.current(), resources: new Map([...ledger.current().resources, ...resources]) }),
  );
}
