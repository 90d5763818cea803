import { describe, expect, it } from "vitest";
import { type Finding, FourTierError } from "../../src/findings.ts";
import { findingsOutput, readFindings } from "../../src/report/carried-findings.ts";
import { driftBody, drifted, type Look } from "../../src/report/drift-issue.ts";
import { readResults } from "../../src/report-drift.ts";

const finding = (more: Partial<Finding> = {}): Finding => ({
  id: "schedules/drift",
  severity: "error",
  where: { kind: "resource", tier: "dev", key: "jobs.score" },
  message: "It runs.",
  remedy: "Pause it.",
  ...more,
});
const page = { marker: "<!-- four-tier drift x -->", runUrl: "https://github.com/acme/x/actions/runs/1" };

describe("findings on the way from one job to another", () => {
  it("arrive as they were, notices left out", () => {
    expect(readFindings(findingsOutput([finding(), finding({ severity: "notice" })]))).toEqual({
      findings: [
        {
          id: "schedules/drift",
          severity: "error",
          where: "jobs.score in dev",
          message: "It runs.",
          remedy: "Pause it.",
        },
      ],
      more: 0,
    });
  });

  it("are fifty at most, with long texts cut, and the rest is counted", () => {
    const many = Array.from({ length: 60 }, () => finding({ message: "x".repeat(5_000) }));
    const output = findingsOutput(many);
    expect(output.length).toBeLessThan(40_000);
    expect(readFindings(output)).toMatchObject({ more: 10 });
  });

  it.each(["", "{", "[]", '{"findings":[{"id":1}],"more":0}', '{"findings":[],"more":-1}'])("are not %s", (text) => {
    expect(readFindings(text)).toBeUndefined();
  });
});

describe("what counts as drift", () => {
  const warning = { id: "x/y", severity: "warning", where: "", message: "m", remedy: "r" };
  it.each([
    ["grants", "warning", 0],
    ["grants", "error", 1],
    ["grants", "unknown", 1],
    ["schedules", "warning", 1],
    ["drift", "error", 1],
  ])("%s: a finding of severity %s is %i", (check, severity, expected) => {
    const look = { tier: "dev", check, findings: [{ ...warning, severity }], more: 0 };
    expect(drifted(look)).toHaveLength(expected);
  });

  it("is counted in the overview, and what is only advice beside it", () => {
    const look = { tier: "dev", check: "grants", findings: [warning], more: 0 };
    expect(driftBody([look], page)).toContain("| dev | ✅ 1 warning |");
    expect(driftBody([{ ...look, more: 1 }], page)).toContain("| dev | ✅ 2 warnings |");
    expect(driftBody([{ ...look, check: "schedules" }], page)).toContain("| dev | ❌ 1 |");
  });

  it("stands first among what is carried, so that nothing of it is left out for a warning", () => {
    const warnings = Array.from({ length: 60 }, () => finding({ severity: "warning" }));
    const carried = readFindings(findingsOutput([...warnings, finding({ severity: "unknown" })]));
    expect(carried?.findings[0]?.severity).toBe("unknown");
  });
});

describe("results of the jobs", () => {
  const clean = findingsOutput([]);
  it("are a look a check; what did not arrive or was skipped is unknown, what nobody asked for is left out", () => {
    const needs = {
      dev: { result: "success", outputs: { grants: clean, schedules: clean, drift: clean } },
      staging: { result: "failure", outputs: { grants: findingsOutput([finding()]), drift: "" } },
      prod: { result: "success", outputs: { grants: "not asked", schedules: clean, drift: "no JSON" } },
      extra: { result: "skipped", outputs: {} },
    };
    const looks = readResults(JSON.stringify(needs));
    expect(looks.map(({ tier, check, findings }) => `${tier} ${check} ${findings?.length ?? "unknown"}`)).toEqual([
      "dev grants 0",
      "dev schedules 0",
      "dev drift 0",
      "staging grants 1",
      "staging schedules unknown",
      "staging drift unknown",
      "prod schedules 0",
      "prod drift unknown",
      "extra grants unknown",
      "extra schedules unknown",
      "extra drift unknown",
    ]);
  });

  it.each(["", "{}", "[]", "null", '{"dev":{"result":"maybe"}}', '{"d e v":{"result":"success"}}'])(
    "are not %s",
    (text) => {
      expect(() => readResults(text)).toThrow(FourTierError);
    },
  );
});

describe("the issue", () => {
  const look = (message: string): Look => ({
    tier: "dev",
    check: "schedules",
    findings: [{ id: "schedules/drift", severity: "error", where: "dev: @octocat", message, remedy: "#1" }],
    more: 0,
  });

  it("begins with its mark, and mentions nobody and nothing", () => {
    const body = driftBody(
      [look("@octocat <!-- four-tier drift y --> [x](https://evil.example) ![](http://e/x.png) #12")],
      page,
    );
    expect(body.startsWith(`${page.marker}\n`)).toBe(true);
    expect(body.slice(page.marker.length)).not.toMatch(/@octocat|<!--|\]\(|#12|#1\b(?!;)/);
  });

  it("is never longer than GitHub takes, and says what was left out", () => {
    const many = Array.from({ length: 500 }, (_, index) => look(`${index} ${"-".repeat(300)}`));
    const body = driftBody(many, page);
    expect(body.length).toBeLessThanOrEqual(65_536);
    expect(body).toMatch(/and \d+ more, in the reports of the run/);
  });

  it("shows first what opens it, and advice after it", () => {
    const advice: Look = {
      tier: "dev",
      check: "grants",
      findings: [{ id: "grants/x", severity: "warning", where: "", message: "m", remedy: "r" }],
      more: 0,
    };
    const body = driftBody([advice, { ...look("a"), tier: "staging" }], page);
    expect(body).toMatch(/❌ <code>schedules\/drift<\/code>[\s\S]*⚠️ <code>grants\/x<\/code>/);
  });

  it("is the same for the same findings", () => {
    expect(driftBody([look("a")], page)).toBe(driftBody([look("a")], page));
  });
});
