/** The decisions of the built action: recorded on GitHub, kept in the tier, and met by the next promotion. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { project, titles } from "./project.ts";

const DISPATCH = { event: "workflow_dispatch" };

test("a tier is held, a release rejected, and both lifted; promotions meet them in the ledger", async () => {
  const { hub, run } = await project();
  const held = await run({ mode: "hold", tier: "dev", reason: "incident 7", until: "2099-01-01" }, DISPATCH);
  expect(titles(held)).toEqual([]);
  expect(held.outputs["statement"]).toBe("Hold dev, promotions, until 2099-01-01");
  const evidence = readFileSync(held.outputs["evidence-file"] ?? "", "utf8");
  expect(JSON.parse(evidence)).toMatchObject({ operation: "hold", reason: "incident 7", until: "2099-01-01" });
  expect(held.outputs["evidence-digest"]).toBe(createHash("sha256").update(evidence).digest("hex"));
  const record = hub.world.deployments.find(({ task }) => task === "four-tier-operation");
  expect(record).toMatchObject({ environment: "dev", payload: { kind: "hold", hold: "tier", reason: "incident 7" } });
  expect(record?.statuses.at(-1)?.state).toBe("inactive");

  const refused = await run({ mode: "promote", tier: "dev" });
  expect(titles(refused)).toEqual(["gate/hold-held"]);
  await run({ mode: "resume", tier: "dev", reason: "over" }, DISPATCH);
  const promoted = await run({ mode: "promote", tier: "dev" });
  expect(titles(promoted)).toEqual([]);

  const release = promoted.outputs["release-digest"] ?? "";
  await run({ mode: "reject", tier: "dev", "release-digest": release, reason: "bad" }, DISPATCH);
  expect(titles(await run({ mode: "promote", tier: "dev" }))).toEqual(["gate/rejects-rejected"]);
  await run({ mode: "accept", tier: "dev", "release-digest": release, reason: "not so bad" }, DISPATCH);
  expect(titles(await run({ mode: "promote", tier: "dev" }))).toEqual([]);
});

test("what is missing or malformed is said at once, before anything is asked", async () => {
  const { account, hub, run } = await project();
  const before = hub.requests.length;
  const wrong = async (inputs: Record<string, string>) => titles(await run({ tier: "prod", ...inputs }, DISPATCH));
  expect(await wrong({ mode: "reject" })).toEqual(["input/reason", "input/release-digest"]);
  expect(await wrong({ mode: "approve", "plan-digest": "abc" })).toEqual(["input/release-digest", "input/plan-digest"]);
  expect(await wrong({ mode: "hold", reason: "x", until: "2026-02-30" })).toEqual(["input/until"]);
  expect(await wrong({ mode: "resume", reason: "x", until: "2026-02-28" })).toEqual(["input/until"]);
  expect(account.simulator.requests).toEqual([]);
  expect(hub.requests).toHaveLength(before);
});

test("a decision of a push is refused, since no gate would believe it", async () => {
  const { account, hub, run } = await project();
  const refused = await run({ mode: "hold", tier: "prod", reason: "x" });
  expect(titles(refused)).toEqual(["operate/not-dispatched"]);
  const schedules = { tier: "prod", reason: "x", mode: "hold", selector: "all" };
  expect(titles(await run(schedules, { action: "pause-pipelines" }))).toEqual(["operate/not-dispatched"]);
  const onBranch = { action: "pause-pipelines", event: "workflow_dispatch", ref: "refs/heads/mine" };
  expect(titles(await run({ tier: "prod", reason: "x", mode: "resume", hold: "all" }, onBranch))).toEqual([
    "operate/not-dispatched",
  ]);
  expect(hub.world.deployments).toEqual([]);
  expect(account.simulator.requests).toEqual([]);
});
