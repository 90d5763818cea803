/**
 * Names with `*`, as the contract's grants write them: `prod.*`, `*_sandbox`. A star stands for any part of one name, never
 * for a dot. Pure.
 */
import { keyOf } from "./model.ts";

const compiled = new Map<string, RegExp>();

/** True if a full name is what the pattern says, or lies below it: `prod.*` reaches `prod.gold` and `prod.gold.scores`. */
export function reachesName(pattern: string, name: string): boolean {
  if (!pattern.includes("*")) {
    const above = keyOf(pattern);
    const below = keyOf(name);
    return above === below || below.startsWith(`${above}.`);
  }
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    const literal = keyOf(pattern).replace(/[.+?^${}()|[\]\\]/g, "\\$&");
    expression = new RegExp(`^${literal.replaceAll("*", "[^.]*")}(?:\\..*)?$`);
    compiled.set(pattern, expression);
  }
  return expression.test(keyOf(name));
}

/** True if something can be what both patterns speak of: the shorter may stand above the other. */
export function overlap(a: string, b: string): boolean {
  const left = keyOf(a).split(".");
  const right = keyOf(b).split(".");
  const shared = Math.min(left.length, right.length);
  return Array.from({ length: shared }).every((_, index) => partsMeet(left[index] ?? "", right[index] ?? ""));
}

/** True if some text fits both: a walk through both at once, in which a star stays or goes on. */
function partsMeet(a: string, b: string): boolean {
  const seen = new Set<number>();
  const open: [number, number][] = [[0, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [i, j] = next;
    if (i === a.length && j === b.length) return true;
    const place = i * (b.length + 1) + j;
    if (i > a.length || j > b.length || seen.has(place)) continue;
    seen.add(place);
    if (a[i] === "*") open.push([i + 1, j], [i, j + 1]);
    if (b[j] === "*") open.push([i, j + 1], [i + 1, j]);
    if (a[i] === b[j] && i < a.length) open.push([i + 1, j + 1]);
  }
  return false;
}
