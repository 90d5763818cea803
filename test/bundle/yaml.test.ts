import { describe, expect, test } from "vitest";
import { get, toJson, whereAt } from "../../src/bundle/tree.ts";
import { parseYaml } from "../../src/bundle/yaml.ts";

function read(text: string) {
  const { node, findings } = parseYaml(text, "f.yml");
  expect(findings).toEqual([]);
  return node === undefined ? undefined : toJson(node);
}

describe("scalars are read as the CLI reads them", () => {
  test.each([
    ["yes", "yes"],
    ["on", "on"],
    ["True", true],
    ["~", null],
    ["", null],
    ["014", 14],
    ["0x1F", 31],
    ["0o17", 15],
    ["0b11", 3],
    ["-7", -7],
    ["+7", 7],
    ["1_000", 1000],
    ["1.50", 1.5],
    [".5", 0.5],
    ["1e3", 1000],
    ["9007199254740993", 9007199254740993n],
    ["2024-01-01", "2024-01-01"],
    ["12:30:00", "12:30:00"],
    ["1.2.3", "1.2.3"],
    ['"5"', "5"],
    ["'it''s'", "it's"],
    ["!!str 5", "5"],
    ['!!int "5"', 5],
    ["|\n  a\n  b", "a\nb\n"],
    [">-\n  a\n  b", "a b"],
  ])("%j", (text, expected) => {
    expect(read(`x: ${text}\n`)).toEqual({ x: expected });
  });

  test("a number that JSON cannot carry is a finding", () => {
    expect(parseYaml("x: .inf\n", "f.yml").findings).toMatchObject([
      { id: "bundle/yaml", where: { line: 1, column: 4 } },
    ]);
  });
});

describe("anchors", () => {
  test("are the same value again, with the position of the original", () => {
    const { node } = parseYaml("a: &x { k: 1 }\nb: *x\n", "f.yml");
    if (node === undefined) throw new Error("nothing read");
    expect(toJson(node)).toEqual({ a: { k: 1 }, b: { k: 1 } });
    expect(whereAt(node, ["b", "k"])).toMatchObject({ line: 1, column: 12 });
    expect(whereAt(node, ["b"])).toMatchObject({ line: 2, column: 1 });
    expect(get(node, ["a"])?.anchored).toBe(true);
  });

  test("merge below what is written, of several maps the later one", () => {
    expect(read("a: &a { k: 1, l: 1, m: 1 }\nb: &b { k: 2, l: 2 }\nc:\n  <<: [*a, *b]\n  k: 3\n")).toMatchObject({
      c: { k: 3, l: 2, m: 1 },
    });
  });

  test("do not explode", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 9; level += 1) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`);
    }
    const { node, findings } = parseYaml(lines.join("\n"), "f.yml");
    expect(node).toBeUndefined();
    expect(findings).toMatchObject([{ id: "bundle/yaml" }]);
  });
});

test("an empty file is nothing, with no finding", () => {
  expect(read("# only a comment\n")).toBeUndefined();
});

test("JSON is YAML", () => {
  expect(read('{\n\t"a": [1, null, {"b": "c\\u00e9"}]\n}')).toEqual({ a: [1, null, { b: "cé" }] });
});

test("very deep nesting is a finding, not a crash", () => {
  const { node, findings } = parseYaml(`${"[".repeat(50_000)}${"]".repeat(50_000)}`, "f.yml");
  // How many there are depends on where the stack ends.
  expect({ node, of: [...new Set(findings.map(({ id, severity }) => `${severity} ${id}`))] }).toEqual({
    node: undefined,
    of: ["error bundle/yaml"],
  });
});
