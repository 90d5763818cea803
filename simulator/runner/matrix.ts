/** `strategy.matrix`: the combinations, less what is excluded, with what is included. */
import { type Dictionary, isDictionary, textOf, type Value } from "./expressions.ts";
import { UnmodelledError } from "./unmodelled.ts";

/** More jobs of one matrix the service does not make. */
const MOST = 256;

/** One set of values for each job that a matrix makes. Throws for what is no matrix. */
export function combinations(matrix: Value): Dictionary[] {
  if (!isDictionary(matrix)) throw new Error("The matrix is not a mapping");
  const { include, exclude, ...axes } = matrix;
  let rows: Dictionary[] = [{}];
  for (const [name, values] of Object.entries(axes)) {
    if (!Array.isArray(values)) throw new Error(`Matrix vector '${name}' is not a list`);
    const list: readonly Value[] = values;
    if (list.length === 0) throw new UnmodelledError(`a matrix whose vector ${name} is empty`);
    rows = rows.flatMap((row) => list.map((value) => ({ ...row, [name]: value })));
  }
  if (Object.keys(axes).length === 0) rows = [];
  const odd = listOf(exclude).flatMap((one) => Object.keys(one).filter((key) => !(key in axes)));
  if (odd.length > 0) throw new UnmodelledError(`a matrix that excludes by ${odd.join(", ")}, which it does not have`);
  rows = rows.filter((row) => !listOf(exclude).some((one) => agrees(row, one)));
  const original = rows.map((row) => Object.keys(row));
  for (const extra of listOf(include)) {
    // An include joins the rows whose own values it does not change; one that fits none is a row of its own.
    const fits = rows
      .map((row, index) => ({ row, index }))
      .filter(
        ({ row, index }) =>
          (original[index] ?? []).length > 0 &&
          Object.keys(extra).every(
            (key) => !(original[index] ?? []).includes(key) || equal(row[key] ?? null, extra[key] ?? null),
          ),
      );
    if (fits.length === 0) {
      rows.push(extra);
      original.push([]);
    } else for (const { row, index } of fits) rows[index] = { ...row, ...extra };
  }
  if (rows.length === 0) throw new UnmodelledError("a matrix without combinations");
  if (rows.length > MOST) throw new UnmodelledError(`a matrix of more than ${MOST} combinations`);
  return rows;
}

/** `a, b`: how a combination appears in a job's name. */
export function combinationName(row: Dictionary): string {
  const odd = Object.entries(row).find(([, value]) => typeof value === "object" && value !== null);
  if (odd !== undefined) throw new UnmodelledError(`the name of a job whose matrix.${odd[0]} is no scalar`);
  return Object.values(row).map(textOf).join(", ");
}

function listOf(value: Value | undefined): Dictionary[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new UnmodelledError("a matrix include or exclude that is no list");
  const list: readonly Value[] = value;
  return list.filter(isDictionary);
}

function agrees(row: Dictionary, partial: Dictionary): boolean {
  return Object.entries(partial).every(([key, value]) => equal(row[key] ?? null, value));
}

function equal(a: Value, b: Value): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
