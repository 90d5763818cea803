// Keeps the generated part of docs/simulator.md current: what is modelled, by which facts, who asks it, which open
// questions decide its answers, which tests come to it.
//   --write  makes it again      --check  fails if it is stale
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BEHAVIOURS } from "../simulator/databricks/behaviours.ts";
import { modelledRoutes as databricksRoutes } from "../simulator/databricks/server.ts";
import { ASSUMPTIONS } from "../simulator/github/scenario.ts";
import { modelledRoutes as githubRoutes, OIDC_ROUTES } from "../simulator/github/server.ts";
import "../simulator/runner/json-hook.ts";
import { MET_BY } from "../test/simulator/met-by.ts";
import { MARKS, NOT_TURNED } from "../test/simulator/not-turned.ts";

// The parser of workflows can be loaded only once the hook above is in place.
const { EXPRESSIONS, MODELLED } = await import("../simulator/runner/modelled.ts");

const PAGE = "docs/simulator.md";
/** Has our code meet each question of Databricks, and records by which routes. */
const MET = "test/simulator/both-ways-met.test.ts";
const NAMED = 6;

interface Source {
  readonly file: string;
  /** `GET /api/…` as the file writes it; what is computed is `*`, a method that is not beside it is `*` too. */
  readonly asks: readonly string[];
  readonly text: string;
}

interface ModelledPart {
  readonly route: string;
  readonly facts: string;
}

const modules = [...sourcesIn("src/databricks"), ...sourcesIn("src/github")];

/** Files of tests by what they came to: a place, or `question = answer @ place` (test/measure.ts). */
const measured = Object.entries(
  JSON.parse(readFileSync("test/simulator/measured.json", "utf8")) as Readonly<Record<string, readonly string[]>>,
);
const testsAt = new Map(measured);
/** A test that comes to few places is about them. */
const breadth = new Map<string, number>();
for (const file of measured.flatMap(([, files]) => files)) breadth.set(file, (breadth.get(file) ?? 0) + 1);
const answers = measured.flatMap(([what, files]) => {
  const [, question, answer, place] = /^(\S+) = (\S+) @ (.+)$/.exec(what) ?? [];
  return question === undefined || answer === undefined || place === undefined
    ? []
    : [{ question, answer, place, files }];
});
const questions = [
  ...BEHAVIOURS.map((one) => ({ ...one, key: `databricks.behaviours.${one.name}` })),
  ...ASSUMPTIONS.map((one) => ({ ...one, key: `github.assumptions.${one.name}` })),
];
const lines = [...readFileSync("docs/assumptions.md", "utf8").matchAll(/^\| (A\d+) \| ([^|]*) \|/gm)].map(
  ([, id = "", assumed = ""]) => ({ id, assumed }),
);

const ROUTE_COLUMNS = ["Route", "Facts", "Asked by", "Questions that decide", "Tests that come to it"];
const content = [
  "### Databricks: routes",
  table(ROUTE_COLUMNS, databricksRoutes().map(routeRow("databricks"))),
  "### GitHub: routes",
  "GraphQL is not modelled: nothing of ours asks it, and it is refused by name.",
  table(ROUTE_COLUMNS, githubRoutes().map(routeRow("github"))),
  "### GitHub: the issuer of OIDC tokens",
  table(ROUTE_COLUMNS, OIDC_ROUTES.map(routeRow("github"))),
  "### The runner: parts of a workflow",
  table(
    ["Part", "Facts", "Tests that have it run"],
    Object.entries(MODELLED).map(([part, facts]) => [`\`${part}\``, facts, names(testsAt.get(`runner ${part}`) ?? [])]),
  ),
  "### The runner: functions and contexts of expressions",
  "What an expression names is told when it is evaluated. `hashFiles`, and every property that is not here, is refused by name.",
  table(
    ["Function or context", "Facts", "Tests that have it evaluated"],
    Object.entries(EXPRESSIONS).map(([name, facts]) => [
      `\`${name.replace(": ", " ")}\``,
      facts,
      names(testsAt.get(`runner ${name}`) ?? []),
    ]),
  ),
  "### What is not known, both ways",
  `Each line of [what only a live service can confirm](assumptions.md) that a scenario can turn, with the tests in which each position decided something; the first position is the default. *Met by our code* are the routes that were asked when \`${MET}\` played it in every position as our code does; where there is none, our code meets it in the tests named, or never, and that test says why.`,
  table(
    ["#", "Scenario key", "Tests in each position", "Decided at", "Met by our code"],
    questions.map(({ name, assumption, values, key }) => [
      assumption,
      `\`${key}\``,
      values
        .map(String)
        .map((value) => {
          const files = answers.filter(({ question, answer }) => question === key && answer === value);
          return `\`${value}\`: ${files.length === 0 ? "**never**" : names(files.flatMap((one) => one.files))}`;
        })
        .join("<br>"),
      placesOf(key),
      (MET_BY[name] ?? []).map((route) => `\`${route}\``).join(", "),
    ]),
  ),
  "### What is not known, without a switch",
  "The other lines. *By the scenario*: what a scenario has, without a switch, plays both. *Not depended on*: neither answer changes what our code does. *Not playable*: no simulator can give the other answer, or no code could tell it from this one.",
  table(
    ["#", "Assumed", "How it stands", "Why", "Held by"],
    lines
      .filter(({ id }) => !questions.some(({ assumption }) => assumption.split(", ").includes(id)))
      .map(({ id, assumed }) => {
        const standing = NOT_TURNED[id];
        if (standing === undefined) throw new Error(`test/simulator/not-turned.ts does not say how ${id} stands`);
        const held = "held" in standing ? standing.held : undefined;
        return [id, assumed, standing.how, standing.why, held === undefined ? "" : `\`${held.split(": ")[0]}\``];
      }),
  ),
  "### What the facts leave open",
  "Every mark [?] of the facts that the simulators follow, with the line that speaks of it, or why our code never comes to it.",
  table(["Facts", "Open", "How it stands"], MARKS),
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

function routeRow(service: "databricks" | "github"): (part: ModelledPart) => string[] {
  return ({ route, facts }) => {
    const place = `${service} ${route}`;
    const decided = answers.filter((one) => one.place === place).map(({ question }) => question);
    return [
      `\`${route}\``,
      facts,
      modules
        .filter((module) => asks(module, route))
        .map(({ file }) => `\`${file.replace("src/", "")}\``)
        .join(", "),
      questions
        .filter(({ key }) => decided.includes(key))
        .map(({ name, assumption }) => `${assumption} \`${name}\``)
        .join(", "),
      names(testsAt.get(place) ?? []),
    ];
  };
}

/** Where a question was looked at: routes, or the runner. */
function placesOf(key: string): string {
  const places = new Set(answers.flatMap(({ question, place }) => (question === key ? [place] : [])));
  return [...places]
    .toSorted()
    .filter((place) => place !== "databricks none")
    .map((place) => (place.startsWith("the ") ? place : `\`${place.replace(/^\w+ /, "")}\``))
    .join(", ");
}

/** Whether a module of ours writes the route, as far as it can be read from its text. */
function asks({ asks: written, text }: Source, route: string): boolean {
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
  // what a source computes may be any one segment of the route that it writes elsewhere, if it writes enough of the rest
  const computed = (ask: string): boolean => {
    const [verb = "", asked = ""] = ask.split(" ");
    if ((verb !== method && verb !== "*") || !/^\/api(\/[\w.-]+){2,}\/[\w*./-]+$/.test(asked)) return false;
    const wanted = path.split("/");
    const segments = asked.split("/");
    return (
      segments.length === wanted.length &&
      segments.every((segment, at) => {
        const part = wanted[at] ?? "";
        return segment.includes("*") ? part.startsWith("{") || text.includes(`"${part}"`) : segment === part;
      })
    );
  };
  return written.some((ask) => pattern.test(ask) || computed(ask));
}

/** The tests that come to the fewest places first, and how many more there are. */
function names(files: readonly string[]): string {
  const short = [...new Set(files)].toSorted(
    (a, b) => (breadth.get(a) ?? 0) - (breadth.get(b) ?? 0) || a.localeCompare(b),
  );
  if (short.length === 0) return "**none**";
  const more = short.length - NAMED;
  return more > 1 ? `${short.slice(0, NAMED).join(", ")} and ${more} more` : short.join(", ");
}

function sourcesIn(folder: string): Source[] {
  const texts = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((name) => ({ file: join(folder, name), text: readFileSync(join(folder, name), "utf8") }));
  const exported = texts.flatMap(({ text }) => constantsIn(text, /^export const (\w+) = "([^"\n]*)"/gm));
  return texts.map(({ file, text }) => {
    const constants = new Map([...exported, ...constantsIn(text, /const (\w+) = "([^"\n]*)"/g)]);
    return { file, asks: asksOf(text, constants), text };
  });
}

function constantsIn(text: string, pattern: RegExp): (readonly [name: string, value: string])[] {
  return [...text.matchAll(pattern)].map(([, name = "", value = ""]) => [name, value] as const);
}

/** Every path that a file writes, with the method beside it. Constants are put in where they are used. */
function asksOf(text: string, constants: ReadonlyMap<string, string>): string[] {
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
  }
  return found;
}

function verb(before: string): string | undefined {
  return /\.(get|post)\($/.exec(before)?.[1]?.toUpperCase();
}

function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headers, headers.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
