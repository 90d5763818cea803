/**
 * The digest of differences: of their meaning, so that equal plans have equal digests. Secrets count, by a slow hash: a
 * digest is published, and must be no quick way to guess them (docs/adr/0714).
 */
import { scryptSync } from "node:crypto";
import { canonicalJson, type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import { sha256 } from "../sha256.ts";
import { type Difference, pathText } from "./fields.ts";
import { hidden } from "./mask.ts";

/** 64 hex over what the differences are of, and their fields. The order of keys does not matter, that of items does. */
export function differencesDigest(found: readonly { of: JsonObject; fields: readonly Difference[] }[]): string {
  const meaning = found.map(({ of, fields }) => ({
    ...of,
    fields: fields.map((field) => {
      const path = pathText(field.segments);
      // as JSON, which tells 1 from "1"
      const hide = (secret: JsonValue): string => slowHash(stringifyJson(secret), `${JSON.stringify(of)} ${path}`);
      const [before, after] = [hidden(field, field.old, hide), hidden(field, field.new, hide)];
      return {
        path,
        ...(before === undefined ? {} : { old: before }),
        ...(after === undefined ? {} : { new: after }),
      };
    }),
  }));
  return sha256(canonicalJson(meaning));
}

/** About a tenth of a second and 32 MB a value. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 };

/** By salt and secret: a run makes the same plan more than once. */
const hashed = new Map<string, string>();

function slowHash(secret: string, salt: string): string {
  const question = JSON.stringify([salt, secret]);
  const hash = hashed.get(question) ?? `secret:${scryptSync(secret, salt, 32, COST).toString("hex")}`;
  hashed.set(question, hash);
  return hash;
}
