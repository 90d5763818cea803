import { describe, expect, it } from "vitest";
import { hasCredential, inputsOf, listOf, wordsOf } from "../src/actions/inputs.ts";
import { FourTierError } from "../src/findings.ts";
import { RUN } from "./run.ts";

const given = (inputs: Readonly<Record<string, string>>) => ({ run: RUN, input: (name: string) => inputs[name] ?? "" });

/** What is wrong once all of it was read. */
function wrong(inputs: Readonly<Record<string, string>>): readonly string[] {
  const reader = inputsOf(given(inputs));
  reader.flag("deep");
  reader.digest("plan-digest", "Hand it on unchanged.");
  reader.lockWaitMs();
  try {
    reader.done();
    return [];
  } catch (error) {
    if (!(error instanceof FourTierError)) throw error;
    return error.findings.map(({ id }) => id);
  }
}

describe("inputs", () => {
  it("may all be left out", () => {
    const reader = inputsOf(given({}));
    expect([reader.flag("deep"), reader.digest("plan-digest", ""), reader.lockWaitMs(), reader.findings]).toEqual([
      false,
      "",
      30 * 60_000,
      [],
    ]);
    expect(() => reader.done()).not.toThrow();
  });

  it("are taken as GitHub and people write them", () => {
    const reader = inputsOf(given({ deep: "true", "plan-digest": "e".repeat(64), "lock-wait-minutes": "5" }));
    expect([reader.flag("deep"), reader.digest("plan-digest", ""), reader.lockWaitMs(), reader.findings]).toEqual([
      true,
      "e".repeat(64),
      5 * 60_000,
      [],
    ]);
  });

  it("are refused all at once", () => {
    const all = { deep: "yes", "plan-digest": "e".repeat(63), "lock-wait-minutes": "soon" };
    expect(wrong(all)).toEqual(["input/deep", "input/plan-digest", "input/lock-wait-minutes"]);
  });

  it.each(["-1", "361", "Infinity", "0.5", "1e1"])("wait for no lock for %s minutes", (minutes) => {
    expect(wrong({ "lock-wait-minutes": minutes })).toEqual(["input/lock-wait-minutes"]);
  });

  it("are one of a few values: what was probably meant is said, and what must be given is missed", () => {
    const reader = inputsOf(given({ mode: "chek" }));
    const modes = ["check", "repair"] as const;
    expect(reader.oneOf("mode", modes, "repair")).toBe("repair");
    expect(reader.needed("tier", ["dev", "prod"])).toBeUndefined();
    expect([reader.oneOf("proof", modes, "check"), reader.needed("tier", [""])]).toEqual(["check", ""]);
    expect(reader.findings.map(({ message, remedy }) => `${message} ${remedy}`)).toEqual([
      "The input mode is chek, which it cannot be. Did you mean check? Give it one of these: check, repair.",
      "The input tier is not given. Give it one of these: dev, prod.",
    ]);
  });

  it.each([
    ["true", "True", "TRUE"],
    ["false", "False", "FALSE"],
  ])("are booleans as YAML and GitHub's own toolkit write them: %s, %s, %s", (...spellings) => {
    for (const spelling of spellings) {
      const reader = inputsOf(given({ deep: spelling }));
      expect([reader.flag("deep"), reader.findings]).toEqual([spellings[0] === "true", []]);
    }
  });

  it.each(["yes", "on", "1", "tRUE", "constructor", "null"])("are no booleans where they say %s", (text) => {
    expect(wrong({ deep: text })).toEqual(["input/deep"]);
  });

  it("are what the action says where a flag is left out", () => {
    expect(inputsOf(given({})).flag("dry-run", true)).toBe(true);
    expect(inputsOf(given({ "dry-run": "false" })).flag("dry-run", true)).toBe(false);
  });

  it("list names by blanks or commas, and other things by lines or commas", () => {
    expect(wordsOf(" jobs.score,\n pipelines.silver  jobs.train ")).toEqual([
      "jobs.score",
      "pipelines.silver",
      "jobs.train",
    ]);
    expect(listOf("one thing\n\n another, and a third ")).toEqual(["one thing", "another", "and a third"]);
  });

  it("say whether there is something to sign in with", () => {
    expect(hasCredential(given({}))).toBe(false);
    expect(hasCredential(given({ "client-secret": "dose" }))).toBe(true);
    expect(hasCredential({ ...given({}), run: { ...RUN, oidc: { url: "https://token", token: "t" } } })).toBe(true);
  });
});
