/** docs/assumptions.md is the list; what turns them, what settles them and how else they stand name the same lines. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BEHAVIOURS } from "../../simulator/databricks/behaviours.ts";
import { ASSUMPTIONS } from "../../simulator/github/scenario.ts";
import { MARKS, NOT_TURNED } from "./not-turned.ts";

const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = (name: string): string => file(`docs/${name}`);
const listed = [...page("assumptions.md").matchAll(/^\| (A\d+) \|/gm)].map(([, id = ""]) => id);
const QUESTIONS = [...BEHAVIOURS, ...ASSUMPTIONS];
const turned = new Set(QUESTIONS.flatMap(({ assumption }) => assumption.split(", ")));

describe("docs/assumptions.md", () => {
  it("numbers its lines, each once, in order", () => {
    const numbers = listed.map((id) => Number(id.slice(1)));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(listed.length).toBeGreaterThan(30);
  });

  it.each(QUESTIONS)("has the lines that $name is about, at least two positions", ({ name, assumption, values }) => {
    for (const id of assumption.split(", ")) expect(listed).toContain(id);
    expect(new Set(values).size).toBeGreaterThan(1);
    const scenario = page("scenario.md").split("\n");
    expect(scenario.filter((line) => line.includes(`\`${name}\``) && line.includes(`| ${assumption} |`))).toHaveLength(
      1,
    );
  });

  it("says of every line how it stands: run both ways, not depended on, or not playable", () => {
    const others = Object.keys(NOT_TURNED);
    expect(listed.filter((id) => !turned.has(id))).toEqual(others);
    expect(others.filter((id) => turned.has(id))).toEqual([]);
    for (const { why } of Object.values(NOT_TURNED)) expect(why.length).toBeGreaterThan(20);
  });

  const held = Object.entries(NOT_TURNED).flatMap(([id, standing]) =>
    "held" in standing && standing.held !== undefined ? [[id, ...standing.held.split(": ")] as const] : [],
  );
  it.each(held)("%s is held by %s: %s", (_id, path, words = "") => {
    expect(words).not.toBe("");
    expect(file(path ?? "")).toContain(words);
  });

  it("has a line for every open mark of the facts that our code comes to", () => {
    const ids = MARKS.flatMap(([, , stands]) => stands.match(/\bA\d+\b/g) ?? []);
    expect(ids.filter((id) => !listed.includes(id))).toEqual([]);
    expect(MARKS.filter(([, , stands]) => !/^A\d+$/.test(stands) && stands.length < 20)).toEqual([]);
  });
});
