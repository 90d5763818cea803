/** What is opened and what is cancelled: cases by hand, then all situations that a seed can think of. */
import { describe, expect, it } from "vitest";
import { decideOpening, isSuperseded, type SeenRun, type Situation } from "../../src/release/opening.ts";

const waiting: SeenRun = {
  id: "1",
  url: "https://gh.example/runs/1",
  status: "waiting",
  conclusion: undefined,
  commit: "a".repeat(40),
  relation: "ahead",
  waitsFor: ["prod"],
  busy: false,
  decided: undefined,
};
const calm: Situation = {
  environment: "prod",
  notReady: undefined,
  openedBefore: undefined,
  has: { same: false, relation: "ahead" },
  runs: [],
};

describe("a release that is ready", () => {
  it.each<[string, Partial<Situation>, string | undefined]>([
    ["is opened", {}, undefined],
    ["is opened where the tier has nothing yet", { has: undefined }, undefined],
    ["is opened beside an older one that waits", { runs: [waiting] }, undefined],
    ["is not, if it is not ready", { notReady: "It must stand for 24 h." }, "It must stand for 24 h."],
    ["is not, if the tier has it", { has: { same: true, relation: "identical" } }, "has this release already"],
    ["is not, if the tier has something newer", { has: { same: false, relation: "behind" } }, "not older"],
    ["is not, if nobody can say which is newer", { has: { same: false, relation: undefined } }, "not older"],
    ["is not twice by itself", { openedBefore: { url: "https://gh.example/runs/9" } }, "opened before, in https"],
    ["is not while a run promotes it", { runs: [{ ...waiting, relation: "identical" }] }, "promotes it already"],
    [
      "is not after somebody rejected it",
      { runs: [{ ...waiting, relation: "identical", status: "completed", decided: "rejected" }] },
      "Somebody rejected it",
    ],
    [
      "is opened after a run of it that failed by itself",
      { runs: [{ ...waiting, relation: "identical", status: "completed", conclusion: "failure" }] },
      undefined,
    ],
    ["is not before a newer one", { runs: [{ ...waiting, relation: "behind" }] }, "a newer release"],
  ])("%s", (_name, change, shut) => {
    const { keptShut } = decideOpening({ ...calm, ...change });
    expect(keptShut ?? "opened").toContain(shut ?? "opened");
  });
});

describe("a run that waits", () => {
  it.each<[string, Partial<SeenRun>, boolean]>([
    ["for the approval of an older release is superseded", {}, true],
    ["for another environment too is not", { waitsFor: ["prod", "prod-ops"] }, false],
    ["for nothing is not", { waitsFor: [] }, false],
    ["while another of its jobs is at work is not", { busy: true }, false],
    ["and was approved is not", { decided: "approved" }, false],
    ["for a newer release is not", { relation: "behind" }, false],
    ["for the same release is not", { relation: "identical" }, false],
    ["for what is on another branch is not", { relation: "diverged" }, false],
    ["for nobody knows what is not", { commit: undefined, relation: undefined }, false],
    ["no longer is not", { status: "in_progress" }, false],
  ])("%s", (_name, change, superseded) => {
    expect(decideOpening({ ...calm, runs: [{ ...waiting, ...change }] }).superseded).toHaveLength(superseded ? 1 : 0);
  });

  it("is left alone by a release that is not ready, that the tier has, or that is older itself", () => {
    const runs = [waiting];
    expect(decideOpening({ ...calm, runs, notReady: "Not yet." }).superseded).toEqual([]);
    expect(decideOpening({ ...calm, runs, has: { same: true, relation: "identical" } }).superseded).toEqual([]);
    expect(decideOpening({ ...calm, runs, has: { same: false, relation: "behind" } }).superseded).toEqual([]);
    expect(decideOpening({ ...calm, runs: [waiting, { ...waiting, relation: "behind" }] }).superseded).toEqual([]);
  });
});

it("never cancels what is newer, the same, unknown, approved or at work, and opens nothing that is open, whatever there is", () => {
  const pick = randomly(20_261_124);
  const relations = ["ahead", "behind", "identical", "diverged", undefined] as const;
  for (let round = 0; round < 5000; round += 1) {
    const runs = Array.from({ length: pick([0, 1, 2, 3, 4]) }, (_, index): SeenRun => {
      const relation = pick(relations);
      return {
        ...waiting,
        id: String(index),
        status: pick(["waiting", "queued", "in_progress", "completed"]),
        relation,
        waitsFor: pick([[], ["prod"], ["staging"], ["prod", "staging"]]),
        busy: pick([true, false]),
        decided: pick(["approved", "rejected", undefined]),
      };
    });
    const situation: Situation = {
      environment: "prod",
      notReady: pick(["Not yet.", undefined, undefined]),
      openedBefore: pick([{ url: "https://gh.example" }, undefined, undefined]),
      has: pick([undefined, { same: pick([true, false]), relation: pick(relations) }]),
      runs,
    };
    const { keptShut, superseded } = decideOpening(situation);
    for (const run of superseded) {
      expect(run).toMatchObject({ status: "waiting", relation: "ahead", busy: false, waitsFor: ["prod"] });
      expect(run.decided).toBeUndefined();
      expect(isSuperseded(run, "prod")).toBe(true);
    }
    const settled = situation.notReady !== undefined || situation.has?.same === true;
    expect(settled && (keptShut === undefined || superseded.length > 0)).toBe(false);
    const open = runs.some(
      ({ relation, status }) =>
        relation !== undefined && relation !== "ahead" && relation !== "diverged" && status !== "completed",
    );
    expect(keptShut === undefined && (open || situation.openedBefore !== undefined)).toBe(false);
  }
});

/** The same picks for the same seed. */
function randomly(seed: number) {
  let state = seed;
  return <T>(choices: readonly T[]): T => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return choices[Math.floor((state / 2 ** 32) * choices.length)] as T;
  };
}
