import { describe, expect, it } from "vitest";
import { ownersOf } from "../../src/gate/codeowners.ts";

/** Pattern, path, whether it owns the path: by GitHub's documentation of CODEOWNERS. */
const CASES: readonly [string, string, boolean][] = [
  ["*", ".github/workflows/any.yml", true],
  ["/.github/", ".github/workflows/any.yml", true],
  [".github/", ".github/workflows/any.yml", true],
  ["/.github", ".github/workflows/any.yml", true],
  ["/.github/*", ".github/workflows/any.yml", false],
  ["/.github/*", ".github/CODEOWNERS", true],
  ["/.github/**", ".github/workflows/any.yml", true],
  ["**/workflows/", ".github/workflows/any.yml", true],
  ["workflows/", ".github/workflows/any.yml", true],
  ["*.yml", "four-tier.yml", true],
  ["/*.yml", ".github/workflows/any.yml", false],
  ["/four-tier.yml", "four-tier.yml", true],
  ["four-tier.yml", "deep/four-tier.yml", true],
  ["/four-tier.yml", "deep/four-tier.yml", false],
  ["four-tier.y?l", "four-tier.yml", true],
  ["/four.tier.yml", "four-tier.yml", false],
  ["/github/", ".github/workflows/any.yml", false],
];

describe("CODEOWNERS", () => {
  it.each(CASES)("%s on %s: %s", (pattern, path, owned) => {
    expect(ownersOf(`${pattern} @acme/platform\n`, path)).toEqual(owned ? ["@acme/platform"] : []);
  });

  it("lets the last match win, and a line without names take the owners away", () => {
    expect(ownersOf("* @a\n/.github/ @b @c # who\n", ".github/x")).toEqual(["@b", "@c"]);
    expect(ownersOf("* @a\n/.github/\n", ".github/x")).toEqual([]);
    expect(ownersOf("# * @a\n\n", ".github/x")).toEqual([]);
  });
});
