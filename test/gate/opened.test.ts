/** A run that no person started: approved only if open-approval.yml opened it, for this very release. */
import { describe, expect, it } from "vitest";
import { evaluateGate } from "../../src/gate/evaluate.ts";
import { type GateFacts, known } from "../../src/gate/facts.ts";
import { goodFacts, openedRun } from "./facts.ts";

const ids = (change: Partial<GateFacts>) =>
  evaluateGate({ ...goodFacts(), ...change }).findings.map(({ severity, id }) => `${severity} ${id}`);
const reviewed = (user: string) =>
  known([{ environments: ["prod"], state: "approved", user, comment: "Read the brief." }]);
const good = goodFacts();
const opened = openedRun(good);

describe("a run that a workflow started", () => {
  it("is approved by a person, if ours opened it for this release", () => {
    expect(ids(opened)).toEqual([]);
  });

  it.each([
    ["nothing says who opened it", { openings: openedRun({ ...good, run: { ...good.run, id: "901" } }).openings }],
    ["what was opened is of another release", { candidate: { ...good.candidate, release: "9".repeat(64) } }],
    ["it is a push", { run: { ...opened.run, event: "push" } }],
  ])("is refused if %s", (_name, change) => {
    expect(ids({ ...opened, ...change })).toContain("error gate/approval-starter");
  });

  it("is not approved by who started what opened it", () => {
    expect(ids({ ...openedRun(good, "hubot"), approvals: reviewed("hubot") })).toEqual(["error gate/approval-self"]);
  });

  it("is not approved by an author of the release alone: nobody says who asked for it", () => {
    expect(ids({ ...opened, approvals: reviewed("octocat") })).toEqual(["error gate/approval-author"]);
  });

  it("is nobody's once a person runs it again", () => {
    const run = { ...opened.run, attempt: 2, triggeringActor: "hubot" };
    expect(ids({ ...opened, run })).toContain("error gate/approval-re-run");
  });
});
