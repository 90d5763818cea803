/** The rolling issue: one, whatever people do to it. Against the simulated GitHub's shapes, by hand. */
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { findingsOutput } from "../src/report/carried-findings.ts";
import { reportDrift } from "../src/report-drift.ts";
import type { GitHub } from "../src/github/client.ts";

const OURS = "github-actions[bot]";
const clean = findingsOutput([]);
const wrong = findingsOutput([{ id: "schedules/drift", severity: "error", message: "It runs.", remedy: "Pause it." }]);

interface Kept {
  number: string;
  state: string;
  user: { login: string };
  title: string;
  body: string;
  labels: string[];
  html_url: string;
}

function repository() {
  const issues: Kept[] = [];
  const comments: { readonly number: string; readonly body: string }[] = [];
  const open = (issue: Partial<Kept>): Kept => {
    const number = String(issues.length + 1);
    const kept = {
      number,
      state: "open",
      user: { login: OURS },
      title: "T",
      body: "",
      labels: ["drift"],
      html_url: "h",
      ...issue,
    };
    issues.push(kept);
    return kept;
  };
  const github: GitHub = {
    owner: "acme",
    repository: "x",
    serverUrl: "https://github.com",
    read: () => Promise.reject(new Error("not asked")),
    find: () => Promise.reject(new Error("not asked")),
    async *list(_route, filter, schema) {
      await Promise.resolve();
      for (const issue of issues.toReversed()) {
        const fits = filter["labels"] === undefined || issue.labels.some((label) => label === filter["labels"]);
        if (fits && (filter["state"] === "all" || issue.state === "open")) yield v.parse(schema, issue);
      }
    },
    send: (route, parameters, schema) => {
      const body = String(parameters["body"]);
      if (route.includes("/comments")) {
        comments.push({ number: String(parameters["issue_number"]), body });
        return Promise.resolve(v.parse(schema, { id: "1" }));
      }
      if (!route.startsWith("PATCH")) return Promise.resolve(v.parse(schema, open({ body })));
      const issue = issues.find(({ number }) => number === parameters["issue_number"]);
      if (issue === undefined) return Promise.reject(new Error("no such issue"));
      Object.assign(issue, { body, state: parameters["state"] });
      return Promise.resolve(v.parse(schema, issue));
    },
  };
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
      log: { info() {} },
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
