/** A release soaks in staging without a run parked for it; once it is ready its approval is opened, and older ones end. */
import { cpSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import type { ReviewDecision } from "../../simulator/runner/runner.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { PROD, STAGING } from "./jobs.ts";
import { openPlay } from "./play.ts";

const OPEN = "open-approval / open";
const HOUR = 3_600_000;

describe("soak", () => {
  const play = openPlay({
    example: (path) => {
      const pin = /@([0-9a-f]{40}) # a release/.exec(readFileSync(path(".github/workflows/validate.yml"), "utf8"))?.[1];
      cpSync("examples/soak", path("."), { recursive: true });
      for (const name of ["promote", "promote-to-prod", "verify"]) {
        edit(path(`.github/workflows/${name}.yml`), (text) => text.replaceAll("0".repeat(40), pin ?? ""));
      }
      edit(path("four-tier.yml"), (text) =>
        text.replace("      approvers: not_actor\n", "$&      soak: 24h\n      verifications: 2\n"),
      );
    },
  });
  const WAIT = (): ReviewDecision => "wait";
  const verify = () => play.promote({ workflow: "verify.yml", event: "schedule", actor: "ada", reviewer: WAIT });
  const opened = () => play.stage.github.world.runs.filter(({ path }) => path.endsWith("/promote-to-prod.yml"));

  /** All that GitHub knows happened so much earlier. */
  const passes = (milliseconds: number): void => {
    const { world } = play.stage.github;
    const earlier = (at: string): string =>
      new Date(Date.parse(at) - milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
    for (const one of world.deployments) Object.assign(one, { createdAt: earlier(one.createdAt) });
    for (const job of world.runs.flatMap(({ jobs }) => jobs)) {
      Object.assign(job, { startedAt: earlier(job.startedAt) });
      if (job.completedAt !== null) job.completedAt = earlier(job.completedAt);
    }
  };

  const decide = async (id: number, state: "approved" | "rejected"): Promise<void> => {
    const { world } = play.stage.github;
    const run = world.runs.find((one) => one.id === id);
    if (run === undefined) throw new Error(`There is no run ${id}`);
    await expect.poll(() => run.pending.length, { timeout: 120_000 }).toBe(1);
    world.decide(run, [world.environment("prod").id], "ada", state, "Read the brief.");
  };

  it("is waited for without a run; when it is reached, one is opened, once, and a person lets it in; wheels come along", async () => {
    const { commit } = await play.merge("first", "The first release", (path) =>
      edit(path("README.md"), (text) => `${text}\n`),
    );
    expectRun(await play.promote()).toSucceed(STAGING);
    const early = await verify();
    expect(jobOf(early, "open-approval").conclusion).toBe("skipped");
    expect(textOf(early, "verify / verify")).toMatch(
      /Not ready for prod, as its gate would say: Release [0-9a-f]{12} must stand in staging for 1d;/,
    );
    expect(opened()).toEqual([]);

    passes(25 * HOUR);
    const late = await verify();
    expectRun(late).toSucceed(OPEN);
    const [run, ...others] = opened();
    if (run === undefined) throw new Error("Nothing was opened");
    expect(others).toEqual([]);
    expect(jobOf(late, OPEN).outputs).toMatchObject({ opened: String(run.id) });
    expect(run).toMatchObject({ actor: "github-actions[bot]", headBranch: "main" });

    // While it waits, and after it, no second one.
    const again = await verify();
    expectRun(again).toSucceed(OPEN);
    expect(textOf(again, OPEN)).toContain("It was opened before");
    expect(opened()).toHaveLength(1);

    await decide(run.id, "approved");
    expectRun(await play.ended(run.id)).toSucceed(PROD);
    expect(play.ledger("prod").release.commit).toBe(commit);
    expect(textOf(await verify(), OPEN)).toContain("The tier has this release already");
  });

  it("of a newer release ends the older one's wait, by name; and what no opening names is not approved", async () => {
    await play.merge("second", "The second release", (path) =>
      edit(path("src/models/train.py"), (text) => `${text}# 2\n`),
    );
    expectRun(await play.promote()).toSucceed(STAGING);
    passes(25 * HOUR);
    expectRun(await verify()).toSucceed(OPEN);
    const older = opened().at(-1);
    if (older === undefined) throw new Error("Nothing was opened");
    await expect.poll(() => older.pending.length, { timeout: 120_000 }).toBe(1);

    const { commit } = await play.merge("third", "The third release", (path) =>
      edit(path("src/models/train.py"), (text) => `${text}# 3\n`),
    );
    expectRun(await play.promote()).toSucceed(STAGING);
    passes(25 * HOUR);
    const late = await verify();
    expect(jobOf(late, OPEN).outputs["superseded"]).toBe(String(older.id));
    expect(textOf(late, OPEN)).toContain(`Cancelled: run ${older.id}`);
    expect((await play.ended(older.id)).conclusion).toBe("cancelled");

    const newer = opened().at(-1);
    if (newer === undefined) throw new Error("Nothing was opened");
    // Whoever can push can let a workflow start the same; no record names that run.
    const { outputs } = jobOf(late, "verify / verify");
    const wheels = play.stage.github.world.artifacts.findLast(({ name }) => name.startsWith("four-tier-artifacts-"));
    const stranger = await play.promote({
      workflow: "promote-to-prod.yml",
      event: "workflow_dispatch",
      actor: "github-actions[bot]",
      inputs: {
        commit,
        "release-digest": outputs["release-digest"] ?? "",
        artifacts: wheels?.name ?? "",
        "artifacts-run": String(wheels?.run.id),
      },
    });
    expectRun(stranger).toStopAt(PROD, "gate/approval-starter");

    await decide(newer.id, "approved");
    expectRun(await play.ended(newer.id)).toSucceed(PROD);
    expect(play.ledger("prod").release.commit).toBe(commit);
  });
});
