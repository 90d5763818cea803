/** Every YAML block of a page can be copied as it stands: contracts parse, callers and steps fit what they call. */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { parseContract } from "../src/contract/parse.ts";
import { MINIMAL } from "./contract/examples.ts";
import { newFolder, removeFolders } from "./repository.ts";
import { callers } from "./workflows/files.ts";
import { lint } from "./workflows/language-service.ts";
import { offences, ungranted } from "./workflows/rules.ts";

const pages = ["README.md", "CONTRIBUTING.md", ...globSync("{docs,examples}/**/*.md").toSorted()];
const PIN = "0".repeat(40);

interface Block {
  readonly at: string;
  /** As whoever copies it would have it: its indentation gone, a commit where the page says which. */
  readonly text: string;
}

const blocks = pages.flatMap((page): Block[] => {
  const whole = readFileSync(page, "utf8");
  return [...whole.matchAll(/^( *)```ya?ml\n([\s\S]*?)^ *```/gm)].map(({ index, 1: fence = "", 2: written = "" }) => {
    const lines = written.split("\n").map((line) => line.slice(fence.length));
    const indent = /^ */.exec(lines[0] ?? "")?.[0].length ?? 0;
    const text = lines.map((line) => line.slice(indent)).join("\n");
    return {
      at: `${page}:${whole.slice(0, index).split("\n").length}`,
      text: text.replaceAll(
        /uses: (\S+)@(?:<[^>]+>|COMMIT)(?: #.*)?$/gm,
        (_all, used: string) =>
          `uses: ${used}@${PIN} # ${used.startsWith("four-tier/") ? "a release's commit" : "v1.0.0"}`,
      ),
    };
  });
});

const Mapping = v.looseObject({});
const Job = v.union([v.looseObject({ uses: v.string() }), v.looseObject({ "runs-on": v.string() })]);
const isJobs = (read: unknown): boolean => v.is(v.record(v.string(), Job), read);

/** What a block is, told by its shape. */
const KINDS = {
  steps: (read: unknown) => Array.isArray(read),
  job: (read: unknown) => v.is(v.looseObject({ uses: v.string() }), read),
  jobs: isJobs,
  workflow: (read: unknown) => v.is(v.looseObject({ jobs: Mapping }), read),
  scenario: (read: unknown) => v.is(v.looseObject({ databricks: Mapping }), read),
  contract: (read: unknown) => v.is(Mapping, read),
} as const;
type Kind = keyof typeof KINDS;

const kindOf = ({ text }: Block): Kind | undefined => {
  const read: unknown = parse(text);
  return (Object.keys(KINDS) as Kind[]).find((kind) => KINDS[kind](read));
};
const ofKind = (...kinds: readonly Kind[]) => blocks.filter((block) => kinds.some((kind) => kind === kindOf(block)));

const indented = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, " ".repeat(by));
const HEAD = "name: copied\non: { workflow_dispatch: {} }\npermissions: {}\n";
const stub = (id: string): string =>
  `  ${id}:\n    name: ${id}\n    runs-on: ubuntu-24.04\n    timeout-minutes: 5\n    permissions: {}\n    steps: [{ run: "true" }]\n`;

/** Jobs behind those of the example's promote.yml, since a page shows what is added to it; other jobs they need are stubs. */
function besidePromote(jobs: string): string {
  const promote = callers.find(({ name }) => name.startsWith("ml-pipelines/") && name.endsWith("/promote.yml"));
  const text = promote?.text ?? "";
  const needed = [...jobs.matchAll(/^ *needs: (?:\[(.*)\]|(\S+))$/gm)].flatMap(([, list, one]) =>
    (list ?? one ?? "").split(", "),
  );
  const there = (id: string): boolean => new RegExp(`^( {2})?${id}:`, "m").test(`${text}\n${jobs}`);
  return `${text}\n${needed
    .filter((id) => !there(id))
    .map(stub)
    .join("")}${indented(jobs, 2)}`;
}

/** The whole file that somebody has who copies the block to where it belongs. */
function copied({ text }: Block, kind: Kind | undefined): string {
  if (kind === "workflow") return `${HEAD}${text}`;
  if (kind === "jobs") return besidePromote(text);
  const job = `copied:\n  name: copied\n  runs-on: ubuntu-24.04\n  timeout-minutes: 5\n  permissions: {}\n`;
  return `${HEAD}jobs:\n${indented(`${job}  steps:\n${indented(text, 4)}`, 2)}`;
}

it("each block of a page is something that is held against what it is for", () => {
  expect(blocks.length).toBeGreaterThan(20);
  expect(blocks.filter((block) => kindOf(block) === undefined)).toEqual([]);
  // It is started by the simulator's own test of the page.
  expect(ofKind("scenario").map(({ at }) => at.split(":")[0])).toEqual(["docs/scenario.md"]);
});

describe("README.md, set it up", () => {
  afterAll(removeFolders);
  const readme = readFileSync("README.md", "utf8");
  const [, pin = ""] = /`(sed -i[^`]*)`/.exec(readme) ?? [];
  /** What the page says to take out for a team without a viewing principal and without wheels. */
  const TAKEN_OUT = ["read-client-id", "read-environment", "build", "artifacts"];

  it.each([
    ["as they are", []],
    ["without what the page says may be taken out", TAKEN_OUT],
  ])("the callers that it names, pinned by its command, %s, are as callers should be", async (_how, out) => {
    expect(TAKEN_OUT.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
    const folder = newFolder();
    const workflows = join(folder, ".github/workflows");
    mkdirSync(workflows, { recursive: true });
    const names = [...readme.matchAll(/\]\((examples\/ml-pipelines\/\.github\/workflows\/(\S+))\)/g)];
    expect(names.map(([, , name]) => name)).toEqual(expect.arrayContaining(["validate.yml", "promote.yml"]));
    for (const [, from = "", name = ""] of names) {
      const lines = readFileSync(from, "utf8").split("\n");
      const gone = name === "promote.yml" ? out : [];
      const kept = lines.filter((line) => !gone.some((each) => line.trimStart().startsWith(`${each}:`)));
      writeFileSync(join(workflows, name), kept.join("\n"));
    }
    execFileSync("sh", ["-e", "-c", pin.replace("<commit>", "1".repeat(40))], { cwd: folder });
    expect(globSync("*", { cwd: workflows }).toSorted()).toEqual(names.map(([, , name = ""]) => name).toSorted());
    for (const [, , name = ""] of names) {
      const text = readFileSync(join(workflows, name), "utf8");
      expect(text).toContain(`@${"1".repeat(40)} `);
      expect(text).not.toContain("0".repeat(40));
      expect(await lint(name, text)).toEqual([]);
      expect(offences(text, "caller")).toEqual([]);
    }
  });
});

describe("contracts", () => {
  const Tiers = v.looseObject({ tiers: v.optional(v.record(v.string(), v.looseObject({})), {}) });
  const least = v.parse(Tiers, parse(`project: ml-pipelines\n${MINIMAL}`));

  it.each(ofKind("contract"))("$at: is valid, whole or as a part of one", ({ text }) => {
    const part = v.parse(Tiers, parse(text));
    const tiers = Object.fromEntries(
      [...new Set([...Object.keys(least.tiers), ...Object.keys(part.tiers)])].map((tier) => [
        tier,
        { ...least.tiers[tier], ...part.tiers[tier] },
      ]),
    );
    const whole = stringify({ ...least, ...part, tiers });
    expect(parseContract(whole, "four-tier.yml", { allowedHosts: [] }).findings).toEqual([]);
  });
});

describe("jobs and steps", () => {
  it.each(ofKind("jobs", "workflow", "steps"))("$at: fits the workflows and actions that it uses", async (block) => {
    const text = copied(block, kindOf(block));
    expect(await lint("copied.yml", text)).toEqual([]);
    expect(offences(text, "caller")).toEqual([]);
    expect(ungranted(text)).toEqual([]);
  });

  it.each(ofKind("job"))("$at: names a workflow that is there", ({ text }) => {
    const file = /^uses: four-tier\/four-tier\/(\S+)@/.exec(text)?.[1] ?? "";
    expect(existsSync(file)).toBe(true);
  });
});
