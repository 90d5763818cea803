/** `record: job`: GitHub's own Deployment beside ours, and every gate still finds its way; what each promotion leaves. */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { readZip } from "../../simulator/runner/zip.ts";
import { expectRun, jobOf } from "./expect-run.ts";
import { openPlay, TIERS } from "./play.ts";

const play = openPlay({
  example: (path) =>
    edit(path(".github/workflows/promote.yml"), (text) =>
      text.replaceAll(/(allowed-hosts: .*)/g, "$1\n      record: job"),
    ),
});

it("goes through the chain twice, and each promotion leaves its evidence", async () => {
  await play.merge("first", "The first release", (path) => edit(path("README.md"), (text) => `${text}\n`));
  const first = await play.promote();
  expectRun(first).toSucceed();
  await play.merge("second", "The second", (path) => edit(path("src/models/train.py"), (text) => `${text}\n# 2\n`));
  const second = await play.promote();
  expectRun(second).toSucceed();
  for (const job of ["gate-to-staging / promote", "approve-to-prod / brief-live", "approve-to-prod / promote"]) {
    expect(jobOf(second, job).summary).toContain("```mermaid\nflowchart LR\n");
  }

  // One of the example's components is an experiment alone, without files: it has no folder that could be gone.
  expect(jobOf(second, "approve-to-prod / brief-live").summary).toContain("its files are still there");

  const { world } = play.stage.github;
  const tasks = (tier: string) =>
    world.deployments.filter(({ environment }) => environment === tier).map(({ task }) => task);
  for (const tier of TIERS) expect(tasks(tier)).toEqual(expect.arrayContaining(["deploy", "four-tier"]));
  // GitHub marked ours inactive, and it is believed all the same.
  const ours = world.deployments.filter(({ task, environment }) => task === "four-tier" && environment === "staging");
  expect(ours.map(({ statuses }) => statuses.at(-1)?.state)).toContain("inactive");

  const kept = world.artifacts.filter(({ name }) => name.startsWith("four-tier-evidence-"));
  expect(kept.map(({ name }) => /^four-tier-evidence-(\w+)-[0-9a-f]{64}-1$/.exec(name)?.[1])).toEqual([
    ...TIERS,
    ...TIERS,
  ]);
  const fits = new Ajv({ strict: true, strictRequired: false }).compile(
    JSON.parse(readFileSync("evidence.schema.json", "utf8")) as object,
  );
  for (const { zip } of kept) {
    const [file] = readZip(zip);
    expect(fits(JSON.parse(Buffer.from(file?.bytes ?? []).toString("utf8")))).toBe(true);
  }
});
