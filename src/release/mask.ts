/**
 * Settings for people to see. A secret does not belong into a bundle, but one that is there must not reach a summary:
 * what is named or looks like a credential is masked. `{{secrets/scope/key}}` only refers to one and stays.
 */
import { isArray, isObject, type JsonValue } from "../json.ts";
import type { FieldChange } from "./change.ts";
import { type Difference, pathText, type Segment } from "./fields.ts";

const MASK = "***";

const SECRET_NAME =
  /(?:^|[._-])(?:secrets?|passwords?|passwd|pwd|passphrase|tokens?|credentials?|sas|(?:private|api|access|account|shared|storage|encryption|signing)[._-]?keys?|connection[._-]?string)(?:$|[._-])/;

/** Counts and settings of things named like a secret. */
const HARMLESS_NAME = /(?:max|min|num|count|limit|per|length|ttl|expiry|type|scope)(?:[._-]|$)/;

const SECRET_VALUE = [
  /\b(?:dapi|dose|dkea)[0-9a-f]{24,}/,
  /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/,
  /\bgithub_pat_\w{20,}/,
  /\bxox[abeprs]-[\w-]{10,}/,
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./,
  /-----BEGIN [A-Z ]*PRIVATE KEY/,
  /:\/\/[^/\s:@]*:[^/\s@]+@/,
  /[?&](?:sig|signature|token|key|secret)=[^&\s]{8,}/i,
  /\b(?:AccountKey|SharedAccessKey|Password|Pwd)=[^;\s]{4,}/i,
] as const;

/** A difference for showing. */
export function masked(difference: Difference): FieldChange {
  const name = nameOf(difference.segments);
  return {
    path: pathText(difference.segments),
    old: difference.old === undefined ? undefined : maskValue(difference.old, name),
    new: difference.new === undefined ? undefined : maskValue(difference.new, name),
  };
}

/** A value for showing, given the name of the field that holds it; `hide` gives what stands for a secret. */
function maskValue(value: JsonValue, name: string, hide: (secret: string) => string = () => MASK): JsonValue {
  if (typeof value === "string") return isSecret(name, value) ? hide(value) : value;
  if (isArray(value)) return value.map((item) => maskValue(item, name, hide));
  if (isObject(value)) {
    // { name: api_token, default: … }: the item's name says what its value is
    const own = typeof value["name"] === "string" ? value["name"] : "";
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        maskValue(inner, VALUE_FIELDS.includes(key) ? own : key, hide),
      ]),
    );
  }
  return value;
}

const VALUE_FIELDS: readonly string[] = ["default", "value"];

/** A side of a difference with its secrets replaced; undefined stays. */
export function hidden(
  { segments }: Difference,
  value: JsonValue | undefined,
  hide: (secret: string) => string,
): JsonValue | undefined {
  return value === undefined ? undefined : maskValue(value, nameOf(segments), hide);
}

/** The name that says what a field holds: `parameters[api_token].default` holds an api_token. */
function nameOf(segments: readonly Segment[]): string {
  const names = segments.filter((segment) => typeof segment !== "number");
  const last = names.at(-1);
  const field = typeof last === "string" && VALUE_FIELDS.includes(last) ? names.at(-2) : last;
  return typeof field === "object" ? field.key : (field ?? "");
}

function isSecret(name: string, value: string): boolean {
  if (/^\{\{secrets\/[^}]+\}\}$/.test(value) || value === "") return false;
  if (SECRET_VALUE.some((pattern) => pattern.test(value))) return true;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
  return SECRET_NAME.test(words) && !HARMLESS_NAME.test(words);
}
