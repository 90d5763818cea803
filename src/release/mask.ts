/** Differences for people to see: what counts as a secret (src/secrets.ts) is masked. */
import type { JsonValue } from "../json.ts";
import { type Holder, heldBy, hideSecrets, MASK, UNNAMED, VALUE_FIELDS } from "../secrets.ts";
import type { FieldChange } from "./change.ts";
import { type Difference, pathText, type Segment } from "./fields.ts";

/** A difference for showing. */
export function masked(difference: Difference): FieldChange {
  return {
    path: pathText(difference.segments),
    old: hidden(difference, difference.old, () => MASK),
    new: hidden(difference, difference.new, () => MASK),
  };
}

/** A side of a difference with its secrets replaced; undefined stays. */
export function hidden(
  { segments }: Difference,
  value: JsonValue | undefined,
  hide: (secret: string | number | bigint) => string,
): JsonValue | undefined {
  return value === undefined ? undefined : hideSecrets(value, holderOf(segments), hide);
}

/**
 * What a path says of the value at its end. The key of a list's item is a name of ours, and says nothing of what the
 * item holds (`tasks[rotate_token]`), unless its value follows: `parameters[api_token].default` is an api_token.
 */
function holderOf(segments: readonly Segment[]): Holder {
  return segments.reduce<Holder>((holder, segment, at) => {
    const before = segments[at - 1];
    if (typeof segment !== "string") return holder;
    const named = typeof before === "object" && VALUE_FIELDS.includes(segment);
    return heldBy(holder, named ? before.key : segment);
  }, UNNAMED);
}
