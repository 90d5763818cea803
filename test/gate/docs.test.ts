import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CHECK_IDS } from "../../src/gate/check.ts";

it("docs/gate.md describes every check, in order", () => {
  const page = readFileSync(new URL("../../docs/gate.md", import.meta.url), "utf8");
  expect([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, id]) => id)).toEqual([...CHECK_IDS]);
});
