/** docs/assumptions.md is the list; what turns them and what settles them name the same lines. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BEHAVIOURS } from "../../simulator/databricks/behaviours.ts";
import { ASSUMPTIONS } from "../../simulator/github/scenario.ts";

const page = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const listed = [...page("assumptions.md").matchAll(/^\| (A\d+) \|/gm)].map(([, id]) => id);

describe("docs/assumptions.md", () => {
  it("numbers its lines, each once, in order", () => {
    const numbers = listed.map((id) => Number(id?.slice(1)));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(listed.length).toBeGreaterThan(30);
  });

  it.each([...BEHAVIOURS, ...ASSUMPTIONS])("has the line that $name is about, at least two positions", (one) => {
    expect(listed).toContain(one.assumption);
    expect(new Set(one.values).size).toBeGreaterThan(1);
    const scenario = page("scenario.md").split("\n");
    expect(scenario.filter((line) => line.includes(`\`${one.name}\``) && line.includes(one.assumption))).toHaveLength(
      1,
    );
  });
});
