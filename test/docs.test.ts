import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

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
  const numbers = rows.map((row) => Number(/\d+/.exec(row)?.[0]));
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(last.length).toBeGreaterThan(39);
});
