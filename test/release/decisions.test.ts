/** Decisions from the simulated GitHub, through the real client, to the gate's verdict: honest, forged, replayed. */
import { describe, expect, test } from "vitest";
import type { Job } from "../../simulator/github/world.ts";
import { MINIMAL } from "../contract/examples.ts";
import { common, decided, OPERATE, operating, type Ready, ready, record, verified, verify } from "./operations.ts";
import {
  ALL,
  CALLER,
  connect,
  contract,
  deployed,
  end,
  gate,
  ids,
  LIVE,
  PIN,
  PLAN,
  promoteRun,
  RELEASE,
  type World,
} from "./world.ts";

async function reject(world: World & { commit: string }, tier: "dev" | "staging" | "prod" = "staging"): Promise<Job> {
  const job = operating(world, `Reject in ${tier}, release ${RELEASE}`);
  await record(world, job, { ...common(job, tier), kind: "reject", release: RELEASE, ...decided });
  return job;
}

async function accept(world: World & { commit: string }, tier: "dev" | "staging" | "prod" = "staging"): Promise<Job> {
  const job = operating(world, `Accept in ${tier}, release ${RELEASE}`);
  await record(world, job, { ...common(job, tier), kind: "accept", release: RELEASE, ...decided });
  return job;
}

/** What the gate to prod says, finding by finding. */
async function says(world: Ready, options: Parameters<typeof gate>[3] = {}): Promise<string[]> {
  return ids(await gate(world, world.api, world.run, options));
}

test("a release that was rejected in any tier is refused, and accepted again let in; GitHub shows neither as deployed", async () => {
  for (const tier of ["dev", "staging", "prod"] as const) {
    await using world = await ready();
    await reject(world, tier);
    const refused = await gate(world, world.api, world.run);
    expect(ids(refused)).toEqual(["gate/rejects-rejected"]);
    expect(refused.findings[0]?.message).toMatch(
      new RegExp(`rejected in ${tier} by hubot at .* UTC: It scores everybody twice\\.$`),
    );
    expect(refused.findings[0]?.remedy).toContain(`operate.yml, operation accept, in ${tier}`);
    await accept(world, tier);
    expect(await says(world)).toEqual([]);
    await reject(world, tier);
    expect(await says(world)).toEqual(["gate/rejects-rejected"]);
    const states = world.github.world.deployments
      .filter(({ task }) => task === "four-tier-operation")
      .map(({ statuses }) => statuses.at(-1)?.state);
    expect(new Set(states)).toEqual(new Set(["inactive"]));
    expect(world.github.unmodelled).toEqual([]);
  }
});

test("an accept in a lower tier does not lift the reject of a higher one; one above lifts it", async () => {
  await using world = await ready();
  await reject(world, "staging");
  await accept(world, "dev");
  expect(await says(world)).toEqual(["gate/rejects-rejected"]);
  await accept(world, "prod");
  expect(await says(world)).toEqual([]);
});

test("a reject of another release, or of another project, stops nobody", async () => {
  await using world = await ready();
  const other = "9".repeat(64);
  const job = operating(world, `Reject in prod, release ${other}`);
  await record(world, job, { ...common(job, "prod"), kind: "reject", release: other, ...decided });
  const foreign = operating(world, `Reject in prod, release ${RELEASE}`);
  const payload = { ...common(foreign, "prod"), project: "other", kind: "reject" as const, release: RELEASE };
  await record(world, foreign, { ...payload, ...decided });
  expect(await says(world)).toEqual([]);
});

test("a hand-made reject is noise: shown with its author, and it stops nobody", async () => {
  await using world = await ready();
  const real = operating(world, "Resume prod, promotions");
  for (const id of [String(real.run.id), "99999"]) {
    const payload = { ...common(real, "prod"), run: { id, attempt: 1, job: "operate" }, kind: "reject" as const };
    await record(world, real, { ...payload, release: RELEASE, ...decided }, "mallory");
  }
  const result = await gate(world, world.api, world.run);
  expect(result.verdict).toBe("pass");
  expect(ids(result)).toEqual(["gate/rejects-not-believed", "gate/rejects-not-believed"]);
  expect(result.findings.map(({ severity }) => severity)).toEqual(["warning", "warning"]);
  expect(result.findings[0]?.message).toContain("by mallory");
});

test("a hand-made accept lifts nothing, and neither does an old one written once more", async () => {
  await using world = await ready();
  const old = operating(world, `Accept in prod, release ${RELEASE}`, { ago: 3_600_000 });
  await reject(world, "prod");
  await record(world, old, { ...common(old, "prod"), kind: "accept", release: RELEASE, ...decided }, "mallory");
  const branch = operating(world, `Accept in prod, release ${RELEASE}`, { headBranch: "evil" });
  await record(world, branch, { ...common(branch, "prod"), kind: "accept", release: RELEASE, ...decided }, "mallory");
  const result = await gate(world, world.api, world.run);
  expect(result.verdict).toBe("fail");
  expect(ids(result)).toContain("gate/rejects-rejected");
  expect(result.findings.map(({ message }) => message).join("\n")).toMatch(
    /it was written at \d{4}-\d\d-\d\d \d\d:\d\d UTC, but its job ran from \d{4}-\S+ \d\d:\d\d UTC to/,
  );
});

test("a reject whose run nobody may read is unknown, and names the permission", async () => {
  await using world = await ready();
  const job = await reject(world, "prod");
  const rest = Object.fromEntries(Object.entries(ALL).filter(([name]) => name !== "actions"));
  const result = await gate(world, connect(world, job, rest), world.run);
  const rejects = result.checks.find(({ check }) => check === "rejects");
  expect(rejects?.verdict).toBe("unknown");
  expect(rejects?.findings[0]?.remedy).toContain("actions: ");
});

test("more forged rejects than are looked at are unknown, and an honest one among them is still found first", async () => {
  await using world = await ready();
  const real = operating(world, "Resume prod, promotions");
  for (let index = 0; index < 21; index += 1) {
    const payload = {
      ...common(real, "prod"),
      run: { id: `9${index}`, attempt: 1, job: "operate" },
      kind: "reject" as const,
    };
    await record(world, real, { ...payload, release: RELEASE, ...decided }, "mallory");
  }
  const result = await gate(world, world.api, world.run);
  expect(result.verdict).toBe("unknown");
  expect(ids(result)).toContain("gate/rejects-too-many");
});

test("a tier that is held takes nothing until it is resumed; schedules that are held do not hold the tier", async () => {
  await using world = await ready();
  const schedules = operating(world, "Hold prod, schedules of all");
  const stop = { kind: "hold" as const, selector: "", until: null, ...decided };
  await record(world, schedules, { ...common(schedules, "prod"), ...stop, hold: "schedules" });
  expect(await says(world)).toEqual([]);
  const held = operating(world, "Hold prod, promotions");
  await record(world, held, { ...common(held, "prod"), ...stop, hold: "tier" });
  expect(await says(world)).toEqual(["gate/hold-held"]);
  const forged = { ...common(held, "prod"), kind: "resume" as const, hold: "tier" as const, selector: "", ...decided };
  await record(world, held, forged, "mallory");
  expect(await says(world)).toEqual(["gate/hold-held", "gate/hold-not-believed"]);
  const resumed = operating(world, "Resume prod, promotions");
  await record(world, resumed, { ...forged, ...common(resumed, "prod") });
  expect(await says(world)).toEqual([]);
});

const GATE = "gate: { soak: 2h, verifications: 3 }";
const SOAKING = `project: ml-pipelines\n${MINIMAL.replace("prod: {", `prod: { ${GATE},`)}`;

test("soak and verifications count what runs proved in staging, from the first, and start over after a failure", async () => {
  await using world = await ready(SOAKING);
  const own = contract(SOAKING);
  expect(await says(world, { contract: own })).toEqual(["gate/verification-soak", "gate/verification-too-few"]);
  await verify(world, true, 3 * 3_600_000);
  expect(await says(world, { contract: own })).toEqual(["gate/verification-too-few"]);
  await verify(world, true, 3_600_000);
  expect(await says(world, { contract: own })).toEqual([]);
  await verify(world, false);
  const failed = await gate(world, world.api, world.run, { contract: own });
  expect(ids(failed)).toEqual(["gate/verification-soak", "gate/verification-failed"]);
});

test("hand-made verifications count for nothing: neither passes, nor failures turned round", async () => {
  await using world = await ready(SOAKING);
  const job = operating(world, `Verify staging, release ${RELEASE}`, {
    job: "verify / verify",
    passed: false,
    ago: 3 * 3_600_000,
  });
  for (let index = 0; index < 3; index += 1) await record(world, job, verified(job, true), "mallory");
  const result = await gate(world, world.api, world.run, { contract: contract(SOAKING) });
  expect(ids(result).filter((id) => id === "gate/verification-not-believed")).toHaveLength(3);
  expect(result.verdict).toBe("fail");
});

test("approvals by dispatch: two people's runs with these digests, and no copies of theirs", async () => {
  const dispatch = `project: ml-pipelines\n${MINIMAL.replace("prod: {", "prod: { gate: { approvers: { by: dispatch, count: 2 } },")}`;
  await using world = await ready(dispatch);
  const own = { contract: contract(dispatch) };
  world.run.approvals.length = 0;
  const give = async (actor: string, plan = PLAN, by?: string): Promise<Job> => {
    const job = operating(world, `Approve for prod, release ${RELEASE}, plan ${plan}`, {
      actor,
      triggeringActor: actor,
    });
    await record(world, job, { ...common(job, "prod"), kind: "approval", release: RELEASE, plan, ...decided }, by);
    return job;
  };
  const first = await give("hubot");
  await give("mallory", "8".repeat(64)); // of another plan
  await give("octocat"); // who started the run
  // Mallory says again, in their own name, what hubot's run said: it is hubot's still.
  await record(
    world,
    first,
    { ...common(first, "prod"), kind: "approval", release: RELEASE, plan: PLAN, reason: "", by: "mallory" },
    "mallory",
  );
  expect(await says(world, own)).toEqual(["gate/approval-missing", "gate/approval-self"]);
  await give("mallory");
  expect(await says(world, own)).toEqual([]);
  // Who may not write any more does not count.
  world.github.world.people.delete("mallory");
  expect(await says(world, own)).toContain("gate/approval-missing");
});

test("an approval by dispatch is over when prod changed since, as by a rollback", async () => {
  const dispatch = `project: ml-pipelines\n${MINIMAL.replace("prod: {", "prod: { gate: { approvers: { by: dispatch } },")}`;
  await using world = await ready(dispatch);
  const own = { contract: contract(dispatch) };
  world.run.approvals.length = 0;
  const give = async (ago: number): Promise<void> => {
    const job = operating(world, `Approve for prod, release ${RELEASE}, plan ${PLAN}`, { ago });
    const approval = { ...common(job, "prod"), kind: "approval" as const, release: RELEASE, plan: PLAN, ...decided };
    await record(world, job, approval);
    const written = world.github.world.deployments.at(-1);
    if (written !== undefined) Object.assign(written, { createdAt: job.completedAt });
  };
  await give(3_600_000);
  expect(await says(world, own)).toEqual([]);
  const before = promoteRun(world);
  end(before.prod);
  const parent = world.repository.git("rev-parse", `${world.commit}^1`);
  Object.assign(before.run, { headSha: parent });
  await deployed(connect(world, before.prod), "prod", before.run, parent, { release: "8".repeat(64) });
  expect(await says(world, own)).toEqual(["gate/approval-missing", "gate/approval-past"]);
  await give(-60_000);
  expect(await says(world, own)).toEqual([]);
});

/** A policy that stops, and the finding; each is written on the default branch only, or in the release only. */
const POLICIES: readonly [string, string, string][] = [
  ["soak", "gate: { soak: 2h }", "gate/verification-soak"],
  ["verifications", "gate: { verifications: 2 }", "gate/verification-too-few"],
  ["windows", 'gate: { windows: ["Mon 00:00-00:01 UTC"] }', "gate/window-closed"],
  [
    "freezes of the tier",
    'gate: { freezes: [{ from: 2026-01-01, until: 2099-01-01, reason: "x" }] }',
    "gate/window-frozen",
  ],
  ["approvers from", "gate: { approvers: { from: [mona] } }", "gate/approval-not-named"],
  ["approvers not_author", "gate: { approvers: { from: [hubot], by: dispatch, count: 1 } }", "gate/approval-missing"],
  ["active_runs", "active_runs: fail", "gate/active-runs-active"],
];

test.each([...POLICIES, ["freezes of all", "", "gate/window-frozen"] as const])(
  "a release cannot lower its own gate: %s",
  async (_key, policy, finding) => {
    const minimal = `project: ml-pipelines\n${MINIMAL}`;
    const strict =
      policy === ""
        ? `${minimal}\nfreezes: [{ from: 2026-01-01, until: 2099-01-01, reason: "x" }]\n`
        : minimal.replace("prod: {", `prod: { ${policy},`);
    const options = {
      now: finding === "gate/window-closed" ? new Date("2026-11-24T12:00:00Z") : new Date(),
      live: {
        ...LIVE,
        activeRuns: {
          known: true as const,
          value: {
            policy: "allow" as const,
            waited: false,
            runs: [{ key: "jobs.a", name: "a", id: "7", url: undefined, since: undefined, continuous: false }],
          },
        },
      },
    };
    // The release has the lax contract and the default branch was tightened since.
    await using world = await ready();
    if (finding === "gate/approval-missing") world.run.approvals.length = 0;
    world.repository.commit("Tighten", { "four-tier.yml": strict });
    expect(await says(world, options)).toEqual([finding]);
    // And what a release asks of itself binds nobody once the default branch dropped it.
    await using lax = await ready(strict);
    lax.repository.commit("Loosen", { "four-tier.yml": minimal });
    expect(await says(lax, { ...options, contract: contract(strict) })).toEqual([]);
  },
);

test.each([
  ["ahead", 49, ["gate/verification-soak", "gate/window-clock"]],
  ["behind", -49, ["gate/verification-soak", "gate/window-clock"]],
] as const)(
  "a runner's clock that is two days %s ends no soak: GitHub's tells the time",
  async (_way, hours, found) => {
    const text = `project: ml-pipelines\n${MINIMAL.replace("prod: {", "prod: { gate: { soak: 24h },")}`;
    await using world = await ready(text);
    const [own, asks] = [contract(text), world.run.jobs.find(({ name }) => name === "prod / promote")];
    if (asks === undefined) throw new Error("the run has a job for prod");
    const clock = () => new Date(Date.now() + hours * 3_600_000);
    const wrong = connect(world, asks, undefined, clock);
    const result = await gate(world, wrong, world.run, { contract: own, now: clock() });
    expect(ids(result)).toEqual(found);
    expect(result.findings.at(-1)?.message).toContain(`clock is 49h ${hours > 0 ? "ahead of" : "behind"} GitHub's`);
  },
);

test("what stops it is asked for again under the lock, of the default branch: a freeze and a reject that came meanwhile", async () => {
  await using world = await ready();
  const frozen = `project: ml-pipelines\n${MINIMAL}\nfreezes: [{ from: 2026-01-01, until: 2099-01-01, reason: "x" }]\n`;
  expect(await says(world)).toEqual([]);
  const meanwhile = async (): Promise<void> => {
    world.repository.commit("Freeze", { "four-tier.yml": frozen });
    await reject(world, "prod");
  };
  expect((await says(world, { meanwhile })).sort()).toEqual(["gate/rejects-rejected", "gate/window-frozen"]);
});

test("a contract that nobody can read on the default branch lets nothing in", async () => {
  await using world = await ready();
  world.repository.commit("Not a contract", { "four-tier.yml": "project: [\n" });
  const result = await gate(world, world.api, world.run);
  expect(result.verdict).toBe("unknown");
  const unknown = result.checks.filter(({ verdict }) => verdict === "unknown").map(({ check }) => check);
  expect(unknown).toEqual(["verification", "evidence", "window", "hold", "approval", "active-runs", "estate"]);
});

test("records made with a suite that the pins have left: a reject stands, a verification does not count", async () => {
  await using world = await ready(
    `project: ml-pipelines\n${MINIMAL.replace("prod: {", "prod: { gate: { verifications: 2 },")}`,
  );
  const own = contract(`project: ml-pipelines\n${MINIMAL.replace("prod: {", "prod: { gate: { verifications: 2 },")}`);
  await verify(world);
  expect(await says(world, { contract: own })).toEqual([]);
  await reject(world, "prod");
  world.repository.commit("Newer suite", {
    ".github/workflows/operate.yml": OPERATE.replaceAll(PIN, "7".repeat(40)),
    ".github/workflows/promote.yml": CALLER,
  });
  const found = await says(world, { contract: own });
  expect(found).toContain("gate/rejects-rejected");
  expect(found).toContain("gate/verification-too-few");
});

describe("a tier that is verified every hour", () => {
  const HOUR = 3_600_000;
  const own = { contract: contract(SOAKING) };
  const newPin = "7".repeat(40);

  /** Honest runs of a suite that was pinned then. */
  async function hourly(world: Ready, count: number, since: number, pin = PIN): Promise<void> {
    for (let hour = 0; hour < count; hour += 1) await verify(world, true, since - hour * HOUR, pin);
  }

  /** How many runs were read since the beginning of the list. */
  const runsRead = (world: Ready, from: number): number =>
    new Set(
      world.github.requests
        .slice(from)
        .map(({ path }) => /\/actions\/runs\/(\d+)$/.exec(path)?.[1])
        .filter((run) => run !== undefined),
    ).size;

  test("does not lock the gate when the suite's pin is raised: what the new one verified counts", async () => {
    await using world = await ready(SOAKING);
    await hourly(world, 22, 40 * HOUR);
    world.repository.commit("Newer suite", { ".github/workflows/operate.yml": OPERATE.replaceAll(PIN, newPin) });
    await hourly(world, 1, 4 * HOUR, newPin);
    expect(await says(world, own)).toEqual(["gate/verification-too-few", "gate/verification-outdated"]);
    await hourly(world, 4, 3 * HOUR, newPin);
    const result = await gate(world, world.api, world.run, own);
    expect(result.verdict).toBe("pass");
    const outdated = result.findings.filter(({ id }) => id === "gate/verification-outdated");
    expect(outdated.map(({ severity }) => severity)).toEqual(["notice"]);
    expect(ids(result)).toHaveLength(1);
    expect(outdated[0]?.message).toContain("which neither .github/workflows/operate.yml on main pins");
  });

  test("soaks from the first of a hundred, and only a few runs are read to see it", async () => {
    await using world = await ready(SOAKING.replace("soak: 2h", "soak: 3d"));
    await hourly(world, 70, 80 * HOUR);
    const from = world.github.requests.length;
    const result = await gate(world, world.api, world.run, {
      contract: contract(SOAKING.replace("soak: 2h", "soak: 3d")),
    });
    expect(ids(result)).toEqual([]);
    expect(runsRead(world, from)).toBeLessThan(10);
  });

  test("and a failure of the older suite still counts against it", async () => {
    await using world = await ready(SOAKING);
    await verify(world, false, 30 * HOUR);
    world.repository.commit("Newer suite", { ".github/workflows/operate.yml": OPERATE.replaceAll(PIN, newPin) });
    await hourly(world, 1, 10 * HOUR, newPin);
    expect(await says(world, own)).toEqual(["gate/verification-failed"]);
  });
});

describe("an estate proof that the contract asks for", () => {
  const ASKS = `project: ml-pipelines\n${MINIMAL}`.replace(/prod: \{/, "prod: { gate: { estate: 24h },");

  const own = { contract: contract(ASKS) };

  async function audit(world: World & { commit: string }, passed: boolean, user?: string): Promise<void> {
    const job = operating(world, "Audit prod", { job: "grants / audit", passed });
    const payload = { ...common(job, "prod"), kind: "estate" as const, passed, certificate: RELEASE };
    await record(world, job, payload, user);
  }

  test("is there, passed, and is the newest", async () => {
    await using world = await ready(ASKS);
    expect(await says(world, own)).toEqual(["gate/estate-none"]);
    await audit(world, true);
    expect(await says(world, own)).toEqual([]);
    await audit(world, false);
    expect(await says(world, own)).toEqual(["gate/estate-failed"]);
    await audit(world, true);
    expect(await says(world, own)).toEqual([]);
    expect(world.github.unmodelled).toEqual([]);
  });

  test("is not believed of a run that did not say so", async () => {
    await using world = await ready(ASKS);
    const job = operating(world, "Audit staging", { job: "grants / audit" });
    await record(world, job, { ...common(job, "prod"), kind: "estate", passed: true, certificate: RELEASE }, "hubot");
    expect(await says(world, own)).toEqual(["gate/estate-none", "gate/estate-not-believed"]);
  });

  test("costs GitHub nothing where none is asked for", async () => {
    await using world = await ready();
    expect(await says(world)).toEqual([]);
    expect(world.github.requests.some(({ path }) => path.includes("four-tier-audit"))).toBe(false);
  });
});
