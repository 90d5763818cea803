/**
 * An evidence document is kept where it can be neither deleted nor rewritten, or nothing is written and somebody reads what
 * to do. Against the simulated GitHub, with the token of a job that may write contents.
 */
import { describe, expect, it } from "vitest";
import type { GitHubScenarioInput } from "../simulator/github/scenario.ts";
import { FourTierError } from "../src/findings.ts";
import { type KeepRequest, keepDocument } from "../src/keep.ts";
import { sha256 } from "../src/sha256.ts";
import { fileOf, promotionDocument } from "./evidence-documents.ts";
import { addRun, connect, type World } from "./release/world.ts";
import { undisturbed } from "./run.ts";
import { begin } from "./simulator/github/harness.ts";

const BRANCH = "four-tier-evidence";
const ONLY_GROWS = { require_pull_request: false };
const GROWING: GitHubScenarioInput = { protected_branches: { main: {}, [BRANCH]: ONLY_GROWS } };

async function opened(scenario: GitHubScenarioInput = GROWING): Promise<World> {
  const world = await begin(scenario);
  world.repository.git("branch", BRANCH);
  return world;
}

interface Kept {
  readonly outputs?: Readonly<Record<string, string>>;
  readonly summary?: string;
  readonly findings: readonly { readonly id: string; readonly message: string; readonly remedy: string }[];
  readonly waits: readonly number[];
}

/** Keeps what a job of a new run made, or says what stood against it. */
async function keeping(
  world: World,
  change: Partial<KeepRequest> & { readonly document?: Parameters<typeof promotionDocument>[0] } = {},
): Promise<Kept> {
  const { document, ...rest } = change;
  const job = addRun(world, {}, "keep / keep");
  const runId = rest.run?.runId ?? String(job.run.id);
  const waits: number[] = [];
  const file = fileOf(promotionDocument({ ...document, run: { id: runId, ...document?.run } }));
  try {
    const result = await keepDocument({
      github: connect(world, job, { contents: "write" }),
      run: { owner: "acme", repository: "ml-pipelines", runId, runAttempt: 1 },
      contract: { project: "ml-pipelines", file: "four-tier.yml", evidenceBranch: BRANCH },
      tier: "staging",
      ...file,
      ...undisturbed(),
      pause: (milliseconds) => {
        waits.push(milliseconds);
        return Promise.resolve();
      },
      ...rest,
    });
    return { ...result, waits };
  } catch (error) {
    if (error instanceof FourTierError) return { findings: error.findings, waits };
    throw error;
  }
}

const ids = ({ findings }: Kept): string[] => findings.map(({ id }) => id);
const head = (world: World): string => world.repository.git("rev-parse", BRANCH);

describe("an evidence document", () => {
  it("is added by one commit, under project, tier, day, run and hash, and its link names that commit", async () => {
    await using world = await opened();
    const before = head(world);
    const kept = await keeping(world, {
      run: { owner: "acme", repository: "ml-pipelines", runId: "77", runAttempt: 3 },
    });
    expect(ids(kept)).toEqual([]);
    const { bytes, digest } = fileOf(promotionDocument({ run: { id: "77" } }));
    const path = `ml-pipelines/staging/2026-11-23/77-1-promotion-${digest}.json`;
    expect(kept.outputs).toEqual({
      kept: `https://github.com/acme/ml-pipelines/blob/${head(world)}/${path}`,
      "kept-commit": head(world),
      "kept-path": path,
    });
    expect(world.repository.git("rev-parse", `${BRANCH}^`)).toBe(before);
    expect(`${world.repository.git("show", `${BRANCH}:${path}`)}\n`).toBe(bytes.toString());
    expect(world.repository.git("log", "-1", "--format=%an: %B", BRANCH)).toBe(
      `github-actions[bot]: Evidence: promotion, staging, run 77, attempt 1\n\nSHA-256: ${digest}`,
    );
    expect(kept.summary).toContain(digest);
    expect(world.github.unmodelled).toEqual([]);
  });

  it("that is there with the same bytes is kept already, and nothing is written", async () => {
    await using world = await opened();
    const run = { owner: "acme", repository: "ml-pipelines", runId: "77", runAttempt: 1 };
    const first = await keeping(world, { run });
    const before = head(world);
    const second = await keeping(world, { run: { ...run, runAttempt: 2 } });
    expect(second.outputs).toEqual(first.outputs);
    expect(second.summary).toContain("kept already");
    expect(head(world)).toBe(before);
  });

  it("whose place has other bytes is an error, and those stay as they are", async () => {
    await using world = await opened();
    const run = { owner: "acme", repository: "ml-pipelines", runId: "77", runAttempt: 1 };
    const path = (await keeping(world, { run })).outputs?.["kept-path"] ?? "";
    world.repository.commit("Tidy up", { [path]: "{}\n" }, BRANCH);
    const before = head(world);
    const again = await keeping(world, { run });
    expect(ids(again)).toEqual(["evidence/changed"]);
    expect(again.findings[0]?.remedy).toContain(path);
    expect(head(world)).toBe(before);
  });

  it("of two tiers at the same moment is kept twice: who is refused looks again", async () => {
    await using world = await opened();
    const tiers = ["dev", "staging", "prod"] as const;
    const kept = await Promise.all(tiers.map((tier) => keeping(world, { tier, document: { tier, run: {} } })));
    expect(kept.flatMap(ids)).toEqual([]);
    const files = world.repository.git("ls-tree", "-r", "--name-only", BRANCH).split("\n");
    expect(files.map((file) => file.split("/")[1]).filter((tier) => tier !== undefined)).toEqual([
      "dev",
      "prod",
      "staging",
    ]);
  });

  it("whose answer was lost is looked for before it is sent again", async () => {
    const path = "/repos/acme/ml-pipelines/contents/ml-pipelines/staging/2026-11-23/*";
    await using world = await opened({ ...GROWING, faults: [{ method: "PUT", path, effect: "lost-answer" }] });
    const kept = await keeping(world);
    expect(ids(kept)).toEqual([]);
    expect(kept.waits).toEqual([1000]);
    expect(world.repository.git("rev-list", "--count", BRANCH)).toBe("2");
  });

  it("that others push beside for ever is given up after a while, as is what GitHub cannot take", async () => {
    const path = "/repos/acme/ml-pipelines/contents/ml-pipelines/staging/2026-11-23/*";
    const faults = [409, 422].map((effect) => ({ method: "PUT", path, effect, times: 5 }));
    await using world = await opened({ ...GROWING, faults });
    const before = head(world);
    for (const { effect } of faults) {
      const kept = await keeping(world);
      expect(ids(kept)).toEqual(["evidence/refused"]);
      expect(kept.findings[0]?.message).toContain(String(effect));
      expect(kept.waits).toEqual([1000, 4000, 9000, 16_000]);
    }
    expect(head(world)).toBe(before);
  });
});

describe("a branch", () => {
  it.each<[string, GitHubScenarioInput["protected_branches"], string[]]>([
    ["without rules", ["main"], ["deletion and non_fast_forward"]],
    ["that may be deleted", { [BRANCH]: { ...ONLY_GROWS, forbid_deletion: false } }, ["deletion"]],
    ["that may be rewritten", { [BRANCH]: { ...ONLY_GROWS, forbid_force_push: false } }, ["non_fast_forward"]],
    ["whose ruleset only evaluates", { [BRANCH]: { ...ONLY_GROWS, enforcement: "evaluate" } }, ["deletion and"]],
    ["with classic protection, which a job cannot read", { [BRANCH]: { by: "classic" } }, ["deletion and"]],
  ])("%s is refused, with the ruleset that it lacks", async (_name, protected_branches, words) => {
    await using world = await opened({ protected_branches });
    const before = head(world);
    const kept = await keeping(world);
    expect(ids(kept)).toEqual(["evidence/not-append-only"]);
    const [finding] = kept.findings;
    for (const word of words) expect(finding?.message).toContain(word);
    const [, ruleset = ""] = /<<< '(.+)'$/.exec(finding?.remedy ?? "") ?? [];
    expect(JSON.parse(ruleset)).toMatchObject({
      enforcement: "active",
      bypass_actors: [],
      conditions: { ref_name: { include: [`refs/heads/${BRANCH}`] } },
      rules: [{ type: "deletion" }, { type: "non_fast_forward" }],
    });
    expect(head(world)).toBe(before);
  });

  it("that is not there is not made, and the finding says how to make it", async () => {
    await using world = await begin();
    const kept = await keeping(world);
    expect(ids(kept)).toEqual(["evidence/no-branch"]);
    expect(kept.findings[0]?.remedy).toMatch(
      /git push origin .*:refs\/heads\/four-tier-evidence" Then add the ruleset: .*rulesets/,
    );
    expect(world.repository.git("branch", "--list", BRANCH)).toBe("");
  });

  it("that is the default branch takes no documents past its reviews", async () => {
    await using world = await opened({ protected_branches: { main: ONLY_GROWS } });
    const contract = { project: "ml-pipelines", file: "four-tier.yml", evidenceBranch: "main" };
    expect(ids(await keeping(world, { contract }))).toEqual(["evidence/default-branch"]);
  });

  it("whose rules cannot be read is unknown, which is no pass", async () => {
    const path = `/repos/acme/ml-pipelines/rules/branches/${BRANCH}`;
    await using world = await opened({ ...GROWING, faults: [{ path, effect: 403, times: 9 }] });
    const before = head(world);
    const kept = await keeping(world);
    expect(ids(kept)).toEqual(["evidence/rules-unseen"]);
    expect(kept.findings[0]?.remedy).toContain("non_fast_forward");
    expect(head(world)).toBe(before);
  });

  it.each([true, false])(
    "that asks for pull requests takes no file, which is said at once: 409 %s",
    async (conflict) => {
      await using world = await opened({
        protected_branches: { [BRANCH]: {} },
        assumptions: { rules_refuse_as_conflict: conflict },
      });
      const kept = await keeping(world);
      expect([ids(kept), kept.waits]).toEqual([["evidence/refused"], []]);
      expect(kept.findings[0]?.message).toContain("pull request");
    },
  );

  it("that the contract does not name is asked for, and not guessed", async () => {
    await using world = await opened();
    const contract = { project: "ml-pipelines", file: "four-tier.yml", evidenceBranch: undefined };
    expect(ids(await keeping(world, { contract }))).toEqual(["evidence/no-place"]);
  });

  it("is not written to without the permission, which is named", async () => {
    await using world = await opened();
    const github = connect(world, addRun(world, {}, "keep / keep"), { contents: "read" });
    const kept = await keeping(world, { github });
    expect(ids(kept)).toEqual(["github/permission"]);
    expect(kept.findings[0]?.message).toContain("contents: write");
  });
});

describe("what is not kept, before anything is asked", () => {
  const asked = (world: World): number => world.github.requests.length;

  it("is a file with other bytes than its maker said", async () => {
    await using world = await opened();
    const kept = await keeping(world, { digest: "0".repeat(64) });
    expect([ids(kept), asked(world)]).toEqual([["evidence/other-bytes"], 0]);
  });

  it.each([
    ["text", "not JSON"],
    ['{"kind":"promotion-evidence"}', "a document with nothing in it"],
    [
      JSON.stringify({ ...promotionDocument({ run: { id: "77" } }), more: true }),
      "one with a key that the schema lacks",
    ],
  ])("is %j", async (text) => {
    await using world = await opened();
    const bytes = Buffer.from(text);
    const kept = await keeping(world, { bytes, digest: sha256(bytes) });
    expect([ids(kept), asked(world)]).toEqual([["evidence/no-document"], 0]);
  });

  it.each<[string, Parameters<typeof promotionDocument>[0]]>([
    ["of another run", { run: { id: "1" } }],
    ["of an attempt that is still to come", { run: { attempt: 2 } }],
    ["of another repository", { repository: "evil/ml-pipelines", run: {} }],
    ["of another project", { project: "../..", run: {} }],
    ["of another tier", { tier: "prod", run: {} }],
    ["without its day", { written_at: "../../x", run: {} }],
  ])("is a document %s", async (_name, document) => {
    await using world = await opened();
    const kept = await keeping(world, { document });
    expect([ids(kept), asked(world)]).toEqual([["evidence/other-run"], 0]);
  });
});
