import { describe, expect, it } from "vitest";
import { readinessOf } from "../../src/release/readiness.ts";

const NOW = new Date("2026-11-24T12:00:00Z");
const HOUR = 3_600_000;

describe("a release that has just passed", () => {
  it.each([
    ["nothing is asked", [], { verifications: 0, soakMs: 0 }, true, 1],
    ["it is the one that is asked for", [], { verifications: 1, soakMs: 0 }, true, 1],
    [
      "it is the last of three",
      ["2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"],
      { verifications: 3, soakMs: 0 },
      true,
      3,
    ],
    ["one is missing", ["2026-11-24T11:00:00Z"], { verifications: 3, soakMs: 0 }, false, 2],
    ["it stood just long enough", ["2026-11-24T10:00:00Z"], { verifications: 1, soakMs: 2 * HOUR }, true, 2],
    ["it stands for a minute too short", ["2026-11-24T10:01:00Z"], { verifications: 1, soakMs: 2 * HOUR }, false, 2],
    ["it has only just come", [], { verifications: 1, soakMs: HOUR }, false, 1],
    [
      "a time is unreadable: the next oldest counts",
      ["", "2026-11-24T10:00:00Z"],
      { verifications: 1, soakMs: 2 * HOUR },
      true,
      3,
    ],
  ])("%s", (_name, earlier, asked, ready, verifications) => {
    expect(readinessOf(earlier, asked, NOW)).toMatchObject({ ready, verifications });
  });
});
