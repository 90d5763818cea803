import { expect, it } from "vitest";
import { known, notKnown } from "../../src/gate/facts.ts";
import type { Whereabouts } from "../../src/release/whereabouts.ts";
import { age, justChanged, picture, whereaboutsText } from "../../src/report/whereabouts.ts";

const NOW = new Date("2026-11-23T12:00:00Z");
const EVIL = 'x"]; click prod "javascript:alert(1)"\n%%{init: {}}%%\n```\u001b[2J<script>';

const told = { reason: EVIL, by: EVIL, at: "2026-11-23T10:00:00Z", until: undefined, runUrl: undefined };
const full: Whereabouts = {
  tier: "prod",
  has: {
    kind: "promotion",
    commit: EVIL,
    digest: EVIL,
    since: "2026-11-23T09:00:00Z",
    replaced: undefined,
    run: { id: EVIL, attempt: 1, url: EVIL },
    startedBy: EVIL,
    approvedBy: [EVIL],
    overridden: [EVIL],
    verified: { ...told, passed: true },
    rejected: undefined,
    kept: known({ kept: true, url: EVIL, sha256: EVIL }),
  },
  holds: [told],
  paused: [{ ...told, of: EVIL }],
  doubted: [{ id: EVIL, creator: EVIL, doubts: [EVIL] }],
  partly: undefined,
  unfinished: { commit: EVIL, state: EVIL, runId: EVIL },
};
const tiers = [
  { tier: "dev" as const, found: notKnown("No.", "Ask.") },
  { tier: "staging" as const, found: known({ ...full, tier: "staging" as const, has: undefined, holds: [] }) },
  { tier: "prod" as const, found: known(full) },
];

/** The few forms of a Mermaid flowchart that the picture is made of; what is in quotes holds nothing that ends them. */
const LABEL = '"(?:[A-Za-z0-9 .,/_-]|<b>|</b>|<br>)*"';
const LINES = [
  /^```mermaid$/,
  /^flowchart LR$/,
  new RegExp(`^  source\\(\\[${LABEL}\\]\\)$`),
  new RegExp(`^  (dev|staging|prod)\\[${LABEL}\\]:::(good|bad|unsure)$`),
  /^ {2}source( --> (dev|staging|prod)){3}$/,
  /^ {2}classDef (good|bad|unsure) [a-z0-9#:,-]+$/,
  /^```$/,
];

it("draws four boxes in a grammar of its own, whatever anybody wrote", () => {
  const drawn = picture({ name: EVIL, commit: EVIL }, tiers, NOW).split("\n");
  expect(drawn.filter((line) => !LINES.some((form) => form.test(line)))).toEqual([]);
  expect(drawn.filter((line) => /^ {2}\w+[[(]/.test(line))).toHaveLength(4);
  expect(drawn.join()).toContain("for 3h<br>verified, held, schedules held");
});

it("lets nobody add a line to what a terminal shows", () => {
  const lines = whereaboutsText(tiers, NOW).split("\n");
  expect(lines.every((line) => /^(dev|staging|prod| {9})/.test(line))).toBe(true);
  expect(lines.join("")).not.toContain("\u001b");
});

it("says until when something is held: a time in words, a day as it is", () => {
  const until = (end: string) =>
    whereaboutsText([{ tier: "prod", found: known({ ...full, holds: [{ ...told, until: end }] }) }], NOW);
  expect(until("2026-11-24T10:00:00Z")).toContain(", until 2026-11-24 10:00 UTC)");
  expect(until("2026-11-24")).toContain(", until 2026-11-24)");
});

it("counts in the largest unit that says enough", () => {
  const since = (minutes: number) => age(new Date(NOW.getTime() - minutes * 60_000).toISOString(), NOW);
  expect([0, 1, 119, 120, 179, 2879, 2880, 10_000].map(since)).toEqual([
    "less than 1m",
    "1m",
    "119m",
    "2h",
    "2h",
    "47h",
    "2d",
    "6d",
  ]);
});

it("draws a tier that was promoted a moment ago as not verified yet", () => {
  const own = justChanged("prod", {
    commit: "c".repeat(40),
    digest: "1".repeat(64),
    at: NOW,
    run: { runId: "7", runAttempt: 1 },
  });
  expect(picture({ name: "main", commit: "c".repeat(40) }, [own], NOW)).toContain(
    'prod["<b>prod</b><br>commit cccccccccccc<br>release 111111111111<br>for less than 1m<br>not verified"]:::unsure',
  );
});
