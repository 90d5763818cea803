/**
 * SQL warehouses and the Statement Execution API (facts: unity-catalog 2): a failed statement is a 200, a result comes in
 * chunks, and a stopped warehouse keeps one waiting.
 */
import { randomUUID } from "node:crypto";
import type { SQLInputValue } from "node:sqlite";
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import {
  type Answer,
  ApiError,
  badRequest,
  type Call,
  forbidden,
  notFound,
  type Route,
  route,
  Unmodelled,
} from "./api.ts";
import { informationSchema } from "./information-schema.ts";
import { type KnownStatement, knownStatement } from "./sql-statements.ts";
import { Rights } from "./unity-rights.ts";

const BASE = "/api/2.0/sql/statements";
const FACTS = "unity-catalog 2";
const Statement = v.strictObject({
  statement: v.string(),
  warehouse_id: v.string(),
  parameters: v.optional(
    v.array(v.strictObject({ name: v.string(), value: v.optional(v.string()), type: v.optional(v.string()) })),
    [],
  ),
  wait_timeout: v.optional(v.string(), "10s"),
  on_wait_timeout: v.optional(v.picklist(["CONTINUE", "CANCEL"]), "CONTINUE"),
  disposition: v.optional(v.picklist(["INLINE", "EXTERNAL_LINKS"]), "INLINE"),
  format: v.optional(v.picklist(["JSON_ARRAY", "ARROW_STREAM", "CSV"]), "JSON_ARRAY"),
});
type Asked = v.InferOutput<typeof Statement>;

interface Running {
  readonly id: string;
  readonly workspace: string;
  readonly principal: string;
  /** Answers that still say PENDING; infinite while a warehouse that does not start is asked. */
  waits: number;
  canceled: boolean;
  readonly outcome: Outcome;
}

type Outcome =
  | { readonly failed: { readonly error_code: string; readonly message: string }; readonly sqlState: string }
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly (string | null)[])[] };

export function sqlRoutes(): Route[] {
  const all = new Map<string, Running>();
  return [
    route("POST", BASE, { facts: FACTS, body: Statement, handle: (call) => execute(call, all) }),
    route("GET", `${BASE}/{id}`, {
      facts: FACTS,
      handle: (call) => {
        const statement = statementOf(call, all);
        const answer = { body: shown(call, statement, 0) };
        if (statement.waits > 0) statement.waits -= 1;
        return answer;
      },
    }),
    route("GET", `${BASE}/{id}/result/chunks/{chunk}`, {
      facts: FACTS,
      handle: (call) => {
        const statement = statementOf(call, all);
        const chunk = chunkOf(call, statement, Number(call.params["chunk"]));
        if (chunk === undefined) throw notFound(`Chunk ${call.params["chunk"]} does not exist.`, "NOT_FOUND");
        return { body: chunk };
      },
    }),
    route("POST", `${BASE}/{id}/cancel`, {
      facts: FACTS,
      body: v.strictObject({}),
      handle: (call) => {
        statementOf(call, all).canceled = true;
        return { body: {} };
      },
    }),
  ];
}

function execute(call: Call<Asked>, all: Map<string, Running>): Answer {
  const { account, workspace, principal, body } = call;
  const wait = /^(\d+)s$/.exec(body.wait_timeout)?.[1];
  if (wait === undefined || (wait !== "0" && (Number(wait) < 5 || Number(wait) > 50)))
    throw badRequest("wait_timeout must be 0s or between 5s and 50s.");
  for (const [name, only] of Object.entries({ disposition: "INLINE", format: "JSON_ARRAY" })) {
    const given = name === "format" ? body.format : body.disposition;
    if (given !== only) throw new Unmodelled(`the simulator does not model the ${name} ${given}`, 400);
  }
  const warehouse = account.scenario.warehouses[body.warehouse_id];
  if (warehouse === undefined || warehouse.workspace !== workspace.name)
    throw notFound(`SQL warehouse ${body.warehouse_id} does not exist.`, "RESOURCE_DOES_NOT_EXIST");
  const names = account.directory.identities(principal, workspace.name);
  const mayUse =
    account.directory.isWorkspaceAdmin(principal, workspace.name) ||
    warehouse.users.some((user) => names.has(account.directory.nameOf(user).toLowerCase()));
  if (!mayUse) throw forbidden(`You do not have CAN_USE permission on SQL warehouse ${body.warehouse_id}.`);
  const known = knownStatement(body.statement);
  if (known === undefined)
    throw new Unmodelled(`the simulator does not model the statement ${body.statement.slice(0, 120)}`, 400);
  const starting = warehouse.state === "STOPPED" ? (warehouse.starts ? 1 : Number.POSITIVE_INFINITY) : 0;
  const statement: Running = {
    id: randomUUID(),
    workspace: workspace.name,
    principal: principal.name,
    waits: starting,
    canceled: false,
    outcome: run(call, known),
  };
  all.set(statement.id, statement);
  // facts: unity-catalog 2: 0s is always PENDING
  if (wait === "0" && statement.waits === 0) return { body: { ...shown(call, { ...statement, waits: 1 }, 0) } };
  if (statement.waits > 0 && body.on_wait_timeout === "CANCEL") statement.canceled = true;
  return { body: shown(call, statement, 0) };
}

function run(call: Call<Asked>, known: KnownStatement): Outcome {
  const { account, workspace, principal, body } = call;
  const failed = (message: string, sqlState: string): Outcome => ({
    failed: { error_code: "BAD_REQUEST", message },
    sqlState,
  });
  const given = new Map(body.parameters.map(({ name, value }) => [name, value ?? null]));
  const unbound = known.parameters.find((name) => !given.has(name));
  if (unbound !== undefined) return failed(`[UNBOUND_SQL_PARAMETER] Found the unbound parameter: ${unbound}.`, "42P02");
  if (known.catalog === undefined) return { columns: ["one"], rows: [["1"]] };
  const catalog = account.metastore.catalogs.find(({ name }) => name.toLowerCase() === known.catalog?.toLowerCase());
  if (catalog === undefined)
    return failed(`[NO_SUCH_CATALOG_EXCEPTION] Catalog '${known.catalog}' was not found.`, "42704");
  const rights = new Rights({ account, workspace, principal });
  if (!rights.sees(catalog)) {
    const why = `User does not have USE CATALOG on Catalog '${catalog.name}'.`;
    return failed(`[INSUFFICIENT_PERMISSIONS] Insufficient privileges: ${why}`, "42501");
  }
  if (known.sql.includes("abac_policy_definitions") && account.behaviours.policy_view === "absent")
    return failed(`[TABLE_OR_VIEW_NOT_FOUND] The table or view abac_policy_definitions cannot be found.`, "42P01");
  const db = informationSchema(account, workspace, principal, catalog);
  try {
    const prepared = db.prepare(known.sql);
    prepared.setReturnArrays(true);
    const values: Record<string, SQLInputValue> = Object.fromEntries(
      known.parameters.map((name) => [name, given.get(name) ?? null]),
    );
    const rows = prepared.all(values) as unknown as (string | null)[][];
    const columns = prepared.columns().map(({ name }) => name);
    const { sql_inline_bytes: limit } = account.scenario;
    // facts: unity-catalog 2: an inline result beyond it ends the statement
    if (JSON.stringify(rows).length > limit)
      return failed(
        `Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most ${limit} bytes.`,
        "54000",
      );
    return { columns, rows };
  } finally {
    db.close();
  }
}

function statementOf(call: Call<unknown>, all: ReadonlyMap<string, Running>): Running {
  const { params, workspace, principal } = call;
  const found = all.get(params["id"] ?? "");
  if (found === undefined || found.workspace !== workspace.name || found.principal !== principal.name)
    throw new ApiError(404, "NOT_FOUND", `Statement ${params["id"]} does not exist.`);
  return found;
}

function shown(call: Call<unknown>, statement: Running, chunk: number): JsonObject {
  const { id, outcome } = statement;
  if (statement.canceled) return { statement_id: id, status: { state: "CANCELED" } };
  if (statement.waits > 0) return { statement_id: id, status: { state: "PENDING" } };
  if ("failed" in outcome) {
    // facts: unity-catalog 2: FAILED is HTTP 200
    return { statement_id: id, status: { state: "FAILED", error: outcome.failed, sql_state: outcome.sqlState } };
  }
  const { columns, rows } = outcome;
  const size = call.account.scenario.sql_chunk_rows;
  const chunks = Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => ({
    chunk_index: index,
    row_offset: index * size,
    row_count: Math.min(size, rows.length - index * size),
  }));
  return {
    statement_id: id,
    status: { state: "SUCCEEDED" },
    manifest: {
      format: "JSON_ARRAY",
      schema: {
        column_count: columns.length,
        columns: columns.map((name, position) => ({ name, position, type_name: "STRING", type_text: "STRING" })),
      },
      total_chunk_count: chunks.length,
      total_row_count: rows.length,
      truncated: false,
      ...(chunks.length === 0 ? {} : { chunks }),
    },
    // facts: unity-catalog 2: no rows: an empty result
    result: chunkOf(call, statement, chunk) ?? {},
  };
}

function chunkOf(call: Call<unknown>, { id, outcome }: Running, index: number): JsonObject | undefined {
  if ("failed" in outcome) return undefined;
  const size = call.account.scenario.sql_chunk_rows;
  const rows = outcome.rows.slice(index * size, (index + 1) * size);
  if (rows.length === 0) return undefined;
  const next = (index + 1) * size < outcome.rows.length;
  return {
    chunk_index: index,
    row_offset: index * size,
    row_count: rows.length,
    ...(next
      ? { next_chunk_index: index + 1, next_chunk_internal_link: `${BASE}/${id}/result/chunks/${index + 1}` }
      : {}),
    data_array: rows.map((row) => [...row]),
  };
}
