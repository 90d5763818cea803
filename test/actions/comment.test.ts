/** The built action comments on pull requests from a job that has nothing: no checkout, no credential of a tier. */
import { tmpdir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { named } from "../../simulator/github/permissions.ts";
import { addRun, connect, deployed, end, merged, promoteRun } from "../release/world.ts";
import { runAction } from "./harness.ts";
import { titles } from "./project.ts";

const MAY = { contents: "read", deployments: "read", actions: "read", "pull-requests": "write" } as const;

test("one comment, rewritten where it lies; what hinders it is a warning and no failure", async () => {
  const world = await merged();
  onTestFinished(() => world[Symbol.asyncDispose]());
  const { run, prod } = promoteRun(world);
  for (const tier of ["dev", "staging", "prod"] as const) await deployed(connect(world, prod), tier, run, world.commit);
  end(prod);
  const { comments } = world.github.world;
  const comment = async (inputs: Record<string, string>, may: Parameters<typeof named>[0] = MAY) => {
    const job = addRun(world, {}, "comment / comment");
    return runAction("promote", {
      inputs: { mode: "comment", tier: "prod", ...inputs },
      workspace: tmpdir(),
      apiUrl: world.github.apiUrl,
      githubToken: world.github.world.issue({ kind: "job", job, permissions: named(may) }),
      secrets: [],
    });
  };

  const first = await comment({});
  expect([first.exitCode, first.annotations, first.outputs["commented"]]).toEqual([0, [], "1"]);
  expect(first.summary).toContain("written");
  expect(comments.map(({ issue, user }) => [issue, user])).toEqual([[1, "github-actions[bot]"]]);
  expect(comments[0]?.body).toContain("**prod has this change**");

  for (const each of comments) each.body = each.body.replace("prod has", "nobody has");
  expect((await comment({})).outputs["commented"]).toBe("1");
  expect(comments).toHaveLength(1);
  expect(comments[0]?.body).toContain("**prod has this change**");

  const denied = await comment({ contract: "./four-tier.yml" }, { ...MAY, deployments: "none" });
  expect([denied.exitCode, denied.outputs["conclusion"]]).toEqual([0, "success"]);
  expect(denied.annotations.map(({ level, title }) => [level, title])).toEqual([["warning", "comment/not-read"]]);

  const wrong = await comment({ tier: "sandbox" });
  expect([wrong.exitCode, titles(wrong)]).toEqual([1, ["input/tier"]]);
});
