import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { MODES } from "../src/actions/operations.ts";
import { OVERRIDABLE } from "../src/gate/check.ts";
import { ROOT, read } from "./workflows/files.ts";
import { lint } from "./workflows/language-service.ts";

const Described = v.looseObject({ description: v.string() });
/** Only keys that a runner knows (facts: github 1); an input has no type, and a JavaScript action's output no value. */
const Action = v.strictObject({
  name: v.string(),
  description: v.string(),
  author: v.string(),
  branding: v.strictObject({ icon: v.string(), color: v.picklist(["blue", "green", "orange", "red", "purple"]) }),
  inputs: v.record(
    v.string(),
    v.strictObject({
      description: v.string(),
      required: v.optional(v.boolean()),
      default: v.optional(v.string()),
      deprecationMessage: v.optional(v.string()),
    }),
  ),
  outputs: v.record(v.string(), v.strictObject({ description: v.string() })),
  runs: v.strictObject({ using: v.literal("node24"), main: v.literal("main.js") }),
});

const folders = readdirSync(ROOT).filter((name) => /^action-/.test(name));
const textOf = (folder: string): string => read(join(ROOT, folder, "action.yml"));
const actionOf = (folder: string): v.InferOutput<typeof Action> => v.parse(Action, parse(textOf(folder)));

/** What is wrong with an action's description, as sentences. */
function offences(action: v.InferOutput<typeof Action>): string[] {
  const found: string[] = [];
  if (!action.name.startsWith("Four-Tier ")) found.push("its name does not say whose it is");
  for (const [kind, all] of Object.entries({ input: action.inputs, output: action.outputs })) {
    for (const [name, value] of Object.entries(all)) {
      const { description } = v.parse(Described, value);
      if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) found.push(`${kind} ${name} is not written-like-this`);
      if (!/^[A-Z`].*\.$/s.test(description)) found.push(`${kind} ${name} is not described in a sentence`);
    }
  }
  for (const [name, { required, default: value }] of Object.entries(action.inputs)) {
    if ((required ?? false) === (value !== undefined))
      found.push(`input ${name} is neither required nor has a default`);
  }
  return found;
}

describe("the actions", () => {
  it("are each listed in the README and where the root action sends people", () => {
    expect(folders.length).toBeGreaterThan(0);
    const root = read(join(ROOT, "action.yml"));
    for (const folder of folders) {
      expect(root).toContain(folder);
      expect(read(join(ROOT, "README.md"))).toContain(`docs/actions/${folder}.md`);
      expect(existsSync(join(ROOT, "docs/actions", `${folder}.md`))).toBe(true);
    }
    expect(root.match(/action-[a-z-]+/g)?.toSorted()).toEqual(folders.toSorted());
  });

  it.each(folders)("%s satisfies the language service, icon and colour included", async (folder) => {
    expect(await lint("action.yml", textOf(folder))).toEqual([]);
  });

  it.each(folders)("%s describes everything it takes and gives", (folder) => {
    expect(offences(actionOf(folder))).toEqual([]);
    expect(Object.keys(actionOf(folder).outputs)).toEqual(expect.arrayContaining(["conclusion", "report"]));
  });

  it.each(folders)("%s starts from a stub that differs from the others in its name only", (folder) => {
    const name = folder.replace("action-", "");
    expect(readdirSync(join(ROOT, folder)).toSorted()).toEqual(["action.yml", "main.js"]);
    const stub = read(join(ROOT, folder, "main.js"));
    expect(stub).toBe(read(join(ROOT, "action-promote/main.js")).replace('run("promote")', `run("${name}")`));
    expect(read(join(ROOT, "src/actions/main.ts"))).toMatch(new RegExp(`^ {2}"?${name}"?: async`, "m"));
  });

  it("say the same of an input that several of them take, as far as it is the same", () => {
    const defaults = new Map<string, Set<string>>();
    for (const folder of folders) {
      for (const [name, { default: value, required }] of Object.entries(actionOf(folder).inputs)) {
        if (name === "mode") continue;
        const seen = defaults.get(name) ?? new Set();
        defaults.set(name, seen.add(required === true ? "required" : (value ?? "")));
      }
    }
    expect([...defaults].filter(([, values]) => values.size > 1)).toEqual([]);
  });

  it("run on the major version of Node.js that the repository is built and tested on", () => {
    const major = readFileSync(join(ROOT, ".node-version"), "utf8").trim();
    for (const folder of folders) expect(actionOf(folder).runs.using).toBe(`node${major}`);
  });
});

it("the root action satisfies the language service, and only fails", async () => {
  const text = read(join(ROOT, "action.yml"));
  expect(await lint("action.yml", text)).toEqual([]);
  expect(text).toMatch(/exit 1\n$/);
  expect(text).not.toContain("${{");
});

describe("the checks see", () => {
  const good = textOf("action-promote");
  it.each([
    ["an icon that is not allowed", /icon: .*/, "icon: key"],
    ["an older Node.js", /using: node24/, "using: node18"],
  ])("%s", async (_name, what, instead) => {
    expect(await lint("action.yml", good.replace(what, instead))).not.toEqual([]);
  });

  it.each([
    ["a type, which a runner ignores", /( +)default: plan/, "$1default: plan\n$1type: string"],
    ["another Node.js", /using: node24/, "using: node20"],
    ["a post step that nothing tests", /main: main\.js/, "main: main.js\n  post: post.js"],
  ])("%s", (_name, what, instead) => {
    expect(v.safeParse(Action, parse(good.replace(what, instead))).success).toBe(false);
  });

  it.each([
    ["a description that is none", /description: Folder with.*/, "description: todo", "not described"],
    ["an input without a default", / {4}default: four-tier\.yml\n/, "", "neither required nor"],
    ["a name in another style", / {2}release-digest:/, "  releaseDigest:", "written-like-this"],
  ])("%s", (_name, what, instead, says) => {
    expect(offences(v.parse(Action, parse(good.replace(what, instead)))).join("\n")).toContain(says);
  });
});

describe("what action-promote says of its inputs", () => {
  const { inputs } = actionOf("action-promote");
  const named = (input: string, part: RegExp): string[] =>
    [...(part.exec(inputs[input]?.description ?? "")?.[0] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name);

  it("names every check that can be overridden, and no other", () => {
    expect(named("override", /Possible are [^.]*\./).toSorted()).toEqual(OVERRIDABLE.toSorted());
  });

  it("names every mode", () => {
    expect(named("mode", /^.*$/s)).toEqual(expect.arrayContaining([...MODES]));
  });
});
