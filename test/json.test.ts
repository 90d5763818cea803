import { describe, expect, it } from "vitest";
import { canonicalJson, equalJson, parseJson, stringifyJson } from "../src/json.ts";

describe("JSON", () => {
  it("keeps every digit of an int64 id, there and back", () => {
    const text = '{"job_id":8728374651029384756,"run_id":42,"score":0.5}';
    expect(parseJson(text)).toEqual({ job_id: 8728374651029384756n, run_id: 42, score: 0.5 });
    expect(stringifyJson(parseJson(text))).toBe(text);
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
