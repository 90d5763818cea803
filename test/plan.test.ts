import { expect, test } from "vitest";
import { resolveTier } from "../src/contract/tiers.ts";
import { connect } from "../src/databricks/workspace.ts";
import { known, notKnown } from "../src/gate/facts.ts";
import { openGit } from "../src/git.ts";
import { plan } from "../src/plan.ts";
import { makePlan } from "../src/release/plan.ts";
import type { ActionResult } from "../src/report/report.ts";
import { goodFacts } from "./gate/facts.ts";
import { IDS } from "./promotion-files.ts";
import { type Scene, scene } from "./promotion.ts";

const READER = "99999999-9999-4999-8999-999999999999";
const PROD = "ml-pipelines-prod";

/** Prod, with a principal of its own for looking and an administrator who changes things by hand. */
function prod(): Promise<Scene> {
  return scene("prod", {
    workspaces: { prod: { id: "1111111111111111", admins: ["mona@example.com"] } },
    service_principals: {
      [PROD]: { application_id: IDS.prod, workspaces: ["prod"], secrets: ["dose-prod-secret"] },
      reader: { application_id: READER, workspaces: ["prod"], secrets: ["dose-reader-secret"] },
    },
  });
}

/** The brief for prod's head commit, looked at as `principal`, when evidence says that `current` is there. */
async function brief(of: Scene, principal: string, current: string): Promise<ActionResult> {
  const git = await openGit(of.repository.folder);
  const commit = await git.head();
  const contract = await of.contract(commit);
  // A reader does not know the application id from its own sign-in: the contract says whose folder it is.
  const tier = { ...resolveTier(contract, "prod"), clientId: IDS.prod };
  const applied = await of.candidate(current);
  const live = connect({
    host: of.simulator.workspaces["prod"]?.url ?? "",
    credentials: { kind: "secret", ...of.simulator.credentials(principal) },
    log: { info() {}, debug() {}, warning() {}, secret() {} },
  });
  return plan({
    run: {
      owner: "acme",
      repository: "ml-pipelines",
      sha: commit,
      ref: "refs/heads/main",
      event: "push",
      eventPath: undefined,
      actor: "octocat",
      triggeringActor: "octocat",
      runId: "1",
      runAttempt: 1,
      job: "brief-live",
      workflowRef: "",
      workspace: "/nowhere",
      apiUrl: "http://127.0.0.1:9",
      serverUrl: "https://github.com",
      temp: "/nowhere",
      oidc: undefined,
    },
    tier,
    candidate: await of.candidate(commit),
    root: "",
    contract,
    allowedHosts: [],
    git,
    live,
    current: () => Promise.resolve(known({ commit: current, release: applied.digest, artifacts: [] })),
    gather: (stage, live) => Promise.resolve({ ...goodFacts(), stage, ...live }),
    history: () => Promise.resolve(notKnown("not asked", "")),
    log: { info() {} },
    now: new Date(),
  });
}

/** As the administrator, in the workspace. */
async function byHand(of: Scene, method: string, path: string, body?: string): Promise<string> {
  const response = await fetch(`${of.simulator.workspaces["prod"]?.url ?? ""}${path}`, {
    method,
    headers: { authorization: `Bearer ${of.simulator.tokenFor("mona@example.com")}` },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

/** Ids are int64: they are read as text. */
async function jobIds(of: Scene): Promise<string[]> {
  const list = await byHand(of, "GET", "/api/2.2/jobs/list");
  return [...list.matchAll(/"job_id":\s*(\d+)/g)].map(([, id]) => id ?? "");
}

async function letReaderView(of: Scene): Promise<void> {
  const body = JSON.stringify({
    access_control_list: [{ service_principal_name: READER, permission_level: "CAN_VIEW" }],
  });
  for (const id of await jobIds(of)) await byHand(of, "PATCH", `/api/2.0/permissions/jobs/${id}`, body);
  const pipelines = await byHand(of, "GET", "/api/2.0/pipelines");
  for (const [, id] of pipelines.matchAll(/"pipeline_id":\s*"([^"]+)"/g)) {
    await byHand(of, "PATCH", `/api/2.0/permissions/pipelines/${id ?? ""}`, body);
  }
}

test("a reader who is not let into the tier's folder sees the plan and the drift that the tier itself sees", async () => {
  const world = await prod();
  const commit = world.repository.git("rev-parse", "HEAD");
  const candidate = await world.candidate(commit);
  const done = await world.promote({ approved: await approvalOf(world, commit) });
  expect(done.result.findings.filter(({ severity }) => severity === "error")).toEqual([]);
  await letReaderView(world);

  const quiet = await brief(world, "reader", commit);
  expect(quiet.outputs["release-digest"]).toBe(candidate.digest);
  expect(quiet.outputs["changed"]).toBe("false");
  const [job] = await jobIds(world);
  const schedule = { quartz_cron_expression: "0 1 1 * * ?", timezone_id: "UTC", pause_status: "UNPAUSED" };
  await byHand(
    world,
    "POST",
    "/api/2.2/jobs/update",
    `{"job_id": ${job ?? ""}, "new_settings": ${JSON.stringify({ schedule })}}`,
  );
  const asReader = await brief(world, "reader", commit);
  const asTier = await brief(world, PROD, commit);
  expect(asReader.outputs["drift-digest"]).toMatch(/^[0-9a-f]{64}$/);
  expect(asReader.outputs["drift-digest"]).not.toBe(quiet.outputs["drift-digest"]);
  expect(asReader.outputs["drift-digest"]).toBe(asTier.outputs["drift-digest"]);
  expect(asReader.outputs["plan-digest"]).toBe(asTier.outputs["plan-digest"]);
  expect(asReader.summary).toContain("Changed by hand");
});

test("a reader who may view nothing knows nothing: that is not an empty tier", async () => {
  const world = await prod();
  const commit = world.repository.git("rev-parse", "HEAD");
  await world.promote({ approved: await approvalOf(world, commit) });
  const blind = await brief(world, "reader", commit);
  expect(blind.outputs["drift-digest"]).toBe("");
  expect(blind.findings.map(({ id, severity }) => `${severity} ${id}`)).toContain("unknown gate/drift-unknown");
  expect(blind.findings.map(({ remedy }) => remedy).join()).toContain("CAN_VIEW");
});

/** What an approver would hand over for the first release. */
async function approvalOf(of: Scene, commit: string): Promise<{ release: string; plan: string }> {
  const candidate = await of.candidate(commit);
  return { release: candidate.digest, plan: makePlan(new Map(), candidate.desired).digest };
}
