/** Text from outside on the pages that people act on: titles, messages, logins, names, payloads. */
import { marked } from "marked";
import { expect, test } from "vitest";
import { evaluateGate } from "../../src/gate/evaluate.ts";
import { type GateFacts, known } from "../../src/gate/facts.ts";
import { renderBrief } from "../../src/release/brief.ts";
import { findingsSummary } from "../../src/report/report.ts";
import { COMMIT, CURRENT, evidence, goodFacts, PLAN, RELEASE } from "../gate/facts.ts";

const HOSTILE = [
  '<img src=x onerror="alert(1)">',
  "<script>alert(1)</script>",
  "</td></tr></table><h1>All checks pass</h1>",
  "| ✅ | approved | all | checks |",
  "[approve here](https://evil.example)",
  "![x](https://evil.example/pixel.png)",
  "https://evil.example www.evil.example",
  "`code` **bold** ~~gone~~ @octocat #1",
  "x\n\n# Heading\n\n- [x] approved\n",
  "x\n::add-mask::1\n::set-output name=release-digest::9",
  "##[add-mask]1",
  "\u202edenrut",
  "<!-- hidden",
  "</details>",
];

/** What is alive on the page besides what we put there ourselves. */
function alive(markdown: string): string[] {
  const page = marked.parse(markdown, { async: false, gfm: true });
  const ours =
    /^<\/?(p|h[1-6]|table|thead|tbody|tr|th|td|strong|code|details|summary|ul|li|br|a href="https:\/\/(github\.com|gh\.example)\/[^"]*"|a)>$/;
  return (page.match(/<[^>]*>/g) ?? []).filter((tag) => !ours.test(tag));
}

test.each(HOSTILE)("the brief shows %j as text", (text) => {
  const good = goodFacts();
  if (evidence.claim === undefined || !good.commit.known) throw new Error("the facts are whole");
  const [pull] = good.commit.value.pulls;
  if (pull === undefined) throw new Error("the facts have a pull request");
  const change = {
    key: text,
    kind: "jobs" as const,
    name: text,
    action: "update" as const,
    class: "next-run" as const,
    fields: [
      { path: text, old: text, new: { [text]: text } },
      { path: "schedule.timezone_id", old: `old ${text}`, new: text },
    ],
  };
  const facts: GateFacts = {
    ...good,
    stage: "plan-live",
    run: { ...good.run, actor: text },
    source: known([
      {
        ...evidence,
        deployment: { ...evidence.deployment, creator: text },
        claim: { ...evidence.claim, project: text, artifacts: [{ name: text, sha256: RELEASE }] },
      },
    ]),
    commit: known({
      ...good.commit.value,
      authors: [text],
      pulls: [
        {
          ...pull,
          title: text,
          reviews: [{ user: text, state: "CHANGES_REQUESTED", stale: false, mayWrite: true }],
        },
      ],
    }),
    parity: known({ findings: [{ id: "bundle/x", severity: "error", message: text, remedy: text }], allowed: [text] }),
    adoption: known([{ key: text, name: text, id: text, adopted: false, managedBy: undefined }]),
    plan: known({ digest: PLAN, empty: false, changes: [change] }),
    drift: known({ digest: PLAN, empty: false, entries: [{ key: text, what: "changed", fields: change.fields }] }),
  };
  const gate = evaluateGate(facts);
  expect(gate.findings.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["gate/source-not-believed", "gate/commit-changes-requested", "gate/adoption-namesake"]),
  );
  const page = renderBrief({
    project: "ml-pipelines",
    tier: "prod",
    servicePrincipal: text,
    catalog: "prod",
    site: { serverUrl: "https://github.com", owner: "acme", repository: "ml-pipelines" },
    left: [{ key: text, id: text, kind: text, name: text, goes: false }],
    unseen: [text],
    candidate: { commit: COMMIT, release: RELEASE },
    current: { commit: CURRENT, release: RELEASE },
    history: known({
      commits: [{ sha: COMMIT, title: text, author: text, url: undefined }],
      pulls: [
        {
          number: "7",
          title: text,
          url: "https://github.com/acme/ml-pipelines/pull/7",
          author: text,
          base: "main",
          head: COMMIT,
          merged: true,
          mergeCommit: COMMIT,
        },
      ],
      unasked: 0,
    }),
    plan: { digest: PLAN, empty: false, changes: [change] },
    desired: [{ key: text, settings: { schedule: { quartz_cron_expression: text, timezone_id: text } } }],
    drift: facts.drift,
    facts,
    gate,
    findings: [{ id: "release/x", severity: "error", message: text, remedy: text }],
    details: {
      files: known([{ path: text, what: "changed", components: [text] }]),
      contract: known([{ path: text, old: text, new: text }]),
      move: known({ where: [], principal: "same" }),
      failedRuns: known([{ key: text, runId: text, url: text, code: text, endedAt: undefined }]),
      wayBack: known(undefined),
      tiers: undefined,
      verifies: [`jobs.${text}`],
    },
  });
  for (const markdown of [page, findingsSummary(gate.findings)]) {
    expect(alive(markdown)).toEqual([]);
    expect(markdown).not.toMatch(/^\s*::/m);
    expect(markdown).not.toContain("\u202e");
    expect(markdown.match(/<details>/g)?.length ?? 0).toBe(markdown.match(/<\/details>/g)?.length ?? 0);
  }
});
