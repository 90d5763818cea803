import { marked } from "marked";
import { describe, expect, it } from "vitest";
import { known, notKnown } from "../../src/gate/facts.ts";
import type { RecordTier } from "../../src/gate/record-runs.ts";
import type { Told, Whereabouts } from "../../src/release/whereabouts.ts";
import { type Place, pullComment } from "../../src/report/pull-comment.ts";

const MARKER = "<!-- four-tier release four-tier.yml -->";
const EVIL = "|<img src=x> @octocat [look](https://evil.example) #1 `x` <!-- four-tier release four-tier.yml -->";

const told: Told = {
  reason: "It scores everybody twice.",
  by: "hubot",
  at: "2026-11-23T10:00:00Z",
  until: undefined,
  runUrl: "https://github.com/acme/x/actions/runs/9",
};

function place(tier: RecordTier, change: Partial<Whereabouts> = {}, of: Partial<Place> = {}): Place {
  const has: Whereabouts["has"] = {
    kind: "promotion",
    commit: "c".repeat(40),
    digest: "d".repeat(64),
    since: "2026-11-23T09:30:00Z",
    replaced: undefined,
    run: { id: "7", attempt: 1, url: "https://github.com/acme/x/actions/runs/7" },
    startedBy: "octocat",
    approvedBy: [],
    overridden: [],
    verified: undefined,
    rejected: undefined,
    kept: undefined,
  };
  const found = { tier, has, holds: [], paused: [], doubted: [], partly: undefined, unfinished: undefined, ...change };
  return { tier, found: known(found), contains: true, partly: false, had: false, ...of };
}

const lines = (places: readonly Place[]): string[] => pullComment(places, MARKER).split("\n");
const headline = (places: readonly Place[]): string | undefined => lines(places)[2];
const next = (places: readonly Place[]): string | undefined => lines(places).find((line) => line.startsWith("Next: "));

describe("the comment on a pull request", () => {
  it("begins with its mark, and says of each tier the release, since when, and by which run", () => {
    const body = pullComment([place("dev"), place("staging"), place("prod")], MARKER);
    expect(body.startsWith(`${MARKER}\n`)).toBe(true);
    expect(headline([place("dev"), place("staging"), place("prod")])).toBe("**prod has this change**");
    expect(body).toContain(
      '| prod | ✅ there | <code>dddddddddddd</code> | 2026&#45;11&#45;23 09&#58;30 UTC | <a href="https://github.com/acme/x/actions/runs/7">run 7</a> |',
    );
  });

  it.each<[string, readonly Place[], string, string]>([
    [
      "in every tier",
      [place("dev"), place("staging"), place("prod")],
      "**prod has this change**",
      "Next: nothing. It has arrived.",
    ],
    [
      "in staging",
      [place("dev"), place("staging"), place("prod", {}, { contains: false })],
      "**staging has this change**",
      "Next: prod, when somebody has read the brief and approved it.",
    ],
    [
      "in dev, and staging has nothing yet",
      [place("dev"), place("staging", { has: undefined }, { contains: false }), place("prod", {}, { contains: false })],
      "**dev has this change**",
      "Next: staging, when its gate lets the release in.",
    ],
    [
      "rolled back in prod, which is held",
      [place("dev"), place("staging"), place("prod", { holds: [told] }, { contains: false, had: true })],
      "**prod does not have this change any more; staging has this change**",
      "Next: somebody resumes prod; until then nothing is promoted to it.",
    ],
    [
      "half way into prod",
      [place("dev"), place("staging"), place("prod", { holds: [told] }, { contains: false, partly: true, had: true })],
      "**prod may have parts of this change; staging has this change**",
      "Next: somebody promotes the release that stopped half way to prod again, or rolls prod back.",
    ],
    [
      "half way into the first tier that gets it",
      [place("dev", { has: undefined }, { contains: false, partly: true })],
      "**dev may have parts of this change**",
      "Next: somebody promotes the release that stopped half way to dev again.",
    ],
    [
      "out of the only tier that had it",
      [place("dev", {}, { contains: false, had: true })],
      "**dev does not have this change any more**",
      "Next: dev, when its gate lets the release in.",
    ],
    [
      "a hotfix, which dev does not have",
      [place("dev", {}, { contains: false }), place("staging"), place("prod")],
      "**prod has this change**",
      "Next: nothing. It has arrived.",
    ],
    [
      "in a release of prod that somebody rejected",
      [place("prod", { has: { ...rejected() } })],
      "**prod has this change**",
      "Next: a release that is good, or a rollback.",
    ],
    [
      "in a tier of which GitHub says nothing",
      [place("dev"), { ...place("staging"), found: notKnown("No.", "Ask."), contains: undefined }],
      "**dev has this change**",
      "Next: staging, of which nobody can say whether it has the change already.",
    ],
  ])("%s", (_name, places, says, then) => {
    expect(headline(places)).toBe(says);
    expect(next(places)).toBe(then);
  });

  it("says why a tier takes nothing, and whose schedules are held", () => {
    const body = pullComment([place("prod", { holds: [told], paused: [{ ...told, of: "name:score" }] })], MARKER);
    expect(body).toContain("- ⛔ prod takes no promotion: It scores everybody twice.");
    expect(body).toContain("- ⏸️ Schedules of prod are held (<code>name&#58;score</code>): It scores everybody twice.");
    expect(body).toMatch(/by|hubot, 2026&#45;11&#45;23 10&#58;00 UTC, <a href="[^"]+\/runs\/9">run<\/a>/);
  });

  it("shows what people wrote as text: no markup, no mention, no second mark", () => {
    const evil = { ...told, reason: EVIL, by: EVIL, until: EVIL, runUrl: "javascript:alert(1)" };
    const body = pullComment([place("prod", { holds: [evil], paused: [{ ...evil, of: EVIL }] })], MARKER);
    expect(body.split(MARKER)).toHaveLength(2);
    const html = marked.parse(body, { async: false, gfm: true });
    expect(html).not.toMatch(/<img|javascript:|href="https:\/\/evil/);
    expect(body).not.toContain("@octocat");
  });

  it("fits into a comment, however much people wrote about however many holds", () => {
    const long = { ...told, reason: "@".repeat(500) };
    const holds = Array.from({ length: 200 }, () => long);
    const body = pullComment(
      (["dev", "staging", "prod"] as const).map((tier) => place(tier, { holds })),
      MARKER,
    );
    expect(body.length).toBeLessThan(65_536);
    expect(body).toContain("… and 595 more.");
    expect(body).toContain(`${"&#64;".repeat(300)}…`);
  });
});

function rejected(): NonNullable<Whereabouts["has"]> {
  const { found } = place("prod");
  if (!found.known || found.value.has === undefined) throw new Error("it has one");
  return { ...found.value.has, rejected: told };
}
