/** What the scenes of what is not known have in common: small pieces of stories, each as our code plays it. */
import { getPipeline } from "../../src/databricks/pipelines.ts";
import type { Workspace } from "../../src/databricks/workspace.ts";
import { kindOf } from "../../src/release/kinds/index.ts";
import { rollForward } from "../../src/release/roll-forward.ts";
import { startUpdateOf } from "../../src/release/started.ts";
import type { Step } from "../../src/release/step.ts";
import { matchSchedules, type SchedulesOptions } from "../../src/schedules.ts";
import { proveTier } from "../../src/setup-env.ts";
import { type Account, APPLICATION } from "../account.ts";
import { leaping, QUIET } from "../run.ts";
import { job, optionsFor } from "../schedules/tier.ts";

/** A job of dev's that starts by itself. */
export const starting = (name: string, settings: object) => job("dev", name, settings);

/** What the proof of dev says of who we are and where; the catalog has its own questions. */
export async function proved(estate: Account): Promise<string[]> {
  const tier = estate.tier("dev");
  const { findings } = await proveTier(estate.connect("dev"), estate.contract, tier, APPLICATION.dev);
  return findings.map(({ id }) => id).filter((id) => id !== "identity/catalog");
}

/** What a look at dev's schedules says, or their match: `error schedules/drift`. */
export async function schedulesOf(
  estate: Account,
  mode: "check" | "enforce",
  more: Partial<SchedulesOptions> = {},
): Promise<string[]> {
  const options = { mode, ...optionsFor(estate, "dev"), ...more };
  const { findings } = await matchSchedules(estate.connect("dev"), estate.tier("dev"), options, QUIET);
  return findings.map(({ severity, id }) => `${severity} ${id}`);
}

/** Has what runs all the time take a new release, as a promotion that has just updated it; gives the findings. */
export async function rolled(estate: Account, kind: "jobs" | "pipelines", id: string): Promise<string[]> {
  const workspace = estate.connect("dev");
  const live = await kindOf(kind).read(workspace, id);
  if (live === undefined) throw new Error(`${id} is not there`);
  const { name, settings } = live;
  const key = `${kind}.${name}` as const;
  const common = { permissions: undefined, component: "default", componentDigest: "a".repeat(64) };
  const step: Step = {
    key,
    kind,
    name,
    action: "update",
    desired: { key, kind, name, settings, ...common },
    live: { ...live, foundBy: "ledger" },
    references: [],
    settings: true,
    permissions: false,
    accessBefore: undefined,
  };
  const { findings } = await rollForward(workspace, [step], new Map(), {
    tier: "prod",
    log: QUIET,
    written: () => settings,
    ...leaping(),
  });
  return findings.map((finding) => finding.id);
}

/** Looks until a pipeline that was asked to stop has stopped. */
export async function atRest(estate: Account, id: string): Promise<void> {
  while ((await getPipeline(estate.connect("dev"), id))?.state !== "IDLE");
}

/** The states of an update that we start, to its end. */
export async function follow(workspace: Workspace, pipelineId: string): Promise<string[]> {
  const started = await startUpdateOf(workspace, pipelineId, false, () => {});
  const states: string[] = [];
  for (let done = false; !done; ) {
    const seen = await started.look();
    states.push(seen.state);
    done = seen.done;
  }
  return states;
}
