import { expect, it } from "vitest";
import { type ByPlace, differences, shortOf } from "../scripts/measured.ts";

const KEPT: ByPlace = { "github GET /a": ["e2e/chain", "plan"], "x = true @ github GET /a": ["plan"] };

it.each([
  ["nothing, if the run came to the same", KEPT, []],
  ["a test that no longer comes to a route", { ...KEPT, "github GET /a": ["e2e/chain"] }, ["- plan: github GET /a"]],
  [
    "a position that nothing plays any more",
    { "github GET /a": KEPT["github GET /a"] ?? [] },
    ["- plan: x = true @ github GET /a"],
  ],
  ["a test that comes to one more", { ...KEPT, "github GET /b": ["plan"] }, ["+ plan: github GET /b"]],
])("what was measured differs from what is kept by %s", (_what, now, said) => {
  expect(differences(KEPT, now)).toEqual(said);
});

it("a file that skipped a test may come to less, but is not excused for more", () => {
  const now = { "github GET /a": ["e2e/chain"], "github GET /b": ["plan"] };
  expect(differences(KEPT, now, ["plan"])).toEqual(["+ plan: github GET /b"]);
});

it("a test's file is called as in the table", () => {
  expect(shortOf("test/e2e/chain.test.ts")).toBe("e2e/chain");
  expect(shortOf("/somewhere/test/plan.test.ts")).toBe("plan");
});
