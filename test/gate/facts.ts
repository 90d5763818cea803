/** A promotion to prod in which everything is right; a test breaks one thing. */
import type { DocumentFacts } from "../../src/gate/document-facts.ts";
import type { EvidenceFacts, EvidenceJob, JudgedRecord } from "../../src/gate/evidence-facts.ts";
import type { Expectation } from "../../src/gate/evidence-run.ts";
import { type GateFacts, known, type LiveFacts, type RepositoryFacts } from "../../src/gate/facts.ts";
import type { RecordOf, RecordPayload } from "../../src/release/evidence.ts";
import { STAYS } from "../../src/release/move.ts";

export const COMMIT = "c".repeat(40);
export const CURRENT = "b".repeat(40);
/** The head of the pull request that was merged. */
const HEAD = "a".repeat(40);
export const PIN = "5".repeat(40);
export const RELEASE = "1".repeat(64);
export const PLAN = "2".repeat(64);
/** Of staging's evidence document. */
export const DOCUMENT = "4".repeat(64);
export const DRIFT = "3".repeat(64);

export const repository: RepositoryFacts = {
  defaultBranch: "main",
  head: COMMIT,
  headIsProtected: true,
  visibility: "public",
};

/** What evidence of staging's deployment has to be of. */
export const expected: Expectation = {
  tier: "staging",
  project: "ml-pipelines",
  candidate: { commit: COMMIT, release: RELEASE },
  repository,
  suite: { repository: "four-tier/four-tier", commits: [] },
  trustPinsAtCommit: false,
};

const pins = [
  { job: "dev", path: "four-tier/four-tier/.github/workflows/deploy-to-dev.yml", ref: PIN },
  { job: "staging", path: "four-tier/four-tier/.github/workflows/gate-to-staging.yml", ref: PIN },
];

/** A job that ran for ten minutes. */
export function job(name: string, conclusion = "success"): EvidenceJob {
  return {
    name,
    attempt: 1,
    conclusion,
    url: undefined,
    startedAt: "2026-11-23T10:00:00Z",
    completedAt: "2026-11-23T10:10:00Z",
    steps: [],
  };
}

/** Staging's honest evidence. */
export const evidence: EvidenceFacts = {
  deployment: {
    id: "71",
    creator: "github-actions[bot]",
    sha: COMMIT,
    state: "success",
    url: "https://gh.example/d",
    createdAt: "2026-11-23T10:01:00Z",
  },
  claim: {
    kind: "promotion",
    tier: "staging",
    project: "ml-pipelines",
    release: RELEASE,
    runId: "900",
    attempt: 1,
    artifacts: [],
  },
  run: {
    url: "https://gh.example/runs/900",
    actor: "octocat",
    triggeringActor: "octocat",
    event: "push",
    headBranch: "main",
    headSha: COMMIT,
    headRepository: "acme/ml-pipelines",
    repository: "acme/ml-pipelines",
    workflow: ".github/workflows/promote.yml",
    referencedWorkflows: pins.map(({ path, ref }) => ({ path, sha: ref })),
    pins,
    pinsAtCommit: pins,
    callerJobs: pins.map(({ job, path }) => ({ key: job, name: job, calls: path })),
    jobs: [
      job("dev / promote"),
      {
        ...job("staging / promote"),
        url: "https://gh.example/jobs/1",
        steps: [
          { name: `Keep the evidence, SHA-256 ${DOCUMENT}`, conclusion: "success" },
          { name: `Check grants, release ${RELEASE}`, conclusion: "success" },
        ],
      },
    ],
  },
};

/** Its document, kept as it should be. */
export const keptFor = (release: string): DocumentFacts => ({
  place: { branch: "four-tier-evidence", head: "d".repeat(40), isDefault: false, missing: [] },
  sought: [
    {
      run: { id: "900", attempt: 1, url: "https://gh.example/runs/900" },
      digest: DOCUMENT,
      found: {
        path: `ml-pipelines/staging/2026-11-23/900-1-promotion-${DOCUMENT}.json`,
        url: "https://gh.example/blob/d/900.json",
        sha256: DOCUMENT,
        document: {
          kind: "promotion-evidence",
          tier: "staging",
          project: "ml-pipelines",
          release,
          run: { id: "900", attempt: 1 },
        },
      },
    },
  ],
});
export const KEPT = keptFor(RELEASE);

/** What every record of a decision in prod says. */
export const DECIDED = {
  suite: "four-tier" as const,
  version: 1 as const,
  tier: "prod" as const,
  project: "ml-pipelines",
  run: { id: "800", attempt: 1, job: "operate" },
  reason: "It scores everybody twice.",
  by: "whoever wrote it",
};

/** A record that is believed; a test bends it. */
export function judged<Claim extends RecordPayload>(
  claim: Claim,
  change: Partial<JudgedRecord> = {},
): JudgedRecord<Claim> {
  return {
    deployment: { id: "72", creator: "github-actions[bot]", url: "https://gh.example/d/72" },
    doubts: [],
    unread: undefined,
    at: "2026-11-23T11:00:00Z",
    by: "hubot",
    runUrl: `https://gh.example/runs/${claim.run.id}`,
    ...change,
    claim,
  };
}

/** Everything was looked at, and nothing odd was among it. */
export const seen = { doubted: [], outdated: [], unread: [], whole: true };

/** What a look at prod shows where all is well. */
export const SEEN_WELL: LiveFacts = {
  identity: known({
    servicePrincipal: "ml-pipelines-prod",
    clientId: "33333333-3333-4333-8333-333333333333",
    workspaceId: "3333333333333333",
    catalog: "prod",
    findings: [],
  }),
  plan: known({ digest: PLAN, changes: [], empty: false }),
  drift: known({ digest: "e".repeat(64), entries: [], empty: true }),
  adoption: known([]),
  parity: known({ findings: [], allowed: [] }),
  losses: known([]),
  grants: known([]),
  lock: known({ held: false }),
  activeRuns: known({ policy: "allow", waited: false, runs: [] }),
  kept: known({ holds: [], rejects: [] }),
};

/** An estate proof of prod, two hours old. */
export function audited(passed: boolean, at = "2026-11-23T10:00:00Z"): JudgedRecord<RecordOf<"estate">> {
  const { reason: _reason, by: _by, ...common } = DECIDED;
  return judged({ ...common, kind: "estate", passed, certificate: "4".repeat(64) }, { at });
}

export function goodFacts(): GateFacts {
  return {
    project: "ml-pipelines",
    tier: "prod",
    previous: "staging",
    stage: "promote",
    environment: "prod",
    contractFile: "four-tier.yml",
    candidate: { commit: COMMIT, release: RELEASE, artifacts: [] },
    approved: { release: RELEASE, plan: PLAN },
    acceptedDrift: undefined,
    destructive: [],
    adopt: new Map(),
    move: STAYS,
    policy: known({
      soakMs: 0,
      verifications: 1,
      verify: [],
      verifyTimeoutMs: 0,
      estateMs: 365 * 86_400_000,
      approvers: { by: "review", count: 1, from: [], notAuthor: false },
      windows: [],
      freezes: [],
      activeRuns: "allow",
      onFailure: "report",
      onExpiry: "report",
      evidenceBranch: "four-tier-evidence",
    }),
    override: undefined,
    now: new Date("2026-11-23T12:00:00Z"),
    skewMs: 0,
    run: { id: "900", attempt: 1, event: "push", ref: "refs/heads/main", actor: "octocat", triggeringActor: "octocat" },
    suite: { repository: "four-tier/four-tier", commits: [] },
    repository: known(repository),
    commit: known({
      onDefaultBranch: true,
      hotfix: undefined,
      authors: ["octocat"],
      authorless: [],
      entering: {
        since: CURRENT,
        line: [{ commit: COMMIT, title: "Merge pull request #7", author: "hubot", parents: 2, pulls: ["7"] }],
        beside: [{ commit: HEAD, title: "Score hourly", author: "octocat" }],
        left: 0,
        accepted: [],
      },
      pulls: [
        {
          number: "7",
          title: "Score hourly",
          url: "https://gh.example/pull/7",
          author: "octocat",
          base: "main",
          head: HEAD,
          merged: true,
          mergeCommit: COMMIT,
          commits: [HEAD],
          authors: ["octocat"],
          authorUnknown: false,
          reviews: [{ user: "hubot", state: "APPROVED", stale: false, mayWrite: true }],
          checks: [{ name: "validate / validate", status: "completed", conclusion: "success", url: undefined }],
        },
      ],
    }),
    source: known([evidence]),
    documents: known(KEPT),
    order: known({ current: { commit: CURRENT, release: "0".repeat(64) }, relation: "ahead" }),
    protection: known({
      environment: {
        url: undefined,
        reviewers: ["hubot"],
        preventSelfReview: true,
        canAdminsBypass: false,
        branches: { kind: "custom", patterns: [{ name: "main", type: "branch" }] },
      },
      codeowners: { path: ".github/CODEOWNERS", text: "/.github/ @acme/platform\n/four-tier.yml @acme/platform\n" },
    }),
    approvals: known([{ environments: ["prod"], state: "approved", user: "hubot", comment: "go" }]),
    openings: known({ ...seen, opened: [] }),
    collected: known({ approved: [], ...seen }),
    below: known({ now: { commit: COMMIT, release: RELEASE }, left: undefined }),
    verifications: known({ failed: undefined, passed: [], ...seen }),
    rejects: known({ standing: [], lifted: [], ...seen }),
    audits: known({ newest: audited(true), ...seen }),
    holds: known({ standing: [], resumed: undefined, ...seen }),
    ...SEEN_WELL,
  };
}

/** A run that open-approval.yml started, on a schedule unless somebody started that. */
export function openedRun(good: GateFacts, by?: string): Pick<GateFacts, "run" | "openings"> {
  const bot = "github-actions[bot]";
  const { reason: _reason, by: _by, ...common } = DECIDED;
  const claim = { ...common, kind: "opening" as const, release: RELEASE, commit: COMMIT, opened: good.run.id };
  return {
    run: { ...good.run, event: "workflow_dispatch", actor: bot, triggeringActor: bot },
    openings: known({ ...seen, opened: [judged(claim, { by })] }),
  };
}
