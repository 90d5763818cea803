import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DEPLOYING_JOB, DEPLOYING_WORKFLOW, keepingStatement } from "../src/gate/record-runs.ts";
import { callers, OURS, own, ROOT, read, shipped, workflowOf } from "./workflows/files.ts";
import { lint } from "./workflows/language-service.ts";
import { type Kind, offences, ungranted } from "./workflows/rules.ts";

describe("the reusable workflows", () => {
  it("are there", () => {
    const called = Object.entries(DEPLOYING_WORKFLOW).map(([, file]) => file);
    expect(shipped.map(({ name }) => name)).toEqual(expect.arrayContaining(["validate.yml", ...called]));
  });

  it.each(shipped)("$name satisfies the language service", async ({ name, text }) => {
    expect(await lint(name, text)).toEqual([]);
  });

  it.each(shipped)("$name keeps our rules", ({ text }) => {
    expect(offences(text, "shipped")).toEqual([]);
  });

  it("deploy in the job that the gate looks for, in the tier's environment", () => {
    for (const [tier, file] of Object.entries(DEPLOYING_WORKFLOW)) {
      const jobs = workflowOf(read(join(OURS, file))).jobs;
      const deploying = Object.entries(jobs).filter(([, job]) =>
        job.steps.some(({ with: inputs }) => inputs["mode"] === "promote"),
      );
      expect(deploying.map(([id, { environment }]) => [id, environment])).toEqual([
        [DEPLOYING_JOB, { name: tier, deployment: "${{ inputs.record == 'job' }}" }],
      ]);
    }
  });

  it("prove the tier before anything is written to it, and ask for the approval of the job that takes the lock", () => {
    for (const file of [...Object.values(DEPLOYING_WORKFLOW), "rollback.yml"]) {
      const { jobs } = workflowOf(read(join(OURS, file)));
      const writing = Object.values(jobs).filter(({ steps }) =>
        steps.some(({ with: inputs }) => ["promote", "rollback"].includes(String(inputs["mode"]))),
      );
      expect(writing).toHaveLength(1);
      expect(writing[0]?.steps.find(({ uses }) => uses?.startsWith("$/"))?.uses).toBe("$/action-setup-env");
      // Whoever waits for an approval has no lock: what has run by then only plans.
      const others = Object.values(jobs).filter((job) => !writing.includes(job));
      const modes = others.flatMap(({ steps }) => steps.flatMap(({ with: inputs }) => inputs["mode"] ?? []));
      expect(modes.filter((mode) => mode !== "plan")).toEqual([]);
    }
  });

  it.each(["deploy-to-dev.yml", "gate-to-staging.yml", "approve-to-prod.yml", "rollback.yml", "operate.yml"])(
    "%s keeps its evidence, and hands its name and digest on for signing",
    (file) => {
      const text = read(join(OURS, file));
      const kept = Object.values(workflowOf(text).jobs).flatMap(({ steps, outputs }) =>
        steps.flatMap((step) => (step.uses?.startsWith("actions/upload-artifact@") ? [{ step, outputs }] : [])),
      );
      const evidence = kept.filter(({ step }) => String(step.with["path"]).includes(".outputs.evidence-file"));
      expect(evidence).toHaveLength(1);
      const [one] = evidence;
      const digests = String(one?.outputs["evidence-digest"]).replace(/^\$\{\{ (.+) \}\}$/, "$1");
      // The gate believes this name, and no file.
      expect(one?.step["name"]).toBe(keepingStatement(`\${{ ${digests} }}`));
      const name = String(one?.step.with["name"]).replaceAll(/\$\{\{ (.+?) \}\}/g, "<$1>");
      const [, format = "", values = ""] = /format\('([^']+)', ([^)]+)\)/.exec(one?.outputs["evidence"] ?? "") ?? [];
      const given = values.split(", ");
      expect(format.replaceAll(/\{(\d)\}/g, (_all, index: string) => `<${given[Number(index)] ?? ""}>`)).toBe(name);
      expect(one?.outputs["evidence-digest"]).toContain(".outputs.evidence-digest");
      for (const output of ["evidence", "evidence-digest"]) expect(text).toContain(`.outputs.${output} }}`);
    },
  );

  it("start from what the action does by itself where the caller says nothing: dry runs stay dry", () => {
    const Inputs = v.record(
      v.string(),
      v.looseObject({
        required: v.optional(v.boolean()),
        default: v.optional(v.union([v.string(), v.number(), v.boolean()]), ""),
      }),
    );
    const differ = shipped.flatMap(({ name, text }) => {
      const { on, jobs } = workflowOf(text);
      const { inputs: taken } = v.parse(v.looseObject({ inputs: v.optional(Inputs, {}) }), on["workflow_call"]);
      return Object.values(jobs).flatMap(({ steps }) =>
        steps.flatMap(({ uses = "", with: given }) => {
          const action = /^\$\/(action-[\w-]+)$/.exec(uses)?.[1];
          if (action === undefined) return [];
          const { inputs } = v.parse(v.looseObject({ inputs: Inputs }), parse(read(join(ROOT, action, "action.yml"))));
          return Object.entries(given).flatMap(([input, value]) => {
            const from = taken[/^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(String(value))?.[1] ?? ""];
            const same = String(from?.default) === String(inputs[input]?.default);
            return from === undefined || from.required === true || same
              ? []
              : [`${name}: ${input}: ${String(from.default)}`];
          });
        }),
      );
    });
    expect([...new Set(differ)]).toEqual([
      "audit.yml: tier: prod",
      "deploy-to-sandbox.yml: label: sandbox",
      "open-approval.yml: workflow: promote-to-prod.yml",
      "provision-sandbox.yml: developer: all",
      "verify.yml: tier: staging",
      "verify.yml: deep: true",
    ]);
  });

  it("sign a hash that was handed over, in a job that reads nothing and runs nothing else", () => {
    const { jobs } = workflowOf(read(join(OURS, "attest.yml")));
    expect(Object.keys(jobs)).toEqual(["attest"]);
    expect(jobs["attest"]?.steps.map(({ uses, with: inputs }) => [uses?.split("@")[0], inputs])).toEqual([
      [
        "actions/attest",
        {
          "subject-name": "${{ inputs.evidence }}.json",
          "subject-digest": "sha256:${{ inputs.evidence-digest }}",
        },
      ],
    ]);
  });

  it("keep evidence in a job that holds no credential, and takes a file by its hash alone", () => {
    const text = read(join(OURS, "keep.yml"));
    const { keep, ...others } = workflowOf(text).jobs;
    expect(others).toEqual({});
    expect([keep?.permissions, keep?.environment]).toEqual([{ contents: "write" }, undefined]);
    expect(text).not.toMatch(/secrets|id-token/);
    expect(keep?.steps.map(({ uses }) => uses?.split("@")[0])).toEqual([
      "actions/download-artifact",
      "$/action-promote",
    ]);
    const [fetched, kept] = keep?.steps ?? [];
    expect(fetched?.with["name"]).toBe("${{ inputs.evidence }}");
    expect(kept?.with).toMatchObject({
      mode: "keep",
      evidence: fetched?.with["path"],
      "evidence-digest": "${{ inputs.evidence-digest }}",
    });
    const writing = shipped.filter(({ text: each }) => /contents: write/.test(each)).map(({ name }) => name);
    expect(writing).toEqual(["keep.yml"]);
  });

  it("comment on pull requests in a job that holds no credential, and is handed nothing to say", () => {
    const writing = shipped.flatMap(({ name, text }) =>
      Object.entries(workflowOf(text).jobs).flatMap(([id, job]) => {
        const granted = typeof job.permissions === "object" ? job.permissions : {};
        return granted["pull-requests"] === "write" ? [{ file: `${name} ${id}`, job, granted }] : [];
      }),
    );
    expect(writing.map(({ file }) => file)).toEqual(["comment.yml comment"]);
    const [{ job, granted } = {}] = writing;
    expect(Object.entries(granted ?? {}).filter(([, level]) => level !== "read")).toEqual([["pull-requests", "write"]]);
    expect(job?.environment).toBeUndefined();
    expect(job?.steps.map(({ uses, with: inputs }) => [uses, Object.keys(inputs), inputs["mode"]])).toEqual([
      ["$/action-promote", ["mode", "tier", "contract", "allowed-hosts"], "comment"],
    ]);
  });

  it("write to people, start runs and sign in jobs that hold no credential of a tier", () => {
    const told = ["actions", "attestations", "contents", "issues", "pull-requests"];
    const both = shipped.flatMap(({ name, text }) =>
      Object.entries(workflowOf(text).jobs).flatMap(([id, { environment, permissions }]) => {
        const granted = typeof permissions === "object" ? permissions : {};
        const written = told.filter((scope) => granted[scope] === "write");
        return environment !== undefined && written.length > 0 ? [`${name} ${id}: ${written.join(", ")}`] : [];
      }),
    );
    expect(both).toEqual([]);
  });

  it("hold no concurrency group, so that a run that waits for an approval holds up nobody", () => {
    for (const { text } of shipped) expect(text).not.toMatch(/^ *concurrency:/m);
  });

  it("hand only known outputs on", () => {
    for (const { text } of shipped) {
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
      expect(await lint(name, text)).toEqual([]);
    },
  );

  it.each(callers)("$name keeps our rules", ({ text }) => {
    expect(offences(text, "caller")).toEqual([]);
  });

  it.each(callers)("$name grants each call what the called jobs ask for", ({ text }) => {
    expect(ungranted(text)).toEqual([]);
  });
});

describe("the caller for a team with environment secrets", () => {
  const [federated = "", secrets = ""] = ["ml-pipelines/", "environment-secrets/"].map(
    (folder) => callers.find(({ name }) => name.startsWith(folder) && name.endsWith("/promote.yml"))?.text,
  );

  it("is the one for federation, with the secrets handed on", () => {
    const jobs = Object.entries(workflowOf(federated).jobs).map(([id, job]): [string, object] => [
      id,
      { ...job, secrets: "inherit", with: { auth: "secret", ...(job["with"] as object) } },
    ]);
    expect(workflowOf(secrets)).toEqual({ ...workflowOf(federated), jobs: Object.fromEntries(jobs) });
  });

  it("says why each time, where zizmor reads it", () => {
    const inherits = secrets.split("\n").filter((line) => line.includes("inherit #"));
    expect(inherits).toHaveLength(3);
    for (const line of inherits) expect(line).toMatch(/# zizmor: ignore\[secrets-inherit\] \S.{20,}/);
    expect(offences(secrets.replaceAll(/# zizmor.*/g, ""), "caller")).toHaveLength(3);
  });
});

describe("the callers for a team that has its evidence signed", () => {
  const EVIDENCE = [
    ["promote.yml", "approve-to-prod"],
    ["rollback.yml", "rollback"],
    ["operate.yml", "operate"],
  ] as const;

  it.each(EVIDENCE)("%s is the plain one, and has what %s left signed, whatever came of it", (file, job) => {
    const [plain = "", signed = ""] = ["ml-pipelines/", "attested/"].map(
      (folder) => callers.find(({ name }) => name.startsWith(folder) && name.endsWith(`/${file}`))?.text,
    );
    const { attest, ...others } = workflowOf(signed).jobs;
    expect({ ...workflowOf(signed), jobs: others }).toEqual(workflowOf(plain));
    expect(attest).toMatchObject({
      needs: job,
      if: `\${{ !cancelled() && needs.${job}.outputs.evidence != '' }}`,
      uses: expect.stringContaining("/attest.yml@") as string,
      with: {
        evidence: `\${{ needs.${job}.outputs.evidence }}`,
        "evidence-digest": `\${{ needs.${job}.outputs.evidence-digest }}`,
      },
    });
  });
});

describe("the callers for a team that keeps its evidence", () => {
  const EVIDENCE = [
    ["kept", "promote.yml", "keep-staging", "gate-to-staging", "staging"],
    ["kept", "promote.yml", "keep-prod", "approve-to-prod", "prod"],
    ["kept", "hotfix.yml", "keep-staging", "gate-to-staging", "staging"],
    ["kept", "hotfix.yml", "keep-prod", "approve-to-prod", "prod"],
    ["kept", "rollback.yml", "keep", "rollback", "${{ inputs.tier }}"],
    ["kept", "operate.yml", "keep", "operate", "${{ inputs.tier }}"],
    ["kept-soak", "promote.yml", "keep-staging", "gate-to-staging", "staging"],
    ["kept-soak", "promote-to-prod.yml", "keep-prod", "approve-to-prod", "prod"],
  ] as const;
  const PLAIN = { kept: "ml-pipelines", "kept-soak": "soak" };
  const at = (folder: string, file: string): string => `${folder}/.github/workflows/${file}`;
  const jobsOf = (folder: string, file: string) =>
    workflowOf(callers.find(({ name }) => name === at(folder, file))?.text ?? "");

  it.each(EVIDENCE)("%s/%s has the job %s, which keeps what %s left, whatever came of it", (...row) => {
    const [folder, file, key, job, tier] = row;
    const { [key]: keep } = jobsOf(folder, file).jobs;
    expect(keep).toMatchObject({
      needs: job,
      if: `\${{ !cancelled() && needs.${job}.outputs.evidence != '' }}`,
      uses: expect.stringContaining("/keep.yml@") as string,
      with: {
        tier,
        evidence: `\${{ needs.${job}.outputs.evidence }}`,
        "evidence-digest": `\${{ needs.${job}.outputs.evidence-digest }}`,
      },
    });
  });

  const FILES = new Map(EVIDENCE.map(([folder, file]) => [at(folder, file), { folder, file }]));

  it.each([...FILES.values()])(
    "$folder/$file is the plain one beside that, but that the way to prod waits until staging's is kept",
    ({ folder, file }) => {
      const { jobs, ...rest } = jobsOf(folder, file);
      const others = Object.entries(jobs).flatMap(([key, { needs, ...job }]) => {
        if (key.startsWith("keep")) return [];
        const plain = Array.isArray(needs) ? needs.filter((each) => each !== "keep-staging") : needs;
        return [[key, plain === undefined ? job : { ...job, needs: plain }] as const];
      });
      expect({ ...rest, jobs: Object.fromEntries(others) }).toEqual(jobsOf(PLAIN[folder], file));
      const waiting = Object.keys(jobs).filter((key) => jobs[key]?.needs?.includes("keep-staging"));
      expect(waiting).toEqual("keep-staging" in jobs && "approve-to-prod" in jobs ? ["approve-to-prod"] : []);
    },
  );

  it("are there for whatever calls a workflow that leaves a document", () => {
    // Dev takes every merge, and the evening makes dev and staging quiet again: no gate asks for these, nobody decided them.
    const aside = [DEPLOYING_WORKFLOW.dev, at("ml-pipelines", "enforce-schedules.yml")];
    const leaving = shipped.filter(
      ({ name, text }) => /\.outputs\.evidence-digest \}\}/.test(text) && !aside.includes(name),
    );
    const calling = callers.filter(
      ({ name, text }) =>
        Object.values(PLAIN).some((folder) => name.startsWith(`${folder}/`)) &&
        !aside.includes(name) &&
        leaving.some((called) => text.includes(`/.github/workflows/${called.name}@`)),
    );
    const kept = [...FILES.values()].map(({ folder, file }) => at(PLAIN[folder], file));
    expect(kept.toSorted()).toEqual(calling.map(({ name }) => name).toSorted());
  });
});

describe("the callers for a team that has its pull requests commented", () => {
  const MOVING = [
    ["promote.yml", "approve-to-prod", "prod"],
    ["rollback.yml", "rollback", "${{ inputs.tier }}"],
    ["operate.yml", "operate", "${{ inputs.tier }}"],
  ] as const;

  it.each(MOVING)(
    "%s is the plain one, and says what %s did, whatever came of it; nothing waits for that",
    (file, job, tier) => {
      const [plain = "", commented = ""] = ["ml-pipelines/", "commented/"].map(
        (folder) => callers.find(({ name }) => name.startsWith(folder) && name.endsWith(`/${file}`))?.text,
      );
      const { comment, ...others } = workflowOf(commented).jobs;
      expect({ ...workflowOf(commented), jobs: others }).toEqual(workflowOf(plain));
      expect(comment).toMatchObject({
        needs: job,
        if: `\${{ !cancelled() && needs.${job}.result != 'skipped' }}`,
        uses: expect.stringContaining("/comment.yml@") as string,
        with: { tier },
      });
    },
  );
});

describe("this repository's own workflows", () => {
  it.each(own)("$name satisfies the language service", async ({ name, text }) => {
    expect(await lint(name, text)).toEqual([]);
  });

  it.each(own)("$name keeps our rules", ({ text }) => {
    expect(offences(text, "own")).toEqual([]);
  });

  it("build without a right to write, and write without building", () => {
    const { build, publish } = workflowOf(read(join(OURS, "release.yml"))).jobs;
    expect(build?.permissions).toEqual({ contents: "read" });
    expect(publish?.steps.flatMap(({ run }) => run ?? []).filter((run) => /npm|build|release\.ts/.test(run))).toEqual(
      [],
    );
  });

  it("test what .ci/run tests, on the Node.js that the repository names", () => {
    // the probe tests the platforms, and nothing of ours
    for (const { text } of own.filter(({ name }) => name !== "probe.yml")) {
      expect(text).toContain("run: bash .ci/run");
      const installs = text.match(/actions\/setup-node@/g)?.length ?? 0;
      expect(text.match(/node-version-file: \.node-version/g)).toHaveLength(installs);
    }
  });
});

/** Each rule is broken once in a copy, so that it is known to see. */
describe("our rules see", () => {
  const copies: Record<Kind, string> = {
    shipped: read(join(OURS, "deploy-to-dev.yml")),
    own: read(join(OURS, "release.yml")),
    caller: callers.find(({ name }) => name.startsWith("ml-pipelines/") && name.endsWith("promote.yml"))?.text ?? "",
  };
  const stranger = `evil/action@${"a".repeat(40)}`;
  const sibling = `four-tier/four-tier/action-promote@${"a".repeat(40)}`;
  it.each<[string, Kind, RegExp, string, string]>([
    ["a tag instead of a commit", "shipped", /checkout@[0-9a-f]{40}/, "checkout@v6", "not pinned"],
    ["a short commit", "shipped", /checkout@[0-9a-f]{40}/, "checkout@de0fac2", "not pinned"],
    ["a pin without its version", "shipped", / # v\d+\.\d+\.\d+$/m, "", "which version it is"],
    ["a pin with half a version", "own", / # v\d+\.\d+\.\d+$/m, " # v6", "which version it is"],
    ["a caller's pin that says nothing", "caller", / # a release's commit/, "", "which version it is"],
    ["a local action", "shipped", /\$\/action-promote/, "./action-promote", "would run what is checked out"],
    ["a ref after $/", "shipped", /\$\/action-promote/, "$/action-promote@v1", "has a ref"],
    ["a sibling by the suite's name", "shipped", /\$\/action-promote/, sibling, "named as a stranger"],
    ["$/ in a caller", "caller", /four-tier\/four-tier(\/\S+)@\S+/, "$$$1", "the caller's own repository"],
    ["a missing timeout", "shipped", / {4}timeout-minutes: 120\n/, "", "no timeout"],
    ["missing permissions", "shipped", / {4}permissions:\n(?: {6}.*\n)+/, "", "no permissions"],
    ["a permission without a reason", "own", /(contents: write) # .*/, "$1", "why it needs contents"],
    ["permissions for all jobs", "own", /^permissions: \{\}$/m, "permissions: { contents: read }", "no job asked for"],
    [
      "an expression in a run",
      "shipped",
      /run: \|\n(?: {10}.*\n)+/,
      "run: ${{ inputs.build }}\n",
      "expression inside a run",
    ],
    [
      "a run beside credentials",
      "shipped",
      /uses: \$\/action-setup-env/,
      "run: env",
      "a run in a job with credentials",
    ],
    [
      "another run where it is published",
      "own",
      /run: node scripts\/publish.*/,
      "run: npm ci",
      "a run in a job with cred",
    ],
    ["somebody's action beside credentials", "shipped", /\$\/action-setup-env/, stranger, "evil/action"],
    ["somebody's action where it is published", "own", /actions\/attest@[0-9a-f]{40}/, stranger, "evil/action"],
    ["a recorded deployment", "shipped", /deployment: \S.*/, "deployment: true", "deployment: false"],
    ["credentials without an environment", "shipped", / {4}environment:\n(?: {6}.*\n)+/, "", "no environment"],
    ["a mistyped environment", "shipped", /name: dev\n/, "name: dve\n", "dve is no environment"],
    ["an environment from anywhere", "shipped", /name: dev\n/, "name: ${{ inputs.tier }}\n", "is no environment"],
    ["every secret handed on", "caller", / {4}with:\n/, "    secrets: inherit\n    with:\n", "every secret there is"],
    [
      "every secret handed on for a reason, but to a stranger",
      "caller",
      /uses: four-tier\/four-tier\/(\S+@)/,
      `secrets: inherit # zizmor: ignore[secrets-inherit] ${"because ".repeat(5)}\n    uses: evil/suite/$1`,
      "every secret there is",
    ],
    ["every secret read", "shipped", /BUILD: .*/, "BUILD: ${{ toJSON(secrets) }}", "reads every"],
    [
      "a failure that is passed over",
      "shipped",
      /(id: promote\n)/,
      "$1        continue-on-error: true\n",
      "after an error",
    ],
    [
      "a trigger with the default branch's rights",
      "caller",
      /^ {2}push:$/m,
      "  pull_request_target:\n  push:",
      "pull_request",
    ],
    [
      "a called workflow that runs by itself",
      "shipped",
      /^ {2}workflow_call:$/m,
      "  push:\n  workflow_call:",
      "by itself",
    ],
    ["a runner that changes under it", "own", /ubuntu-24\.04/, "ubuntu-latest", "whatever is newest"],
    ["a job renamed for show", "shipped", /name: promote$/m, "name: Promote", "required checks"],
  ])("%s", (_name, kind, what, instead, says) => {
    const copy = copies[kind];
    expect(offences(copy, kind)).toEqual([]);
    expect(copy).toMatch(what);
    expect(offences(copy.replace(what, instead), kind).join("\n")).toContain(says);
  });

  it("an input that an action does not have", async () => {
    const text = copies.shipped.replace(/(uses: \$\/action-setup-env\n +with:\n)/, "$1          teir: dev\n");
    expect((await lint("broken.yml", text)).join("\n")).toContain("teir");
  });
});
