import { describe, expect, it } from "vitest";
import { ledgerText, parseLedger } from "../../src/ledger/document.ts";
import { emptyLedger, type Ledger } from "../../src/ledger/model.ts";

const HEX = "a".repeat(64);
const release = {
  digest: HEX,
  commit: "b".repeat(40),
  plan: "c".repeat(64),
  at: "2026-11-23T10:00:00.000Z",
  run: { id: "9007199254740993", attempt: 2 },
  components: { scoring: HEX },
  artifacts: [{ name: "churn-1.0-py3-none-any.whl", sha256: HEX }],
};
const resource = {
  id: "8712345678901234567",
  kind: "jobs",
  name: "score",
  settings: { name: "score", tasks: [{ run_job_task: { job_id: 9007199254740993n } }] },
  permissions: [{ group_name: "readers", permission_level: "CAN_VIEW" }],
  component: "scoring",
  componentDigest: HEX,
};
const full: Ledger = {
  ...emptyLedger("ml-pipelines", "dev"),
  serial: 7,
  release,
  resources: new Map([["jobs.score", resource]]),
  pending: {
    release,
    intents: [
      {
        key: "jobs.score",
        action: "update",
        name: "score",
        target: { ...resource, permissions: undefined },
        done: true,
      },
      { key: "jobs.old", action: "delete", name: "old", target: undefined, done: false },
    ],
  },
  history: [release],
  verifications: [
    { release: HEX, at: "2026-11-23T11:00:00.000Z", run: { id: "9007199254740994", attempt: 1 }, passed: true },
  ],
  holds: [
    {
      id: HEX,
      kind: "schedules",
      selector: "name:score*",
      scope: "project",
      reason: "incident 7",
      by: "octocat",
      at: "2026-11-23T11:00:00.000Z",
      until: undefined,
      run: { id: "77", attempt: 1 },
      prior: [
        {
          kind: "jobs",
          id: "8712345678901234567",
          key: "jobs.score",
          name: "score",
          starters: [{ field: "schedule", what: "cron 0 0 6 * * ? (UTC)", state: "running" }],
        },
      ],
    },
  ],
};
const { verifications: _verifications, ...withoutVerifications } = full;
const expected = { project: "ml-pipelines", tier: "dev" as const, path: "/ledger.json" };

describe("a ledger", () => {
  it.each([
    ["an empty one", emptyLedger("ml-pipelines", "dev")],
    ["one with everything, int64 ids included", full],
    ["one from before verifications were kept", withoutVerifications],
  ])("reads back equal: %s", (_name, ledger) => {
    expect(parseLedger(ledgerText(ledger), expected)).toEqual({ ledger });
  });

  it("is written without the key where there is no hold, and read without it: as releases before holds did", () => {
    const text = ledgerText({ ...full, holds: [] });
    expect(text).not.toContain("holds");
    expect(parseLedger(text, expected)).toEqual({ ledger: { ...full, holds: [] } });
  });

  it.each([
    ["not JSON", "{", /not JSON/],
    ["a list", "[]", /cannot be read/],
    ["of a later version", ledgerText(full).replace('"version": 1', '"version": 2'), /version/],
    ["of another tier", ledgerText({ ...full, tier: "prod" }), /belongs to ml-pipelines, tier prod/],
    ["of another project", ledgerText({ ...full, project: "other" }), /belongs to other/],
    ["without its resources", ledgerText(full).replace('"resources"', '"resourcen"'), /resource/],
    ["with a digest that is none", ledgerText(full).replaceAll(HEX, "abc"), /digest|components/],
  ])("that is %s is a finding", (_name, text, message) => {
    const parsed = parseLedger(text, expected);
    expect(parsed).toMatchObject({ finding: { id: "ledger/corrupt", severity: "error" } });
    expect("finding" in parsed && parsed.finding.message).toMatch(message);
  });
});
