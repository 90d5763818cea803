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
    const reader = inputsOf(given({ deep: "True", "plan-digest": "e".repeat(64), "lock-wait-minutes": "0.5" }));
    expect([reader.flag("deep"), reader.digest("plan-digest", ""), reader.lockWaitMs(), reader.findings]).toEqual([
      true,
      "e".repeat(64),
      30_000,
      [],
    ]);
  });

  it("are refused all at once", () => {
    const all = { deep: "yes", "plan-digest": "e".repeat(63), "lock-wait-minutes": "soon" };
    expect(wrong(all)).toEqual(["input/deep", "input/plan-digest", "input/lock-wait-minutes"]);
  });

  it.each(["-1", "361", "Infinity"])("wait for no lock for %s minutes", (minutes) => {
    expect(wrong({ "lock-wait-minutes": minutes })).toEqual(["input/lock-wait-minutes"]);
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
