import { expect, test } from "vitest";
import { steadily } from "../src/actions/progress.ts";

test("long work says how far it is every five seconds, and short work says nothing", () => {
  let now = 0;
  const lines: string[] = [];
  const say = steadily({ info: (line) => lines.push(line) }, { now: () => now });
  for (; now <= 12_000; now += 100) say(`at ${now}`);
  expect(lines).toEqual(["at 5000", "at 10000"]);
});
