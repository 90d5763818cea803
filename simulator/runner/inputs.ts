/** Inputs by their declared types: for called workflows and for dispatches (facts: github 7, trap 6). */
import { type Dictionary, resolve, type Scope, textOf, type Value } from "./expressions.ts";
import type { InputDefinition } from "./workflow.ts";

/** An input that does not fit its declaration, as GitHub says it. */
export class InputError extends Error {}

/** The `inputs` context: what was given, else the default, else the type's empty value; coerced by type. */
export function inputsContext(
  definitions: ReadonlyMap<string, InputDefinition>,
  given: Readonly<Record<string, Value>>,
  scope: Scope,
): Dictionary {
  const byName = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  return Object.fromEntries(
    [...definitions].map(([name, definition]) => {
      const value = byName.get(name.toLowerCase());
      if (value !== undefined && value !== null && value !== "") return [name, coerce(name, definition, value)];
      if (definition.default !== undefined) return [name, coerce(name, definition, resolve(definition.default, scope))];
      if (definition.required && value === undefined) throw new InputError(`Required input '${name}' not provided`);
      return [name, definition.type === "boolean" ? false : definition.type === "number" ? 0 : ""];
    }),
  );
}

function coerce(name: string, definition: InputDefinition, value: Value): Value {
  switch (definition.type) {
    case "boolean":
      if (typeof value === "boolean") return value;
      if (value === "true" || value === "false") return value === "true";
      throw new InputError(`Unexpected value '${textOf(value)}' for input '${name}': it is a boolean`);
    case "number": {
      const number = typeof value === "number" ? value : Number(textOf(value));
      if (Number.isNaN(number))
        throw new InputError(`Unexpected value '${textOf(value)}' for input '${name}': it is a number`);
      return number;
    }
    case "choice":
      if (!definition.options.includes(textOf(value))) {
        throw new InputError(`Provided value '${textOf(value)}' for input '${name}' not in the list of allowed values`);
      }
      return textOf(value);
    case "string":
    case "environment":
      return textOf(value);
  }
}
