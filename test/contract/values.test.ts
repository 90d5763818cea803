import { describe, expect, it } from "vitest";
import { nearestName } from "../../src/contract/nearest.ts";
import {
  isDate,
  normalPrivilege,
  parseDuration,
  parseSecurable,
  parseWindow,
  sandboxUser,
} from "../../src/contract/values.ts";

describe("texts of the contract", () => {
  it("reads durations", () => {
    expect(["90s", "45m", "24h", "3d", "24", "h", "-1h", "1.5h"].map(parseDuration)).toEqual([
      90_000,
      2_700_000,
      86_400_000,
      259_200_000,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("reads days of the calendar", () => {
    expect(isDate("2028-02-29")).toBe(true);
    expect(isDate("2027-02-29")).toBe(false);
    expect(isDate("2027-13-01")).toBe(false);
    expect(isDate("soon")).toBe(false);
  });

  it("reads windows", () => {
    expect(parseWindow("Mon-Thu 08:00-16:00 Europe/Berlin")).toEqual({
      text: "Mon-Thu 08:00-16:00 Europe/Berlin",
      days: [1, 2, 3, 4],
      from: 480,
      to: 960,
      zone: "Europe/Berlin",
    });
    expect(parseWindow("Fri-Mon 22:00-02:00 UTC")).toMatchObject({ days: [1, 5, 6, 7], from: 1320, to: 120 });
    expect(parseWindow("mon,wed,sat-sun 00:00-24:00 America/New_York")).toMatchObject({ days: [1, 3, 6, 7], to: 1440 });
    for (const bad of [
      "Mon 08:00-08:00 UTC",
      "Mon 24:00-08:00 UTC",
      "Mon 8:00-16:00 UTC",
      "Mon 08:60-16:00 UTC",
      "Mon-Tue-Wed 08:00-16:00 UTC",
      "Mon, 08:00-16:00 UTC",
      "Mon 08:00-16:00 +02:00",
      "",
    ]) {
      expect([bad, parseWindow(bad)]).toEqual([bad, undefined]);
    }
  });

  it("reads securables", () => {
    expect(parseSecurable("catalog staging")).toEqual({ type: "catalog", name: "staging" });
    expect(parseSecurable("table prod.gold.scores")).toEqual({ type: "table", name: "prod.gold.scores" });
    for (const bad of [
      "staging",
      "catalog a.b",
      "schema gold",
      "table a.b",
      "schema a..",
      "toString a",
      "catalog  a",
    ]) {
      expect([bad, parseSecurable(bad)]).toEqual([bad, undefined]);
    }
    expect(normalPrivilege("use catalog")).toBe("USE_CATALOG");
  });

  it("makes a sandbox's name of a login, and of nothing else", () => {
    expect(sandboxUser("Mona-Lisa")).toBe("mona_lisa");
    expect(sandboxUser("octocat_acme")).toBe("octocat_acme");
    expect(sandboxUser("Mona.Lisa+ml@example.com")).toBe("mona_lisa_ml_example_com");
    expect(sandboxUser("Octocat_ACME", "acme")).toBe("octocat");
    expect(sandboxUser("acme", "acme")).toBe("acme");
    expect(sandboxUser("a_acme_acme", "acme")).toBe("a_acme");
    for (const bad of ["---", "@", "_acme", "+."]) expect([bad, sandboxUser(bad, "acme")]).toEqual([bad, undefined]);
    for (const bad of ["", "a b", "../x", "dependabot[bot]", "a`;--", "-a", "é"])
      expect([bad, sandboxUser(bad)]).toEqual([bad, undefined]);
  });
});

describe("the nearest name", () => {
  const names = ["workspace", "workspace_id", "service_principal", "gate", "catalog"];
  it.each([
    ["worksapce", "workspace"],
    ["workspaceId", "workspace_id"],
    ["service-principal", "service_principal"],
    ["servicePrinciple", "service_principal"],
    ["gates", "gate"],
    ["Catalog", "catalog"],
    ["zebra", undefined],
    ["x", undefined],
  ])("of %s is %s", (written, expected) => {
    expect(nearestName(written, names)).toBe(expected);
  });
});
