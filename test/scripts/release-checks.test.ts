import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { assertSame, assertWhole } from "../../scripts/release/checks.ts";
import { bundledPackages } from "../../scripts/release/contents.ts";

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-checks-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe("two builds of one commit", () => {
  const one = { "index.js": "a", "chunks/1.js": "b" };

  it("are the same, whatever their folders are called", () => {
    expect(() => assertSame(folderOf(one), folderOf(one))).not.toThrow();
  });

  it.each([
    ["another byte", { ...one, "chunks/1.js": "c" }, "chunks/1.js"],
    ["a file more", { ...one, "2.js": "" }, "2.js"],
    ["a file less", { "index.js": "a" }, "chunks/1.js"],
  ])("with %s are no release", (_what, other, named) => {
    const attempt = () => assertSame(folderOf(one), folderOf(other));
    expect(attempt).toThrow("two builds of one commit differ");
    expect(attempt).toThrow(named);
  });
});

describe("a build", () => {
  it("that has all its modules is whole", () => {
    expect(() => assertWhole(folderOf({ "index.js": "", "1.js": "require('node:fs')", "a.json": "" }))).not.toThrow();
  });

  it.each([
    ["an entry", { "1.js": "" }, "no index.js"],
    ["a module of a chunk", { "index.js": "", "1.js": 'eval("require")("left-pad")' }, "1.js asks for a module"],
    ["a module, by webpack's own word", { "index.js": "webpackMissingModule()" }, "index.js asks for a module"],
  ])("that lacks %s is none", (_what, files, says) => {
    expect(() => assertWhole(folderOf(files))).toThrow(says);
  });
});

describe("a bundled package", () => {
  const stats = { modules: [{ modules: [{ nameForCondition: "/x/node_modules/@a/b/index.js" }] }] };
  const manifest = (license: string) => JSON.stringify({ name: "@a/b", version: "1.0.0", license });
  const at = "node_modules/@a/b";

  it("is shipped with its licence", () => {
    const root = folderOf({ [`${at}/package.json`]: manifest("MIT"), [`${at}/LICENSE`]: "Do as you like.\r\n" });
    expect(bundledPackages(stats, root)).toEqual([
      { name: "@a/b", version: "1.0.0", license: "MIT", text: "Do as you like." },
    ]);
  });

  it.each([
    ["a licence that nobody allowed", { "package.json": manifest("GPL-3.0"), LICENSE: "x" }, "has the licence GPL-3.0"],
    ["no licence", { "package.json": JSON.stringify({ name: "@a/b", version: "1" }), LICENSE: "x" }, "has no license"],
    ["no licence text", { "package.json": manifest("MIT"), "README.md": "MIT" }, "no licence text to ship"],
  ])("with %s is not shipped", (_what, files, says) => {
    const root = folderOf(Object.fromEntries(Object.entries(files).map(([name, text]) => [`${at}/${name}`, text])));
    expect(() => bundledPackages(stats, root)).toThrow(says);
  });

  it("is looked for where the bundler says, and a list that names none is not believed", () => {
    expect(() => bundledPackages({ modules: [] }, folderOf({}))).toThrow("names no package");
  });
});
