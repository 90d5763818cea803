/** A promotion to prod in which everything is right; a test breaks one thing. */
import {
  type EvidenceFacts,
  type EvidenceJob,
  type GateFacts,
  known,
  type RepositoryFacts,
} from "../../src/gate/facts.ts";

export const COMMIT = "c".repeat(40);
export const CURRENT = "b".repeat(40);
export const PIN = "5".repeat(40);
export const RELEASE = "1".repeat(64);
export const PLAN = "2".repeat(64);
export const DRIFT = "3".repeat(64);

export const repository: RepositoryFacts = {
  defaultBranch: "main",
  head: COMMIT,
  headIsProtected: true,
  visibility: "public",
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
  deployment: { id: "71", creator: "github-actions[bot]", sha: COMMIT, state: "success", url: "https://gh.example/d" },
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
        steps: [{ name: `Check grants, release ${RELEASE}`, conclusion: "success" }],
      },
    ],
  },
};

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
    run: { id: "900", attempt: 1, event: "push", ref: "refs/heads/main", actor: "octocat", triggeringActor: "octocat" },
    suite: { repository: "four-tier/four-tier", commits: [] },
    repository: known(repository),
    commit: known({
      onDefaultBranch: true,
      authors: ["octocat"],
      pulls: [
        {
          number: "7",
          title: "Score hourly",
          url: "https://gh.example/pull/7",
          author: "octocat",
          base: "main",
          merged: true,
          reviews: [{ user: "hubot", state: "APPROVED", stale: false, mayWrite: true }],
          checks: [{ name: "validate / validate", status: "completed", conclusion: "success", url: undefined }],
        },
      ],
    }),
    source: known([evidence]),
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
    grants: known([]),
    lock: known({ held: false }),
  };
}
