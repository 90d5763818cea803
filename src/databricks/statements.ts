/** SQL by the Statement Execution API: results inline, as rows of text (facts: unity-catalog 2). */
import * as v from "valibot";
import { FourTierError } from "../findings.ts";
import { type Clock, realClock } from "../http/clock.ts";
import { ApiError } from "./errors.ts";
import { ask, encodePath, integer, list, optionalText } from "./parse.ts";
import type { ApiRequest, Workspace } from "./workspace.ts";

/** How a statement is run, and waited for. */
export interface StatementOptions {
  readonly warehouseId: string;
  /** Values of `:name` in the text; never put into it. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Waiting at most this long for the warehouse and the statement, in milliseconds. Default 5 min. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
  /** Told while waiting: the statement's state, and for how long it has been waited, in milliseconds. */
  readonly waiting?: (state: string, waitedMs: number) => void;
}

/** One row, a cell a column: text or null. */
export type Row = readonly (string | null)[];

/** The warehouse took the statement, and the statement failed. */
export class StatementFailed extends FourTierError {
  readonly sqlState: string | undefined;
  readonly detail: string;

  constructor(detail: string, sqlState: string | undefined) {
    super({
      id: "databricks/statement-failed",
      severity: "error",
      message: `A SQL statement failed: ${detail}`,
      remedy: /byte limit|result size/i.test(detail)
        ? "Its result is too big for SQL: read with `reader: rest`, which has no such bound."
        : "If the message names a right, give it to the principal of this run; else read with `reader: rest`.",
    });
    this.detail = detail;
    this.sqlState = sqlState;
  }
}

/** The warehouse cannot be used: it is not there, not ours to use, or does not start. */
export class WarehouseUnusable extends FourTierError {}

const path = "/api/2.0/sql/statements";
/** How long the service holds the first answer back, in its own words (5 to 50 s): the least, so that waiting is told. */
const HOLD = "5s";
const FIRST_POLL_MS = 1_000;
const LONGEST_POLL_MS = 10_000;

const chunkSchema = v.looseObject({
  next_chunk_index: v.optional(integer),
  data_array: list(v.array(v.nullable(v.string()))),
});
const statementSchema = v.looseObject({
  statement_id: v.string(),
  status: v.looseObject({
    state: v.string(),
    error: v.optional(v.looseObject({ message: optionalText })),
    sql_state: optionalText,
  }),
  manifest: v.optional(
    v.looseObject({ truncated: v.optional(v.boolean(), false), total_row_count: v.optional(integer) }),
  ),
  result: v.optional(chunkSchema),
});
type Statement = v.InferOutput<typeof statementSchema>;

/**
 * Runs a statement that only reads, and gives all its rows. Throws StatementFailed, WarehouseUnusable, ApiError. A
 * statement that is still waiting at the deadline is cancelled.
 */
export async function query(workspace: Workspace, statement: string, options: StatementOptions): Promise<Row[]> {
  const { warehouseId, parameters = {} } = options;
  const request: ApiRequest = {
    method: "POST",
    path,
    // It reads: sent twice, it only costs.
    repeatable: true,
    json: {
      statement,
      warehouse_id: warehouseId,
      parameters: Object.entries(parameters).map(([name, value]) => ({ name, value, type: "STRING" })),
      wait_timeout: HOLD,
      on_wait_timeout: "CONTINUE",
      disposition: "INLINE",
      format: "JSON_ARRAY",
    },
  };
  const begun = await ask(workspace, request, statementSchema).catch((error: unknown) => {
    throw unusable(error, warehouseId) ?? error;
  });
  const done = await ended(workspace, begun, options);
  if (done.status.state !== "SUCCEEDED") {
    throw new StatementFailed(done.status.error?.message ?? done.status.state, done.status.sql_state);
  }
  if (done.manifest?.truncated === true) throw new StatementFailed("its result was cut off", undefined);
  const rows: Row[] = [...(done.result?.data_array ?? [])];
  for (let next = done.result?.next_chunk_index; next !== undefined; ) {
    const chunk: ApiRequest = { method: "GET", path: `${path}/${encodePath(done.statement_id)}/result/chunks/${next}` };
    const more = await ask(workspace, chunk, chunkSchema);
    rows.push(...more.data_array);
    next = more.next_chunk_index;
  }
  const total = done.manifest?.total_row_count;
  if (total !== undefined && total !== rows.length) {
    throw new StatementFailed(`${rows.length} of its ${total} rows came`, undefined);
  }
  return rows;
}

/** A name as SQL reads it, whatever is in it. */
export function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

async function ended(workspace: Workspace, begun: Statement, options: StatementOptions): Promise<Statement> {
  const { deadlineMs = 300_000, clock = realClock, waiting, warehouseId } = options;
  const started = clock.now();
  const byId = `${path}/${encodePath(begun.statement_id)}`;
  let statement = begun;
  for (let wait = FIRST_POLL_MS; isRunning(statement.status.state); wait = Math.min(wait * 1.5, LONGEST_POLL_MS)) {
    const waited = clock.now() - started;
    waiting?.(statement.status.state, waited);
    if (waited + wait > deadlineMs) {
      await workspace.call({ method: "POST", path: `${byId}/cancel`, repeatable: true, json: {} });
      throw new WarehouseUnusable({
        id: "databricks/warehouse-waiting",
        severity: "unknown",
        message: `The SQL warehouse ${warehouseId} had not answered after ${Math.round(waited / 1000)} s (${statement.status.state}): it is stopped, or busy.`,
        remedy: "Start the warehouse, or use a serverless one; or read with `reader: rest`, which needs none.",
      });
    }
    await clock.sleep(wait);
    statement = await ask(workspace, { method: "GET", path: byId }, statementSchema);
  }
  return statement;
}

function isRunning(state: string): boolean {
  return state === "PENDING" || state === "RUNNING";
}

/** What a refused statement says of its warehouse; undefined if it is about something else. */
function unusable(error: unknown, warehouseId: string): WarehouseUnusable | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const missing = error.status === 404 || (error.status === 400 && /warehouse|endpoint id/i.test(error.detail));
  if (!missing && error.status !== 403) return undefined;
  return new WarehouseUnusable(
    {
      id: missing ? "databricks/warehouse-missing" : "databricks/warehouse-refused",
      severity: "unknown",
      message: missing
        ? `This workspace has no SQL warehouse ${warehouseId}: ${error.detail}`
        : `The principal of this run may not use the SQL warehouse ${warehouseId}: ${error.detail}`,
      remedy: missing
        ? "Correct the input `warehouse-id`; the id is in the warehouse's connection details."
        : "Give it CAN_USE on the warehouse, or read with `reader: rest`, which needs none.",
    },
    { cause: error },
  );
}
