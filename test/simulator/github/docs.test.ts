import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { assumptionKeys, scenarioKeys } from "../../../simulator/github/scenario.ts";

test("docs/scenario.md names every key of github: and every assumption, and no other", () => {
  const page = readFileSync(new URL("../../../docs/scenario.md", import.meta.url), "utf8");
  const part = page.slice(page.indexOf("## `github:`"), page.indexOf("## A closed world"));
  const [keys = "", assumptions = ""] = part.split("### Assumptions");
  const named = (table: string): string[] =>
    [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap((row) =>
      [...(row[1] ?? "").matchAll(/`(\w+)`/g)].map((key) => key[1] ?? ""),
    );
  expect(named(keys).sort()).toEqual([...scenarioKeys].sort());
  expect(named(assumptions).sort()).toEqual([...assumptionKeys].sort());
});
