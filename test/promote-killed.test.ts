import { describe, expect, it } from "vitest";
import type { Workspace } from "../src/databricks/workspace.ts";
import { failures, jobWrites, names, type Scene, scene } from "./promotion.ts";
import { BUNDLE } from "./promotion-files.ts";

const MORE = 40;

/** The small project and many jobs that need nothing of each other. */
function withJobs(count: number): Promise<Scene> {
  const more = Array.from({ length: count }, (_, n) => `    more_${n}:\n      name: more ${n}\n`);
  return scene("dev", {}, { "databricks.yml": `${BUNDLE.trimEnd()}\n${more.join("")}` });
}

/**
 * A run that is killed when it has the answers to `k` creates of jobs: what it has sent still takes effect, no answer
 * reaches it any more, and it sends nothing.
 */
function killedAfter(k: number) {
  const sent = new Set<Promise<unknown>>();
  let answers = 0;
  let dead = (): void => undefined;
  const death = new Promise<void>((resolve) => (dead = resolve));
  const never = new Promise<never>(() => undefined);
  const through = (workspace: Workspace): Workspace => ({
    ...workspace,
    call: async (request) => {
      if (answers >= k) return never;
      const sending = workspace.call(request);
      sent.add(sending);
      const answer = await sending.finally(() => sent.delete(sending));
      if (answers >= k) return never;
      if (request.path.endsWith("/jobs/create") && ++answers === k) dead();
      return answer;
    },
  });
  /** Resolves when it is dead and the service has done what it had been sent. */
  const gone = async (): Promise<void> => {
    await death;
    await Promise.allSettled(sent);
  };
  return { through, gone };
}

describe("a run that is killed among creates that run side by side", () => {
  it.each([1, 3, 8, 20, 39, 43])("after %i answers: the next one makes none twice, and finishes", async (k) => {
    const dev = await withJobs(MORE);
    const { through, gone } = killedAfter(k);
    void dev.promote({ through });
    await gone();
    const made = dev.world.jobs("dev").length;
    expect(made).toBeGreaterThanOrEqual(k);

    const next = await dev.promote({ runHasEnded: () => Promise.resolve(true) });
    expect(failures(next.result)).toEqual([]);
    const all = names(dev);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(4 + MORE);
    const creates = dev.writes().filter((write) => write.endsWith("/jobs/create"));
    expect(creates).toHaveLength(3 + MORE);
    expect(jobWrites((await dev.promote()).writes)).toEqual([]);
  });
});

describe("the first promotion", () => {
  it("costs a create and a read back a resource, a write a file, and little else however big it is", async () => {
    const small = await countsOf(await withJobs(1));
    const big = await countsOf(await withJobs(1 + MORE));
    expect(small).toMatchObject({ "jobs/create": 4, "jobs/get": 4, "content write": 8, "ledger write": 3 });
    expect(big).toEqual({
      ...small,
      "jobs/create": small["jobs/create"] + MORE,
      "jobs/get": small["jobs/get"] + MORE,
      "ledger write": small["ledger write"] + 1, // new ids are written down once more
      check: expect.any(Number) as number,
    });
    // A check of the lock is two requests, and in no case more than one check a write.
    expect(big.check - small.check).toBeLessThanOrEqual(2 * MORE);
  });
});

type Counted = "jobs/create" | "jobs/get" | "content write" | "ledger write" | "check";

/** How often each kind of request was sent by a first promotion. */
async function countsOf(dev: Scene): Promise<Record<Counted, number> & Record<string, number>> {
  const before = dev.simulator.requests.length;
  expect(failures((await dev.promote()).result)).toEqual([]);
  const counts: Record<Counted, number> & Record<string, number> = {
    "jobs/create": 0,
    "jobs/get": 0,
    "content write": 0,
    "ledger write": 0,
    check: 0,
  };
  for (const { method, path } of dev.simulator.requests.slice(before)) {
    const kind = kindOf(`${method} ${decodeURIComponent(path)}`);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function kindOf(request: string): string {
  if (request.includes("/import-file/")) {
    if (request.endsWith("/ledger.json")) return "ledger write";
    return request.includes("/releases/") ? "content write" : "lock write";
  }
  // A check of the lock lists its folder and reads it; so do few other looks.
  if (request === "GET /api/2.0/workspace/list" || request === "GET /api/2.0/workspace/export") return "check";
  if (/^GET .*\/(pipelines|directories)\/[0-9a-f-]+$/.test(request)) return "read by id";
  return request.split("/").slice(-2).join("/");
}
