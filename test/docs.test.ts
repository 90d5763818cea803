import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const skipped = /^(node_modules|dist|build|demo-report|coverage|\.git)(\/|$)/;
const files = readdirSync(".", { recursive: true, encoding: "utf8" }).filter(
  (path) => (path.startsWith(".github/") || !skipped.test(path)) && !path.includes("node_modules/"),
);
const pages = files.filter((path) => path.endsWith(".md"));

/** The anchors that GitHub gives a page's headings. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
  return new Set(headings);
}

describe("links between pages", () => {
  it.each(pages)("%s: every relative link leads to a file, every anchor to a heading", (page) => {
    const text = readFileSync(page, "utf8").replace(/```[\s\S]*?```/g, "");
    const broken: string[] = [];
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : normalize(join(dirname(page), path));
      if (!existsSync(file)) broken.push(target);
      else if (anchor !== undefined && file.endsWith(".md") && !anchorsOf(readFileSync(file, "utf8")).has(anchor)) {
        broken.push(target);
      }
    }
    expect(broken).toEqual([]);
  });
});

it("docs/assumptions.md: each line names the step of the probe that settles it, or says why none does", () => {
  const rows = readFileSync("docs/assumptions.md", "utf8")
    .split("\n")
    .filter((line) => /^\| A\d+ \|/.test(line));
  const last = rows.map((row) => row.split(" | ").at(-1) ?? "");
  expect(last.filter((how) => !/^(probe, [a-z-]+: \S|not by the probe: [^;]{10,}; \S)/.test(how))).toEqual([]);
  expect(last.length).toBeGreaterThan(39);
});

describe("docs/pains.md", () => {
  const rows = readFileSync("docs/pains.md", "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, number, tests] = /^\| (\d+) \| .+ \| .+ \| (\[test\].+) \|$/.exec(line) ?? [];
      return number === undefined || tests === undefined ? [] : [{ number, tests: tests.split(/, (?=\[test\])/) }];
    });
  const pains = rows.flatMap(({ number, tests }) =>
    tests.map((each) => {
      const [, file = "", title = ""] = /^\[test\]\(\.\.\/(\S+)\) \*(.+)\*$/.exec(each) ?? [];
      return { number, file, title };
    }),
  );

  it("has a row for each of the thirty", () => {
    expect(rows.map(({ number }) => Number(number))).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  it.each(pains)("$number: its test is there, by its title: $title", ({ file, title }) => {
    const written = readFileSync(file, "utf8");
    const quoted = [JSON.stringify(title), `\`${title}\``];
    expect(quoted.some((each) => written.includes(each))).toBe(true);
  });
});

describe("the pages' commands", () => {
  const commands = pages.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/gh workflow run [^`\n]+/g)].map(([line]) => ({ page, line })),
  );
  const caller = v.object({
    on: v.object({
      workflow_dispatch: v.object({
        inputs: v.record(
          v.string(),
          v.object({ options: v.optional(v.array(v.string())), required: v.optional(v.boolean(), false) }),
        ),
      }),
    }),
  });
  const inputsOf = (file: string) =>
    v.parse(caller, parse(readFileSync(`examples/ml-pipelines/.github/workflows/${file}`, "utf8"))).on.workflow_dispatch
      .inputs;

  it.each(commands)("$page: $line", ({ line }) => {
    const file = /^gh workflow run (\S+) --ref main\b/.exec(line)?.[1] ?? "";
    const inputs = inputsOf(file);
    const given = [...line.matchAll(/ -f ([\w-]+)=("[^"]*"|<[^>]*>|\S+)/g)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]);
    for (const [name = "", value = ""] of given) {
      expect(Object.keys(inputs)).toContain(name);
      const { options } = inputs[name] ?? {};
      expect(options ?? [value]).toContain(value);
    }
    const required = Object.entries(inputs).flatMap(([name, { required }]) => (required ? [name] : []));
    expect(given.map(([name]) => name)).toEqual(expect.arrayContaining(required));
  });
});

it.each(pages)("%s: what it says to run by npm is a script of ours", (page) => {
  const { scripts } = v.parse(
    v.object({ scripts: v.record(v.string(), v.string()) }),
    JSON.parse(readFileSync("package.json", "utf8")),
  );
  const named = [...readFileSync(page, "utf8").matchAll(/\bnpm run (?:-s )?([\w:][\w:-]*)/g)].map(
    ([, script = ""]) => script,
  );
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
});

/** `base.yml` is a path of a scenario's fault. */
const yamls = new Set([...files.filter((path) => path.endsWith(".yml")).map((path) => basename(path)), "base.yml"]);

it.each(pages)("%s: a YAML file that it names is one of ours, or of the example's", (page) => {
  const named = [...readFileSync(page, "utf8").matchAll(/`([\w./-]+\.ya?ml)`/g)].map(([, file = ""]) => file);
  expect(named.filter((file) => !yamls.has(basename(file)))).toEqual([]);
});

describe("keys of the contract", () => {
  const Schema = v.looseObject({ properties: v.record(v.string(), v.unknown()) });
  const schema = v.parse(Schema, JSON.parse(readFileSync("four-tier.schema.json", "utf8")));
  const tops = Object.keys(schema.properties);
  const isNode = (value: unknown): value is Record<string, unknown> => v.is(v.looseObject({}), value);

  /** True if the schema has a value at this path; `<tier>` and logins stand for any key. */
  function has(node: unknown, [first, ...rest]: readonly string[]): boolean {
    if (first === undefined) return true;
    if (Array.isArray(node)) return node.some((each) => has(each, [first, ...rest]));
    if (!isNode(node)) return false;
    const { properties, anyOf, oneOf, allOf, items, additionalProperties, propertyNames, $ref } = node;
    const pattern = isNode(propertyNames) ? propertyNames["pattern"] : undefined;
    // a key with a point in it, such as a resource's
    if (typeof pattern === "string" && new RegExp(pattern).test([first, ...rest].join("."))) return true;
    const inside = isNode(properties) ? properties : {};
    const any = /^<\w+>$/.test(first) ? Object.values(inside) : [inside[first]];
    return (
      any.some((each) => each !== undefined && has(each, rest)) ||
      (isNode(additionalProperties) && has(additionalProperties, rest)) ||
      [anyOf, oneOf, allOf, items].some((each) => has(each, [first, ...rest])) ||
      (typeof $ref === "string" && has(referred($ref), [first, ...rest]))
    );
  }

  function referred(ref: string): unknown {
    const at = (node: unknown, key: string): unknown => (isNode(node) ? node[key] : undefined);
    return ref.replace(/^#\//, "").split("/").reduce(at, schema);
  }

  it("are told from others", () => {
    expect(has(schema, ["tiers", "prod", "gate", "soak"])).toBe(true);
    expect(has(schema, ["tiers", "<tier>", "gate", "verify"])).toBe(true);
    expect(has(schema, ["tiers", "prod", "gate", "sook"])).toBe(false);
  });

  it.each(pages)("%s: those that it names are there", (page) => {
    const path = new RegExp(`\`((?:${tops.join("|")})(?:\\.[\\w<>-]+)+)(?::[^\`]*)?\``, "g");
    const named = [...readFileSync(page, "utf8").matchAll(path)].map(([, key = ""]) => key);
    const isFile = /\.(ts|yml|json|md)$/;
    expect(named.filter((key) => !isFile.test(key) && !has(schema, key.split(".")))).toEqual([]);
  });
});
