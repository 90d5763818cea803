/** Reads from the sources which findings there are: their ids are part of the interface. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** An id, and the sources in which it arises. */
export interface FindingId {
  readonly id: string;
  readonly files: readonly string[];
}

/** The first half of an id: what the finding is about. */
export const AREAS: Readonly<Record<string, string>> = {
  auth: "Signing in to a tier",
  bundle: "The bundle, `databricks.yml`",
  comment: "Comments on merged pull requests",
  contract: "The contract, `four-tier.yml`",
  databricks: "What Databricks answers",
  drift: "Changes by hand, and the ledger against the records",
  evidence: "Records of earlier runs, and documents that are kept of them",
  gate: "The gate: the check, then what is wrong",
  git: "The checkout",
  github: "What GitHub answers",
  grants: "Who can read and write what",
  http: "Requests that bring no answer",
  identity: "Whether the token, the workspace and the catalog are the tier's",
  input: "Inputs of an action; the second half is the input's name",
  issue: "Issues that go on from run to run",
  ledger: "The tier's ledger and lock",
  operate: "Decisions by hand",
  operators: "Who operates a tier",
  plan: "The plan and the brief",
  promote: "Promotions",
  release: "The release: its files, its artifacts, what is applied",
  rollback: "Rollbacks",
  run: "The run itself",
  sandbox: "Sandboxes",
  schedules: "Schedules and holds",
  suite: "The suite itself",
  verify: "Verifications",
};

/** Functions that put an area before a name, by the file or folder that has them. */
const PREFIXED: readonly { readonly in: RegExp; readonly call: RegExp; readonly area: string }[] = [
  { in: /^src\/bundle\//, call: /\.(?:error|warning|notice)\(\s*"([a-z-]+)"/g, area: "bundle" },
  { in: /^src\/contract\/checks\.ts$/, call: /\bwrong\(\s*"([a-z-]+)"/g, area: "contract" },
  { in: /^src\/release\/digest\.ts$/, call: /\brefuse\(\s*"([a-z-]+)"/g, area: "release" },
  {
    in: /^src\/actions\/(?!pause-inputs)/,
    call: /\b(?:wrongInput|wrong|refuse|flag|whole|digest|matching|oneOf|needed)\(\s*(?:context, )?"([a-z-]+)"/g,
    area: "input",
  },
  { in: /^src\/operate\.ts$/, call: /\bwrong\(\s*"([a-z-]+)"/g, area: "operate" },
  { in: /^src\/http\/errors\.ts$/, call: /^ {2}"?([a-z-]+)"?:\s+"/gm, area: "http" },
];

/** What a value is compared with; it is looked for, and does not arise. */
const ASKED = /[!=]== "[^"]*"/g;

/** Every finding's id, by name. Throws where an id is put together in a way that is not known here. */
export function findingIds(root = "."): readonly FindingId[] {
  const said = new Map<string, Set<string>>();
  const arises = new Map<string, Set<string>>();
  for (const file of filesIn(root, ".github/workflows", ".yml")) {
    const text = readFileSync(join(root, file), "utf8");
    for (const [, id = ""] of text.matchAll(/^\s*echo "::[a-z]+ title=([a-z]+\/[a-z-]+)::/gm))
      said.set(id, new Set([file]));
  }
  const files = filesIn(root, "src", ".ts");
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    for (const { id, made } of idsIn(file, text)) {
      said.set(id, (said.get(id) ?? new Set()).add(file));
      if (made) arises.set(id, (arises.get(id) ?? new Set()).add(file));
    }
  }
  // Elsewhere an id may be looked for; where it is written after `id:`, it arises.
  return [...said]
    .map(([id, files]) => ({ id, files: [...(arises.get(id) ?? files)] }))
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

function filesIn(root: string, folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(ending))
    .sort();
}

interface Met {
  readonly id: string;
  /** Surely made here, not only looked for. */
  readonly made: boolean;
}

function idsIn(file: string, text: string): Met[] {
  const whole = text
    .split("\n")
    .filter((line) => !/^\s*(import|\} from|\*|\/\/)|\.includes\(/.test(line))
    .map((line) => line.replace(ASKED, ""))
    .flatMap((line) =>
      [...line.matchAll(/"([a-z]+)\/([a-z0-9-]+)"/g)]
        .filter(([, area = ""]) => Object.hasOwn(AREAS, area))
        .map(([, area, what]) => ({ id: `${area}/${what}`, made: /\bid:/.test(line) })),
    );
  const prefixed = PREFIXED.filter((helper) => helper.in.test(file)).flatMap(({ call, area }) =>
    [...text.matchAll(call)].map(([, what = ""]) => what).map(made(area)),
  );
  // The tier's own environments are held to the same branches as prod-ops.
  if (text.includes("id: `operators/")) prefixed.push(...["any-branch", "other-branch"].map(made("operators")));
  for (const [, area = ""] of text.matchAll(/\bid: `([a-z]+)\/\$/g)) {
    if (area === "input" || area === "operators" || file === "src/bundle/problems.ts" || prefixed.length > 0) continue;
    throw new Error(`${file} puts ids of ${area} together: teach it to scripts/findings.ts`);
  }
  return [...whole, ...prefixed, ...checkIds(file, text)];
}

function made(area: string): (what: string) => Met {
  return (what) => ({ id: `${area}/${what}`, made: true });
}

/**
 * A check's problems: `gate/<check>-<what>`, and what every check can end with. A part of it in a file of its own is
 * named `<check>-<part>.ts`.
 */
function checkIds(file: string, text: string): Met[] {
  const own = /^src\/gate\/checks\/([a-z]+)/.exec(file)?.[1];
  const check = own === undefined ? undefined : (/^ {2}id: "([a-z-]+)"/m.exec(text)?.[1] ?? own);
  if (check === undefined) return [];
  const values = [...text.matchAll(/\bwhat: ([^|\n]+?)(?:, message|,?\n)/g)].map(([, value = ""]) => value);
  const whats = values.flatMap(namesIn);
  if (values.length === 0 && text.includes("message:")) whats.push("");
  if (text.includes("judgingProblems(")) whats.push("not-believed", "unread", "too-many");
  if (text.includes("withFact(")) whats.push("unknown");
  return whats.map((what) => ({ id: what === "" ? `gate/${check}` : `gate/${check}-${what}`, made: true }));
}

/** The names that a value of `what` can have: `failed === undefined ? "too-few" : "failed"` has two. */
function namesIn(value: string): string[] {
  if (value === "entry.what") return ["changed", "missing"];
  return [...value.replace(ASKED, "").matchAll(/["`]([a-z-]+(?:\$\{what\})?)["`]/g)].flatMap(([, what = ""]) =>
    what.includes("$") ? ["release", "plan"].map((each) => what.replace("${what}", each)) : [what],
  );
}
