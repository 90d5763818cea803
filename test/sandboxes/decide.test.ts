import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseContract } from "../../src/contract/parse.ts";
import { decide, type Rules, type Usage } from "../../src/sandboxes/decide.ts";
import { isSandboxName, readMark } from "../../src/sandboxes/mark.ts";

const OWNER = "11111111-1111-4111-8111-111111111111";
const { contract } = parseContract(
  `project: ml-pipelines
tiers:
  dev: { workspace: https://dev.cloud.databricks.com }
  staging: { workspace: https://stg.cloud.databricks.com }
  prod: { workspace: https://prd.cloud.databricks.com }
`,
  "four-tier.yml",
  { allowedHosts: [] },
);
if (contract === undefined) throw new Error("the contract does not parse");
const NOW = new Date("2027-03-31T12:00:00Z");
const rules: Rules = { ours: { contract, owner: OWNER }, keepDays: 30, graceDays: 7, now: NOW };
const day = (ago: number): string => new Date(NOW.getTime() - ago * 86_400_000).toISOString();
const at = (ago: number): number => Date.parse(day(ago));

const unused: Usage = { lastChange: undefined, lastRun: undefined, unseen: undefined, developerLeft: undefined };
const sandbox = (more: Record<string, string> = {}, over: { name?: string; owner?: string | undefined } = {}) => ({
  name: "octo_cat_sandbox",
  owner: OWNER,
  ...over,
  properties: {
    four_tier_project: "ml-pipelines",
    four_tier_developer: "octo-cat",
    four_tier_created: day(100),
    ...more,
  },
});
const WARNED = { four_tier_warned: day(8) };

describe("a sandbox is", () => {
  it.each<[string, Record<string, string>, Partial<Usage>, string]>([
    ["warned of when nothing was used for keep_days", {}, {}, "warn"],
    ["kept while it is young", { four_tier_created: day(29) }, {}, "keep"],
    ["kept for a change of data", {}, { lastChange: at(3) }, "keep"],
    ["kept for a run", {}, { lastRun: at(3) }, "keep"],
    ["kept for a use that an earlier run saw", { four_tier_last_use: day(10) }, {}, "keep"],
    ["warned of though data changed long ago", {}, { lastChange: at(31), lastRun: at(40) }, "warn"],
    [
      "warned of when its developer left, however much it is used",
      {},
      { lastChange: at(0), developerLeft: "gone" },
      "warn",
    ],
    ["left alone within the grace period", { four_tier_warned: day(6) }, {}, "wait"],
    ["removed after it", WARNED, {}, "remove"],
    ["kept when it was used since the warning", WARNED, { lastChange: at(1) }, "keep"],
    [
      "warned of again when it was used after the warning, and then not again",
      { four_tier_warned: day(60) },
      { lastRun: at(50) },
      "warn",
    ],
    [
      "removed though a departed developer's job still writes",
      WARNED,
      { lastChange: at(0), developerLeft: "gone" },
      "remove",
    ],
    ["kept until the day that keep_until names is over", { ...WARNED, keep_until: "2027-03-31" }, {}, "keep"],
    ["removed on the day after", { ...WARNED, keep_until: "2027-03-30" }, {}, "remove"],
    [
      "kept for its departed developer's keep_until",
      { ...WARNED, keep_until: "2027-06-30" },
      { developerLeft: "gone" },
      "keep",
    ],
    ["asked about when its dates lie in the future", { four_tier_warned: day(-30) }, {}, "ask"],
    ["asked about when its last use does", {}, { lastChange: at(-2) }, "ask"],
    ["asked about when a date is none", { four_tier_warned: "yesterday" }, {}, "ask"],
    ["asked about when keep_until is no day", { ...WARNED, keep_until: "2027-02-30" }, {}, "ask"],
    ...[
      "keep-until",
      "keepuntil",
      "KEEP_UNTIL",
      "keep until",
      "keepUntil",
      "keep_untill",
      "keep_untl",
      "four_tier_keep_until",
    ].map((key): [string, Record<string, string>, Partial<Usage>, string] => [
      `asked about when ${key} was probably meant as keep_until`,
      { ...WARNED, [key]: "2199-01-01" },
      {},
      "ask",
    ]),
    [
      "asked about when keep_until is over and another spelling is there",
      { ...WARNED, keep_until: "2027-03-30", keepUntil: "2199-01-01" },
      {},
      "ask",
    ],
    ["removed when the other spelling was emptied", { ...WARNED, keepUntil: "" }, {}, "remove"],
    [
      "removed though a property is called a little like it",
      { ...WARNED, kept_by: "mona", until: "2199-01-01" },
      {},
      "remove",
    ],
    ["asked about when it is not said when it was made", { ...WARNED, four_tier_created: "" }, {}, "ask"],
    ["asked about when something of it is not seen", WARNED, { unseen: "its job is hidden" }, "ask"],
    ["nobody's business without a mark", { four_tier_project: "" }, {}, "nothing"],
    ["nobody's business of another project", { ...WARNED, four_tier_project: "other" }, {}, "nothing"],
    [
      "nobody's business when the mark names another developer",
      { ...WARNED, four_tier_developer: "mona" },
      {},
      "nothing",
    ],
  ])("%s", (_name, properties, usage, expected) => {
    expect(decide(sandbox(properties), { ...unused, ...usage }, rules).do).toBe(expected);
  });

  it("the same developer's, in whatever case somebody wrote that login into the mark", () => {
    expect(readMark({ four_tier_developer: "Octo-Cat" }).developer).toBe("octo-cat");
  });

  it("nobody's business of another owner, of another name, or with a tier's own name", () => {
    expect(decide(sandbox(WARNED, { owner: "mona@example.com" }), unused, rules).do).toBe("nothing");
    expect(decide(sandbox(WARNED, { owner: undefined }), unused, rules).do).toBe("nothing");
    expect(decide(sandbox(WARNED, { name: "octo_cat" }), unused, rules).do).toBe("nothing");
    expect(decide(sandbox(WARNED, { name: "dev" }), unused, rules).do).toBe("nothing");
  });

  it("unwarned when it is used again", () => {
    expect(decide(sandbox(WARNED), { ...unused, lastRun: at(1) }, rules)).toMatchObject({ do: "keep", unwarn: true });
    expect(decide(sandbox(), { ...unused, lastRun: at(1) }, rules)).toMatchObject({ do: "keep", unwarn: false });
  });
});

describe("whatever a catalog is called and says of itself", () => {
  const names = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(
      "dev",
      "prod",
      "octo_cat_sandbox",
      "Octo_Cat_sandbox",
      "_sandbox",
      "x_sandbox ",
      "a_sandbox_b",
      "main",
    ),
    fc.stringMatching(/^[a-z0-9_]{0,12}_sandbox$/),
    fc.stringMatching(/^[a-z]{1,8}_SANDBOX$/),
  );
  const texts = fc.oneof(
    fc.constantFrom("", "ml-pipelines", "other", "octo-cat", "octo_cat", "Octo.Cat", day(400), day(-400), "now"),
    fc.string({ maxLength: 12 }),
  );
  const properties = fc.dictionary(
    fc.constantFrom(
      "four_tier_project",
      "four_tier_developer",
      "four_tier_created",
      "four_tier_warned",
      "four_tier_last_use",
      "keep_until",
      "__proto__",
      "x",
    ),
    texts,
  );
  const owners = fc.option(fc.oneof(fc.constantFrom(OWNER, OWNER.toUpperCase(), "mona@example.com", ""), fc.string()), {
    nil: undefined,
  });
  const usages = fc.record({
    lastChange: fc.option(fc.integer({ min: 0, max: at(-3) }), { nil: undefined }),
    lastRun: fc.option(fc.integer({ min: 0, max: at(-3) }), { nil: undefined }),
    unseen: fc.option(fc.constant("hidden"), { nil: undefined }),
    developerLeft: fc.option(fc.constant("left"), { nil: undefined }),
  });

  it("without pattern, mark and owner it is nobody's business; without all the rest it is not removed", () => {
    fc.assert(
      fc.property(names, owners, properties, usages, (name, owner, props, usage) => {
        const decision = decide({ name, owner, properties: props }, usage, rules).do;
        // The oracle is written anew, from the design's words.
        const developer = (props["four_tier_developer"] ?? "")
          .toLowerCase()
          .replaceAll(/[^a-z0-9]/g, "_")
          .replace(/_+$/, "");
        const isOurs =
          /^[a-z0-9]([a-z0-9_]*[a-z0-9])?_sandbox$/.test(name) &&
          owner?.toLowerCase() === OWNER &&
          props["four_tier_project"] === "ml-pipelines" &&
          developer !== "" &&
          `${developer}_sandbox` === name;
        const warned = Date.parse(props["four_tier_warned"] ?? "");
        const uses = [usage.lastChange, usage.lastRun, Date.parse(props["four_tier_created"] ?? "")];
        const isUnused = uses.every((use = 0) => use <= at(30) && use <= warned);
        const isDue = warned <= at(7) && usage.unseen === undefined;
        expect([isOurs, decision !== "nothing"]).not.toEqual([false, true]);
        const mayGo = isOurs && isDue && (isUnused || usage.developerLeft !== undefined);
        expect([mayGo, decision === "remove"]).not.toEqual([false, true]);
      }),
      { numRuns: 5_000 },
    );
  });

  it("one reason among any others is enough to keep what else would go", () => {
    type Case = { name: string; owner: string | undefined; properties: Record<string, string>; usage: Usage };
    const set = (name: string, value: string) => (each: Case) => {
      each.properties[name] = value;
    };
    const reasons: ((each: Case) => void)[] = [
      (each) => (each.name = "octo_cat"),
      (each) => (each.name = "other_sandbox"),
      (each) => (each.name = "Octo_cat_sandbox"),
      (each) => (each.owner = "mona@example.com"),
      (each) => (each.owner = undefined),
      set("four_tier_project", "other"),
      set("four_tier_project", ""),
      set("four_tier_developer", ""),
      set("four_tier_developer", "octo-cats"),
      set("four_tier_created", ""),
      set("four_tier_created", day(-9)),
      set("four_tier_warned", ""),
      set("four_tier_warned", day(6)),
      set("four_tier_warned", "no date"),
      set("four_tier_last_use", day(2)),
      set("keep_until", "2027-12-31"),
      set("keep_until", "for ever"),
      (each) => (each.usage = { ...each.usage, lastChange: at(5) }),
      (each) => (each.usage = { ...each.usage, lastRun: at(0) }),
      (each) => (each.usage = { ...each.usage, unseen: "something" }),
    ];
    const subsets = fc.uniqueArray(fc.nat({ max: reasons.length - 1 }), { maxLength: 4 });
    fc.assert(
      fc.property(subsets, (chosen) => {
        const each: Case = { ...sandbox(WARNED), usage: unused };
        for (const index of chosen) reasons[index]?.(each);
        const decision = decide(each, each.usage, rules).do;
        expect([chosen, decision === "remove"]).toEqual([chosen, chosen.length === 0]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("a name of a sandbox is of lower case, and never a tier's", () => {
    for (const name of [
      "dev",
      "staging",
      "prod",
      "main",
      "_sandbox",
      "A_sandbox",
      "a_sandbox2",
      "a__sandbox",
      "a.b_sandbox",
      "",
    ]) {
      expect([name, isSandboxName(name)]).toEqual([name, false]);
    }
    for (const name of ["a_sandbox", "octo_cat_sandbox", "0x_sandbox"]) expect(isSandboxName(name)).toBe(true);
  });
});
