/**
 * Records: what other runs must believe, each a GitHub Deployment whose payload says what was done by which run. It is
 * an index: anybody with push access can write one, so whoever reads it goes on to the run (design 2, evidence; ADR 701).
 */
import * as v from "valibot";
import type { RecordedTier } from "../contract/model.ts";
import type { RunContext } from "../environment.ts";
import type { GitHub } from "../github/client.ts";
import { createDeployment, type DeploymentState, setDeploymentStatus } from "../github/deployments.ts";
import { runUrl } from "../github/links.ts";
import type { JsonObject } from "../json.ts";
import type { LedgerRelease } from "../ledger/model.ts";

/** The version of the payload's shape. */
export const EVIDENCE_VERSION = 1;

/**
 * The task of the Deployment that carries a kind, so that a listing shows what it is asked for: a tier is verified every
 * hour, and a reject of last year must still be found.
 */
export const TASKS = {
  /** What a tier has. */
  release: "four-tier",
  verification: "four-tier-verification",
  /** Estate proofs: every day, and again not to be looked for among decisions. */
  audit: "four-tier-audit",
  /** What people decided. */
  operation: "four-tier-operation",
} as const;
type Task = (typeof TASKS)[keyof typeof TASKS];
/** The Deployments that say what a tier has. */
export const TASK = TASKS.release;

const Hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Commit = v.pipe(v.string(), v.regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/));
const Short = v.pipe(v.string(), v.maxLength(200));
/** The longest reason that a record takes, in characters. */
export const LONGEST_REASON = 500;
const Text = v.pipe(v.string(), v.maxLength(LONGEST_REASON));
/** `2026-12-01` or `2026-12-01T08:00Z`. */
const Until = v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{3})?)?Z)?$/));

const RunId = v.pipe(v.string(), v.regex(/^\d{1,20}$/));

const common = {
  suite: v.literal("four-tier"),
  version: v.literal(EVIDENCE_VERSION),
  tier: v.picklist(["dev", "staging", "prod"]),
  project: Short,
  run: v.strictObject({
    id: RunId,
    attempt: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    job: Short,
  }),
};
const release = {
  release: Hex64,
  plan: Hex64,
  components: v.record(Short, Hex64),
  artifacts: v.array(v.strictObject({ name: Short, sha256: Hex64 })),
};
const decided = { reason: Text, by: Short };
/** What a hold stops: the tier's promotions, or its schedules; `selector` as it was given, empty for all. */
const held = { hold: v.picklist(["schedules", "tier"]), selector: Short };

const PromotionSchema = v.strictObject({
  ...common,
  // Records of older suites have no kind.
  kind: v.optional(v.literal("promotion"), "promotion"),
  ...release,
  /** Checks that did not pass and were overridden. */
  overrides: v.exactOptional(v.array(v.strictObject({ check: Short, ...decided }))),
});

const RecordSchema = v.union([
  PromotionSchema,
  v.variant("kind", [
    v.strictObject({
      ...common,
      kind: v.literal("verification"),
      release: Hex64,
      passed: v.boolean(),
      /** What was run, and whether it passed. */
      checks: v.pipe(v.array(v.strictObject({ name: Short, passed: v.boolean() })), v.maxLength(100)),
    }),
    // An estate proof; `certificate` is the hash of what the run's report says it rests on.
    v.strictObject({ ...common, kind: v.literal("estate"), passed: v.boolean(), certificate: Hex64 }),
    v.strictObject({ ...common, kind: v.literal("reject"), release: Hex64, ...decided }),
    v.strictObject({ ...common, kind: v.literal("accept"), release: Hex64, ...decided }),
    v.strictObject({ ...common, kind: v.literal("hold"), ...held, ...decided, until: v.nullable(Until) }),
    v.strictObject({ ...common, kind: v.literal("resume"), ...held, ...decided }),
    v.strictObject({ ...common, kind: v.literal("rollback"), ...release, from: v.nullable(Hex64), ...decided }),
    v.strictObject({ ...common, kind: v.literal("approval"), release: Hex64, plan: Hex64, ...decided }),
    // A run that waits for an approval was started for this release, by no person: `opened` is its id.
    v.strictObject({ ...common, kind: v.literal("opening"), release: Hex64, commit: Commit, opened: RunId }),
  ]),
]);

/** What a Deployment of ours carries. */
export type RecordPayload = v.InferOutput<typeof RecordSchema>;
/** What a record is of: a deployment, a verification, a decision, … */
export type RecordKind = RecordPayload["kind"];
/** The payload of the records of one kind. */
export type RecordOf<Kind extends RecordKind> = Extract<RecordPayload, { readonly kind: Kind }>;
/** The payload of a promotion's record. */
export type Evidence = RecordOf<"promotion">;
/** What a writer gives; suite and version are put in. */
export type RecordInput<Kind extends RecordKind = RecordKind> = Kind extends RecordKind
  ? Omit<RecordOf<Kind>, "suite" | "version">
  : never;

/** The job of a run by which a record is made. */
export function madeBy(run: Pick<RunContext, "runId" | "runAttempt" | "job">): RecordPayload["run"] {
  return { id: run.runId, attempt: run.runAttempt, job: run.job };
}

/** What the record of a promotion and that of a rollback say alike: which release this job brought to the tier. */
export function brought(
  tier: Pick<RecordedTier, "name" | "project">,
  release: LedgerRelease,
  run: Parameters<typeof madeBy>[0],
): Omit<RecordInput<"promotion">, "kind" | "overrides"> {
  return {
    tier: tier.name,
    project: tier.project,
    run: madeBy(run),
    release: release.digest,
    plan: release.plan,
    components: { ...release.components },
    artifacts: [...release.artifacts],
  };
}

/** The task of a kind's Deployments. */
export function taskOf(kind: RecordKind): Task {
  if (kind === "promotion" || kind === "rollback") return TASKS.release;
  if (kind === "verification") return TASKS.verification;
  return kind === "estate" ? TASKS.audit : TASKS.operation;
}

/** The payload of a Deployment, complete at creation; throws for what is not whole. */
export function recordPayload(input: RecordInput): JsonObject {
  return v.parse(RecordSchema, { suite: "four-tier", version: EVIDENCE_VERSION, ...input });
}

/** What a payload claims; undefined if it is not ours or not whole. */
export function parseRecord(payload: unknown): RecordPayload | undefined {
  const result = v.safeParse(RecordSchema, payload);
  return result.success ? result.output : undefined;
}

/** A record that is being made. */
export interface DeploymentRecord {
  readonly id: string;
  /** Ends the record; `description` is a label, cut to 140 characters. */
  finish(state: Extract<DeploymentState, "success" | "failure" | "error">, description: string): Promise<void>;
}

interface NewRecord<Kind extends RecordKind> {
  /** What the record is about: the release's commit, or the run's where it speaks of none. */
  readonly commit: string;
  readonly payload: RecordInput<Kind>;
  readonly description: string;
}

/** Begins the record of what changes a tier, in progress until it is finished. Needs `deployments: write`. */
export async function recordDeployment(
  github: GitHub,
  record: NewRecord<"promotion" | "rollback">,
): Promise<DeploymentRecord> {
  const id = await create(github, record);
  const set = setter(github, id, record.payload);
  await set("in_progress", record.description);
  return { id, finish: set };
}

/**
 * Records what is done already: a verification, or what a person decided. It is not what the tier runs, so a decision
 * is left inactive: GitHub then does not show it as the environment's deployment. Returns the Deployment's id. Needs
 * `deployments: write`.
 */
export async function recordOperation(
  github: GitHub,
  record: NewRecord<Exclude<RecordKind, "promotion" | "rollback">>,
): Promise<string> {
  const { payload, description } = record;
  const id = await create(github, record);
  const state = payload.kind !== "verification" ? "inactive" : payload.passed ? "success" : "failure";
  await setter(github, id, payload)(state, description);
  return id;
}

function create(github: GitHub, { commit, payload, description }: NewRecord<RecordKind>): Promise<string> {
  return createDeployment(github, {
    sha: commit,
    environment: payload.tier,
    task: taskOf(payload.kind),
    payload: recordPayload(payload),
    description,
    production: payload.tier === "prod",
  });
}

function setter(
  github: GitHub,
  id: string,
  { run }: RecordInput,
): (state: DeploymentState, description: string) => Promise<void> {
  const logUrl = runUrl(github, run.id, run.attempt);
  return (state, description) => setDeploymentStatus(github, id, { state, description, logUrl });
}
