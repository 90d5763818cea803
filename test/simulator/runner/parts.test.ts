import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { wellKnownFunctions } from "@actions/expressions";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCommand } from "../../../simulator/runner/commands.ts";
import { evaluate, textOf } from "../../../simulator/runner/expressions.ts";
import { parsePairs } from "../../../simulator/runner/file-commands.ts";
import { Masks } from "../../../simulator/runner/masks.ts";
import { combinations } from "../../../simulator/runner/matrix.ts";
import { EXPRESSIONS } from "../../../simulator/runner/modelled.ts";
import { readZip, writeZip } from "../../../simulator/runner/zip.ts";
import { SIGHTINGS, type Sighting } from "../../../simulator/witness.ts";

const secret = fc.stringMatching(/^[!-~]{10,40}$/);

test("a secret is found in whatever it is encoded with, wherever it stands", () => {
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
      const masks = new Masks();
      masks.add(value);
      const whole = before + value + after;
      expect(masks.apply(whole)).not.toContain(value);
      expect(masks.contains(Buffer.from(whole).toString("base64"))).toBe(true);
      expect(masks.contains(encodeURIComponent(value))).toBe(true);
      expect(masks.contains(JSON.stringify(whole))).toBe(true);
    }),
  );
});

test("each line of a secret is one, blank lines are none", () => {
  const masks = new Masks();
  masks.add("first line\n\nsecond line");
  expect(masks.apply("a first line, b second line, c")).toBe("a ***, b ***, c");
});

test("commands are told from ordinary lines", () => {
  expect(parseCommand("::error::x")).toEqual({ name: "error", properties: {}, message: "x" });
  expect(parseCommand("::notice file=a%3Ab,line=3::50%25")).toEqual({
    name: "notice",
    properties: { file: "a:b", line: "3" },
    message: "50%",
  });
  expect(parseCommand("text ::error::x")).toBeUndefined();
  expect(parseCommand("a::b")).toBeUndefined();
});

test("file commands: pairs, blocks, and what is neither", () => {
  expect(parsePairs("a=1\nb<<X\nline = 1\n\nline 2\nX\nc==\n")).toEqual({ a: "1", b: "line = 1\n\nline 2", c: "=" });
  expect(() => parsePairs("nothing")).toThrow("Invalid format 'nothing'");
  expect(() => parsePairs("=x")).toThrow("Name must not be empty");
  expect(() => parsePairs("a<<X\nb")).toThrow("Matching delimiter not found 'X'");
});

test("matrices as the documentation has them", () => {
  const matrix = {
    fruit: ["apple", "pear"],
    animal: ["cat", "dog"],
    include: [
      { color: "green" },
      { color: "pink", animal: "cat" },
      { fruit: "apple", shape: "circle" },
      { fruit: "banana" },
      { fruit: "banana", animal: "cat" },
    ],
  };
  expect(combinations(matrix)).toEqual([
    { fruit: "apple", animal: "cat", color: "pink", shape: "circle" },
    { fruit: "apple", animal: "dog", color: "green", shape: "circle" },
    { fruit: "pear", animal: "cat", color: "pink" },
    { fruit: "pear", animal: "dog", color: "green" },
    { fruit: "banana" },
    { fruit: "banana", animal: "cat" },
  ]);
});

test("archives give back what went in", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-zü]{1,9}$/), fc.uint8Array({ maxLength: 300 })), {
        selector: ([name]) => name,
      }),
      (list) => {
        const entries = list.map(([path, bytes]) => ({ path, bytes: Buffer.from(bytes) }));
        expect(readZip(writeZip(entries))).toEqual(entries);
      },
    ),
  );
});

test("expressions: every doubled quote is one quote, and nothing is nothing", () => {
  const scope = { contexts: { env: { A: null, B: true, C: { d: [1, "x"] } } } };
  const text = (expression: string): string => textOf(evaluate(expression, scope));
  expect(text("format('''{0}'' and ''{1}''', env.B, env.C.d[1])")).toBe("'true' and 'x'");
  expect(text("env.A")).toBe("");
  expect(text("env.missing.deeper")).toBe("");
  expect(text("env.c.D[0] == '1' && 'yes' || 'no'")).toBe("yes");
  expect(text("join(env.C.d, '-')")).toBe("1-x");
  expect(text("case(env.B, 'on', 'off')")).toBe("on");
  expect(() => text("env.A == other.B")).toThrow("Unrecognized named-value: 'other'");
});

test("the table of functions holds what the parser knows and the four of a job's status, and no other", () => {
  const listed = Object.keys(EXPRESSIONS).flatMap((name) => /^function: (\w+)$/.exec(name)?.[1]?.toLowerCase() ?? []);
  const status = ["always", "cancelled", "failure", "success"];
  expect(listed.toSorted()).toEqual(
    [...Object.keys(wellKnownFunctions), ...status].map((name) => name.toLowerCase()).toSorted(),
  );
});

test("what an expression comes to is told, by the table's own words; what is in no table is refused", () => {
  const places: string[] = [];
  const hear = (message: unknown): void => void places.push((message as Sighting).place);
  subscribe(SIGHTINGS, hear);
  const contexts = {
    github: { sha: "a", event_name: "push" },
    steps: { plan: { outcome: "success", outputs: { digest: "d" } } },
    job: { status: "success", colour: "red" },
  };
  evaluate("startswith(GitHub.SHA, 'a') && steps.plan.outputs.digest || Always()", { contexts });
  unsubscribe(SIGHTINGS, hear);
  expect(places.map((place) => place.replace("runner ", "")).toSorted()).toEqual([
    "context: github.sha",
    "context: steps",
    "context: steps.*.outputs",
    "function: always",
    "function: startsWith",
  ]);
  expect(() => evaluate("job.colour", { contexts })).toThrow("context job.colour, which is in no table");
});
