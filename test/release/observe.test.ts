import { describe, expect, it } from "vitest";
import { TAGS } from "../../src/bundle/marks.ts";
import type { Tier } from "../../src/contract/model.ts";
import { resolveTier } from "../../src/contract/tiers.ts";
import { findByTags } from "../../src/release/census.ts";
import type { Desired } from "../../src/release/change.ts";
import { observe } from "../../src/release/observe.ts";
import { contract } from "../bundle/bundles.ts";
import { DEV_ID, startTier } from "../ledger/tier.ts";

const tier: Tier = { ...resolveTier(contract(), "dev"), project: "ml-pipelines" };
const tags = (key: string): Record<string, string> => ({
  [TAGS.project]: "ml-pipelines",
  [TAGS.tier]: "dev",
  [TAGS.key]: key,
});
const desired: Desired = {
  key: "jobs.score",
  kind: "jobs",
  name: "score",
  settings: { name: "score" },
  permissions: undefined,
  component: "default",
  componentDigest: "a".repeat(64),
};
const question = { tier, principal: DEV_ID, ledger: undefined, desired: [desired] };
const job = (owner: string, name: string, more: Record<string, string> = {}) => ({
  owner,
  settings: { name, tags: more },
  permissions: [{ principal: "ml-pipelines-dev", level: "CAN_MANAGE" }],
});

describe("what is ours", () => {
  it("is found by its tags on any page of the list", async () => {
    const others = Array.from({ length: 150 }, (_, index) => job("mona@example.com", `other ${index}`));
    const { workspace, simulator } = await startTier({
      jobs: { dev: [...others, job("ml-pipelines-dev", "score", tags("jobs.score"))] },
    });
    const { live } = await observe(workspace, question);
    expect(live.get("jobs.score")).toMatchObject({ foundBy: "tags", name: "score" });
    const lists = simulator.requests.filter(({ path }) => path === "/api/2.2/jobs/list");
    expect(lists).toHaveLength(2);
  });

  it("is the one that our principal made, where somebody cloned it with its tags", async () => {
    const { workspace, simulator } = await startTier({
      jobs: {
        dev: [
          job("mona@example.com", "score (clone)", tags("jobs.score")),
          job("ml-pipelines-dev", "score", tags("jobs.score")),
        ],
      },
    });
    const { live, findings } = await observe(workspace, question);
    expect(findings).toEqual([]);
    expect(live.get("jobs.score")?.name).toBe("score");
    const id = await findByTags(workspace, tier, DEV_ID, desired);
    expect(id).toBe(String(simulator.world.job("dev", "score").id));
  });

  it("is nobody's guess if our principal made two of them", async () => {
    const twin = job("ml-pipelines-dev", "score", tags("jobs.score"));
    const { workspace } = await startTier({ jobs: { dev: [twin, twin] } });
    const { findings } = await observe(workspace, question);
    expect(findings).toMatchObject([{ id: "release/duplicate", severity: "error" }]);
  });

  it.each([
    ["another project", { [TAGS.project]: "other" }],
    ["another tier", { [TAGS.tier]: "prod" }],
    ["another key", { [TAGS.key]: "jobs.other" }],
  ])("is not what carries the tags of %s", async (_name, other) => {
    const { workspace } = await startTier({
      jobs: { dev: [job("ml-pipelines-dev", "score", { ...tags("jobs.score"), ...other })] },
    });
    expect((await observe(workspace, question)).live.get("jobs.score")).toBeUndefined();
  });
});

describe("what is not ours", () => {
  it("but has the name is told, with who manages it", async () => {
    const { workspace } = await startTier({
      jobs: {
        dev: [
          {
            ...job("mona@example.com", "score"),
            settings: { name: "score", deployment: { kind: "BUNDLE", metadata_file_path: "/x" } },
          },
        ],
      },
    });
    const { namesakes, live } = await observe(workspace, question);
    expect(live.get("jobs.score")).toBeUndefined();
    expect(namesakes).toMatchObject([{ key: "jobs.score", name: "score", adopted: false, managedBy: "bundle" }]);
  });

  it("any more, since the release dropped it long ago, is told as left over", async () => {
    const { workspace } = await startTier({ jobs: { dev: [job("ml-pipelines-dev", "old", tags("jobs.old"))] } });
    expect((await observe(workspace, question)).orphans).toMatchObject([{ key: "jobs.old", name: "old" }]);
  });
});
