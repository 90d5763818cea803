/** Walks a valibot schema: where it would let something through that nobody has named. */
import type { SchemaPart } from "../../simulator/shape.ts";

const CLOSED = ["string", "number", "boolean", "bigint", "picklist", "literal", "null"];

/** The paths of a schema that are open: objects that take any key, values that may be anything. */
export function open(schema: unknown, path = ""): string[] {
  const node = schema as SchemaPart;
  if (CLOSED.includes(node.type)) return [];
  const below = (child: SchemaPart | undefined, key: string): string[] =>
    child === undefined ? [`${path}${key}: not understood`] : open(child, `${path}${key}`);
  switch (node.type) {
    case "strict_object":
      return Object.entries(node.entries ?? {}).flatMap(([key, child]) => below(child, `.${key}`));
    case "array":
      return below(node.item, "[]");
    case "optional":
    case "nullable":
    case "nullish":
      return below(node.wrapped, "");
    case "union":
      return (node.options ?? []).flatMap((child) => open(child, path));
    case "record":
      return below(node.value, ".*");
    default:
      return [`${path}: ${node.type}`];
  }
}

/** Every place where a key can be added, as the path of an object: `tasks[].notebook_task`. */
export function objects(schema: unknown, path: readonly (string | 0)[] = []): (readonly (string | 0)[])[] {
  const node = schema as SchemaPart;
  switch (node.type) {
    case "strict_object":
      return [path, ...Object.entries(node.entries ?? {}).flatMap(([key, child]) => objects(child, [...path, key]))];
    case "array":
      return objects(node.item, [...path, 0]);
    case "optional":
    case "nullable":
    case "nullish":
      return objects(node.wrapped, path);
    case "union":
      return (node.options ?? []).flatMap((child) => objects(child, path));
    default:
      return [];
  }
}

/** A body that has nothing but an unknown field at a path. */
export function withUnknown(path: readonly (string | 0)[], field = "colour"): Record<string, unknown> {
  const [key, ...rest] = path;
  if (key === undefined) return { [field]: "red" };
  const inner = withUnknown(rest, field);
  return key === 0 ? ([inner] as never) : { [key]: inner };
}
