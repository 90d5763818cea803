import { describe, expect, it } from "vitest";
import { mapBounded } from "../../src/http/pool.ts";
import { alongside, journal } from "../../src/ledger/journal.ts";

/** A call that ends when it is told to. */
function told() {
  const open: { end(): void; fail(error: Error): void }[] = [];
  const call = (): Promise<void> =>
    new Promise((resolve, reject) => open.push({ end: () => resolve(), fail: (error) => reject(error) }));
  return { open, call };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a check alongside writes", () => {
  it("is waited for by the first writes, and not by those that follow", async () => {
    const { open, call } = told();
    const check = alongside(call);
    let begun = 0;
    const first = Promise.all([check(), check()]).then(() => (begun += 2));
    await turn();
    expect([begun, open.length]).toEqual([0, 1]);
    open[0]?.end();
    await first;
    await check();
    expect([begun, open.length]).toEqual([2, 2]);
  });

  it("lets at most 16 writes begin while its answer is on the way, and none after a loss", async () => {
    const { open, call } = told();
    const check = alongside(call);
    const asked = check();
    open[0]?.end();
    await asked;
    let begun = 0;
    const writing = mapBounded(Array.from({ length: 100 }), 8, async () => {
      await check();
      begun += 1;
    });
    await turn();
    expect([begun, open.length]).toEqual([16, 2]);
    open[1]?.fail(new Error("lost"));
    await expect(writing).rejects.toThrow("lost");
    expect(begun).toBe(16);
    await expect(check()).rejects.toThrow("lost");
  });
});

describe("a journal", () => {
  it("writes behind, one at a time, and at the end everything", async () => {
    const { open, call } = told();
    const ids = journal(call, 3);
    for (let note = 0; note < 2; note += 1) ids.note();
    expect(open).toHaveLength(0);
    for (let note = 0; note < 4; note += 1) ids.note();
    await turn();
    expect(open).toHaveLength(1); // the second batch waits for the first
    open[0]?.end();
    await turn();
    expect(open).toHaveLength(2);
    ids.note();
    const written = ids.written();
    open[1]?.end();
    await turn();
    expect(open).toHaveLength(3); // the last note
    open[2]?.end();
    await written;
    await ids.written();
    expect(open).toHaveLength(3); // nothing new, nothing written
  });

  it("that could not be written lets nothing more be made", async () => {
    const ids = journal(() => Promise.reject(new Error("lost")), 1);
    ids.note();
    await turn();
    expect(() => ids.note()).toThrow("lost");
    await expect(ids.written()).rejects.toThrow("lost");
  });
});
