/**
 * The shape of action-validate-grants' JSON report. Published as `grants-report.schema.json` (scripts/schema.ts), so the
 * descriptions are for whoever reads the file.
 */
import * as v from "valibot";

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const tier = v.picklist(["sandbox", "dev", "staging", "prod"]);

const where = v.union([
  v.strictObject({
    kind: v.literal("file"),
    file: text,
    line: v.optional(v.pipe(count, v.description("From 1."))),
    column: v.optional(v.pipe(count, v.description("From 1."))),
  }),
  v.strictObject({ kind: v.literal("securable"), type: text, name: text }),
  v.strictObject({ kind: v.literal("resource"), tier: text, key: text }),
  v.strictObject({
    kind: v.literal("request"),
    method: text,
    path: text,
    status: v.optional(count),
    requestId: v.optional(text),
  }),
]);

const finding = v.strictObject({
  id: v.pipe(text, v.description("Stable, `area/what-is-wrong`.")),
  severity: v.pipe(
    v.picklist(["error", "unknown", "warning", "notice"]),
    v.description("`error` and `unknown` fail the run."),
  ),
  where: v.optional(v.pipe(where, v.description("A file, a securable, a resource or a request."))),
  message: text,
  why: v.optional(text),
  remedy: text,
});

const certificate = v.strictObject({
  kind: v.picklist(["tier", "estate"]),
  reader: v.picklist(["rest", "sql"]),
  tier,
  catalog: text,
  principal: v.pipe(v.strictObject({ name: text, applicationId: text }), v.description("Who asked.")),
  authority: v.pipe(text, v.description("Why the listings are complete, or that they may not be.")),
  workspaceId: v.nullable(text),
  at: v.pipe(text, v.isoTimestamp()),
  seen: v.pipe(v.record(text, count), v.description("What was listed and counted.")),
  refused: v.pipe(
    v.array(v.strictObject({ what: text, answer: text, needs: text })),
    v.description("What is inside the scope and was not shown, with the right that would show it."),
  ),
  outside: v.pipe(v.array(text), v.description("What this proof says nothing about.")),
});

const cell = v.strictObject({
  tier,
  catalog: text,
  principal: text,
  principalTier: tier,
  applicationId: v.nullable(text),
  reach: v.picklist(["owns", "control", "write", "read", "look", "nothing", "unknown"]),
  verdict: v.picklist(["pass", "fail", "unknown"]),
});

const path = v.strictObject({
  principal: text,
  name: text,
  can: v.pipe(
    v.picklist(["control", "write", "read"]),
    v.description("The most; `control` can give himself the rest."),
  ),
  works: v.pipe(v.boolean(), v.description("False: only a missing USE_ right keeps it from working.")),
  count: v.pipe(count, v.description("On how many things.")),
  through: v.pipe(text, v.description("The shortest path, as a sentence.")),
});

const securable = v.strictObject({ type: text, name: text });
const change = v.strictObject({
  on: securable,
  entries: v.array(v.strictObject({ principal: text, add: v.array(text), remove: v.array(text) })),
});

/** The JSON report about grants; published as `grants-report.schema.json`. */
export const grantsReportSchema = v.pipe(
  v.strictObject({
    action: v.literal("validate-grants"),
    conclusion: v.picklist(["success", "failure"]),
    findings: v.pipe(v.array(finding), v.description("All of them; annotations and summary may hold fewer.")),
    certificate: v.optional(v.pipe(certificate, v.description("Of a proof: what it rests on."))),
    matrix: v.optional(v.pipe(v.array(cell), v.description("Of a proof: tier × service principal."))),
    paths: v.optional(v.pipe(v.array(path), v.description("Of a proof: who can read, write and control the catalog."))),
    sandboxes: v.optional(
      v.pipe(
        v.array(v.strictObject({ certificate, matrix: v.array(cell), paths: v.array(path) })),
        v.description("Of an audit of all sandboxes: one proof each."),
      ),
    ),
    mode: v.optional(v.literal("repair")),
    tier: v.optional(tier),
    catalog: v.optional(text),
    principal: v.optional(v.strictObject({ name: text, applicationId: text })),
    at: v.optional(v.pipe(text, v.isoTimestamp())),
    plan: v.optional(
      v.pipe(
        v.strictObject({ digest: hex, changes: v.array(change), kept: v.array(text) }),
        v.description("Of a repair: what changes, and what is left alone."),
      ),
    ),
    applied: v.optional(
      v.pipe(v.nullable(v.array(securable)), v.description("Of a repair: what was changed; null in a dry run.")),
    ),
  }),
  v.title("Four-Tier grants report"),
  v.description("What action-validate-grants proved, or repaired."),
);
