import { expect, test } from "vitest";
import { FourTierError } from "../../src/findings.ts";
import { factOf } from "../../src/release/fact-of.ts";

test("what a service refuses is an unknown fact in its own words; a defect of ours is not passed off as one", async () => {
  const refused = { id: "github/forbidden", severity: "unknown", message: "It may not.", remedy: "Allow it." } as const;
  expect(await factOf(() => Promise.reject(new FourTierError(refused)))).toEqual({
    known: false,
    why: "It may not.",
    remedy: "Allow it.",
  });
  await expect(factOf(() => Promise.reject(new TypeError("x is not a function")))).rejects.toThrow(TypeError);
});
