import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bounded, mapBounded } from "../../src/http/pool.ts";
import { Redactor } from "../../src/http/redact.ts";
import { parseRetryAfter, waitBefore } from "../../src/http/retry.ts";

describe("Retry-After", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");

  it.each([
    ["5", 5_000],
    [" 0 ", 0],
    ["1.5", 1_500],
    ["Mon, 23 Nov 2026 12:00:30 GMT", 30_000],
    ["Mon, 23 Nov 2026 11:00:00 GMT", 0],
    ["-1", undefined],
    ["soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s", (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });

  it("never makes a wait shorter than the back-off nor longer than the cap", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.string(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, text, random) => {
          const backoff = waitBefore(attempt, undefined, now, random);
          const wait = waitBefore(attempt, text, now, random);
          expect(wait).toBeGreaterThanOrEqual(backoff);
          expect(wait).toBeLessThanOrEqual(120_000);
          expect(backoff).toBeLessThanOrEqual(10_750);
        },
      ),
    );
  });
});

describe("the pool", () => {
  it("keeps the order of the items and never runs more than the limit", async () => {
    let running = 0;
    let most = 0;
    const results = await mapBounded([30, 10, 20, 5, 1], 2, async (item, index) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
      running -= 1;
      return `${index}:${item}`;
    });
    expect(results).toEqual(["0:30", "1:10", "2:20", "3:5", "4:1"]);
    expect(most).toBe(2);
  });

  it("starts nothing new after a failure, and waits for what runs before it throws", async () => {
    const started: number[] = [];
    let ended = false;
    const run = mapBounded([0, 1, 2, 3, 4], 2, async (item) => {
      started.push(item);
      await Promise.resolve();
      if (item === 0) throw new Error("first");
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      ended = true;
    });
    await expect(run).rejects.toThrow("first");
    expect(started).toEqual([0, 1]);
    expect(ended).toBe(true);
  });

  it("takes an empty list, and refuses a limit that is none", async () => {
    expect(await mapBounded([], 3, async () => 1)).toEqual([]);
    await expect(mapBounded([1], 0, async () => 1)).rejects.toThrow(RangeError);
  });
});

describe("redaction", () => {
  it.each([
    "Authorization: Bearer abc.def-ghi_123456",
    "Basic dXNlcjpwYXNzd29yZA==",
    "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "dapi0123456789abcdef0123456789abcdef",
    '{"client_secret": "canary-x"}',
    "grant_type=x&subject_token=canary-y&scope=z",
    "http://user:canary@proxy:8080/",
  ])("takes out what has the shape of a credential: %s", (text) => {
    const cleaned = new Redactor().clean(text);
    expect(cleaned).toContain("***");
    expect(cleaned).not.toMatch(/canary|abc\.def|dXNlcjp|c2lnbmF|0123456789abcdef/);
  });

  it("leaves ordinary text alone, flattens it and cuts it", () => {
    expect(new Redactor().clean("Job 7\n does not exist.")).toBe("Job 7 does not exist.");
    expect(new Redactor().clean("x".repeat(600))).toHaveLength(501);
  });
});

describe("a pool that several share", () => {
  it("runs no more at once than it may, in the order asked, whoever asks, and goes on after a failure", async () => {
    const inTurn = bounded(2);
    let running = 0;
    let most = 0;
    const begun: number[] = [];
    const work = (index: number) =>
      inTurn(async () => {
        begun.push(index);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running -= 1;
        if (index === 1) throw new Error("no");
        return index;
      });
    const all = await Promise.allSettled([0, 1, 2, 3, 4].map(work));
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
    expect([most, running, begun]).toEqual([2, 0, [0, 1, 2, 3, 4]]);
    expect(await work(5)).toBe(5);
  });
});
