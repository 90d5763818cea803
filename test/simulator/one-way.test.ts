/** What our code does not depend on, where the simulators turn nothing: held by what it does in a scenario of either kind. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { listDeployments } from "../../src/github/deployments.ts";
import type { ActionResult } from "../../src/report/report.ts";
import { failures, scene } from "../promotion.ts";
import { client, deployed, merged, promoteRun } from "../release/world.ts";
import { tasks } from "./meeting.ts";

const warnings = ({ findings }: ActionResult) =>
  findings.filter(({ severity }) => severity === "warning").map(({ id, message }) => [id, message]);

it("a job of the same name that is hidden is neither ours nor in the way", async () => {
  const hidden = { owner: "mona@example.com", settings: { name: "score", tasks } };
  const dev = await scene("dev", { jobs: { dev: [hidden] } });
  const { result } = await dev.promote();
  expect(failures(result)).toEqual([]);
  // nothing shows it, and that is said
  expect(warnings(result)).toEqual([["gate/adoption-unseen", expect.stringMatching(/jobs\.score/)]]);
  const both = dev.world.jobs("dev").filter(({ settings }) => settings["name"] === "score");
  expect(both.map(({ creator }) => creator).toSorted()).toEqual([
    "11111111-1111-4111-8111-111111111111",
    "mona@example.com",
  ]);
  const again = await dev.promote();
  expect([again.writes, warnings(again.result)]).toEqual([[], []]);
});

it("a record that was set inactive is still read", async () => {
  await using world = await merged();
  const { run } = promoteRun(world);
  const github = client(world, world.github.userToken("hubot"));
  await deployed(github, "staging", run, world.commit);
  const record = world.github.world.deployments.at(-1);
  if (record === undefined) throw new Error("nothing was recorded");
  world.github.world.addStatus(
    record,
    { state: "inactive", creator: "hubot", description: "", environment: "staging", environmentUrl: "", logUrl: "" },
    false,
  );
  const found = [];
  for await (const { id } of listDeployments(github, { environment: "staging", task: record.task })) found.push(id);
  expect(found).toEqual([String(record.id)]);
});

it("the next start decides nothing: what reads it only says it", () => {
  const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const readers = sources.filter((name) => /from "\.{1,2}\/.*\bnext\.ts"/.test(readFileSync(`src/${name}`, "utf8")));
  expect(readers.filter((name) => !/^(report\/|schedules|release\/brief)/.test(name))).toEqual([]);
});

it("an environment that is not named is never entered: its job is skipped, or its name has a default", () => {
  const given = readdirSync(".github/workflows").flatMap((name) => {
    const text = readFileSync(`.github/workflows/${name}`, "utf8");
    return text.split(/^ {2}(?=[\w-]+:$)/m).flatMap((job) => {
      const input = /^ {4}environment:(?: |\n {6}name: )\$\{\{ inputs\.([\w-]+) \}\}/m.exec(job)?.[1];
      return input === undefined || input === "nameless" ? [] : [{ name, text, job, input }];
    });
  });
  expect(given.length).toBeGreaterThan(1);
  const entered = given.filter(({ text, job, input }) => {
    const named = new RegExp(`^ {6}${input}:\\n(?: {8}.*\\n)*? {8}default: [\\w-]+$`, "m").test(text);
    return !named && !new RegExp(`^ {4}if: .*inputs\\.${input} != ''`, "m").test(job);
  });
  expect(entered.map(({ name }) => name)).toEqual([]);
});
