/**
 * A look that costs list pages only, however big the project is: for a release that the tier's ledger says it has.
 * Jobs are compared by the settings that their list shows. What no list shows is not compared: access lists, whom a job
 * runs as, the settings of pipelines, the bytes of files. Whatever is not as it should be means: look whole.
 */
import { listFolder } from "../databricks/files.ts";
import type { Workspace } from "../databricks/workspace.ts";
import { together } from "../http/pool.ts";
import type { Ledger } from "../ledger/model.ts";
import type { Applied, Desired } from "./change.ts";
import { driftOf } from "./drift.ts";
import { kindOf } from "./kinds/index.ts";
import type { Live } from "./kinds/kind.ts";
import type { Observed } from "./observe.ts";
import type { Place } from "./place.ts";
import { makePlan } from "./plan.ts";
import { driftContext, type Standing } from "./standing.ts";
import type { Content } from "./upload.ts";

/** The tier as its lists show it; undefined if they do not show that nothing is to be done. */
export async function glance(
  workspace: Workspace,
  ledger: Ledger,
  desired: readonly Desired[],
  contents: readonly Content[],
  place: Place,
): Promise<Standing | undefined> {
  const applied = ledger.resources;
  const plan = makePlan(applied, desired);
  if (!plan.empty) return undefined;
  const kinds = [...new Set([...applied.values()].map(({ kind }) => kind))];
  const [listed, folders] = await together([
    together(
      kinds.map((kind) => {
        const ids = new Set([...ofKind(applied, kind).values()].map(({ id }) => id));
        return kindOf(kind).list(workspace, { ids, tier: place.tier });
      }),
    ),
    listFolder(workspace, `${place.folder}/releases`),
  ]);
  const present = new Set(folders?.map(({ path }) => path));
  // Of a component without files there is only the manifest.
  const stands = ({ folder, files }: Content): boolean =>
    (files.length === 0 || present.has(folder)) && present.has(`${folder}.manifest.json`);
  if (!contents.every(stands)) return undefined;
  const live = liveOf(applied, listed.flat());
  if (!pipelinesStand(ofKind(applied, "pipelines"), live, place.principal)) return undefined;
  const observation = { live, orphans: [], namesakes: [], findings: [] };
  // the settings of pipelines are in no list
  const shown = new Map([...applied].filter(([, resource]) => resource.kind !== "pipelines"));
  const drift = driftOf(shown, live, driftContext(applied, observation, place, ledger.holds));
  return drift.empty ? { ledger, observation, plan, drift, left: [], steps: [] } : undefined;
}

function ofKind(applied: Applied, kind: string): Applied {
  return new Map([...applied].filter(([, resource]) => resource.kind === kind));
}

function liveOf(applied: Applied, listed: readonly Live[]): Map<string, Observed | undefined> {
  const byId = new Map(listed.map((found) => [`${found.kind} ${found.id}`, found]));
  return new Map(
    [...applied].map(([key, { kind, id }]) => {
      const found = byId.get(`${kind} ${id}`);
      return [key, found === undefined ? undefined : { ...found, foundBy: "ledger" }];
    }),
  );
}

/** Each is there, has its name, and runs as nobody else. */
function pipelinesStand(applied: Applied, live: ReadonlyMap<string, Observed | undefined>, principal: string): boolean {
  return [...applied].every(([key, { name }]) => {
    const found = live.get(key);
    return found?.name === name && (found.runAs === undefined || found.runAs === principal);
  });
}
