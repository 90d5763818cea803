/** The rolling issue: one, whatever people do to it. Against the simulated GitHub's shapes, by hand. */
import { describe, expect, test } from "vitest";
import { findingsOutput } from "../src/report/carried-findings.ts";
import { reportDrift } from "../src/report-drift.ts";
import { issueTracker, type Kept } from "./issues.ts";
import { QUIET } from "./run.ts";

const clean = findingsOutput([]);
const wrong = findingsOutput([{ id: "schedules/drift", severity: "error", message: "It runs.", remedy: "Pause it." }]);

function repository() {
  const { issues, comments, open: openAny, github } = issueTracker();
  const open = (issue: Partial<Kept>): Kept => openAny({ labels: ["drift"], ...issue });
  const look = (schedules: string, more: object = {}) =>
    reportDrift({
      github,
      results: JSON.stringify({
        dev: { result: "success", outputs: { grants: clean, schedules, drift: clean } },
        staging: { result: "success", outputs: { grants: clean, schedules: clean, drift: clean } },
        ...more,
      }),
      title: "T",
      label: "drift",
      key: "four-tier.yml",
      runUrl: "https://github.com/acme/x/actions/runs/1",
      log: QUIET,
    });
  return { issues, comments, open, look };
}

describe("the one issue is found again", () => {
  test.each<[string, (issue: Kept) => void]>([
    ["with something written above its mark", (issue) => void (issue.body = `See below.\n${issue.body}`)],
    ["with nothing left in it", (issue) => void (issue.body = "")],
    ["without its label", (issue) => void (issue.labels = ["bug"])],
    ["with other line ends", (issue) => void (issue.body = issue.body.replaceAll("\n", "\r\n"))],
    ["closed by a person", (issue) => void (issue.state = "closed")],
  ])("%s", async (_name, edit) => {
    const { issues, look } = repository();
    await look(wrong);
    for (const issue of issues) edit(issue);
    await look(wrong);
    expect(issues.map(({ state }) => state)).toEqual(["open"]);
    expect(issues[0]?.body).toContain("schedules/drift");
    await look(clean);
    expect(issues.map(({ state }) => state)).toEqual(["closed"]);
  });

  test("without its label it is found among many newer ones, since each run changes it", async () => {
    const { issues, open, look } = repository();
    await look(wrong);
    for (const issue of issues) issue.labels = [];
    for (let more = 0; more < 150; more += 1) open({ labels: [], user: { login: "octocat" } });
    await look(wrong);
    for (let more = 0; more < 150; more += 1) open({ labels: [], user: { login: "octocat" } });
    const result = await look(wrong);
    expect(issues.filter(({ user }) => user.login !== "octocat")).toHaveLength(1);
    expect(result.findings.map(({ id }) => id)).not.toContain("issue/not-found");
  });

  test("where too many changed since, a second one is opened, and that is said", async () => {
    const { issues, open, look } = repository();
    await look(wrong);
    for (const issue of issues) issue.labels = [];
    for (let more = 0; more < 200; more += 1) open({ labels: [], user: { login: "octocat" } });
    expect((await look(clean)).findings).toEqual([]);
    const result = await look(wrong);
    expect(issues.filter(({ user }) => user.login !== "octocat")).toHaveLength(2);
    expect(result.findings.map(({ id }) => id)).toContain("issue/not-found");
  });

  test("of two the newer goes on, and the older is closed with a word where", async () => {
    const { issues, comments, open, look } = repository();
    const mark = "<!-- four-tier drift four-tier.yml -->";
    open({ body: mark });
    open({ body: mark });
    await look(wrong);
    expect(issues.map(({ state }) => state)).toEqual(["closed", "open"]);
    expect(comments).toEqual([{ number: "1", body: "Goes on in #2." }]);
  });

  test("another contract's is left alone", async () => {
    const { issues, open, look } = repository();
    const other = open({ body: "<!-- four-tier drift four-tier.azure.yml -->\nTheirs." });
    await look(wrong);
    expect(issues).toHaveLength(2);
    expect(other.body).toContain("Theirs.");
  });
});

test("a tier that was skipped was not looked at: the issue stays open", async () => {
  const { issues, look } = repository();
  await look(wrong);
  const result = await look(clean, { staging: { result: "skipped", outputs: {} } });
  expect(result.outputs["clean"]).toBe("false");
  expect(issues.map(({ state }) => state)).toEqual(["open"]);
});
