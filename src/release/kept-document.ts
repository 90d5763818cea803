/** Where an evidence document lies on the branch for evidence, and whether a file is the document of a run. */
import * as v from "valibot";
import { parseJson } from "../json.ts";
import { type EvidenceDocument, evidenceSchema } from "./evidence-document.ts";

/** A larger document is nobody's: one of a thousand jobs with all their fields has some 2 MB. */
export const MOST_BYTES = 10 * 1024 * 1024;

/** A file that should be an evidence document. */
type ReadDocument =
  | { readonly document: EvidenceDocument }
  /** Why it is none: a clause without a full stop. */
  | { readonly document: undefined; readonly why: string };

/** Reads a document by the published schema. */
export function readDocument(text: string): ReadDocument {
  let json: unknown;
  try {
    json = parseJson(text);
  } catch {
    return { document: undefined, why: "it is not JSON" };
  }
  const result = v.safeParse(evidenceSchema, json);
  if (result.success) return { document: result.output };
  const [issue] = result.issues;
  // What stands there is not shown: it is somebody else's text.
  return { document: undefined, why: `its ${v.getDotPath(issue) ?? "top"} is not what evidence.schema.json says` };
}

/** What a document's place is made of. */
type Placed = Pick<EvidenceDocument, "kind" | "project" | "tier" | "written_at"> & {
  readonly run: Pick<EvidenceDocument["run"], "id" | "attempt">;
};

/**
 * `ml-pipelines/staging/2026-11-30/7000123-1-promotion-<sha256>.json`: by project, tier and day (UTC), then the run, its
 * attempt, and what it is evidence of. The hash in the name keeps documents of one run apart, and nobody can put another
 * file in a place that is not known before the document is.
 */
export function documentPath({ kind, project, tier, written_at, run }: Placed, digest: string): string {
  const of = kind.replace(/-evidence$/, "");
  return `${project}/${tier}/${written_at.slice(0, 10)}/${run.id}-${run.attempt}-${of}-${digest}.json`;
}

/** The days (UTC) that a stretch of time touches, `2026-11-30`, with some room for clocks; milliseconds of the epoch. */
export function daysOf({ from, to }: { readonly from: number; readonly to: number }, room: number): string[] {
  const days: string[] = [];
  const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);
  const last = dayOf(to + room);
  for (let time = from - room; days.at(-1) !== last && days.length < MOST_DAYS; time += 86_400_000) {
    days.push(dayOf(Math.min(time, to + room)));
  }
  return days;
}

/** A job runs for a day at the most where GitHub runs it, and five where a team does. */
const MOST_DAYS = 7;
