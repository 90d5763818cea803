import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { finderOf, findSecrets } from "./canary.ts";

describe("the search for secrets", () => {
  const secret = 'c4nary/"secret" of+é';

  it.each([
    ["as it is", `before ${secret} after`],
    ["URL-encoded", `?x=${encodeURIComponent(secret)}`],
    ["inside JSON", JSON.stringify({ a: [secret] })],
    ["inside JSON in JSON", JSON.stringify({ payload: JSON.stringify({ a: [secret] }) })],
    ["in a form", new URLSearchParams({ a: secret }).toString()],
    ["in base64 of itself", Buffer.from(secret).toString("base64")],
    ["in base64 of client:secret", Buffer.from(`id:${secret}`).toString("base64")],
    ["in base64, shifted by one", Buffer.from(`1234${secret}5`).toString("base64")],
    ["in base64, shifted by two", Buffer.from(`12345${secret}67`).toString("base64")],
    ["in base64url, as in a JWT", Buffer.from(`{"x":"${secret}"}`).toString("base64url")],
  ])("finds one %s", (_how, text) => {
    expect(findSecrets({ place: text }, [secret])).toHaveLength(1);
  });

  it("finds nothing where there is none", () => {
    expect(findSecrets({ place: "nothing to see" }, [secret])).toEqual([]);
  });

  it("finds in one pass what looking for each word finds", () => {
    const of = (unit: fc.Arbitrary<string>, maxLength: number) => fc.string({ unit, maxLength });
    const letter = fc.constantFrom("a", "b", "\\", "é");
    fc.assert(
      fc.property(fc.array(of(letter, 7)), of(letter, 60), (words, text) => {
        expect(finderOf(words)(text)).toEqual(new Set(words.filter((word) => text.includes(word))));
      }),
    );
  });
});
