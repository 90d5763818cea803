import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FeatureFlags } from "@actions/expressions";
import { validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DEPLOYING_JOB, DEPLOYING_WORKFLOW } from "../src/gate/evidence-run.ts";

const OURS = join(import.meta.dirname, "../.github/workflows");
const EXAMPLES = join(import.meta.dirname, "../examples");
const ROOT = join(import.meta.dirname, "..");

const Step = v.looseObject({
  uses: v.optional(v.string()),
  run: v.optional(v.string()),
  with: v.optional(v.record(v.string(), v.unknown()), {}),
});
const Job = v.looseObject({
  name: v.optional(v.string()),
  uses: v.optional(v.string()),
  environment: v.optional(
    v.union([v.string(), v.looseObject({ name: v.string(), deployment: v.optional(v.boolean()) })]),
  ),
  permissions: v.optional(v.union([v.string(), v.record(v.string(), v.string())])),
  "timeout-minutes": v.optional(v.number()),
  "runs-on": v.optional(v.string()),
  outputs: v.optional(v.record(v.string(), v.string()), {}),
  steps: v.optional(v.array(Step), []),
});
const Workflow = v.looseObject({
  name: v.string(),
  on: v.union([v.string(), v.array(v.string()), v.record(v.string(), v.unknown())]),
  permissions: v.optional(v.union([v.string(), v.record(v.string(), v.string())])),
  jobs: v.record(v.string(), Job),
});
type Workflow = v.InferOutput<typeof Workflow>;
type Job = v.InferOutput<typeof Job>;

const read = (path: string): string => readFileSync(path, "utf8");
const workflowOf = (text: string): Workflow => v.parse(Workflow, parse(text));

const files = readdirSync(OURS)
  .filter((name) => name.endsWith(".yml"))
  .map((name) => ({ name, text: read(join(OURS, name)) }));
const callers = callersIn(EXAMPLES);

function callersIn(folder: string): { name: string; text: string }[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.github\/workflows\/[^/]+\.yml$/.test(name))
    .map((name) => ({ name, text: read(join(folder, name)) }));
}

/** What the actions of others take (their action.yml at the pinned commits). */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  checkout: ["repository", "ref", "token", "fetch-depth", "persist-credentials", "path"],
  "upload-artifact": ["name", "path", "if-no-files-found", "retention-days", "overwrite", "include-hidden-files"],
  "download-artifact": ["name", "path", "pattern", "merge-multiple", "github-token", "repository", "run-id"],
};

/** What the language service has to say, as `line: message`. `uri` must be new for each text: results are cached by it. */
async function lint(name: string, text: string): Promise<string[]> {
  const document = TextDocument.create(`file:///${name}`, "yaml", 1, text);
  const diagnostics = await validate(document, {
    featureFlags: new FeatureFlags({ all: true }),
    actionsMetadataProvider: {
      fetchActionMetadata: (action) => {
        const inputs = action.owner === "actions" ? OTHERS[action.name] : undefined;
        if (inputs === undefined) return Promise.resolve(undefined);
        const described = Object.fromEntries(inputs.map((input) => [input, { description: input }]));
        return Promise.resolve({ name: action.name, description: action.name, inputs: described });
      },
    },
    fileProvider: {
      // Asked for our actions (`$/`) and for our workflows, which callers name by the suite's repository.
      getFileContent: (reference) => {
        const path = reference.path.replace(/^four-tier\/four-tier\//, "");
        return Promise.resolve({ name: path, content: read(join(ROOT, path)) });
      },
    },
  });
  return diagnostics.map(({ range, message }) => `${range.start.line + 1}: ${JSON.stringify(message)}`);
}

/** Our own rules: each gives what is wrong, or nothing. */
function offences(text: string): string[] {
  const workflow = workflowOf(text);
  const found: string[] = [];
  if (JSON.stringify(workflow.permissions) !== "{}") found.push("the workflow gives permissions that no job asked for");
  for (const [id, job] of Object.entries(workflow.jobs)) {
    const say = (what: string): number => found.push(`${id}: ${what}`);
    if (job.permissions === undefined || typeof job.permissions === "string") say("no permissions of its own");
    if (job.uses === undefined) {
      if (job["timeout-minutes"] === undefined) say("no timeout");
      if (job.name !== id) say("its name, which required checks use, is not its key");
    }
    for (const step of [...job.steps, job]) {
      const uses = step.uses ?? "";
      if (uses.startsWith("./")) say(`${uses} would run what is checked out`);
      if (uses.startsWith("$/") && uses.includes("@")) say(`${uses} has a ref`);
      if (uses !== "" && !uses.startsWith("$/") && !/@[0-9a-f]{40}$/.test(uses))
        say(`${uses} is not pinned to a commit`);
    }
    for (const { run } of job.steps) if (run?.includes("${{")) say("an expression inside a run");
    // A caller hands its permissions on; the environment is the called job's.
    if (job.uses === undefined) found.push(...environmentOffences(id, job));
  }
  return found;
}

function environmentOffences(id: string, job: Job): string[] {
  const found: string[] = [];
  const credentials = job.environment !== undefined || JSON.stringify(job).includes("secrets.");
  if (!credentials) {
    if (JSON.stringify(job).includes("id-token")) found.push(`${id}: may get a token without an environment`);
    return found;
  }
  if (typeof job.environment !== "object" || job.environment.deployment !== false) {
    found.push(`${id}: has credentials but no environment with deployment: false`);
  }
  for (const { uses, run } of job.steps) {
    if (run !== undefined) found.push(`${id}: a run in a job with credentials`);
    if (uses !== undefined && !/^(\$\/action-|actions\/(checkout|download-artifact)@)/.test(uses)) {
      found.push(`${id}: ${uses} in a job with credentials`);
    }
  }
  return found;
}

describe("the reusable workflows", () => {
  it("are there", () => {
    const called = Object.entries(DEPLOYING_WORKFLOW).map(([, file]) => file);
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["validate.yml", ...called]));
  });

  it.each(files)("$name satisfies the language service", async ({ name, text }) => {
    expect(await lint(name, text)).toEqual([]);
  });

  it.each(files)("$name keeps our rules", ({ text }) => {
    expect(offences(text)).toEqual([]);
  });

  it.each(files)("$name says why it asks for each permission, and which version each pin is", ({ text }) => {
    const lines = text.split("\n");
    const permissions = lines.filter((line) => /^ {6}[a-z-]+: (read|write)\b/.test(line));
    const pins = lines.filter((line) => /@[0-9a-f]{40}/.test(line));
    expect(permissions.filter((line) => !/ # \S/.test(line))).toEqual([]);
    expect(pins.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
    expect(permissions.length * pins.length).toBeGreaterThan(0);
  });

  it("deploy in the job that the gate looks for, in the tier's environment", () => {
    for (const [tier, file] of Object.entries(DEPLOYING_WORKFLOW)) {
      const jobs = workflowOf(read(join(OURS, file))).jobs;
      const deploying = Object.entries(jobs).filter(([, job]) =>
        job.steps.some(({ with: inputs }) => inputs["mode"] === "promote"),
      );
      expect(deploying.map(([id, { environment }]) => [id, environment])).toEqual([
        [DEPLOYING_JOB, { name: tier, deployment: false }],
      ]);
    }
  });

  it("hand only known outputs on", () => {
    for (const { text } of files) {
      const { jobs } = workflowOf(text);
      for (const [, job, output] of text.matchAll(/\$\{\{ jobs\.([\w-]+)\.outputs\.([\w-]+) \}\}/g)) {
        expect(Object.keys(jobs[job ?? ""]?.outputs ?? {})).toContain(output);
      }
    }
  });

  it("give validation no credential at all", () => {
    const text = read(join(OURS, "validate.yml"));
    expect(text).not.toMatch(/secrets|environment:|id-token|: write/);
  });
});

describe("the callers of the examples", () => {
  it.each(callers)(
    "$name satisfies the language service, with our workflows' inputs and outputs",
    async ({ name, text }) => {
      expect(await lint(`examples/${name}`, text)).toEqual([]);
    },
  );

  it.each(callers)("$name keeps our rules", ({ text }) => {
    expect(offences(text)).toEqual([]);
  });

  it.each(callers)("$name grants each call what the called jobs ask for", ({ text }) => {
    const level = { none: 0, read: 1, write: 2 } as Record<string, number>;
    for (const job of Object.values(workflowOf(text).jobs)) {
      const file = /four-tier\/\.github\/workflows\/([\w-]+\.yml)@/.exec(job.uses ?? "")?.[1];
      if (file === undefined) continue;
      const granted = typeof job.permissions === "object" ? job.permissions : {};
      for (const called of Object.values(workflowOf(read(join(OURS, file))).jobs)) {
        for (const [scope, asked] of Object.entries(called.permissions ?? {})) {
          expect([file, scope, (level[granted[scope] ?? "none"] ?? 0) >= (level[asked] ?? 0)]).toEqual([
            file,
            scope,
            true,
          ]);
        }
      }
    }
  });
});

/** Each rule is broken once in a copy, so that it is known to see. */
describe("our rules see", () => {
  const dev = read(join(OURS, "deploy-to-dev.yml"));
  it.each([
    ["a tag instead of a commit", /checkout@[0-9a-f]{40}/, "checkout@v6", "not pinned"],
    ["a local action", /\$\/action-promote/, "./action-promote", "would run what is checked out"],
    ["a ref after $/", /\$\/action-promote/, "$/action-promote@v1", "has a ref"],
    ["a missing timeout", / {4}timeout-minutes: 60\n/, "", "no timeout"],
    ["missing permissions", / {4}permissions:\n(?: {6}.*\n)+/, "", "no permissions"],
    ["permissions for all jobs", /^permissions: \{\}$/m, "permissions: { contents: read }", "no job asked for"],
    ["an expression in a run", /run: bash.*/, "run: ${{ inputs.build }}", "expression inside a run"],
    ["a run beside credentials", /uses: \$\/action-setup-env/, "run: env", "a run in a job with credentials"],
    ["somebody's action beside credentials", /\$\/action-setup-env/, `evil/action@${"a".repeat(40)}`, "evil/action"],
    ["a recorded deployment", /deployment: false/, "deployment: true", "deployment: false"],
    ["credentials without an environment", / {4}environment:\n(?: {6}.*\n)+/, "", "no environment"],
  ])("%s", (_name, what, instead, says) => {
    expect(dev).toMatch(what);
    expect(offences(dev.replace(what, instead)).join("\n")).toContain(says);
  });

  it("an input that an action does not have", async () => {
    const text = dev.replace(/(uses: \$\/action-setup-env\n +with:\n)/, "$1          teir: dev\n");
    expect((await lint("broken.yml", text)).join("\n")).toContain("teir");
  });
});
