import { describe, expect, it } from "vitest";
import { parseJson as ofTheSimulator } from "../simulator/json.ts";
import { canonicalJson, equalJson, parseJson, stringifyJson } from "../src/json.ts";

describe("JSON", () => {
  it("keeps every digit of an int64 id, there and back", () => {
    const text = '{"job_id":8728374651029384756,"run_id":42,"score":0.5}';
    expect(parseJson(text)).toEqual({ job_id: 8728374651029384756n, run_id: 42, score: 0.5 });
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  it.each([
    ["alone", "-8728374651029384756", -8728374651029384756n],
    ["first in a list", "[\n  8728374651029384756, 1]", [8728374651029384756n, 1]],
    ["later in a list", "[1,8728374651029384756]", [1, 8728374651029384756n]],
    ["as a field", '{ "a": 1, "job_id" :\t8728374651029384756 }', { a: 1, job_id: 8728374651029384756n }],
    ["with the fewest digits that can be too many", "[9007199254740993]", [9007199254740993n]],
    [
      "beside a text of digits",
      '["8728374651029384756",8728374651029384757]',
      ["8728374651029384756", 8728374651029384757n],
    ],
  ])("keeps every digit of a number %s", (_where, text, value) => {
    expect(parseJson(text)).toEqual(value);
    expect(ofTheSimulator(text)).toEqual(value);
  });

  it("leaves large floats alone", () => {
    expect(parseJson("1e300")).toBe(1e300);
  });

  it("writes equal values as equal text whatever the order of keys", () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    expect(equalJson({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(equalJson([1, 2], [2, 1])).toBe(false);
  });
});
