/** What the tests were measured to come to (test/measure.ts), kept in test/simulator/measured.json for docs/simulator.md. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Measured } from "../test/measure.ts";

const KEPT = "test/simulator/measured.json";

/** Files of tests, short, by what they came to: a place, or `question = answer @ place`. */
export type ByPlace = Readonly<Record<string, readonly string[]>>;

/** What was measured last, as the repository keeps it. */
export function kept(): ByPlace {
  return JSON.parse(readFileSync(KEPT, "utf8")) as ByPlace;
}

/** Keeps what a whole run was measured to come to. */
export function keep(now: ByPlace): void {
  const lines = Object.entries(now).map((entry) => entry.map((one) => JSON.stringify(one)).join(": "));
  writeFileSync(KEPT, `{\n  ${lines.join(",\n  ")}\n}\n`);
}

/** What every file of a run left in a folder. */
export function measuredIn(folder: string): ByPlace {
  const all = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Measured);
  const found = new Map<string, string[]>();
  for (const { file, places, answers } of all) {
    for (const what of [...places, ...answers]) found.set(what, [...(found.get(what) ?? []), shortOf(file)]);
  }
  return Object.fromEntries(
    [...found].map(([what, files]) => [what, files.toSorted()] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** `e2e/chain` of `test/e2e/chain.test.ts`. */
export function shortOf(file: string): string {
  return file.replace(/^(.*\/)?test\//, "").replace(/\.test\.ts$/, "");
}

/**
 * Where what is kept is not what a whole run came to: `-` what it is said to come to and does not, `+` what it comes to
 * and is not said to. A file that skipped tests here (`partly`) may come to less.
 */
export function differences(before: ByPlace, now: ByPlace, partly: readonly string[] = []): string[] {
  const missing = (from: ByPlace, to: ByPlace, sign: string): string[] =>
    Object.entries(from).flatMap(([what, files]) =>
      files
        .filter((file) => !(to[what] ?? []).includes(file) && !(sign === "-" && partly.includes(file)))
        .map((file) => `${sign} ${file}: ${what}`),
    );
  return [...missing(before, now, "-"), ...missing(now, before, "+")];
}
