import { marked } from "marked";
import { describe, expect, it } from "vitest";
import { parseFreeze, parseWindow } from "../../src/contract/values.ts";
import type { HotfixFacts } from "../../src/gate/commit-facts.ts";
import { evaluateGate, GATE } from "../../src/gate/evaluate.ts";
import { type GateFacts, known, notKnown, type PolicyFacts } from "../../src/gate/facts.ts";
import type { JsonArray, JsonObject } from "../../src/json.ts";
import { type BriefDetails, type BriefFacts, renderBrief } from "../../src/release/brief.ts";
import type { Change, Desired, Drift, Plan } from "../../src/release/change.ts";
import type { History } from "../../src/release/history.ts";
import { type Move, STAYS } from "../../src/release/move.ts";
import { makePlan } from "../../src/release/plan.ts";
import { COMMIT, CURRENT, DECIDED, DRIFT, goodFacts, judged, PLAN, RELEASE, seen } from "../gate/facts.ts";

const base = { kind: "jobs", name: "score", fields: [] };
const update: Change = {
  ...base,
  key: "jobs.score",
  action: "update",
  class: "next-run",
  fields: [
    { path: "max_concurrent_runs", old: 1, new: 4 },
    { path: "schedule.quartz_cron_expression", old: "0 0 6 * * ?", new: "0 0 7 * * ?" },
  ],
};
const opened = { path: "permissions", old: [], new: [{ user_name: "mona@example.com", permission_level: "CAN_VIEW" }] };
const untouched: Change = { ...base, key: "jobs.train", action: "none", class: "no-op" };
const restart: Change = { ...base, kind: "pipelines", key: "pipelines.ingest", action: "update", class: "restarts" };
const deletion: Change = { ...base, key: "jobs.old", action: "delete", class: "deletes" };

const planOf = (...changes: Change[]): Plan => ({
  changes,
  digest: PLAN,
  empty: changes.every(({ action }) => action === "none"),
});

const resource = (key: string, settings: JsonObject, permissions?: JsonArray): Desired => ({
  key,
  kind: key.slice(0, key.indexOf(".")),
  name: key,
  settings,
  permissions,
  component: "default",
  componentDigest: "a".repeat(64),
});
/** The plan as it is made. */
const made = (before: readonly Desired[], after: readonly Desired[]): Plan =>
  makePlan(new Map(before.map(({ key, ...rest }) => [key, { id: "1", ...rest }])), after);

const none: Drift = { entries: [], digest: "e".repeat(64), empty: true };
const drifted: Drift = {
  digest: DRIFT,
  empty: false,
  entries: [
    { key: "jobs.score", what: "changed", fields: [{ path: "timeout_seconds", old: 60, new: 0 }] },
    { key: "jobs.train", what: "missing", fields: [] },
  ],
};

const DETAILS: BriefDetails = {
  files: known([{ path: "resources/models.yml", what: "changed", components: [] }]),
  contract: known([]),
  move: known(STAYS),
  failedRuns: known([]),
  wayBack: known({ to: { commit: CURRENT, digest: "0".repeat(64) }, folders: true }),
  tiers: undefined,
  verifies: [],
};

const PULL: History["pulls"][number] = {
  number: "7",
  title: "Score hourly",
  url: "https://github.com/acme/ml-pipelines/pull/7",
  author: "octocat",
  base: "main",
  head: COMMIT,
  merged: true,
  mergeCommit: COMMIT,
};

type Otherwise = Partial<Omit<BriefFacts, "details">> & {
  gateFacts?: Partial<GateFacts>;
  details?: Partial<BriefDetails>;
};

function brief(change: Otherwise = {}): string {
  const plan = change.plan ?? planOf(update, untouched);
  const drift = change.drift ?? known(none);
  const facts: GateFacts = { ...goodFacts(), stage: "plan-live", plan: known(plan), drift, ...change.gateFacts };
  return renderBrief({
    project: "ml-pipelines",
    tier: "prod",
    servicePrincipal: "ml-pipelines-prod",
    catalog: "prod",
    site: { serverUrl: "https://github.com", owner: "acme", repository: "ml-pipelines" },
    candidate: { commit: COMMIT, release: RELEASE },
    current: { commit: CURRENT, release: "0".repeat(64) },
    history: known({
      commits: [{ sha: COMMIT, title: "Score hourly", author: "octocat", url: "https://github.com/c" }],
      pulls: [PULL],
      unasked: 0,
    }),
    plan,
    desired: [],
    drift,
    facts,
    gate: evaluateGate(facts),
    findings: [],
    left: [],
    unseen: [],
    ...change,
    details: { ...DETAILS, ...change.details },
  });
}

/** What a person reads: the page without its markup, blanks folded. */
async function read(markdown: string): Promise<string> {
  const html = await marked.parse(markdown);
  return html
    .replace(/<br>/g, "\n")
    .replace(/<[^>]*>/g, " ")
    .replace(/&#(\d+);/g, (_all, digits: string) => String.fromCodePoint(Number(digits)))
    .replace(/&nbsp;/g, " ")
    .replace(/&amp;/g, "&")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/[ \t]+/g, " ")
    .replace(/ ([,.])/g, "$1")
    .replace(/ +\n/g, "\n");
}

/** What stands over the parts of the page, from top to bottom: headings, bold words, folded summaries. */
async function titlesOf(markdown: string): Promise<string[]> {
  const html = await marked.parse(markdown);
  return [...html.matchAll(/<(h2|h3|strong|summary)>(.*?)<\/\1>/g)].map(([, , title = ""]) =>
    title.replace(/<[^>]*>/g, "").replaceAll("&nbsp;", " "),
  );
}

/** How many checks a look before the approval asks. */
const ASKED = GATE.prod["plan-live"].length;

/** The four rows that a tired person reads. */
async function glance(markdown: string): Promise<string> {
  const page = await read(markdown);
  return page.slice(0, page.indexOf("Who may approve"));
}

describe("the brief", () => {
  it("says what, risk, proof and way back before anything else", async () => {
    const top = await glance(brief());
    expect(top.indexOf("What")).toBeLessThan(top.indexOf("Risk"));
    expect(top.indexOf("Risk")).toBeLessThan(top.indexOf("Proof"));
    expect(top.indexOf("Proof")).toBeLessThan(top.indexOf("Way back"));
    expect(top).toContain("1 pull request by octocat; 1 file changed; 1 resource of 2 changes.");
    expect(top).toContain("takes new settings from its next run: jobs.score");
    expect(top).toContain("staging has release 111111111111, by run 900");
    expect(brief()).toMatch(/✅ staging has[^|]*<a href="https:\/\/gh\.example\/runs\/900">run 900<\/a>/);
    expect(brief()).toMatch(
      /✅ its evidence is kept \(<a href="https:\/\/gh\.example\/blob\/d\/900\.json">document of run 900<\/a>/,
    );
    expect(top).toContain(`${ASKED} of ${ASKED} checks of the gate pass`);
    expect(top).toContain(CURRENT.slice(0, 12));
    expect(top).toContain("Data, streaming checkpoints and trained models do not go back");
    expect(top).toContain("changes when it starts by itself: jobs.score");
    const page = await read(brief());
    expect(page).toMatch(/Who may approve: hubot; not octocat, who started this run\./);
    expect(page).toMatch(/resources\/models\.yml\s+changed/);
    expect(
      await titlesOf(brief({ plan: planOf({ ...update, fields: [...update.fields, opened] }, untouched) })),
    ).toEqual([
      "ml-pipelines to prod: what you approve",
      "The gate lets it in. Weigh the risk below before you approve.",
      "What",
      "Risk",
      "Proof",
      "Way back",
      "Who may approve:",
      "Plan",
      "3 fields, old and new",
      "What starts by itself",
      "Who may do what",
      "New in prod",
      "1 pull request",
      "1 commit",
      "1 file",
      "Staging against prod: alike",
      `The gate: all ${ASKED} checks`,
      `Gate to prod: all ${ASKED} checks pass`,
      "Digests: an approval is for these, and for nothing else",
    ]);
  });

  it("shows each field, old and new, and what starts by itself apart", async () => {
    const page = await read(brief());
    expect(page).toMatch(/jobs\.score\s+max_concurrent_runs\s+1\s+4/);
    expect(page).toMatch(/jobs\.score\s+schedule\.quartz_cron_expression\s+"0 0 6 \* \* \?"\s+"0 0 7 \* \* \?"/);
    expect(page).toContain("What starts by itself");
    expect(await read(brief({ plan: planOf(restart) }))).not.toContain("What starts by itself");
  });

  it("says by which clock something starts, before and after, and when it does next", async () => {
    const cron = (at: string, pause = "UNPAUSED"): JsonObject => ({
      schedule: { quartz_cron_expression: at, timezone_id: "Europe/Berlin", pause_status: pause },
    });
    const before = [
      resource("jobs.score", cron("0 30 6 * * ?")),
      resource("jobs.label", { ...cron("0 0 1 * * ?"), description: "old" }),
      resource("jobs.stop", cron("0 0 2 * * ?")),
      resource("jobs.stream", { continuous: { pause_status: "UNPAUSED" } }),
      resource("jobs.many", { triggers: [{ periodic: { interval: 1, unit: "HOURS" } }] }),
    ];
    const after = [
      resource("jobs.score", cron("0 0 5 * * ?")),
      resource("jobs.label", { ...cron("0 0 1 * * ?"), description: "new" }),
      resource("jobs.stop", cron("0 0 2 * * ?", "PAUSED")),
      resource("jobs.stream", cron("0 15 4 * * ?")),
      resource("jobs.many", { triggers: [{ periodic: { interval: 2, unit: "HOURS" } }] }),
      resource("jobs.new", cron("0 0 3 * * ?")),
      resource("pipelines.batch", { continuous: false }),
      resource("pipelines.stream", { continuous: true }),
    ];
    // 2026-11-23 12:00 UTC is 13:00 in Berlin
    const facts = { now: new Date("2026-11-23T12:00:00Z") };
    const change = { plan: made(before, after), desired: after, gateFacts: facts };
    const rowsOf = async (markdown: string): Promise<string> =>
      (await read(markdown)).replace(/\n/g, " ").replace(/ +/g, " ").split("What starts by itself")[1] ?? "";
    const rows = await rowsOf(brief(change));
    expect(rows).toContain(
      "jobs.score cron 0 30 6 * * ? (Europe/Berlin) cron 0 0 5 * * ? (Europe/Berlin) 2026-11-24 05:00 Europe/Berlin",
    );
    expect(rows).toContain("jobs.stop cron 0 0 2 * * ? (Europe/Berlin) cron 0 0 2 * * ? (Europe/Berlin) (paused) — ");
    expect(rows).toContain("jobs.stream continuous cron 0 15 4 * * ? (Europe/Berlin) 2026-11-24 04:15 Europe/Berlin");
    expect(rows).toMatch(/jobs\.many other triggers\S* every 2 hours every 2 hours/);
    expect(rows).toContain("jobs.new — cron 0 0 3 * * ? (Europe/Berlin) 2026-11-24 03:00 Europe/Berlin");
    expect(rows).toContain("pipelines.stream — continuous always");
    const section = rows.slice(0, rows.indexOf("New in prod"));
    expect(section).not.toContain("jobs.label");
    expect(section).not.toContain("pipelines.batch");
    const held = {
      id: "schedules/held",
      severity: "notice" as const,
      where: { kind: "resource" as const, tier: "prod", key: "jobs.score" },
      message: "",
      remedy: "",
    };
    expect(await rowsOf(brief({ ...change, findings: [held] }))).toMatch(
      /cron 0 0 5 \* \* \? \(Europe\/Berlin\) ⏸️ none while it is held/,
    );
  });

  it("says in one sentence whether to approve, and what to weigh", async () => {
    const verdict = async (change: Otherwise) => (await glance(brief(change))).slice(0, 400);
    const mild = planOf({ ...update, class: "re-point", fields: [] });
    expect(await verdict({ plan: mild })).toContain("✅ The gate lets it in, and nothing that runs is interrupted.");
    expect(await verdict({ plan: planOf(restart) })).toContain(
      "🟠 The gate lets it in. Weigh the risk below before you approve. pipelines.ingest is interrupted: what runs now stops, and starts again.",
    );
    expect(await verdict({ plan: planOf(restart, { ...restart, key: "pipelines.more" }) })).toContain(
      "pipelines.ingest, pipelines.more are interrupted",
    );
    expect(await verdict({ unseen: ["nobody looked at prod"] })).toContain("approve. Nobody looked at prod.");
    const worst = await verdict({ plan: planOf(restart, deletion), gateFacts: { destructive: ["jobs.old"] } });
    expect(worst).toContain(
      "🔴 The gate lets it in. Weigh the risk below before you approve. jobs.old (lost: its runs and their history) is deleted.",
    );
    expect(await verdict({ plan: planOf(deletion) })).toContain("❌ Nobody is asked to approve: the gate does not let");
    const failed = { key: "jobs.score", runId: "77", url: undefined, code: "FAILED", endedAt: undefined };
    expect(await verdict({ plan: mild, details: { failedRuns: known([failed]) } })).toContain("🟠");
    expect(await verdict({})).toContain("🟠");
  });

  describe("does not say go where the promotion would stop", () => {
    const mild = planOf({ ...update, class: "re-point", fields: [] });
    const asks = (change: Partial<PolicyFacts>, more: Partial<GateFacts> = {}): Otherwise => {
      const { policy } = goodFacts();
      if (!policy.known) throw new Error("the good facts know the policy");
      return { plan: mild, gateFacts: { policy: known({ ...policy.value, ...change }), ...more } };
    };
    // It is Monday 2026-11-23, 12:00 UTC; staging has had it since 10:10.
    const windows = ["Mon-Thu 14:00-16:00 Europe/Berlin", "Mon-Tue 08:00-10:00 Europe/Berlin"].flatMap(
      (each) => parseWindow(each) ?? [],
    );
    const freezes = [
      { from: "2026-11-20", until: "2026-11-24", zone: "Europe/Berlin", reason: "Black Friday" },
    ].flatMap((each) => parseFreeze(each) ?? []);
    const DAY = 24 * 3_600_000;

    it.each<[string, Otherwise, string]>([
      ["outside of the windows", asks({ windows }), "before Mon 2026-11-23 14:00 Europe/Berlin. prod takes promotions"],
      ["in a freeze", asks({ freezes }), "before Wed 2026-11-25 00:00 Europe/Berlin. prod is frozen until"],
      [
        "before the soak is over",
        asks({ soakMs: DAY }),
        `before Tue 2026-11-24 10:10 UTC. Release ${RELEASE.slice(0, 12)} must stand in staging`,
      ],
      // the soak ends at 11:10 in Berlin, behind Tuesday's first window
      ["before both", asks({ soakMs: DAY, windows }), "before Tue 2026-11-24 14:00 Europe/Berlin. Release 1"],
      [
        "before all three",
        asks({ soakMs: DAY, windows, freezes }),
        "before Wed 2026-11-25 14:00 Europe/Berlin. Release 1",
      ],
      ["with too few verifications", asks({ verifications: 3 }), "yet. 111111111111 has 1 of 3 verifications"],
      [
        "too few, whatever the window",
        asks({ verifications: 3, windows }),
        "yet. 111111111111 has 1 of 3 verifications",
      ],
    ])("%s", async (_name, change, says) => {
      const page = await read(brief(change));
      expect(page).toContain(`⏳ Do not approve ${says}`);
      expect(page).toContain("Approved now, the promotion would stop, and nothing in prod would change.");
      // the table of the gate is open, and says it, too
      const [, passed, all, waiting] = /Gate to prod: (\d+) of (\d+) checks pass, ([12]) not yet/.exec(page) ?? [];
      expect([Number(passed) + Number(waiting), Number(all)]).toEqual([ASKED, ASKED]);
      expect(page).toMatch(/⏳\s+(?:window|verification)\s+\S+/);
      expect(page).not.toMatch(/✅\s+window\s+prod (?:takes promotions Mon|is frozen)/);
    });

    it("and does where somebody takes it on themselves, with the override in sight", async () => {
      const override = { checks: ["window"], reason: "Incident 7.", by: "octocat" };
      const page = await read(brief(asks({ windows }, { override })));
      expect(page).toContain("✅ The gate lets it in, with window overridden, and nothing");
      expect(page).toContain("Break-glass: octocat asks to override window");
      // it is counted as what it is, and its row stands open
      expect(page).toContain(`🚨 ${ASKED - 1} of ${ASKED} checks of the gate pass, 1 overridden`);
      expect(page).toMatch(/🚨\s+window\s+Overridden by octocat/);
    });

    it("since staging is not like prod", async () => {
      const finding = {
        id: "bundle/differs-from-staging",
        severity: "error" as const,
        message: "jobs.a: `x` is 2.",
        remedy: "",
      };
      const gateFacts = { parity: known({ findings: [finding, finding], allowed: [] }) };
      const top = await read(brief({ plan: mild, gateFacts }));
      expect(top).toContain(
        "❌ Nobody is asked to approve: the gate does not let this release in ( parity ). jobs.a: `x` is 2.",
      );
      expect(top).toContain("Staging is not like prod");
    });

    it("since the tier is not as it should be", async () => {
      const finding = {
        id: "release/duplicate",
        severity: "error" as const,
        message: "Two jobs carry our mark.",
        remedy: "",
      };
      const page = await read(brief({ plan: mild, findings: [finding] }));
      expect(page).toContain(
        "❌ Nobody is asked to approve: prod is not as a promotion needs it. Two jobs carry our mark. Nothing in prod changes.",
      );
      expect(await read(brief({ plan: mild, findings: [{ ...finding, severity: "notice" }] }))).toContain(
        "✅ The gate",
      );
    });

    it("since somebody changed the tier by hand, until that is accepted", async () => {
      const page = await read(brief({ plan: mild, drift: known(drifted) }));
      expect(page).toContain("❌ Do not approve: somebody changed prod by hand ( jobs.score, jobs.train ).");
      expect(page).toContain("Reject this run; what was changed, and how it is kept or overwritten, is below.");
      // no time cures it, so it is not among what is only not yet so; and it is told before the gate's table
      expect(page).toContain(`❌ ${ASKED - 1} of ${ASKED} checks of the gate pass, 1 not`);
      expect(page).toContain(`${ASKED - 1} of ${ASKED} checks pass, 1 would stop the promotion`);
      expect(page).toMatch(/❌\s+drift\s/);
      expect(page).not.toContain("⏳");
      expect(page.indexOf("Changed by hand")).toBeLessThan(page.indexOf("Gate to prod"));
      expect(await read(brief({ plan: mild, drift: known(drifted), gateFacts: { acceptedDrift: DRIFT } }))).toContain(
        "🟠 The gate lets it in.",
      );
    });

    it("but does for what only the promotion itself can look at, and shows a warning that stops nothing", async () => {
      const forged = {
        ...judged({ ...DECIDED, kind: "hold" as const, hold: "tier" as const, selector: "all", until: null }),
        doubts: ["the run behind it ran on the branch evil"],
      };
      const holds = known({ ...seen, standing: [], resumed: undefined, doubted: [forged] });
      const kept = notKnown("Nobody looked into the ledger.", "Look.");
      const page = await read(brief({ plan: mild, gateFacts: { stage: "plan", kept, holds } }));
      expect(page).toContain("✅ The gate lets it in");
      expect(page).toMatch(/⚠️\s+hold\s+prod is not held\.[^\n]*the branch evil/);
    });

    it("and names nobody who may approve what nobody should", async () => {
      expect(await read(brief({ plan: planOf(deletion) }))).not.toContain("Who may approve");
      expect(await read(brief(asks({ windows })))).toContain("Who may approve");
    });

    it("nor that something happens where nothing does", async () => {
      const nothing = await read(brief({ plan: planOf(untouched) }));
      expect(nothing).toContain("✅ Nothing changes: prod has all that this release declares already.");
      const same = { commit: CURRENT, release: RELEASE };
      expect(await read(brief({ plan: planOf(untouched), current: same }))).toContain(
        "prod has this very release already",
      );
    });
  });

  it("names failed runs that a repair would split, and says where nobody looked", async () => {
    const url = "https://prd.cloud.databricks.com/jobs/1/runs/77";
    const run = { key: "jobs.score", runId: "77", url, code: "FAILED", endedAt: Date.parse("2026-11-23T10:00:00Z") };
    const page = await read(brief({ details: { failedRuns: known([run]) } }));
    expect(page).toContain("failed runs whose repair would mix two releases: jobs.score");
    expect(page).toMatch(/Failed in prod, and not repaired[\s\S]*jobs\.score\s+run 77\s+FAILED, 2026-11-23 10:00 UTC/);
    const unseen = await read(brief({ details: { failedRuns: notKnown("Nobody looked at prod.", "Look.") } }));
    expect(unseen).toContain("Failed runs whose repair would mix two releases: Nobody looked at prod.");
  });

  it("leads the way back to what a rollback would choose", async () => {
    expect(await glance(brief())).toContain(
      `rollback.yml takes prod back to today's release ${CURRENT.slice(0, 12)}, without a build; its files are still there.`,
    );
    const other = { commit: "a".repeat(40), digest: "0".repeat(64) };
    const older = await glance(brief({ details: { wayBack: known({ to: other, folders: false }) } }));
    expect(older).toMatch(
      new RegExp(
        `back to aaaaaaaaaaaa ?; it skips today's release ${CURRENT.slice(0, 12)}, which is not verified there, or is what this one takes back`,
      ),
    );
    const alike = await glance(
      brief({
        current: { commit: CURRENT, release: RELEASE },
        details: { wayBack: known({ to: other, folders: true }) },
      }),
    );
    expect(alike).toMatch(new RegExp(`it skips today's release ${CURRENT.slice(0, 12)}, which has the same content`));
    expect(older).toContain("its files are not there any more");
    const none = await glance(brief({ details: { wayBack: known(undefined) } }));
    expect(none).toContain(`would choose nothing by itself`);
    expect(none).toContain(`to: ${CURRENT.slice(0, 12)}`);
  });

  it("says what does not come back as it was: what is replaced, deleted and new", async () => {
    const replaced: Change = { ...restart, key: "pipelines.silver", action: "replace", class: "data-losing" };
    const created: Change = { ...base, key: "jobs.new", action: "create", class: "next-run" };
    const top = await glance(brief({ plan: planOf(replaced, deletion, created) }));
    expect(top).toContain("It needs delete: pipelines.silver, since it replaces them once more.");
    expect(top).toContain("jobs.old : made anew, without what is lost here.");
    expect(top).toContain("jobs.new : left there, paused.");
    expect(await glance(brief({ plan: planOf(update) }))).not.toMatch(/made anew|left there|It needs/);
  });

  it("says of a contract that moves the tier that what it has goes on elsewhere, and that no rollback leads there", async () => {
    const told = (move: Move) => glance(brief({ details: { move: known(move) } }));
    const away = await told({ where: ["workspace", "catalog"], principal: "same" });
    expect(away).toMatch(
      /🔴 prod moves: what it has stays where it is and goes on running there.*tiers\.prod\.workspace/,
    );
    expect(away).toMatch(/Not by rollback\.yml ?: today's release .* was made for another workspace ?, catalog/);
    expect(await told({ where: [], principal: "other" })).toContain("prod gets another principal: after the approval");
    expect(await told({ where: [], principal: "unnamed" })).toContain("names the principal no more");
    expect(await told(STAYS)).not.toMatch(/moves|principal/);
    expect(await told(STAYS)).toContain("rollback.yml takes prod back");
  });

  it("says of a hotfix that it is one, past dev, and is to be merged back", async () => {
    const { commit } = goodFacts();
    if (!commit.known) throw new Error("the good facts know the commit");
    const hotfix = {
      branch: "hotfix/scores",
      protected: true,
      holds: true,
      prod: { commit: CURRENT, relation: "ahead" as const },
      other: undefined,
    };
    const told = (found: HotfixFacts, onDefaultBranch = false) =>
      glance(brief({ gateFacts: { commit: known({ ...commit.value, onDefaultBranch, hotfix: found }) } }));
    const top = await told(hotfix);
    expect(top).toMatch(
      /What\s+A hotfix from hotfix\/scores, which dev never had\. Once it is in, merge it back into main ?: until then/,
    );
    expect(await told(hotfix, true)).toMatch(
      /A hotfix from hotfix\/scores, which dev never had; main has it already\./,
    );
    expect(top).not.toContain("Another");
    expect(await told({ ...hotfix, other: "9".repeat(40) })).toMatch(
      /Another hotfix, 999999999999 ?, is not in it: once this one is in, that one is refused\./,
    );
    expect(await glance(brief())).not.toContain("hotfix");
  });

  it("shows changes of who may do what, of the contract and of files, and how staging differs", async () => {
    const access: Change = {
      ...update,
      class: "metadata",
      fields: [{ path: "permissions.omar@example.com", old: undefined, new: "CAN_MANAGE" }],
    };
    const page = await read(
      brief({
        plan: planOf(access),
        details: {
          contract: known([{ path: "tiers.prod.gate.soak", old: "24h", new: "1h" }]),
          files: known([{ path: "src/score.py", what: "removed", components: ["default"] }]),
        },
        gateFacts: {
          parity: known({
            findings: [{ id: "bundle/x", severity: "error", message: "timeout differs", remedy: "" }],
            allowed: ["jobs.score.max_retries"],
          }),
        },
      }),
    );
    expect(page).toMatch(/Who may do what[\s\S]*permissions\.omar@example\.com\s+—\s+"CAN_MANAGE"/);
    expect(page).toMatch(/contract four-tier\.yml changes[\s\S]*tiers\.prod\.gate\.soak\s+"24h"\s+"1h"/);
    expect(page).toMatch(/1 file\s[\s\S]*src\/score\.py\s+removed/);
    expect(page).toMatch(/Staging is not like prod[\s\S]*timeout differs[\s\S]*jobs\.score\.max_retries/);
  });

  it("says how long and how often it was verified below, and that the soak is not over", async () => {
    const policy = goodFacts().policy;
    if (!policy.known) throw new Error("the good facts know the policy");
    const soak = { ...policy.value, soakMs: 24 * 3_600_000 };
    const top = await glance(brief({ gateFacts: { policy: known(soak) } }));
    expect(top).toContain(
      `⏳ Release ${RELEASE.slice(0, 12)} must stand in staging for 1d; that is reached at 2026-11-24 10:10 UTC.`,
    );
    expect(top).toContain(`⏳ ${ASKED - 1} of ${ASKED} checks of the gate pass, 1 not yet`);
    expect(top).toContain("⏳ Do not approve before Tue 2026-11-24 10:10 UTC.");
    const long = { ...policy.value, soakMs: 3_600_000 };
    expect(await glance(brief({ gateFacts: { policy: known(long) } }))).toMatch(
      /✅ 1{12} was verified once in staging.*Asked: 1h there/,
    );
  });

  it("draws where the release comes from and what every tier has", () => {
    const tiers = (["dev", "staging", "prod"] as const).map((tier) => ({ tier, found: notKnown("no", "ask") }));
    expect(brief({ details: { tiers } })).toContain("```mermaid\nflowchart LR\n  source([");
  });

  it("tells what is new and starts by itself, and who else may do something with it", async () => {
    const desired = [
      resource("jobs.mail", {
        schedule: { quartz_cron_expression: "0 0 * * * ?", timezone_id: "UTC", pause_status: "UNPAUSED" },
      }),
      resource("jobs.watch", { triggers: [{ file_arrival: { url: "s3://x" } }] }),
      resource("jobs.paused", { schedule: { quartz_cron_expression: "0 0 * * * ?", pause_status: "PAUSED" } }, [
        { user_name: "eve@example.com", permission_level: "CAN_MANAGE" },
        { service_principal_name: "${principal}", permission_level: "IS_OWNER" },
      ]),
      resource("pipelines.stream", { continuous: true }),
      resource("schemas.gold", { catalog_name: "prod" }, [
        { principal: "account users", privileges: ["ALL_PRIVILEGES"] },
      ]),
      resource("jobs.own", {}, [{ service_principal_name: "${principal}", permission_level: "IS_OWNER" }]),
    ];
    const plan = made([], desired);
    const top = await glance(brief({ plan }));
    expect(top).toContain("🟠 new, and starts by itself: jobs.mail, jobs.watch, pipelines.stream\n");
    expect(top).toContain(
      "🟠 new, and others may see, run or change it: user eve@example.com: CAN_MANAGE ( jobs.paused ), account users: ALL_PRIVILEGES ( schemas.gold )",
    );
    expect(top).toContain("🟠 The gate lets it in. Weigh");
    const seen = ["a", "b", "c", "d", "e"].map((name) =>
      resource(`jobs.${name}`, {}, [{ group_name: "readers", permission_level: "CAN_VIEW" }]),
    );
    expect(await glance(brief({ plan: made([], seen) }))).toMatch(
      /change it: group readers: CAN_VIEW \( jobs\.a, jobs\.b, jobs\.c and 2 more\)/,
    );
    const page = await read(brief({ plan, desired }));
    expect(page).toMatch(
      /What starts by itself[\s\S]*jobs\.mail\s+—\s+cron 0 0 \* \* \* \? \(UTC\)[\s\S]*Who may do what[\s\S]*service principal ⟨ml-pipelines-prod⟩: IS_OWNER, user eve@example\.com: CAN_MANAGE/,
    );
    expect(page).toMatch(/jobs\.mail\s+create\s+🟠 new, and starts by itself/);
    expect(page).toMatch(/jobs\.paused\s+create\s+🟢 new/);
  });

  it("tells apart who is told of a failure, who may do what, and when it starts from what nobody notices", async () => {
    const acl = (level: string): JsonArray => [{ group_name: "team", permission_level: level }];
    const cron = (at: string): JsonObject => ({ schedule: { quartz_cron_expression: at, pause_status: "UNPAUSED" } });
    const before = [
      resource("jobs.alerts", { email_notifications: { on_failure: ["oncall@example.com"] } }),
      resource("jobs.task", { tasks: [{ task_key: "a", webhook_notifications: { on_failure: [{ id: "1" }] } }] }),
      resource("jobs.access", {}, acl("CAN_VIEW")),
      resource("jobs.label", { description: "old" }),
      resource("jobs.time", cron("0 0 6 * * ?")),
      resource("jobs.settings", { ...cron("0 0 6 * * ?"), max_concurrent_runs: 1 }),
    ];
    const after = [
      resource("jobs.alerts", {}),
      resource("jobs.task", { tasks: [{ task_key: "a" }] }),
      resource("jobs.access", {}, acl("CAN_MANAGE")),
      resource("jobs.label", { description: "new" }),
      resource("jobs.time", cron("0 0 7 * * ?")),
      resource("jobs.settings", { ...cron("0 0 7 * * ?"), max_concurrent_runs: 4 }),
    ];
    const plan = made(before, after);
    const top = await glance(brief({ plan }));
    expect(top).toContain("🟠 changes who is told when it fails: jobs.alerts, jobs.task\n");
    expect(top).toContain("🟠 changes who may see, run or change it: jobs.access\n");
    expect(top).toContain("🟠 changes when it starts by itself: jobs.settings, jobs.time\n");
    expect(top).toContain("🟢 takes new settings from its next run: jobs.settings\n");
    expect(await read(brief({ plan }))).toMatch(
      /jobs\.settings\s+update\s+🟠 takes new settings from its next run; changes when it starts\s/,
    );
    expect(top).toMatch(/🟢 changes name, description or tags only: jobs\.label\s/);
    const page = await read(brief({ plan }));
    expect(page).toMatch(/jobs\.alerts\s+update\s+🟠 changes who is told when it fails/);
    for (const key of ["alerts", "access", "time"]) {
      const { changes } = made(
        before.filter((each) => each.key === `jobs.${key}`),
        after.filter((each) => each.key === `jobs.${key}`),
      );
      expect(await glance(brief({ plan: planOf(...changes) }))).toContain("🟠 The gate lets it in. Weigh");
    }
  });

  it("says who opened pull requests, and who wrote what is in them", async () => {
    const commit = (author: string) => ({ sha: COMMIT, title: "x", author, url: undefined });
    const pull = (author: string) => ({ ...PULL, author });
    const written = (commits: string[], pulls: string[], unasked = 0) =>
      brief({ history: known({ commits: commits.map(commit), pulls: pulls.map(pull), unasked }) });
    const said = (...of: Parameters<typeof written>) => glance(written(...of));
    expect(await said(["octocat", "mona"], ["octocat", "ada"])).toContain(
      "2 pull requests by octocat, ada, with commits by mona; 1 file changed",
    );
    expect(await said(["octocat"], ["octocat"])).toContain("1 pull request by octocat; 1 file changed");
    expect(await said(["octocat", "octocat"], [])).toContain("2 commits by octocat, without a pull request; 1 file");

    // what was not asked is said, in the table and below it
    const unasked = "ull requests of the oldest 2 of 3 commits were not looked up";
    const three = ["octocat", "octocat", "octocat"];
    expect(await said(three, [], 2)).toContain(`3 commits by octocat, p${unasked}; 1 file`);
    expect(await said(three, ["octocat"], 2)).toContain(`at least 1 pull request by octocat (p${unasked}); 1 file`);
    const page = await read(written(three, ["octocat"], 2));
    expect(page).toContain("At least 1 pull request");
    expect(page).toContain(`P${unasked}: the list of commits has their titles.`);
    expect(await read(written(["octocat"], ["octocat"]))).not.toMatch(/at least|not looked up/i);
  });

  it("says of nothing that it is nothing", async () => {
    const change: Otherwise = {
      history: known({ commits: [], pulls: [], unasked: 0 }),
      plan: planOf(untouched),
      current: { commit: CURRENT, release: RELEASE },
      details: { files: known([]), wayBack: known(undefined) },
    };
    const top = await glance(brief(change));
    expect(top).toMatch(/What\s+Nothing changes\.\n/);
    expect(top).toContain(`Nothing changes, so there is nothing to go back from: prod keeps ${CURRENT.slice(0, 12)}.`);
    expect(await read(brief(change))).not.toContain("New in prod");
    const same = await glance(brief({ ...change, current: { commit: COMMIT, release: RELEASE } }));
    expect(same).toContain(`commit ${COMMIT.slice(0, 12)}, which prod has`);
    // a commit that touches only documentation
    expect(await glance(brief({ plan: planOf(untouched) }))).toContain("1 file changed; no resource changes.");
  });

  it("says what verified a release, and that it was only read back where nothing was run", async () => {
    const passed = [1, 2].map((id) =>
      judged({
        ...DECIDED,
        kind: "verification" as const,
        tier: "staging" as const,
        release: RELEASE,
        passed: true,
        checks: [],
        run: { id: `95${id}`, attempt: 1, job: "verify" },
      }),
    );
    const thrice = { verifications: known({ ...seen, failed: undefined, passed }) };
    const verifies = ["jobs.smoke_test", "pipelines.silver"];
    const top = await glance(brief({ gateFacts: thrice, details: { verifies } }));
    expect(top).toContain(
      "was verified at least 3 times in staging, since 2026-11-23 10:10 UTC. What lives there is what was released; jobs.smoke_test, pipelines.silver were run.",
    );
    expect(await glance(brief())).toContain(
      "was verified once in staging, since 2026-11-23 10:10 UTC. What lives there is what was released; no test was run, since tiers.staging.gate.verify names none.",
    );
  });

  it("calls nothing proved of a release that the tier below does not show", async () => {
    const top = await glance(brief({ gateFacts: { source: known([]) } }));
    expect(top).toContain("❌ nothing proves that staging runs it");
    expect(top).not.toContain("What lives there");
    expect(top).not.toMatch(/✅[^\n]*verif/);
  });

  it("shows code by its files, and what the suite fills in by names", async () => {
    const plan = made(
      [
        {
          ...resource("jobs.score", {
            tasks: [{ task_key: "a", notebook_task: { notebook_path: "${release}/src/old" } }],
          }),
          component: "scoring",
        },
        { ...resource("experiments.churn", {}), name: "/Users/${principal}/old" },
        resource("jobs.watch", { tasks: [{ task_key: "a", run_job_task: { job_id: "1" } }] }),
      ],
      [
        {
          ...resource("jobs.score", {
            tasks: [{ task_key: "a", notebook_task: { notebook_path: "${release}/src/new" } }],
          }),
          component: "scoring",
          componentDigest: "b".repeat(64),
        },
        { ...resource("experiments.churn", {}), name: "/Users/${principal}/churn" },
        resource("jobs.watch", { tasks: [{ task_key: "a", run_job_task: { job_id: "${resources.jobs.score.id}" } }] }),
      ],
    );
    const files = known([
      { path: "src/score.py", what: "changed" as const, components: ["scoring"] },
      { path: "src/data/ingest.sql", what: "changed" as const, components: ["data"] },
      { path: "src/gone.py", what: "removed" as const, components: ["scoring"] },
    ]);
    const page = await read(brief({ plan, details: { files } }));
    expect(page).toMatch(
      /jobs\.score\s+its code\s+component scoring\s+the same, with src\/score\.py changed, src\/gone\.py removed\n/,
    );
    expect(page).toMatch(/notebook_path\s+"src\/old"\s+"src\/new"/);
    expect(page).toContain('"⟨id of jobs.score⟩"');
    expect(page).toContain('"/Users/⟨ml-pipelines-prod⟩/churn"');
    expect(page).not.toMatch(/\$\{|[ab]{64}/);
  });

  it("says of what ran all the time, and is not to any more, that it is ended", async () => {
    const loop = (settings: JsonObject): Desired => resource("jobs.stream", settings);
    const says = "runs all the time now and then no more: what is at work is ended";
    const running = loop({ continuous: { pause_status: "UNPAUSED" } });
    const scheduled = loop({ schedule: { quartz_cron_expression: "0 0 6 * * ?", timezone_id: "UTC" } });
    const paused = loop({ continuous: { pause_status: "PAUSED" } });
    for (const then of [scheduled, paused, loop({})]) {
      expect(await glance(brief({ plan: made([running], [then]) }))).toContain(says);
    }
    expect(
      await glance(brief({ plan: made([running], [loop({ ...running.settings, timeout_seconds: 9 })]) })),
    ).not.toContain(says);
    expect(await glance(brief({ plan: made([paused], [loop({})]) }))).not.toContain(says);
  });

  it("names what a rollback left, and what of it goes with this promotion", async () => {
    const each = { kind: "jobs", id: "17", name: "extra" };
    const page = brief({
      left: [
        { ...each, key: "jobs.extra", goes: true },
        { ...each, key: "jobs.other", goes: false },
      ],
    });
    expect(await glance(page)).toContain("🔴 deletes what a rollback left: jobs.extra\n");
    const alone = await glance(brief({ plan: planOf(untouched), left: [{ ...each, key: "jobs.extra", goes: true }] }));
    expect(alone).toContain("1 resource that a rollback left is deleted; no resource of the release changes.");
    const text = await read(page);
    expect(text).toContain("Left in prod by a rollback");
    expect(text).toMatch(/jobs\.extra\s+jobs\s+17\s+🔴 deleted/);
    expect(text).toMatch(/jobs\.other\s+jobs\s+17\s+stays; tiers\.prod\.destructive: \[jobs\.other\]/);
  });

  it("puts the worst first", async () => {
    const top = await glance(brief({ plan: planOf(update, restart, deletion) }));
    expect(top.indexOf("deletes: jobs.old")).toBeGreaterThan(0);
    expect(top.indexOf("deletes: jobs.old")).toBeLessThan(top.indexOf("stops and starts: pipelines.ingest"));
    expect(top.indexOf("stops and starts: pipelines.ingest")).toBeLessThan(top.indexOf("next run: jobs.score"));
    expect(top).toContain("Nobody is asked to approve: the gate does not let this release in");
  });

  it("shows what was changed by hand, and how to accept it", async () => {
    const page = await read(brief({ drift: known(drifted) }));
    expect(await glance(brief({ drift: known(drifted) }))).toContain("changed by hand in prod: jobs.score, jobs.train");
    expect(page).toMatch(/jobs\.score\s+timeout_seconds\s+60\s+0/);
    expect(page).toMatch(/jobs\.train\s+\(the whole resource\)\s+there\s+gone/);
    expect(page).toContain(`accept-drift set to ${DRIFT}`);
    const accepted = await read(brief({ drift: known(drifted), gateFacts: { acceptedDrift: DRIFT } }));
    expect(accepted).toContain("This run accepts it");
  });

  it("says that nobody looked, when nobody could", async () => {
    const page = brief({ drift: notKnown("Nobody looked at prod.", "Give the brief a principal.") });
    expect(await glance(page)).toContain("nobody could look whether prod was changed by hand");
    expect(await read(page)).toContain("Nobody looked at prod. Give the brief a principal.");
    const blind = brief({ unseen: ["nobody looked at prod: the rest comes later", "a schema was seen in part"] });
    expect(await glance(blind)).toContain(
      "❓ nobody looked at prod: the rest comes later\n❓ a schema was seen in part",
    );
    expect(blind).toContain("**The gate lets it in. Weigh the risk below before you approve.**");
  });

  it("tells the first release from the next, and no change from one", async () => {
    const first = await glance(brief({ current: undefined, plan: planOf({ ...update, action: "create" }) }));
    expect(first).toContain("The first release of prod");
    expect(first).toMatch(/whether prod has jobs of these names .* only an administrator .* can tell: .*: jobs\.score/);
    const adopt = new Map([["jobs.score", "83"]]);
    const adopting = brief({
      current: undefined,
      plan: planOf({ ...update, action: "create" }),
      gateFacts: { adopt },
    });
    expect(await read(adopting)).not.toContain("only an administrator");
    expect(first).toContain("No release was here before this one, so rollback.yml has nowhere to go.");
    expect(first).toContain("runs the caller of operate.yml: operation pause, tier prod");
    expect(await glance(brief({ plan: planOf(untouched) }))).toContain("no resource changes");
    expect(await read(brief({ plan: planOf(untouched) }))).toContain("No change: prod has what this release declares");
  });

  it("names who may approve, and not who started the run", async () => {
    expect(await read(brief())).toMatch(
      /Who may approve:\s+hubot; not octocat, who started this run\. To decide: this run's page, Review deployments, prod/,
    );
    expect(brief()).toMatch(/<a href="https:\/\/github\.com\/acme\/ml-pipelines\/actions\/runs\/[^"]+">this run/);
    const run = { ...goodFacts().run, actor: "HUBOT" };
    expect(await read(brief({ gateFacts: { run } }))).toContain("nobody. HUBOT started this run");
  });

  it("says how to approve where people do it by runs of their own, with both digests at hand", async () => {
    const { policy } = goodFacts();
    if (!policy.known) throw new Error("the good facts are known");
    const approvers = { by: "dispatch" as const, count: 2, from: ["hubot", "mona"], notAuthor: true };
    const page = await read(brief({ gateFacts: { policy: known({ ...policy.value, approvers }) } }));
    expect(page).toMatch(/Who may approve:\s+2 people of hubot, mona; not octocat, .* nobody who wrote it/);
    expect(page).toContain(`release-digest ${RELEASE}`);
    const alone = { ...approvers, from: ["octocat", "hubot"] };
    expect(await read(brief({ gateFacts: { policy: known({ ...policy.value, approvers: alone }) } }))).toMatch(
      /Who may approve:\s+not enough of octocat, hubot: .* so hubot is left, and 2 must approve/,
    );
  });

  it("shows a glass that somebody asks to break before anything else", async () => {
    const facts = { ...goodFacts(), stage: "plan" as const, holds: notKnown("It could not be read.", "Look.") };
    const override = { checks: ["hold"], reason: "incident 7", by: "octocat" };
    const top = await glance(brief({ gate: evaluateGate({ ...facts, override }) }));
    expect(top).toContain("Break-glass: octocat asks to override hold : incident 7");
    expect(await glance(brief())).not.toContain("Break-glass");
  });

  it("carries the digests that are approved", async () => {
    const page = await read(brief());
    expect(page).toContain(RELEASE);
    expect(page).toContain(PLAN);
  });

  it("lets no text from outside become markup, a link or a mention", async () => {
    const evil = "x` | <img src=x onerror=alert(1)> ](https://evil.example) @acme/everyone <!-- --> **b** \n\n# h";
    const markdown = brief({
      history: known({
        commits: [{ sha: COMMIT, title: evil, author: evil, url: "javascript:alert(1)" }],
        pulls: [
          {
            number: "7",
            title: evil,
            url: "javascript:alert(1)",
            author: evil,
            base: "main",
            head: COMMIT,
            merged: true,
            mergeCommit: undefined,
          },
        ],
        unasked: 0,
      }),
      plan: planOf({
        ...update,
        key: `jobs.${evil}`,
        fields: [{ path: `schedule.${evil}`, old: evil, new: { [evil]: evil } }],
      }),
      drift: known({
        ...drifted,
        entries: [{ key: evil, what: "changed", fields: [{ path: evil, old: evil, new: evil }] }],
      }),
      // accepted, since a brief that says stop names nobody who may approve
      gateFacts: { run: { ...goodFacts().run, actor: evil }, acceptedDrift: DRIFT },
    });
    expect(markdown).toContain("Who may approve");
    const html = await marked.parse(markdown);
    expect(html).not.toMatch(/<img|<!--|href="javascript|href="https:\/\/evil|<strong>b|<h1/);
    expect(markdown).not.toContain("@acme");
    expect(html.match(/<table>/g)?.length).toBe(
      (await marked.parse(brief({ drift: known(drifted), gateFacts: { acceptedDrift: DRIFT } }))).match(/<table>/g)
        ?.length,
    );
  });

  it("stays below what GitHub shows, however much changes", () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({
      ...update,
      key: `jobs.job_${index}`,
      fields: [{ path: "description", old: "a".repeat(10_000), new: "b".repeat(10_000) }],
    }));
    const markdown = brief({ plan: planOf(...many) });
    expect(Buffer.byteLength(markdown)).toBeLessThan(1024 * 1024);
    expect(markdown).toContain("and 2900 more");
  });

  it("says of every list that it cuts how much is not shown", async () => {
    const each = <T>(make: (index: number) => T): T[] => Array.from({ length: 103 }, (_, index) => make(index));
    const found = { id: "bundle/x", severity: "error" as const, message: "timeout differs", remedy: "" };
    const commits = each(() => ({ sha: COMMIT, title: "x", author: "octocat", url: undefined }));
    const pulls = each((index) => ({ ...PULL, number: String(index) }));
    const run = { key: "jobs.a", url: undefined, code: "FAILED", endedAt: undefined };
    const page = await read(
      brief({
        history: known({ commits, pulls, unasked: 0 }),
        details: { failedRuns: known(each((index) => ({ ...run, runId: String(index) }))) },
        gateFacts: { parity: known({ findings: each(() => found), allowed: [] }) },
      }),
    );
    expect(page.match(/… and 3 older, behind the link/g)).toHaveLength(2);
    expect(page.match(/… and 3 more, in the JSON report/g)).toHaveLength(2);
  });
});
