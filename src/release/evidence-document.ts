/**
 * What a promotion rested on, what a rollback did and what a person decided, each as one document: for auditors, and for
 * whoever asks in a year. It is written to a file, kept as the run's artifact, and its hash can be attested (ADR 731).
 * Nothing here is believed by a gate: those ask the run itself, and of the document only whether it is kept (ADR 734).
 * The JSON Schema is published as evidence.schema.json.
 */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";

const Hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Commit = v.pipe(v.string(), v.regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/));
const Named = v.strictObject({ name: v.string(), sha256: Hex64 });
const described = <S extends v.GenericSchema>(schema: S, text: string) => v.pipe(schema, v.description(text));

/** Of every document: where, by which run, when. */
const common = {
  suite: v.literal("four-tier"),
  version: v.literal(1),
  project: v.string(),
  tier: v.picklist(["sandbox", "dev", "staging", "prod"]),
  repository: described(v.string(), "owner/name."),
  run: v.strictObject({
    id: v.string(),
    attempt: v.number(),
    job: v.string(),
    event: v.string(),
    url: v.string(),
    actor: described(v.string(), "Who started the first attempt."),
    triggering_actor: described(v.string(), "Who started this one."),
    workflow: described(v.string(), "The caller's workflow file and ref."),
  }),
  suite_ref: described(v.nullable(v.string()), "The suite's repository and commit that ran, as the runner says."),
  deployment: described(v.nullable(v.string()), "The GitHub Deployment that records it; null if nothing was recorded."),
  written_at: v.string(),
};

/** A release, and what the tier had before it. */
const released = {
  release: described(Hex64, "The release's digest; the same in every tier."),
  commit: Commit,
  components: described(v.record(v.string(), Hex64), "Each component's digest by name."),
  artifacts: described(v.array(Named), "Wheels that were carried."),
  before: described(
    v.nullable(v.strictObject({ release: Hex64, commit: Commit })),
    "What the tier had before; null for nothing.",
  ),
  applied: described(v.array(v.string()), "Keys of the resources that were written, in order."),
  not_applied: v.array(v.string()),
  plan: v.strictObject({
    digest: Hex64,
    changes: described(
      v.array(
        v.strictObject({
          key: v.string(),
          action: v.string(),
          class: v.string(),
          fields: v.array(
            v.strictObject({ path: v.string(), old: v.nullable(v.string()), new: v.nullable(v.string()) }),
          ),
        }),
      ),
      "What changes, field by field; values that look like secrets are masked.",
    ),
  }),
};

const promotionEvidence = v.strictObject({
  ...common,
  kind: v.literal("promotion-evidence"),
  ...released,
  outcome: described(
    v.picklist(["promoted", "failed", "refused", "nothing-to-do"]),
    "`failed`: something was applied and not all of it, or it is not as it should be.",
  ),
  undone: v.exactOptional(
    described(
      v.array(v.string()),
      "Keys of what was put back to what it was before, after a failure; absent if nothing was.",
    ),
  ),
  drift: v.strictObject({
    digest: described(Hex64, "Of what somebody had changed by hand."),
    accepted: described(v.boolean(), "Whether this run was told to overwrite it."),
    resources: v.array(v.string()),
  }),
  gate: v.strictObject({
    verdict: v.picklist(["pass", "fail", "unknown"]),
    checks: v.array(
      v.strictObject({
        check: v.string(),
        verdict: v.picklist(["pass", "fail", "unknown"]),
        says: v.string(),
        overridden: v.exactOptional(v.strictObject({ reason: v.string(), by: v.string() })),
        evidence: v.array(v.strictObject({ label: v.string(), url: v.exactOptional(v.string()) })),
      }),
    ),
  }),
  verifications: described(
    v.array(v.strictObject({ at: v.string(), passed: v.boolean(), run: v.string(), by: v.nullable(v.string()) })),
    "Of this release in the tier below.",
  ),
  approvals: described(
    v.array(
      v.strictObject({
        by: v.string(),
        how: v.picklist(["review", "dispatch"]),
        at: described(v.nullable(v.string()), "Null for a review: GitHub does not say when it was given."),
        says: v.string(),
      }),
    ),
    "Who let it in.",
  ),
  grants: described(
    v.nullable(
      v.strictObject({
        passed: v.boolean(),
        findings: v.array(v.strictObject({ id: v.string(), severity: v.string() })),
        proved_earlier: described(
          v.exactOptional(v.strictObject({ run: v.string(), at: v.string() })),
          "Given where there was nothing to do: only the catalog itself was proved; the run named here proved what is in it.",
        ),
      }),
    ),
    "The tier's grants proof; null if this tier makes none.",
  ),
});

const rollbackEvidence = v.strictObject({
  ...common,
  kind: v.literal("rollback-evidence"),
  ...released,
  reason: v.string(),
  verified: described(v.boolean(), "Whether a run that can be believed had verified the release in this tier."),
  outcome: described(
    v.picklist(["rolled-back", "failed"]),
    "`failed`: it did not come to its end; `reached` says how far it came.",
  ),
  reached: v.picklist(["nothing", "paused", "applied", "end"]),
  held: described(v.boolean(), "Whether the tier is held against promotions since."),
  left: described(v.array(v.string()), "Keys of what the release does not know, and was left, paused."),
  drift: v.strictObject({
    digest: described(Hex64, "Of what somebody had changed by hand."),
    resources: v.array(v.string()),
  }),
});

const operationEvidence = v.strictObject({
  ...common,
  kind: v.literal("operation-evidence"),
  operation: described(
    v.picklist(["hold", "resume", "reject", "accept", "approve", "pause", "unpause", "enforce"]),
    "As operate.yml names it.",
  ),
  reason: v.string(),
  release: described(v.nullable(Hex64), "Of what was rejected, accepted or approved."),
  plan: described(v.nullable(Hex64), "Of what was approved."),
  selector: described(v.nullable(v.string()), "What was paused; null where all of the tier is meant."),
  until: described(v.nullable(v.string()), "The end of a hold; null if somebody has to lift it."),
  schedules: described(v.array(v.string()), "Keys or names of the jobs and pipelines whose schedules were changed."),
  findings: described(
    v.array(v.strictObject({ id: v.string(), severity: v.string() })),
    "What was wrong: an error or something unknown means that not all of it was done.",
  ),
});

/** Every evidence document; published as `evidence.schema.json`. */
export const evidenceSchema = v.pipe(
  v.variant("kind", [promotionEvidence, rollbackEvidence, operationEvidence]),
  v.title("Evidence of a promotion, a rollback or an operation"),
  v.description("What a promotion by Four-Tier rested on, what a rollback did, or what a person decided."),
);

/** Any document that a run leaves as evidence. */
export type EvidenceDocument = v.InferOutput<typeof evidenceSchema>;
/** The documents of one kind. */
export type EvidenceOf<Kind extends EvidenceDocument["kind"]> = Extract<EvidenceDocument, { readonly kind: Kind }>;
/** A person's decision, as its evidence names it. */
export type Operation = EvidenceOf<"operation-evidence">["operation"];

/** The document as it is written; throws for what does not fit its own schema. */
export function evidenceDocument(document: EvidenceDocument): JsonObject {
  return v.parse(evidenceSchema, document);
}
