import { describe, expect, it, test } from "vitest";
import { describeWhere, FourTierError, hasFinding, isFailure, sentence } from "../src/findings.ts";

describe("findings", () => {
  it("says where, in one line", () => {
    expect(describeWhere({ kind: "file", file: "four-tier.yml", line: 3, column: 5 })).toBe("four-tier.yml:3:5");
    expect(describeWhere({ kind: "file", file: "four-tier.yml" })).toBe("four-tier.yml");
    expect(describeWhere({ kind: "securable", type: "catalog", name: "prod" })).toBe("catalog prod");
    expect(describeWhere({ kind: "request", method: "GET", path: "/api/2.2/jobs/list", status: 403 })).toBe(
      "GET /api/2.2/jobs/list (403)",
    );
  });

  it.each([
    ["incident 7", "incident 7."],
    ["It broke.", "It broke."],
    ["Why?", "Why?"],
    ["(until 2027-01-31)", "(until 2027-01-31)."],
  ])("ends %j, which something follows, as a sentence", (words, ended) => {
    expect(sentence(words)).toBe(ended);
  });

  it("counts the unseen as a failure and a warning as none", () => {
    const finding = { id: "a/b", message: "m", remedy: "r" };
    expect(isFailure({ ...finding, severity: "unknown" })).toBe(true);
    expect(isFailure({ ...finding, severity: "error" })).toBe(true);
    expect(isFailure({ ...finding, severity: "warning" })).toBe(false);
  });

  it("carries what happened and what to do in the error's text", () => {
    const error = new FourTierError({ id: "a/b", severity: "error", message: "It broke.", remedy: "Fix it." });
    expect(error.message).toBe("a/b: It broke. Fix it.");
    const held = new FourTierError({
      id: "a/b",
      severity: "error",
      message: "Held by ada: incident 7",
      remedy: "Ask.",
    });
    expect(held.message).toBe("a/b: Held by ada: incident 7. Ask.");
    expect(error.findings).toHaveLength(1);
  });
});

test("a finding is found among others, and in nothing else that was thrown", () => {
  const finding = (id: string) => ({ id, severity: "error", message: "It is so.", remedy: "Fix it." }) as const;
  const thrown = new FourTierError([finding("a/one"), finding("a/two")]);
  expect(["a/one", "a/two", "a/three"].map((id) => hasFinding(thrown, id))).toEqual([true, true, false]);
  expect(hasFinding(new Error("a/one"), "a/one")).toBe(false);
});
