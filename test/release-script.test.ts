/**
 * A release from end to end: the dry run in a throw-away copy of this repository, which has to build what was built here,
 * byte for byte; then publishing what it made to a bare repository, with a `gh` that only writes down what it was asked.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { git, newFolder, PLAIN_ENVIRONMENT, removeFolders } from "./repository.ts";

const here = process.cwd();
const copy = newFolder();
const out = join(newFolder(), "out");
const tools = newFolder();
const calls = join(tools, "calls");
let made: ReturnType<typeof script>;

interface Release {
  readonly tag: string;
  readonly source: string;
  readonly commit: string;
  readonly tree: string;
}

function script(name: string, args: readonly string[], folder = copy): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join("scripts", name), ...args], {
    cwd: folder,
    encoding: "utf8",
    env: {
      ...PLAIN_ENVIRONMENT,
      PATH: [tools, process.env["PATH"]].join(delimiter),
      CALLS: calls,
      GITHUB_OUTPUT: "",
      // on disk, beside node_modules: a dry run links them
      TMPDIR: "",
    },
  });
  return { status, text: stdout + stderr };
}

const read = (name: string): string => readFileSync(join(out, name), "utf8");
const release = (): Release => JSON.parse(read("release.json")) as Release;
const sums = (folder = out): string =>
  createHash("sha256")
    .update(readFileSync(join(folder, "SHA256SUMS")))
    .digest("hex");

beforeAll(() => {
  // The files as they stand here, committed or not.
  const files = git(here, "ls-files", "--cached", "--others", "--exclude-standard").split("\n");
  for (const file of new Set(files)) {
    if (!existsSync(join(here, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(here, file), join(copy, file));
  }
  git(copy, "init", "--quiet", "--initial-branch=main");
  git(copy, "add", "--all");
  git(copy, "commit", "--quiet", "--message", "The sources");
  // Beside the repository, so that the copy stays clean for git.
  symlinkSync(join(here, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, ".git/info/exclude"), "node_modules\n");
  made = script("release.ts", ["--dry-run", "--built", join(here, "dist"), "--out", out]);
  if (made.status !== 0) throw new Error(made.text);
  // What gh is asked, a line each; a release that is asked for is not there yet.
  writeFileSync(join(tools, "gh"), '#!/bin/sh\necho "$@" >> "$CALLS"\n[ "$2" != view ] || exit 1\n');
  chmodSync(join(tools, "gh"), 0o755);
}, 300_000);
afterAll(removeFolders);

describe("the dry run of a release", () => {
  it("builds the same bytes twice, loads them, and leaves the repository as it was", () => {
    expect(made.text).toContain("byte for byte");
    expect(git(copy, "status", "--porcelain")).toBe("");
    expect(git(copy, "tag")).toBe("");
    expect(() => git(copy, "cat-file", "-e", release().commit)).toThrow(/cat-file/);
  });

  it("lists every file with its digest", () => {
    const lines = read("SHA256SUMS").trim().split("\n");
    const archive = `four-tier-${release().tag.slice(1)}.tar.gz`;
    expect(lines.map((line) => line.split("  ")[1])).toEqual(
      [archive, "licenses.txt", "notes.md", "release.json", "sbom.cdx.json"].sort(),
    );
    for (const line of lines) {
      const [digest, name = ""] = line.split("  ");
      expect(
        createHash("sha256")
          .update(readFileSync(join(out, name)))
          .digest("hex"),
      ).toBe(digest);
    }
  });

  it("ships the actions, the workflows, dist and licences, and no sources", () => {
    const archive = join(out, `four-tier-${release().tag.slice(1)}.tar.gz`);
    const names = spawnSync("tar", ["-tzf", archive], { encoding: "utf8" })
      .stdout.split("\n")
      .map((name) => name.replace(/^[^/]*\//, ""));
    expect(names).toEqual(
      expect.arrayContaining([
        "action-promote/action.yml",
        "action-promote/main.js",
        ".github/workflows/deploy-to-dev.yml",
        "dist/index.js",
        "dist/licenses.txt",
        "LICENSE",
        "package.json",
      ]),
    );
    expect(names.filter((name) => /^(src|test|simulator|demo|docs|scripts|node_modules)\//.test(name))).toEqual([]);
  });

  it("names the licence of what is bundled, and nothing else", () => {
    const licences = read("licenses.txt");
    for (const name of ["undici", "tunnel", "yaml", "@actions/github"]) {
      expect(licences).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, "m"));
    }
    expect(licences).not.toMatch(/^(typescript|vitest|jose) \d/m);
    expect(JSON.parse(read("sbom.cdx.json"))).toMatchObject({ bomFormat: "CycloneDX" });
  });

  it("refuses what is not committed, and a tag that is not the version's", () => {
    writeFileSync(join(copy, "stray.txt"), "");
    expect(script("release.ts", ["--dry-run"])).toMatchObject({
      status: 1,
      text: expect.stringContaining("stray.txt") as string,
    });
    rmSync(join(copy, "stray.txt"));
    expect(script("release.ts", ["--tag", "v99.0.0"])).toMatchObject({
      status: 1,
      text: expect.stringContaining("the tag asked for is v99.0.0") as string,
    });
  });
});

describe("publishing", () => {
  let remote: string;
  let clone: string;
  const publish = (...args: string[]): ReturnType<typeof script> =>
    script("publish.ts", ["--files", out, "--sums", sums(), ...args], clone);
  const tags = (): Record<string, string> =>
    Object.fromEntries(
      git(remote, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/tags")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split(" ") as [string, string]),
    );

  beforeAll(() => {
    remote = newFolder();
    clone = newFolder();
    git(remote, "clone", "--quiet", "--bare", copy, ".");
    git(clone, "clone", "--quiet", remote, ".");
  });

  it("checks without writing", () => {
    expect(publish("--check")).toMatchObject({ status: 0 });
    expect(tags()).toEqual({});
    expect(existsSync(calls)).toBe(false);
  });

  it("refuses files that are not those of the build", () => {
    const other = join(newFolder(), "out");
    cpSync(out, other, { recursive: true });
    const check = (): { status: number | null; text: string } =>
      script("publish.ts", ["--check", "--files", other, "--sums", sums()], clone);
    writeFileSync(join(other, "notes.md"), "- Nothing to see.\n");
    expect(check()).toMatchObject({ status: 1, text: expect.stringContaining("notes.md") as string });
    cpSync(join(out, "notes.md"), join(other, "notes.md"));
    writeFileSync(join(other, "one-more"), "");
    expect(check()).toMatchObject({ status: 1, text: expect.stringContaining("one-more") as string });
    writeFileSync(join(other, "SHA256SUMS"), "");
    expect(check()).toMatchObject({
      status: 1,
      text: expect.stringContaining("not the one that the build made") as string,
    });
  });

  it("tags the release commit, drafts, publishes, and moves the major tag", () => {
    expect(publish()).toMatchObject({ status: 0 });
    const { tag, commit, source, tree } = release();
    const major = tag.replace(/\..*/, "");
    expect(tags()).toEqual({ [tag]: commit, [major]: commit });
    expect(git(remote, "rev-parse", `${tag}^`)).toBe(source);
    expect(git(remote, "rev-parse", `${tag}^{tree}`)).toBe(tree);
    const changed = git(remote, "diff", "--name-status", source, tag).split("\n");
    expect(changed).toContain("A\tdist/index.js");
    expect(changed.filter((line) => !line.startsWith("A\tdist/"))).toEqual([]);
    expect(git(remote, "rev-parse", "main")).toBe(source);
    const asked = readFileSync(calls, "utf8").trim().split("\n");
    expect(asked.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "release view",
      "release create",
      "release edit",
      `api repos/{owner}/{repo}/releases/tags/${tag}`,
    ]);
    expect(asked[1]).toMatch(/--draft --verify-tag .*sbom\.cdx\.json.*SHA256SUMS/);
    expect(asked[2]).toBe(`release edit ${tag} --draft=false`);
  });

  it("may be run again, but never moves a version's tag", () => {
    const { tag, source } = release();
    expect(publish()).toMatchObject({ status: 0 });
    git(remote, "update-ref", `refs/tags/${tag}`, source);
    expect(publish()).toMatchObject({ status: 1, text: expect.stringContaining("A tag is never moved") as string });
  });

  it("refuses another commit than the one that is checked out", () => {
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "More");
    expect(publish("--check")).toMatchObject({ status: 1, text: expect.stringContaining("is checked out") as string });
  });
});
