// Keeps the generated part of docs/simulator.md current: what is modelled, by which facts, who asks it, which tests name it.
//   --write  makes it again      --check  fails if it is stale
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BEHAVIOURS } from "../simulator/databricks/behaviours.ts";
import { modelledRoutes as databricksRoutes } from "../simulator/databricks/server.ts";
import { ASSUMPTIONS } from "../simulator/github/scenario.ts";
import { modelledRoutes as githubRoutes } from "../simulator/github/server.ts";
import { MET_BY } from "../test/simulator/met-by.ts";

const PAGE = "docs/simulator.md";
/** Runs every position of every behaviour, as the schema lists them. */
const BOTH_WAYS = "test/simulator/both-ways.test.ts";
/** Has our code meet each of them, and records by which routes. */
const MET = "test/simulator/both-ways-met.test.ts";
/** Asks every route, for what is not modelled of it: that says nothing of what it does. */
const CLOSED = /\/closed\.test\.ts$/;

interface Source {
  readonly file: string;
  readonly text: string;
  /** `GET /api/…` as the file writes it; what is computed is `*`, a method that is not beside it is `*` too. */
  readonly asks: readonly string[];
  readonly imports: readonly string[];
}

const tests = sourcesIn("test").filter(({ file }) => file.endsWith(".test.ts"));
const modules = [...sourcesIn("src/databricks"), ...sourcesIn("src/github")];

const content = [
  "### Databricks: routes",
  table(
    ["Route", "Facts", "Asked by", "Tests that name it", "Tests that use who asks"],
    databricksRoutes().map(routeRow),
  ),
  "### GitHub: routes",
  table(["Route", "Facts", "Asked by", "Tests that name it", "Tests that use who asks"], githubRoutes().map(routeRow)),
  "### What is not known, both ways",
  `Each line of [what only a live service can confirm](assumptions.md) that a scenario can turn. The first position is the default; every other one runs under promotion, grants and schedules in \`${BOTH_WAYS}\`, and where it matters in the tests named here. The routes are those that were really asked when \`${MET}\` played it in every position, as our code does; where there is none, our code meets it in the tests named, or never, and the test says why.`,
  table(
    ["#", "Scenario key", "Positions", "Routes by which our code meets it", "Tests that turn it"],
    [
      ...BEHAVIOURS.map((one) => ({ ...one, key: `databricks.behaviours.${one.name}` })),
      ...ASSUMPTIONS.map((one) => ({ ...one, key: `github.assumptions.${one.name}` })),
    ].map(({ name, assumption, values, key }) => [
      assumption,
      `\`${key}\``,
      values.join(", "),
      (MET_BY[name] ?? []).map((route) => `\`${route}\``).join(", "),
      names([
        ...(key.startsWith("databricks") ? [BOTH_WAYS] : []),
        ...tests.filter(({ text }) => new RegExp(`\\b${name}\\b`).test(text)).map(({ file }) => file),
      ]),
    ]),
  ),
].join("\n\n");

const page = readFileSync(PAGE, "utf8");
const [begin, end] = ["<!-- coverage:begin -->", "<!-- coverage:end -->"];
const [from, to] = [page.indexOf(begin), page.indexOf(end)];
if (from < 0 || to < from) throw new Error(`${PAGE} has no ${begin} … ${end}`);
const made = `${page.slice(0, from + begin.length)}\n${content}\n${page.slice(to)}`;
if (process.argv.includes("--write")) writeFileSync(PAGE, made);
else if (made !== page) {
  console.error(`${PAGE} is stale: run npm run docs`);
  process.exitCode = 1;
}

function routeRow({ route, facts }: { readonly route: string; readonly facts: string }): string[] {
  const [method = "", path = ""] = route.split(" ");
  const literal = path
    .split(/(\{[^}]+\})/)
    .map((part) =>
      part.startsWith("{")
        ? /(\.\.\.|\+)\}$/.test(part)
          ? ".+"
          : "[^/]+"
        : part.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&"),
    );
  const pattern = new RegExp(`^(${method}|\\*) ${literal.join("")}$`);
  // what a source computes may be any one segment of the route, if enough is written to know the family
  const computed = (ask: string): boolean => {
    const [verb = "", asked = ""] = ask.split(" ");
    if ((verb !== method && verb !== "*") || !/^\/api(\/[\w.-]+){2,}\/[\w*./-]+$/.test(asked)) return false;
    const segments = asked
      .split("/")
      .map((segment) => (segment.includes("*") ? "[^/]+" : segment.replaceAll(".", "\\.")));
    return new RegExp(`^${segments.join("/")}$`).test(path);
  };
  const asking = ({ asks }: Source): boolean => asks.some((ask) => pattern.test(ask) || computed(ask));
  const ours = modules.filter(asking);
  const others = tests.filter(({ file }) => !CLOSED.test(file));
  const naming = others.filter(asking);
  const using = others.filter(
    (test) => !naming.includes(test) && ours.some(({ file }) => test.imports.some((path) => path.endsWith(file))),
  );
  return [
    `\`${route}\``,
    facts,
    ours.map(({ file }) => `\`${file.replace("src/", "")}\``).join(", "),
    names(naming.map(({ file }) => file)),
    names(
      using.map(({ file }) => file),
      "",
    ),
  ];
}

function names(files: readonly string[], nobody = "none by name"): string {
  const short = [...new Set(files)].map((file) => file.replace(/^test\//, "").replace(/\.test\.ts$/, ""));
  return short.length === 0 ? nobody : short.toSorted().join(", ");
}

function sourcesIn(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((name) => {
      const file = join(folder, name);
      const text = readFileSync(file, "utf8");
      const imports = [...text.matchAll(/from "((?:\.\.?\/)[^"]+)"/g)].map(([, path = ""]) => join(file, "..", path));
      return { file, text, asks: asksOf(text), imports };
    });
}

/** Every path that a file writes, with the method beside it. Constants are put in where they are used. */
function asksOf(text: string): string[] {
  const constants = new Map(
    [...text.matchAll(/const (\w+) = "([^"\n]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  const found: string[] = [];
  for (const match of text.matchAll(/["`](?:(GET|POST|PUT|PATCH|DELETE) )?((?:\/|\$\{)[^"`\n]*)["`]/g)) {
    const [, written, raw = ""] = match;
    const path = raw
      .replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => constants.get(name) ?? whole)
      .replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "*")
      .replace(/\$\{.*$/, "*")
      .replaceAll(/\{[^}]+\}/g, "*")
      .replace(/\?.*$/, "");
    if (!path.startsWith("/")) continue;
    const before = text.slice(Math.max(0, match.index - 60), match.index);
    const method = written ?? /["`](GET|POST|PUT|PATCH|DELETE)["`][^"`]*$/.exec(before)?.[1] ?? verb(before) ?? "*";
    found.push(`${method} ${path}`);
    // the tests of the simulated GitHub leave out where the repository is
    if (/^\/[a-z]/.test(path) && !path.startsWith("/repos") && !path.startsWith("/api"))
      found.push(`${method} /repos/*/*${path}`);
  }
  return found;
}

function verb(before: string): string | undefined {
  return /\.(get|post)\($/.exec(before)?.[1]?.toUpperCase();
}

function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headers, headers.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
