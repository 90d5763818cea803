/** The rolling issue that asks developers whether they still need their sandboxes. */
import { describe, expect, test } from "vitest";
import type { CleanRow } from "../src/clean.ts";
import { dueOutput } from "../src/report/carried-due.ts";
import { reportSandboxes } from "../src/report-sandboxes.ts";
import { issueTracker } from "./issues.ts";
import { QUIET } from "./run.ts";

const NOW = new Date("2027-01-15T12:00:00Z");
const LAST_USE = Date.parse("2026-11-01T00:00:00Z");
type What = "warned" | "waits" | "due" | "removed" | "unmarked" | "kept";

function row(developer: string, what: What): CleanRow {
  const why = "nobody has used it for 75 days";
  const base = { catalog: `${developer}_sandbox`, developer, outcome: "done" as const, removed: [] };
  switch (what) {
    case "warned":
      return { ...base, decision: { do: "warn", why, lastUse: LAST_USE } };
    case "unmarked":
      return { ...base, outcome: "failed", decision: { do: "warn", why, lastUse: LAST_USE } };
    case "waits":
      return { ...base, decision: { do: "wait", why, lastUse: LAST_USE, until: new Date("2027-01-20T12:00:00Z") } };
    case "due":
      return { ...base, outcome: "postponed", decision: { do: "remove", why, lastUse: LAST_USE } };
    case "removed":
      return { ...base, decision: { do: "remove", why, lastUse: LAST_USE } };
    case "kept":
      return { ...base, decision: { do: "keep", why: "it was used today", lastUse: LAST_USE, unwarn: true } };
  }
}

function team() {
  const { issues, comments, github } = issueTracker();
  const rules = { users: new Set(["octocat", "hubot", "odd+one"]), graceDays: 7, now: NOW };
  const report = (outputs: Record<string, string>) =>
    reportSandboxes({
      github,
      results: JSON.stringify({ "clean-sandboxes": { result: "success", outputs } }),
      title: "Sandboxes that nobody uses",
      label: "four-tier-sandboxes",
      key: "four-tier.yml",
      runUrl: "https://github.com/acme/x/actions/runs/1",
      log: QUIET,
    });
  const clean = (rows: readonly CleanRow[], dryRun = false) =>
    report({ due: dueOutput({ dryRun, rows, findings: [] }, rules) });
  return { issues, comments, report, clean };
}

describe("the issue about sandboxes", () => {
  test("is not opened while nothing is due", async () => {
    const { issues, clean } = team();
    const result = await clean([row("octocat", "kept")]);
    expect(issues).toEqual([]);
    expect(result).toMatchObject({ findings: [], outputs: { clean: "true", issue: "" } });
  });

  test("asks whoever is warned by name, and says from when on it is removed and how to keep it", async () => {
    const { issues, comments, clean } = team();
    const result = await clean([row("octocat", "warned"), row("hubot", "kept")]);
    expect(result).toMatchObject({ findings: [], outputs: { clean: "false", issue: "1" } });
    expect(issues).toMatchObject([{ title: "Sandboxes that nobody uses", labels: ["four-tier-sandboxes"] }]);
    expect(issues[0]?.body).toContain("@octocat");
    expect(issues[0]?.body).toContain("2027&#45;01&#45;22");
    expect(issues[0]?.body).toContain("`keep_until`");
    expect(issues[0]?.body).not.toContain("hubot");
    expect(comments).toEqual([]);
  });

  test("goes on in the same issue, with a comment for whoever was warned now, and only then", async () => {
    const { issues, comments, clean } = team();
    await clean([row("octocat", "warned")]);
    await clean([row("octocat", "waits"), row("hubot", "warned")]);
    await clean([row("octocat", "due"), row("hubot", "waits")]);
    expect(issues).toHaveLength(1);
    expect(issues[0]?.body).toContain("by a next run");
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain("@hubot");
    expect(comments[0]?.body).not.toContain("octocat");
  });

  test("says what was removed, is closed when nothing is due any more, and opened again when something is", async () => {
    const { issues, comments, clean } = team();
    await clean([row("octocat", "warned")]);
    await clean([row("octocat", "removed")]);
    expect(issues).toMatchObject([{ state: "closed" }]);
    expect(comments.map(({ body }) => /was removed|No sandbox is due/.exec(body)?.[0])).toEqual([
      "was removed",
      "No sandbox is due",
    ]);
    await clean([row("hubot", "warned")]);
    expect(issues).toMatchObject([{ state: "open" }]);
    expect(comments.at(-2)?.body).toContain("@hubot");
  });

  test("mentions nobody who has left, no login that none can be, and nothing else", async () => {
    const { issues, clean } = team();
    const odd = row("octocat", "waits");
    await clean([
      row("gone", "waits"),
      row("odd+one", "waits"),
      { ...odd, decision: { ...odd.decision, why: "@acme/all <!-- x --> [y](https://evil.example)" } },
    ]);
    const body = issues[0]?.body ?? "";
    expect(body.match(/@[\w/-]+/g)).toEqual(["@octocat"]);
    expect(body.slice(body.indexOf("-->") + 3)).not.toMatch(/<!--|\]\(/);
  });

  test("does not take a warning that was not marked for one", async () => {
    const { issues, clean } = team();
    await clean([row("octocat", "unmarked")]);
    expect(issues).toEqual([]);
  });

  test("is left as it is by a dry run, which warns nobody", async () => {
    const { issues, comments, clean } = team();
    const dry = await clean([row("octocat", "warned")], true);
    expect(issues).toEqual([]);
    expect(dry.findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual(["notice sandbox/nobody-told"]);
    await clean([row("octocat", "warned")]);
    const before = structuredClone(issues);
    await clean([], true);
    expect(issues).toEqual(before);
    expect(comments).toEqual([]);
  });

  test.each([[{}], [{ due: "" }], [{ due: "{}" }], [{ due: "no JSON" }]])(
    "is left as it is, and the run fails, if the clean-up says nothing: %o",
    async (outputs) => {
      const { issues, clean, report } = team();
      await clean([row("octocat", "warned")]);
      const before = structuredClone(issues);
      const result = await report(outputs);
      expect(result.findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual(["unknown sandbox/not-said"]);
      expect(issues).toEqual(before);
    },
  );

  test("is no longer than GitHub takes, and says how many it leaves out", async () => {
    const { issues, clean } = team();
    const many = Array.from({ length: 1_000 }, (_, number) => row(`octocat${number}`, "waits"));
    await clean(many);
    expect(issues[0]?.body.length).toBeLessThanOrEqual(65_536);
    expect(issues[0]?.body).toMatch(/… and \d+ more/);
  });
});
