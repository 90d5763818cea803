import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const skipped = /^(node_modules|dist|build|demo-report|coverage|\.git)(\/|$)/;
const pages = readdirSync(".", { recursive: true, encoding: "utf8" }).filter(
  (path) => path.endsWith(".md") && !skipped.test(path) && !path.includes("node_modules/"),
);

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
