import { describe, expect, it } from "vitest";
import { daysOf, documentPath, readDocument } from "../../src/release/kept-document.ts";
import { fileOf, promotionDocument } from "../evidence-documents.ts";

const DAY = 86_400_000;
const at = (time: string): number => Date.parse(time);

describe("the place of a document", () => {
  it("says project, tier, day, run, attempt, what it is of, and its hash", () => {
    const of = {
      kind: "rollback-evidence" as const,
      project: "churn",
      tier: "prod" as const,
      written_at: "2026-11-30T23:59:59.999Z",
      run: { id: "9007199254740993", attempt: 2 },
    };
    expect(documentPath(of, "a".repeat(64))).toBe(
      `churn/prod/2026-11-30/9007199254740993-2-rollback-${"a".repeat(64)}.json`,
    );
  });

  it.each([
    ["one", "2026-11-30T10:00Z", "2026-11-30T12:00Z", ["2026-11-30"]],
    ["two over midnight", "2026-11-30T23:00Z", "2026-12-01T00:30Z", ["2026-11-30", "2026-12-01"]],
    [
      "two if only a clock's room reaches over it",
      "2026-11-30T23:00Z",
      "2026-11-30T23:59Z",
      ["2026-11-30", "2026-12-01"],
    ],
    ["two if it began with the day", "2026-12-01T00:01Z", "2026-12-01T00:02Z", ["2026-11-30", "2026-12-01"]],
  ])("is looked for on each day that the job ran: %s", (_name, from, to, days) => {
    expect(daysOf({ from: at(from), to: at(to) }, 120_000)).toEqual(days);
  });

  it("is looked for on a few days at most, whatever GitHub says of the job", () => {
    const from = at("2026-11-01T00:00Z");
    expect(daysOf({ from, to: from + 400 * DAY }, 0)).toHaveLength(7);
  });
});

describe("a file", () => {
  it("is a document if it keeps the published schema", () => {
    const { bytes } = fileOf(promotionDocument({ run: { id: "9007199254740993" } }));
    expect(readDocument(bytes.toString()).document?.run.id).toBe("9007199254740993");
  });

  it("is none for a reason that shows nothing of what stands in it", () => {
    const secret = "dapi0123456789";
    const read = readDocument(JSON.stringify({ ...promotionDocument({ run: {} }), tier: secret }));
    expect(read).toEqual({ document: undefined, why: "its tier is not what evidence.schema.json says" });
    expect(readDocument(secret)).toEqual({ document: undefined, why: "it is not JSON" });
    expect(readDocument('["x"]').document).toBeUndefined();
  });
});
