import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseContract } from "../../src/contract/parse.ts";
import { describeWhere, type Finding } from "../../src/findings.ts";
import { EXAMPLE, MINIMAL } from "./examples.ts";

const parse = (text: string, allowedHosts: readonly string[] = []) =>
  parseContract(text, "four-tier.yml", { allowedHosts });

/** `id @line:column`, the way most cases are told. */
const brief = (findings: readonly Finding[]): string[] =>
  findings.map(
    (finding) =>
      `${finding.id} @${finding.where === undefined ? "" : describeWhere(finding.where).replace("four-tier.yml:", "")}`,
  );

/** Position of the n-th occurrence of a text in a file, as line:column. */
function at(text: string, needle: string, nth = 1): string {
  let offset = -1;
  for (let i = 0; i < nth; i++) offset = text.indexOf(needle, offset + 1);
  if (offset < 0) throw new Error(`${needle} is not in the text`);
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

describe("a good contract", () => {
  it("needs only the three workspaces", () => {
    const { contract, findings } = parse(MINIMAL);
    expect(findings).toEqual([]);
    expect(contract).toMatchObject({
      project: "ml-pipelines",
      holds: { onExpiry: "report" },
      evidenceBranch: undefined,
      grants: { authority: "project", rules: [] },
      components: [],
      tiers: {
        sandbox: {
          host: "https://dev-123.cloud.databricks.com",
          catalog: "{username}_sandbox",
          destructive: ["*"],
          keepDays: 30,
          graceDays: 7,
          developers: "ml-pipelines-developers",
          loginSuffix: undefined,
          hasPrincipal: false,
        },
        dev: { host: "https://dev-123.cloud.databricks.com", catalog: "dev", servicePrincipal: "ml-pipelines-dev" },
        staging: { catalog: "staging", servicePrincipal: "ml-pipelines-staging", activeRuns: "allow", destructive: [] },
        prod: {
          catalog: "prod",
          servicePrincipal: "ml-pipelines-prod",
          gate: {
            soakMs: 0,
            verifications: 1,
            verify: [],
            verifyTimeoutMs: 30 * 60_000,
            estateMs: undefined,
            approvers: { by: "review", count: 1, from: [], notAuthor: false },
            windows: [],
            freezes: [],
          },
          mayDifferFromStaging: [],
        },
      },
    });
  });

  it("may say everything that the documentation shows", () => {
    const { contract, findings } = parse(EXAMPLE);
    expect(findings).toEqual([]);
    expect(contract?.tiers.prod).toMatchObject({
      workspaceId: "1234567890123456",
      gate: {
        soakMs: 24 * 3600 * 1000,
        verifications: 3,
        verify: [{ key: "jobs.smoke_test", how: "run" }],
        windows: [{ days: [1, 2, 3, 4], from: 480, to: 960, zone: "Europe/Berlin" }],
      },
    });
    expect(contract?.tiers.sandbox).toMatchObject({ storageRoot: "s3://acme-sandboxes", hasPrincipal: true });
    expect(contract?.users.get("octocat")).toBe("mona@example.com");
    expect(contract?.grants.rules).toMatchObject([
      {
        on: { type: "catalog", name: "staging" },
        principal: "data-scientists",
        privileges: ["USE_CATALOG", "USE_SCHEMA", "SELECT"],
        effect: "require",
        where: { kind: "file", file: "four-tier.yml" },
      },
    ]);
    expect(contract?.schedules.exceptions).toMatchObject([
      { tier: "staging", resource: "jobs.nightly_eval", state: "running", until: "2027-01-31", reason: "load test" },
    ]);
    expect(contract?.adopt.prod.get("jobs.score")).toBe("830012345678901");
    expect(contract?.components).toEqual([{ name: "scoring", files: ["src/scoring/**"], resources: ["jobs.score"] }]);
  });

  it("knows where its keys stand, and shows the nearest parent of what is not written", () => {
    const { contract } = parse(EXAMPLE);
    expect(describeWhere(contract?.at(["tiers", "prod", "gate", "soak"]) ?? { kind: "file", file: "" })).toBe(
      `four-tier.yml:${at(EXAMPLE, "soak")}`,
    );
    expect(describeWhere(contract?.at(["tiers", "dev", "client_id"]) ?? { kind: "file", file: "" })).toBe(
      `four-tier.yml:${at(EXAMPLE, "dev:")}`,
    );
  });

  it.each(["four-tier-evidence", "audit/evidence_2026", "v1.2"])("may keep evidence on the branch %s", (branch) => {
    const { contract, findings } = parse(`${MINIMAL}evidence: { branch: ${branch} }\n`);
    expect([contract?.evidenceBranch, findings]).toEqual([branch, []]);
  });

  it("may use anchors, aliases and merge keys", () => {
    const text = [
      "tiers:",
      "  dev: &own",
      "    workspace: https://dev.cloud.databricks.com",
      "    gate: &gate { soak: 1h }",
      "  staging:",
      "    <<: *own",
      "    workspace: https://stg.cloud.databricks.com",
      "  prod: { workspace: https://prd.cloud.databricks.com, gate: { <<: *gate, verifications: 2 } }",
    ].join("\n");
    const { contract, findings } = parse(text);
    expect(findings).toEqual([]);
    expect(contract?.tiers.staging).toMatchObject({
      host: "https://stg.cloud.databricks.com",
      gate: { soakMs: 3_600_000 },
    });
    expect(contract?.tiers.prod.gate).toMatchObject({ soakMs: 3_600_000, verifications: 2 });
  });

  it("says when nothing moves: freezes of the whole contract and of a tier, days and moments, in their time zone", () => {
    const text = `${EXAMPLE.replace(
      "approvers: not_actor,",
      'freezes: [{ from: 2026-11-27T18:00, until: 2026-11-30T08:30, zone: America/New_York, reason: "Black Friday" }],',
    )}freezes: [{ from: 2026-12-31, until: 2026-12-31, reason: "year end" }]\n`;
    const { contract, findings } = parse(text);
    expect(findings).toEqual([]);
    const yearEnd = {
      from: { year: 2026, month: 12, day: 31, minutes: 0 },
      until: { year: 2027, month: 1, day: 1, minutes: 0 },
      zone: "UTC",
      reason: "year end",
    };
    expect(contract?.tiers.dev.gate.freezes).toEqual([yearEnd]);
    expect(contract?.tiers.prod.gate.freezes).toEqual([
      yearEnd,
      {
        from: { year: 2026, month: 11, day: 27, minutes: 1080 },
        until: { year: 2026, month: 11, day: 30, minutes: 510 },
        zone: "America/New_York",
        reason: "Black Friday",
      },
    ]);
  });

  it.each([
    ["a day that is none", "from: 2026-02-29, until: 2026-03-01"],
    ["an end before the beginning", "from: 2026-12-20, until: 2026-12-19"],
    ["no time at all", "from: 2026-12-20T08:00, until: 2026-12-20T08:00"],
    ["a zone that is none", "from: 2026-12-20, until: 2026-12-21, zone: Europe/Atlantis"],
    ["an offset for a zone", 'from: 2026-12-20, until: 2026-12-21, zone: "+01:00"'],
    ["a time that is none", "from: 2026-12-20T25:00, until: 2026-12-22"],
  ])("refuses a freeze with %s", (_what, freeze) => {
    const { findings } = parse(`${EXAMPLE}freezes: [{ ${freeze}, reason: x }]\n`);
    expect(findings.map(({ id }) => id)).toEqual(["contract/freeze"]);
  });

  it("says who may approve, and refuses what cannot be", () => {
    const approvers = (text: string) => parse(EXAMPLE.replace("approvers: not_actor", `approvers: ${text}`));
    expect(
      approvers("{ by: dispatch, count: 2, from: [Hubot, mona], not_author: true }").contract?.tiers.prod.gate,
    ).toMatchObject({ approvers: { by: "dispatch", count: 2, from: ["hubot", "mona"], notAuthor: true } });
    const ids = (text: string) => approvers(text).findings.map(({ id }) => id);
    expect(ids("{ from: [hubot] }")).toEqual([]);
    expect(ids("{ count: 2 }")).toEqual(["contract/approvers"]);
    expect(ids("{ by: dispatch, count: 3, from: [hubot] }")).toEqual(["contract/approvers"]);
    expect(ids("{ by: dispatch, count: 0 }")).toEqual(["contract/wrong-value"]);
    expect(ids("{ by: anybody }")).toHaveLength(1);
    expect(ids("anybody")).toHaveLength(1);
  });

  it("says what to run: jobs by bare or full key, pipelines, and pipelines that are only checked", () => {
    const text = EXAMPLE.replace(
      "gate: { verify: [smoke_test] }",
      "gate: { verify: [smoke_test, jobs.eval, pipelines.gold, { pipelines.silver: validate_only }], verify_timeout: 90m, estate: 24h }",
    );
    const { contract, findings } = parse(text);
    expect(findings).toEqual([]);
    expect(contract?.tiers.staging.gate).toMatchObject({
      verify: [
        { key: "jobs.smoke_test", how: "run" },
        { key: "jobs.eval", how: "run" },
        { key: "pipelines.gold", how: "update" },
        { key: "pipelines.silver", how: "validate_only" },
      ],
      verifyTimeoutMs: 5_400_000,
      estateMs: 86_400_000,
    });
  });

  it.each([
    ["a job that is only validated", "{ jobs.smoke_test: validate_only }"],
    ["a pipeline's full refresh, which loses data", "{ pipelines.silver: full_refresh }"],
    ["a schema", "schemas.gold"],
  ])("cannot verify %s", (_name, step) => {
    const { contract, findings } = parse(EXAMPLE.replace("verify: [smoke_test] }", `verify: [${step}] }`));
    expect(contract).toBeUndefined();
    expect(findings.map(({ message }) => message).join()).toMatch(/tiers\.staging\.gate\.verify\[0\]/);
  });

  it("has CRLF line ends and a byte order mark as well", () => {
    expect(parse(`\uFEFF${EXAMPLE.replaceAll("\n", "\r\n")}`).findings).toEqual([]);
  });
});

describe("bad YAML", () => {
  it.each([
    ["an open bracket", "tiers: [\n", "contract/yaml @2:1"],
    ["a tab", "tiers:\n\tdev: 1\n", "contract/yaml @2:1"],
    ["a key twice", "project: a\nproject: b\n", "contract/duplicate-key @2:1"],
    ["a key twice, quoted", "tiers:\n  dev: 1\n  'dev': 2\n", "contract/duplicate-key @3:3"],
    ["nothing", "", "contract/empty @1:1"],
    ["comments only", "# later\n", "contract/empty @1:1"],
    ["a list as a key", "? [a]\n: 1\n", "contract/yaml @1:3"],
    ["two documents", "a: 1\n---\nb: 2\n", "contract/yaml @2:1"],
    ["an unknown tag", "project: !secret x\n", "contract/yaml @1:10"],
    ["an alias without an anchor", "tiers: *nope\n", "contract/yaml @1:8"],
    ["an alias inside its own anchor", "tiers: &x { dev: *x }\n", "contract/yaml @1:18"],
  ])("%s", (_name, text, expected) => {
    const { contract, findings } = parse(text);
    expect(contract).toBeUndefined();
    expect(brief(findings)).toEqual([expected]);
  });

  it("refuses an alias bomb", () => {
    const level = (name: string, of: string): string => `${name}: &${name} [${Array(9).fill(`*${of}`).join(", ")}]`;
    const text = [
      "a: &a [x, x, x, x, x, x, x, x, x]",
      level("b", "a"),
      level("c", "b"),
      level("d", "c"),
      level("e", "d"),
      level("f", "e"),
    ];
    const { contract, findings } = parse(text.join("\n"));
    expect(contract).toBeUndefined();
    expect(findings[0]?.id).toBe("contract/yaml");
  });

  it("is never thrown, and everything said has its place, whatever the text", () => {
    const places = fc.array(
      fc.tuple(fc.nat(EXAMPLE.length), fc.nat(12), fc.string({ unit: "binary-ascii", maxLength: 6 })),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(places, (cuts) => {
        const text = cuts.reduce(
          (each, [from, length, put]) => each.slice(0, from) + put + each.slice(from + length),
          EXAMPLE,
        );
        const { contract, findings } = parse(text);
        expect(contract === undefined).toBe(findings.some((finding) => finding.severity === "error"));
        const lines = text.split(/\r\n|[\r\n]/).length;
        for (const { where, message, remedy } of findings) {
          expect(
            where?.kind === "file" && (where.line ?? 0) >= 1 && (where.line ?? 0) <= lines && (where.column ?? 0) >= 1,
          ).toBe(true);
          expect(message !== "" && remedy !== "").toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("says a few things, not thousands, about one deep slip", () => {
    expect(parse("[".repeat(20_000)).findings.length).toBeLessThanOrEqual(10);
  });

  it("refuses what is not a mapping", () => {
    expect(brief(parse("just text").findings)).toEqual(["contract/wrong-type @1:1"]);
    expect(brief(parse("- a\n- b").findings)).toEqual(["contract/wrong-type @1:1"]);
  });
});

describe("shape", () => {
  /** The minimal contract with one more line at its end. */
  const plus = (line: string): string => `${MINIMAL}${line}\n`;

  it.each([
    ["a misspelt key", plus("projct: x"), "projct", "Did you mean project?"],
    ["swapped letters", MINIMAL.replace("staging:", "stagign:"), "stagign", "Did you mean staging?"],
    [
      "kebab for snake",
      MINIMAL.replace("prod: {", "prod: { service-principal: x,"),
      "service-principal",
      "Did you mean service_principal?",
    ],
    [
      "a key of nowhere",
      plus("zebra: 1"),
      "zebra",
      "Remove it; the keys here are project, suite, accepted_commits, evidence, tiers, users, grants, schedules, holds, freezes, adopt, components.",
    ],
    [
      "__proto__",
      plus("__proto__: {}"),
      "__proto__",
      "Remove it; the keys here are project, suite, accepted_commits, evidence, tiers, users, grants, schedules, holds, freezes, adopt, components.",
    ],
    [
      "a name that JavaScript keeps for itself",
      plus("users: { constructor: mona@example.com }"),
      "constructor",
      "Use another name.",
    ],
  ])("%s", (_name, text, needle, remedy) => {
    const { contract, findings } = parse(text);
    expect(contract).toBeUndefined();
    const unknown = findings.filter((finding) => finding.id === "contract/unknown-key");
    expect(brief(unknown)).toEqual([`contract/unknown-key @${at(text, needle)}`]);
    expect(unknown[0]?.remedy).toBe(remedy);
  });

  it("tells every unknown key, and what else is wrong, in one go", () => {
    const text = plus("projct: x\nzebra: 1\nholds: { on_expiri: report, on_expiry: forget }").replace(
      "https://prd-1",
      "http://prd-1",
    );
    expect(brief(parse(text).findings).sort()).toEqual(
      [
        `contract/unknown-key @${at(text, "projct")}`,
        `contract/unknown-key @${at(text, "zebra")}`,
        `contract/unknown-key @${at(text, "on_expiri")}`,
        `contract/wrong-value @${at(text, "forget")}`,
      ].sort(),
    );
  });

  it.each([
    ["missing tiers", "project: x\n", "contract/missing-key", "project"],
    ["a missing tier", MINIMAL.replace(/ {2}staging.*\n/, ""), "contract/missing-key", "tiers"],
    ["a missing workspace", MINIMAL.replace(/dev: .*/, "dev: {}"), "contract/missing-key", "dev"],
    ["an empty section", plus("users:"), "contract/wrong-type", "users"],
    ["a list for a mapping", plus("holds: []"), "contract/wrong-type", "[]"],
    ["a list for a mapping of names", plus("users: [mona]"), "contract/wrong-type", "[mona]"],
    ["text for a list", plus("suite: { commits: abc }"), "contract/wrong-type", "abc"],
    ["a short commit", plus("suite: { commits: [abc1234] }"), "contract/wrong-value", "abc1234"],
    [
      "an accepted commit that is short",
      plus("accepted_commits: [{ commit: abc1234, reason: read }]"),
      "contract/wrong-value",
      "abc1234",
    ],
    ["a place for evidence without a branch", plus("evidence: {}"), "contract/missing-key", "evidence"],
    ["a branch as a ref", plus("evidence: { branch: refs/heads/log }"), "contract/wrong-value", "refs/heads/log"],
    ["branches by a pattern", plus('evidence: { branch: "log-*" }'), "contract/wrong-value", '"log-*"'],
    ["a branch that git does not take", plus("evidence: { branch: a..b }"), "contract/wrong-value", "a..b"],
    ["a branch that is git's lock", plus("evidence: { branch: log.lock }"), "contract/wrong-value", "log.lock"],
    ["a branch that begins as an option", plus("evidence: { branch: -log }"), "contract/wrong-value", "-log"],
    ["a boolean for a name", plus("project: true"), "contract/wrong-type", "true"],
    ["a project in capitals", plus("project: ML Pipelines"), "contract/wrong-value", "ML Pipelines"],
    ["a fraction", MINIMAL.replace("prod: {", "prod: { gate: { verifications: 1.5 },"), "contract/wrong-value", "1.5"],
    [
      "more than can be looked at",
      MINIMAL.replace("prod: {", "prod: { gate: { verifications: 11 },"),
      "contract/wrong-value",
      "11",
    ],
    [
      "a soak without a unit",
      MINIMAL.replace("prod: {", 'prod: { gate: { soak: "24" },'),
      "contract/wrong-value",
      '"24"',
    ],
    ["a soak as a number", MINIMAL.replace("prod: {", "prod: { gate: { soak: 24 },"), "contract/wrong-type", "24"],
    ["a choice that is none", MINIMAL.replace("prod: {", "prod: { active_runs: weit,"), "contract/wrong-value", "weit"],
    [
      "a resource key without its kind",
      plus("components: { scoring: { files: [a], resources: [score] } }"),
      "contract/wrong-value",
      "score] ",
    ],
    ["an adopted key without its kind", plus('adopt: { prod: { score: "1" } }'), "contract/wrong-value", "score"],
    [
      "an adopted id as a number",
      plus("adopt: { prod: { jobs.score: 830012345678901234 } }"),
      "contract/wrong-type",
      "8300",
    ],
    [
      "a securable without its type",
      plus("grants: { rules: [{ on: staging, principal: p, privileges: [SELECT] }] }"),
      "contract/wrong-value",
      "staging,",
    ],
    [
      "a schema with one part",
      plus("grants: { rules: [{ on: schema gold, principal: p, privileges: [SELECT] }] }"),
      "contract/wrong-value",
      "schema gold",
    ],
    ["a client id that is none", MINIMAL.replace("prod: {", "prod: { client_id: abc,"), "contract/wrong-value", "abc"],
    [
      "the only differing tier is prod",
      MINIMAL.replace("staging: {", "staging: { may_differ_from_staging: [],"),
      "contract/unknown-key",
      "may_differ",
    ],
  ])("%s", (_name, text, id, needle) => {
    const { contract, findings } = parse(text);
    expect(contract).toBeUndefined();
    expect(brief(findings)).toEqual([`${id} @${at(text, needle)}`]);
    expect(findings[0]?.remedy).not.toBe("");
  });

  it.each([
    ["verify: [{ job: jobs.smoke }]", "must be a key such as smoke_test"],
    ["verify: [1]", "must be a key such as smoke_test"],
    ["approvers: { by: vote }", "must be not_actor, or { by: review or dispatch"],
    ["approvers: reviewers", "must be not_actor, or { by: review or dispatch"],
  ])("says of %s which forms there are, and no type of the parser", (gate, says) => {
    const text = MINIMAL.replace("prod: {", `prod: { gate: { ${gate} },`);
    const { findings } = parse(text);
    expect(findings.map(({ id }) => id)).toEqual(["contract/wrong-type"]);
    expect(findings[0]?.message).toContain(says);
    expect(findings[0]?.message).not.toMatch(/Object|\|/);
  });

  it("refuses a workspace id as a number, because a long one loses digits", () => {
    const text = MINIMAL.replace("prod: {", "prod: { workspace_id: 9007199254740993,");
    const { findings } = parse(text);
    expect(brief(findings)).toEqual([`contract/wrong-type @${at(text, "9007")}`]);
    expect(findings[0]?.remedy).toBe('Put it in quotes: "9007199254740993".');
    expect(brief(parse(text.replace("9007199254740993", '"90071-99"')).findings)).toEqual([
      `contract/wrong-value @${at(text, "9007")}`,
    ]);
  });

  it("suggests the choice that was meant", () => {
    expect(parse(MINIMAL.replace("prod: {", "prod: { active_runs: weit,")).findings[0]?.remedy).toBe(
      "Did you mean wait?",
    );
  });
});

describe("texts and contradictions", () => {
  const plus = (line: string): string => `${MINIMAL}${line}\n`;
  const exception = (rest: string): string =>
    plus(`schedules: { exceptions: [{ tier: dev, state: running, reason: r, ${rest} }] }`);

  it.each([
    ["a day that no calendar has", exception('job: a, until: "2027-02-29"'), "contract/date", '"2027-02-29"'],
    ["an exception for nothing", exception("until: 2027-01-31"), "contract/exception", "{ tier: dev"],
    [
      "an exception for two things",
      exception("job: a, pipeline: b, until: 2027-01-31"),
      "contract/exception",
      "{ tier: dev",
    ],
    [
      "a window without a zone",
      MINIMAL.replace("prod: {", "prod: { gate: { windows: ['Mon-Thu 08:00-16:00'] },"),
      "contract/window",
      "'Mon",
    ],
    [
      "a window in no zone",
      MINIMAL.replace("prod: {", "prod: { gate: { windows: ['Mon 08:00-16:00 Mars/Base'] },"),
      "contract/window",
      "'Mon",
    ],
    ...["EST", "GMT", "Etc/GMT-2", "+02:00"].map((zone): [string, string, string, string] => [
      `a window in ${zone}, which never changes its clocks`,
      MINIMAL.replace("prod: {", `prod: { gate: { windows: ['Mon 08:00-16:00 ${zone}'] },`),
      "contract/window",
      "'Mon",
    ]),
    [
      "a verification that outlasts the workflows' jobs",
      MINIMAL.replace("prod: {", "prod: { gate: { verify_timeout: 91m },"),
      "contract/verify-timeout",
      "91m",
    ],
    [
      "a wait for active runs that outlasts the workflows' jobs",
      MINIMAL.replace("prod: {", "prod: { active_runs: wait, active_runs_timeout: 91m,"),
      "contract/active-runs-timeout",
      "91m",
    ],
    [
      "a window of no day",
      MINIMAL.replace("prod: {", "prod: { gate: { windows: ['Moon 08:00-16:00 UTC'] },"),
      "contract/window",
      "'Moon",
    ],
    [
      "a window of hour 25",
      MINIMAL.replace("prod: {", "prod: { gate: { windows: ['Mon 08:00-25:00 UTC'] },"),
      "contract/window",
      "'Mon",
    ],
    [
      "two developers in one sandbox",
      plus("users: { mona-lisa: a@example.com, mona_lisa: b@example.com }"),
      "contract/duplicate-user",
      "mona_lisa",
    ],
    [
      "a developer whose sandbox would have a name that is kept back",
      plus("users: { hive-metastore: a@example.com }"),
      "contract/user",
      "hive-metastore",
    ],
    [
      "everybody as the developers",
      MINIMAL.replace("tiers:", "tiers:\n  sandbox: { developers: account users }"),
      "contract/everybody",
      "account users",
    ],
    ["everybody as a developer", plus("users: { mona: Account Users }"), "contract/everybody", "Account Users"],
    [
      "two keys that come to one sandbox, with what no login has",
      plus("users: { mona.lisa: a@example.com, mona+lisa: b@example.com }"),
      "contract/duplicate-user",
      "mona+lisa",
    ],
    [
      "one developer twice",
      plus("users: { Mona: a@example.com, mona: b@example.com }"),
      "contract/duplicate-user",
      "mona",
    ],
    [
      "a component called default",
      plus("components: { default: { files: [a], resources: [jobs.a] } }"),
      "contract/component-name",
      "{ files",
    ],
    ...["../x", "/src/**", "!src/**", "src/../../x"].map((pattern): [string, string, string, string] => [
      `the component pattern ${pattern}`,
      plus(`components: { a: { files: ["${pattern}"], resources: [jobs.a] } }`),
      "contract/component-pattern",
      `"${pattern}`,
    ]),
    [
      "the same catalog in two tiers",
      MINIMAL.replace("prod: {", "prod: { catalog: Staging,"),
      "contract/tiers-share-catalog",
      "Staging",
    ],
    [
      "the same principal in two tiers",
      MINIMAL.replace("prod: {", "prod: { service_principal: ml-pipelines-dev,"),
      "contract/tiers-share-principal",
      "ml-pipelines-dev",
    ],
    [
      "dev's principal in the sandbox",
      plus("").replace("tiers:\n", "tiers:\n  sandbox: { service_principal: ml-pipelines-dev }\n"),
      "contract/tiers-share-principal",
      "dev: {",
    ],
    [
      "a catalog that the sandbox cleaner would take",
      MINIMAL.replace("dev: {", "dev: { catalog: team_sandbox,"),
      "contract/catalog-like-sandbox",
      "team_sandbox",
    ],
    [
      "a sandbox elsewhere than dev",
      plus("").replace("tiers:\n", "tiers:\n  sandbox: { workspace: 'https://sbx.cloud.databricks.com' }\n"),
      "contract/sandbox-workspace",
      "'https://sbx",
    ],
    [
      "a sandbox with another workspace id",
      plus("").replace("tiers:\n", "tiers:\n  sandbox: { workspace_id: '7' }\n"),
      "contract/sandbox-workspace",
      "'7'",
    ],
  ])("%s", (_name, text, id, needle) => {
    const { contract, findings } = parse(text);
    expect(contract).toBeUndefined();
    expect(brief(findings)).toEqual([`${id} @${at(text, needle)}`]);
  });

  it("finds a client id that two tiers share, in whatever case", () => {
    const id = "0a1b2c3d-0000-4000-8000-00000000000a";
    const text = MINIMAL.replace("dev: {", `dev: { client_id: ${id},`).replace(
      "prod: {",
      `prod: { client_id: ${id.toUpperCase()},`,
    );
    expect(brief(parse(text).findings)).toEqual([`contract/tiers-share-principal @${at(text, id.toUpperCase())}`]);
  });

  it("only warns of two tiers in one workspace, as long as their catalogs differ", () => {
    const text = MINIMAL.replace("https://stg-123", "https://dev-123");
    const { contract, findings } = parse(text);
    expect(contract).toBeDefined();
    expect(findings.map((finding) => [finding.id, finding.severity])).toEqual([
      ["contract/tiers-share-workspace", "warning"],
    ]);
    // one host may serve many workspaces: then their ids tell them apart
    const ids = text
      .replace("dev: {", "dev: { workspace_id: '1',")
      .replace("staging: {", "staging: { workspace_id: '2',");
    expect(parse(ids).findings).toEqual([]);
  });

  it("lets the sandbox repeat dev's workspace", () => {
    const text = MINIMAL.replace(
      "tiers:\n",
      "tiers:\n  sandbox: { workspace: 'https://dev-123.cloud.databricks.com/' }\n",
    );
    expect(parse(text).findings).toEqual([]);
  });
});
