import { describe, expect, it } from "vitest";
import { isNewest, majorTag, notesOf, versionProblems } from "../../scripts/release/version.ts";

const agreed = {
  manifest: "1.2.3",
  lock: "1.2.3",
  source: 'export const VERSION = "1.2.3";\n',
  changelog: "# Changelog\n\n## 1.2.3 (2026-11-24)\n\n- Better.\n\n## 1.2.2\n\n- Good.\n",
  tag: "v1.2.3",
};

describe("the version of a release", () => {
  it("is the same in four places and in the tag", () => {
    expect(versionProblems(agreed, false)).toEqual([]);
  });

  it.each([
    [{ manifest: "1.2" }, "not a version"],
    [{ lock: "1.2.2" }, "package-lock.json says 1.2.2"],
    [{ source: 'export const VERSION = "1.2.2";' }, "src/version.ts says 1.2.2"],
    [{ changelog: "# Changelog\n\n## Unreleased\n" }, '"Unreleased"'],
    [{ tag: "1.2.3" }, "the version makes it v1.2.3"],
    [{ tag: undefined }, "missing"],
  ])("%o is refused", (change, says) => {
    expect(versionProblems({ ...agreed, ...change }, false).join("\n")).toContain(says);
  });

  it("may be unreleased and untagged in a dry run, but not another one", () => {
    const dry = { ...agreed, tag: undefined, changelog: "## Unreleased\n" };
    expect(versionProblems(dry, true)).toEqual([]);
    expect(versionProblems({ ...dry, changelog: "## 1.2.2\n" }, true)).toHaveLength(1);
    expect(versionProblems({ ...dry, tag: "v1.2.4" }, true)).toHaveLength(1);
  });
});

it("takes the newest section of the changelog for the notes", () => {
  expect(notesOf(agreed.changelog, "https://x.test/blob/v1.2.3")).toBe("- Better.\n");
});

it("leads links to files to the release's own, and leaves the others", () => {
  const changelog = "## 1.2.3\n\n[a](docs/a.md#b) [c](https://c.test/d) [e](#f) [g](examples/g)\n";
  expect(notesOf(changelog, "https://x.test/blob/v1.2.3")).toBe(
    "[a](https://x.test/blob/v1.2.3/docs/a.md#b) [c](https://c.test/d) [e](#f) [g](https://x.test/blob/v1.2.3/examples/g)\n",
  );
});

describe("the major tag", () => {
  it("is none for a candidate", () => {
    expect([majorTag("2.0.0"), majorTag("0.1.0"), majorTag("2.0.0-rc.1")]).toEqual(["v2", "v0", undefined]);
  });

  it.each([
    ["1.10.0", ["v1.9.0", "v1.2.11", "v2.0.0", "v1"], true],
    ["1.9.1", ["v1.10.0"], false],
    ["1.9.1", ["v1.9.2"], false],
    ["1.9.1", ["v1.9.1", "v1.10.0-rc.1", "nightly"], true],
    ["1.9.1-rc.1", [], false],
  ])("moves to %s beside %o: %s", (version, tags, moves) => {
    expect(isNewest(version, tags)).toBe(moves);
  });
});
