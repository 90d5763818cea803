/**
 * Holds as the tier's ledger keeps them: a recorded reason why schedules stay paused (kind schedules), or why the tier
 * takes no promotion (kind tier). The run that made one is the proof; this is a copy for speed, and the only place that
 * knows what was paused and what was running before.
 */
import * as v from "valibot";
import { canonicalJson, type JsonObject } from "../json.ts";
import { sha256 } from "../sha256.ts";

/** One thing that starts a resource by itself, as it was before any hold. */
interface PriorStarter {
  readonly field: string;
  /** `cron 0 0 6 * * ? (UTC)`: tells it from its siblings. */
  readonly what: string;
  readonly state: "running" | "paused";
  /** Tells it from siblings of the same words. */
  readonly entry?: string;
}

/** A resource that a hold met, as it was before any hold. */
export interface PriorState {
  readonly kind: string;
  readonly id: string;
  /** `jobs.score` if it is the project's. */
  readonly key: string | undefined;
  readonly name: string;
  readonly starters: readonly PriorStarter[];
}

/** A recorded reason why schedules stay paused, or why a tier takes no promotion. */
export interface Hold {
  /** 64 hex over what it says: evidence repeats it. */
  readonly id: string;
  readonly kind: "schedules" | "tier";
  /** `all`, `name:<pattern>` or `tag:<key>[=<value>]`; `all` for the kind tier. */
  readonly selector: string;
  /** Kind schedules: what carries this project's tags, or everything in the workspace. */
  readonly scope: "project" | "workspace";
  readonly reason: string;
  /** GitHub login. */
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  /** ISO time after which it has expired; undefined: until it is lifted. */
  readonly until: string | undefined;
  readonly run: { readonly id: string; readonly attempt: number };
  /** The prior mix. Empty for the kind tier. */
  readonly prior: readonly PriorState[];
  /** It was lifted, and not everything could be given back: only what `prior` names is still held. */
  readonly remainder?: true;
  /** What made it, where that was not a person who wanted a hold: only that may take it over or drop it. */
  readonly origin?: HoldOrigin;
  /** Origin promotion: the release that stopped half way, 64 hex. It may enter; no other may. */
  readonly release?: string;
  /** Origin rollback: the release that it goes back to, 64 hex, for as long as it has not come to its end. */
  readonly goal?: string;
}

/** Work of the suite that holds a tier on its own account. */
export type HoldOrigin = "rollback" | "promotion";

/** The same holds once no rollback is under way any more: it came to its end, or a promotion went over it. */
export function withoutGoals(holds: readonly Hold[]): Hold[] {
  return holds.map(({ goal: _reached, ...hold }) => hold);
}

/** The id of a hold: 64 hex over what it says. */
export function holdId(says: JsonObject): string {
  return sha256(canonicalJson(says));
}

const text = v.pipe(v.string(), v.nonEmpty());
const state = v.picklist(["running", "paused"]);

/** One hold in the ledger's document. */
export const holdSchema = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  kind: v.picklist(["schedules", "tier"]),
  selector: text,
  scope: v.picklist(["project", "workspace"]),
  reason: text,
  by: text,
  at: text,
  until: v.nullable(text),
  run: v.strictObject({ id: text, attempt: v.pipe(v.number(), v.integer()) }),
  prior: v.array(
    v.strictObject({
      kind: text,
      id: text,
      key: v.nullable(text),
      name: v.string(),
      starters: v.array(v.strictObject({ field: text, what: v.string(), state, entry: v.exactOptional(text) })),
    }),
  ),
  // Younger than the document: holds without it are a person's.
  origin: v.exactOptional(v.picklist(["rollback", "promotion"])),
  release: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  goal: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  remainder: v.exactOptional(v.literal(true)),
});

type StoredHold = v.InferOutput<typeof holdSchema>;

/** A hold as the ledger's document has it, by our names. */
export function holdFromStored(stored: StoredHold): Hold {
  return {
    ...stored,
    until: stored.until ?? undefined,
    prior: stored.prior.map((prior) => ({ ...prior, key: prior.key ?? undefined })),
  };
}

/** A hold as the ledger's document has it. */
export function holdToStored(hold: Hold): StoredHold {
  return {
    ...hold,
    until: hold.until ?? null,
    run: { ...hold.run },
    prior: hold.prior.map((prior) => ({
      ...prior,
      key: prior.key ?? null,
      starters: prior.starters.map((starter) => ({ ...starter })),
    })),
  };
}

/** What a record says of what a hold names: a hold of a whole workspace says so. */
export function recordSelector({ scope, selector }: Pick<Hold, "scope" | "selector">): string {
  return scope === "workspace" ? `${WORKSPACE}${selector}` : selector;
}

const WORKSPACE = "workspace ";
