/** Grants: what is missing is given, what we gave and is declared no more is taken, what others gave stays. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { declaredOf, grantChanges } from "../../src/release/access.ts";

const US = "11111111-1111-4111-8111-111111111111";
const grant = (principal: string, ...privileges: string[]) => ({ principal, privileges });

describe("the change that makes declared grants hold", () => {
  test.each([
    ["nothing is there", [grant("a", "SELECT")], undefined, [], [{ principal: "a", add: ["SELECT"], remove: [] }]],
    ["it holds", [grant("a", "SELECT")], undefined, [grant("A", "SELECT", "MODIFY")], []],
    ["all privileges hold it", [grant("a", "SELECT")], undefined, [grant("a", "ALL_PRIVILEGES")], []],
    [
      "all privileges do not hold MANAGE",
      [grant("a", "MANAGE")],
      undefined,
      [grant("a", "ALL_PRIVILEGES")],
      [{ principal: "a", add: ["MANAGE"], remove: [] }],
    ],
    [
      "we gave it and declare it no more",
      [grant("b", "SELECT")],
      [grant("a", "SELECT"), grant("b", "SELECT")],
      [grant("a", "SELECT", "MODIFY"), grant("b", "SELECT")],
      [{ principal: "a", add: [], remove: ["SELECT"] }],
    ],
    ["somebody else gave it", [grant("b", "SELECT")], [], [grant("a", "SELECT"), grant("b", "SELECT")], []],
    [
      "all privileges become fewer",
      [grant("a", "SELECT")],
      [grant("a", "ALL_PRIVILEGES")],
      [grant("a", "ALL_PRIVILEGES", "SELECT")],
      [{ principal: "a", add: ["SELECT"], remove: ["ALL_PRIVILEGES"] }],
    ],
    [
      "the tier's own principal is meant",
      [grant("${principal}", "SELECT")],
      undefined,
      [],
      [{ principal: US, add: ["SELECT"], remove: [] }],
    ],
  ])("%s", (_name, declared, before, live, expected) => {
    expect(grantChanges(declared, before, live, US)).toEqual(expected);
  });

  const privileges = fc.uniqueArray(fc.constantFrom("SELECT", "MODIFY", "MANAGE", "ALL_PRIVILEGES"), { minLength: 1 });
  const grants = fc
    .dictionary(fc.constantFrom("a", "b", "c"), privileges)
    .map((all) => Object.entries(all).map(([principal, list]) => grant(principal, ...list)));

  test("once made, nothing is left to do, and nobody loses what we did not give", () => {
    fc.assert(
      fc.property(grants, grants, grants, (declared, before, live) => {
        const after = new Map(live.map(({ principal, privileges: list }) => [principal, new Set(list)]));
        for (const { principal, add, remove } of grantChanges(declared, before, live, US)) {
          const held = after.get(principal) ?? new Set();
          // as the service does it: removes first, and ALL PRIVILEGES takes what it implies with it
          for (const one of remove) {
            held.delete(one);
            if (one === "ALL_PRIVILEGES") for (const each of ["SELECT", "MODIFY"]) held.delete(each);
          }
          for (const one of add) held.add(one);
          after.set(principal, held);
        }
        const there = [...after].map(([principal, held]) => grant(principal, ...held));
        expect(grantChanges(declared, declared, there, US)).toEqual([]);
        const mine = new Set(
          before.flatMap(({ principal, privileges: list }) => list.map((one) => `${principal} ${one}`)),
        );
        for (const { principal, privileges: list } of live) {
          if (mine.has(`${principal} ALL_PRIVILEGES`)) continue; // taking it away takes the others with it
          for (const one of list.filter((each) => !mine.has(`${principal} ${each}`))) {
            expect(after.get(principal)?.has(one)).toBe(true);
          }
        }
      }),
    );
  });
});

test("of live grants, only what was declared is compared", () => {
  const declared = [grant("a", "SELECT", "MODIFY"), grant("b", "SELECT")];
  expect(declaredOf(declared, [grant("a", "SELECT", "MANAGE"), grant("c", "SELECT")], US)).toEqual([
    { principal: "a", privileges: ["SELECT"] },
  ]);
});
