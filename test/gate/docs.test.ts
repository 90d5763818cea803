import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CHECK_IDS, OVERRIDABLE } from "../../src/gate/check.ts";

const page = readFileSync(new URL("../../docs/gate.md", import.meta.url), "utf8");

it("docs/gate.md describes every check, in order", () => {
  expect([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id)).toEqual([...CHECK_IDS]);
});

it("docs/gate.md names every check that can be overridden, and no other", () => {
  const [, named = ""] = /although these checks do not pass: ([^.]*)\./.exec(page) ?? [];
  expect([...named.matchAll(/`([a-z-]+)`/g)].map(([, id]) => id)).toEqual([...OVERRIDABLE]);
});
