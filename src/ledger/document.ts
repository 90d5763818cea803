/** The ledger as it is stored: one JSON document, read only if every part of it is what it should be. */
import * as v from "valibot";
import type { TierName } from "../contract/model.ts";
import { type Finding, messageOf } from "../findings.ts";
import { isArray, isObject, type JsonArray, type JsonObject, parseJson, stringifyJson } from "../json.ts";
import type { AppliedResource } from "../release/change.ts";
import { holdFromStored, holdSchema, holdToStored } from "./holds.ts";
import type { Intent, Ledger } from "./model.ts";

const text = v.pipe(v.string(), v.nonEmpty());
const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const object = v.custom<JsonObject>((value) => isObject(json(value)), "expected a JSON object");
const array = v.custom<JsonArray>((value) => isArray(json(value)), "expected a JSON array");
const resource = v.strictObject({
  id: v.string(),
  kind: text,
  name: text,
  settings: object,
  permissions: v.nullable(array),
  component: text,
  component_digest: hex,
});
const release = v.strictObject({
  digest: hex,
  commit: v.pipe(v.string(), v.regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)),
  plan: hex,
  at: text,
  run: v.strictObject({ id: text, attempt: v.pipe(v.number(), v.integer()) }),
  components: v.record(v.string(), hex),
  artifacts: v.array(v.strictObject({ name: text, sha256: hex })),
});
const intent = v.strictObject({
  key: text,
  action: v.picklist(["create", "update", "replace", "delete"]),
  name: text,
  target: v.nullable(resource),
  done: v.boolean(),
});
const document = v.strictObject({
  version: v.literal(1),
  serial: v.pipe(v.number(), v.integer(), v.minValue(0)),
  project: text,
  tier: v.picklist(["sandbox", "dev", "staging", "prod"]),
  release: v.nullable(release),
  resources: v.record(v.string(), resource),
  pending: v.nullable(
    v.strictObject({
      release,
      intents: v.array(intent),
      left: v.exactOptional(v.array(intent)),
    }),
  ),
  history: v.array(release),
  // Younger than the document: ledgers without it stay readable.
  verifications: v.exactOptional(
    v.array(
      v.strictObject({
        release: hex,
        at: text,
        run: v.strictObject({ id: text, attempt: v.pipe(v.number(), v.integer()) }),
        passed: v.boolean(),
      }),
    ),
  ),
  rejects: v.exactOptional(
    v.array(
      v.strictObject({
        release: hex,
        reason: text,
        by: text,
        at: text,
        run: v.strictObject({ id: text, attempt: v.pipe(v.number(), v.integer()) }),
      }),
    ),
  ),
  left: v.exactOptional(v.record(v.string(), v.strictObject({ id: text, kind: text, name: text }))),
  unrolled: v.exactOptional(v.array(text)),
  /** Absent in documents of older releases. */
  holds: v.optional(v.array(holdSchema), []),
});

/** Reads a ledger's text. What is not a ledger of this project and tier is a finding, and is never overwritten. */
export function parseLedger(
  content: string,
  expected: { project: string; tier: TierName; path: string },
): { ledger: Ledger } | { finding: Finding } {
  let value: unknown;
  try {
    value = parseJson(content);
  } catch (error) {
    return { finding: corrupt(expected.path, `it is not JSON (${messageOf(error)})`) };
  }
  const parsed = v.safeParse(document, value);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    return { finding: corrupt(expected.path, `${v.getDotPath(issue) ?? "the document"}: ${issue.message}`) };
  }
  const { output } = parsed;
  if (output.project !== expected.project || output.tier !== expected.tier) {
    return { finding: corrupt(expected.path, `it belongs to ${output.project}, tier ${output.tier}`) };
  }
  return {
    ledger: {
      serial: output.serial,
      project: output.project,
      tier: output.tier,
      release: output.release ?? undefined,
      resources: new Map(Object.entries(output.resources).map(([key, stored]) => [key, fromStored(stored)])),
      pending:
        output.pending === null
          ? undefined
          : {
              release: output.pending.release,
              intents: output.pending.intents.map(intentFromStored),
              ...(output.pending.left === undefined ? {} : { left: output.pending.left.map(intentFromStored) }),
            },
      history: output.history,
      ...(output.verifications === undefined ? {} : { verifications: output.verifications }),
      ...(output.rejects === undefined ? {} : { rejects: output.rejects }),
      ...(output.left === undefined ? {} : { left: new Map(Object.entries(output.left)) }),
      ...(output.unrolled === undefined ? {} : { unrolled: output.unrolled }),
      holds: output.holds.map(holdFromStored),
    },
  };
}

/** The ledger as it is stored; `parseLedger` reads it back equal. */
export function ledgerText(ledger: Ledger): string {
  return `${stringifyJson(
    {
      version: 1,
      serial: ledger.serial,
      project: ledger.project,
      tier: ledger.tier,
      release: ledger.release ?? null,
      resources: Object.fromEntries([...ledger.resources].map(([key, stored]) => [key, toStored(stored)])),
      pending:
        ledger.pending === undefined
          ? null
          : {
              release: ledger.pending.release,
              intents: ledger.pending.intents.map(intentToStored),
              ...(ledger.pending.left === undefined ? {} : { left: ledger.pending.left.map(intentToStored) }),
            },
      history: ledger.history,
      ...(ledger.verifications === undefined ? {} : { verifications: ledger.verifications }),
      ...(ledger.rejects === undefined || ledger.rejects.length === 0
        ? {}
        : { rejects: ledger.rejects.map((each) => ({ ...each, run: { ...each.run } })) }),
      ...(ledger.left === undefined || ledger.left.size === 0
        ? {}
        : { left: Object.fromEntries([...ledger.left].map(([key, each]) => [key, { ...each }])) }),
      ...(ledger.unrolled === undefined || ledger.unrolled.length === 0 ? {} : { unrolled: [...ledger.unrolled] }),
      // Left out where there are none: so the document is what releases without holds can read.
      ...(ledger.holds.length === 0 ? {} : { holds: ledger.holds.map(holdToStored) }),
    },
    1,
  )}\n`;
}

function intentFromStored({ target, ...rest }: v.InferOutput<typeof intent>): Intent {
  return { ...rest, target: target === null ? undefined : fromStored(target) };
}

function intentToStored({ target, ...rest }: Intent): v.InferOutput<typeof intent> {
  return { ...rest, target: target === undefined ? null : toStored(target) };
}

function fromStored(stored: v.InferOutput<typeof resource>): AppliedResource {
  const { component_digest: componentDigest, permissions, ...rest } = stored;
  return { ...rest, permissions: permissions ?? undefined, componentDigest };
}

function toStored(applied: AppliedResource): v.InferOutput<typeof resource> {
  const { id, kind, name, settings, permissions, component, componentDigest } = applied;
  return { id, kind, name, settings, permissions: permissions ?? null, component, component_digest: componentDigest };
}

/** The ledger is parsed with parseJson: what it yields is JSON already. */
function json(value: unknown): JsonObject | JsonArray | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- comes from parseJson, which yields only JSON
  return typeof value === "object" && value !== null ? (value as JsonObject | JsonArray) : undefined;
}

function corrupt(path: string, what: string): Finding {
  return {
    id: "ledger/corrupt",
    severity: "error",
    message: `The tier's ledger ${path} cannot be read: ${what}.`,
    why: "It says which resources are ours and what was last applied; nothing was written over it.",
    remedy:
      "Look who changed it. Put its last good version back, or move it away and run verify.yml with rebuild: true, which makes it again.",
  };
}
