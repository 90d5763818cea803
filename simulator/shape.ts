/** What a schema of valibot lets pass, and a service would not. */

/** What a schema of valibot is made of, as far as it is walked: by these fields its kinds say what is below them. */
export interface SchemaPart {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaPart>>;
  readonly item?: SchemaPart;
  readonly wrapped?: SchemaPart;
  readonly value?: SchemaPart;
  readonly options?: readonly unknown[];
}

/** The path at which an empty list stands for an object without fields: valibot takes one for the other. */
export function listForObject(schema: unknown, value: unknown, path = ""): string | undefined {
  const { type, entries, item, wrapped, options, value: values } = schema as SchemaPart;
  if (wrapped !== undefined) return listForObject(wrapped, value, path);
  if (typeof value !== "object" || value === null) return undefined;
  const below = (of: unknown, key: string, one: unknown): string | undefined =>
    of === undefined ? undefined : listForObject(of, one, path === "" ? key : `${path}.${key}`);
  if (type === "strict_object" || type === "record") {
    if (Array.isArray(value)) return path;
    return first(Object.entries(value), ([key, one]) => below(entries === undefined ? values : entries[key], key, one));
  }
  if (type === "union" && Array.isArray(value)) {
    const types = (options ?? []).map((one) => (one as SchemaPart).type);
    return types.includes("record") && !types.includes("array") ? path : undefined;
  }
  if (type === "array" && Array.isArray(value))
    return first([...value.entries()], ([at, one]) => below(item, String(at), one));
  return undefined;
}

function first<T, U>(all: readonly T[], find: (one: T) => U | undefined): U | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
