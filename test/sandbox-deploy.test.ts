import { describe, expect, it } from "vitest";
import { type JsonObject, stringifyJson } from "../simulator/json.ts";
import { deletePath } from "../src/databricks/files.ts";
import type { Ledger } from "../src/ledger/model.ts";
import { readLedger, writeLedger } from "../src/ledger/store.ts";
import { accessList } from "../src/release/access.ts";
import { withSandboxAccess } from "../src/sandboxes/access.ts";
import { APPLICATION } from "./account.ts";
import { FOLDER } from "./sandboxes/cleaning.ts";
import { type Developers, developers, failed } from "./sandboxes/deploying.ts";
import { SANDBOX_APPLICATION } from "./sandboxes/estate.ts";

const MAIN = "main";
/** Writes octocat's ledger as a change leaves it, and gives it. */
async function changeLedger(team: Developers, change: (ledger: Ledger) => Ledger): Promise<Ledger> {
  const ledger = await readLedger(team.sandbox(), FOLDER, { project: "ml-pipelines", tier: "sandbox" });
  if (ledger === undefined) throw new Error("there is no ledger");
  return writeLedger(team.sandbox(), FOLDER, change(ledger));
}
const OF = (developer: string): string[] =>
  ["ingest", "refresh", "score", "stream", "watch"].map((name) => `[sandbox ${developer}] ${name}`);

describe("a deployment to a sandbox", () => {
  it("is prefixed, tagged with its developer, paused, and reads dev; its developer runs it, dev's principal manages it", async () => {
    const team = await developers();
    const commit = team.repository.git("rev-parse", MAIN);
    expect(failed(await team.deploy("octocat", commit))).toEqual([]);
    expect(team.names()).toEqual(OF("octocat"));
    const { world } = team.account.simulator;
    for (const { starts, paused, tags } of world.picture("dev")) {
      expect(starts === undefined || paused).toBe(true);
      expect(tags).toMatchObject({
        four_tier_project: "ml-pipelines",
        four_tier_tier: "sandbox",
        four_tier_developer: "octocat",
      });
    }
    expect(world.picture("dev").filter(({ starts }) => starts !== undefined)).toHaveLength(2);
    const pipeline = world.pipeline("dev", "[sandbox octocat] ingest");
    expect(pipeline.spec).toMatchObject({ catalog: "octocat_sandbox", continuous: false });
    const job = world.job("dev", "[sandbox octocat] score");
    const { acls } = world.workspace("dev");
    const levels = (kind: "jobs" | "pipelines", id: string) =>
      Object.fromEntries(acls.of(kind, id).map(({ principal, level }) => [principal, level]));
    expect(levels("jobs", String(job.id))).toMatchObject({
      [SANDBOX_APPLICATION]: "IS_OWNER",
      "mona@example.com": "CAN_MANAGE_RUN",
      [APPLICATION.dev]: "CAN_MANAGE",
    });
    expect(levels("pipelines", pipeline.id)).toMatchObject({ "mona@example.com": "CAN_RUN" });
    // The second time there is nothing to do, the access of others included.
    const before = team.account.writes().length;
    expect(failed(await team.deploy("octocat", commit))).toEqual([]);
    expect(team.account.writes().slice(before)).toEqual([]);
  });

  it.each([
    ["jobs", "*/jobs/create", 2],
    ["pipelines", "*/pipelines", 1],
  ])("that meets the quota of %s is told so, and goes on from there once there is room", async (kind, path, nth) => {
    const team = await developers();
    const commit = team.repository.git("rev-parse", MAIN);
    const message = `The quota for the number of ${kind} has been reached.`;
    const code = "RESOURCE_EXHAUSTED";
    const { simulator } = team.account;
    simulator.fault({ method: "POST", path, effect: "error", status: 429, code, message, nth });
    const stopped = await team.deploy("octocat", commit);
    expect(failed(stopped).map((each) => each.split(":")[0])).toEqual(["databricks/quota", "promote/unfinished"]);
    // a sandbox has no rollback
    expect(stopped.findings.find(({ id }) => id === "promote/unfinished")?.remedy).toBe(
      "Fix the cause and deploy again.",
    );
    expect(failed(await team.deploy("octocat", commit))).toEqual([]);
    expect(team.names()).toEqual(OF("octocat"));
  });

  it("of ten pull requests of two developers at once touches nothing of the other's", async () => {
    const team = await developers();
    const pulls = ["octocat", "Rob-Smith"].flatMap((login) =>
      [1, 2, 3, 4, 5].map((number) => ({
        login,
        commit: team.branch(`${login}-${number}`, {
          "src/scoring/score.py": `# Databricks notebook source\nprint('${login} ${number}')\n`,
          ...(number % 2 === 0
            ? {
                "databricks.yml": (team.repository.git("show", "main:databricks.yml") + "\n").replace(
                  "name: watch",
                  `name: watch ${number}`,
                ),
              }
            : {}),
        }),
      })),
    );
    const results = await Promise.all(pulls.map(({ login, commit }) => team.deploy(login, commit)));
    expect(results.flatMap(failed)).toEqual([]);
    expect(team.account.simulator.unmodelled).toEqual([]);

    const { world } = team.account.simulator;
    const prefixes = { octocat: "[sandbox octocat] ", rob_smith: "[sandbox rob_smith] " };
    for (const [developer, prefix] of Object.entries(prefixes)) {
      const own = world.picture("dev").filter(({ name }) => name.startsWith(prefix));
      // One of each, whoever came last: five resources, no copy, no stranger's tag.
      expect(own.map(({ tags }) => tags["four_tier_key"] ?? "").sort()).toEqual([
        "jobs.refresh",
        "jobs.score",
        "jobs.stream",
        "jobs.watch",
        "pipelines.ingest",
      ]);
      expect(new Set(own.map(({ tags }) => tags["four_tier_developer"]))).toEqual(new Set([developer]));
      const settings = own.map(({ kind, id }) =>
        stringifyJson(kind === "job" ? world.job("dev", id).settings : world.pipeline("dev", id).spec),
      );
      const other = developer === "octocat" ? "rob_smith" : "octocat";
      for (const text of settings) {
        expect(text).not.toContain(`sandbox/${other}/`);
        expect(text).not.toContain(`${other}_sandbox`);
      }
      // What the ledger says is what lives: the last run won, whole.
      const path = `/Users/${SANDBOX_APPLICATION}/.four-tier/ml-pipelines/sandbox/${developer}/ledger.json`;
      const ledger = JSON.parse(Buffer.from(world.readFile("dev", path) ?? []).toString()) as {
        release: { commit: string };
        pending: unknown;
      };
      expect(ledger.pending).toBeNull();
      const login = developer === "octocat" ? "octocat" : "Rob-Smith";
      const last = pulls.find(({ commit }) => commit === ledger.release.commit);
      expect(last?.login).toBe(login);
      const before = team.account.writes().length;
      expect(failed(await team.deploy(login, ledger.release.commit))).toEqual([]);
      expect(team.account.writes().slice(before)).toEqual([]);
    }
    expect(world.picture("dev")).toHaveLength(10);
  });
});

describe("two pull requests of one developer", () => {
  it("share the sandbox: the later one stays, and says what made way for it", async () => {
    const team = await developers();
    const first = team.branch("first", { "src/scoring/score.py": "# Databricks notebook source\nprint(1)\n" });
    const second = team.branch("second", { "src/scoring/score.py": "# Databricks notebook source\nprint(2)\n" });
    const notices = async (commit: string, run: string) =>
      (await team.deploy("octocat", commit, run)).findings.map(({ id, message }) => `${id}: ${message}`);
    expect(await notices(first, "601")).toEqual([]);
    expect(await notices(second, "602")).toEqual([
      `sandbox/replaced: The sandbox had commit ${first.slice(0, 12)}, which run 601 deployed; it now has ${second.slice(0, 12)}.`,
    ]);
    expect(await notices(second, "603")).toEqual([]);
  });
});

describe("a deployment that took its time", () => {
  const CHANGE = { "src/scoring/score.py": "# Databricks notebook source\nprint(1)\n" };
  const pull = (now: { isOpen: boolean; head: string; labels?: string[] }) => ({
    number: "4",
    head: "a",
    label: "sandbox",
    now: () => Promise.resolve({ labels: ["bug", "Sandbox"], ...now }),
  });
  /** What stops it, while the sandbox stays as it was. */
  async function refusal(asked: Parameters<Developers["deploy"]>[3], before?: string) {
    const team = await developers();
    const commit = team.branch("f", CHANGE);
    if (before !== undefined) await team.deploy("octocat", team.repository.git("rev-parse", MAIN), before);
    const names = team.names();
    const told = await team.deploy("octocat", commit, "700", asked).then(failed, (error: unknown) => [String(error)]);
    expect(team.names()).toEqual(names);
    return { told, team, commit };
  }

  it("writes nothing once its pull request is closed, has lost its label, or has a newer commit", async () => {
    const closed = await refusal({ pull: pull({ isOpen: false, head: "a" }) });
    expect(closed.told).toEqual([expect.stringContaining("sandbox/closed")]);
    const older = await refusal({ pull: pull({ isOpen: true, head: "b" }) });
    expect(older.told).toEqual([expect.stringContaining("sandbox/older-commit")]);
    const unlabeled = await refusal({ pull: pull({ isOpen: true, head: "a", labels: ["bug"] }) });
    expect(unlabeled.told).toEqual([expect.stringContaining("sandbox/unlabeled")]);
    const { deploy } = older.team;
    expect(failed(await deploy("octocat", older.commit, "701", { pull: pull({ isOpen: true, head: "a" }) }))).toEqual(
      [],
    );
  });

  it("does not replace what a later run of the same branch deployed, but that of another branch", async () => {
    const branchOf = (run: string) => Promise.resolve(run === "702" ? "f" : undefined);
    const { told, team, commit } = await refusal({ branch: "f", branchOf }, "702");
    expect(told).toEqual([expect.stringContaining("sandbox/older-commit")]);
    expect(told[0]).toContain("run 702");
    expect(failed(await team.deploy("octocat", commit, "701", { branch: "g", branchOf }))).toEqual([]);
    expect(failed(await team.deploy("octocat", commit, "703", { branch: "f", branchOf }))).toEqual([]);
  });

  it.each<[string, string, (team: Developers) => unknown]>([
    [
      "begins to go",
      "identity/sandbox-removing",
      ({ account }) => {
        const comment = "Being removed by Four-Tier since 2027-01-01T00:00:00.000Z: nobody had used it.";
        account.simulator.world.securable("octocat_sandbox").comment = comment;
      },
    ],
    [
      "goes",
      "sandbox/gone",
      ({ account }) =>
        account.connect("dev").call({
          method: "DELETE",
          path: "/api/2.1/unity-catalog/catalogs/octocat_sandbox",
          query: { force: true },
        }),
    ],
  ])("writes nothing into a sandbox that %s while it waits for the lock", async (_name, id, change) => {
    const team = await developers();
    team.account.simulator.when({
      method: "POST",
      path: "*/import-file/*lock.1",
      run: async () => {
        await change(team);
      },
    });
    await expect(team.deploy("octocat", team.repository.git("rev-parse", MAIN))).rejects.toThrow(id);
    expect(team.names()).toEqual([]);
  });
});

describe("taking a sandbox's deployment down", () => {
  it("removes what is ours of this developer, and nothing else; the catalog and its data stay", async () => {
    const team = await developers();
    const commit = team.repository.git("rev-parse", MAIN);
    await team.deploy("octocat", commit);
    await team.deploy("rob-smith", commit);
    const { world } = team.account.simulator;
    const tags = { four_tier_project: "ml-pipelines", four_tier_tier: "sandbox", four_tier_key: "jobs.copy" };
    const job = (name: string, more: JsonObject): JsonObject => ({
      name,
      tags: more,
      tasks: [{ task_key: "t", notebook_task: { notebook_path: "/Workspace/Shared/x" } }],
    });
    // A person's copy of ours carries our tags; another project's, and a tier's own, are nobody's business here.
    const copy = world.createJob("dev", "mona@example.com", job("a copy", { ...tags, four_tier_developer: "octocat" }));
    const { acls } = world.workspace("dev");
    acls.set("jobs", String(copy.id), [
      ...acls.of("jobs", String(copy.id)),
      { principal: SANDBOX_APPLICATION, level: "CAN_MANAGE" },
    ]);
    world.createJob(
      "dev",
      "ml-pipelines-sandbox",
      job("other project", { ...tags, four_tier_project: "x", four_tier_developer: "octocat" }),
    );
    world.createJob("dev", "ml-pipelines-sandbox", job("dev's", { ...tags, four_tier_tier: "dev" }));
    world.startRun("dev", "[sandbox octocat] score");

    const result = await team.teardown("octocat");

    expect(result.removed.map(({ key }) => key ?? "").sort()).toEqual([
      "jobs.refresh",
      "jobs.score",
      "jobs.stream",
      "jobs.watch",
      "pipelines.ingest",
    ]);
    expect(team.names()).toEqual([...OF("rob_smith"), "a copy", "dev's", "other project"].sort());
    expect(team.files("octocat").filter((path) => !/lock\.\d+(\.released)?$/.test(path))).toEqual([]);
    expect(team.files("rob_smith").length).toBeGreaterThan(4);
    expect(world.securable("octocat_sandbox.gold")).toBeDefined();
    expect((await team.teardown("octocat")).removed).toEqual([]);
    // And the sandbox can be deployed to again.
    expect(failed(await team.deploy("octocat", commit))).toEqual([]);
  });

  it("finds by tags what a lost ledger does not name", async () => {
    const team = await developers();
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN));
    const folder = `/Users/${SANDBOX_APPLICATION}/.four-tier/ml-pipelines/sandbox/octocat`;
    await deletePath(team.sandbox(), `/Workspace${folder}/ledger.json`);
    expect((await team.teardown("octocat")).removed).toHaveLength(5);
    expect(team.names()).toEqual([]);
  });

  it("leaves alone what another branch has deployed since", async () => {
    const team = await developers();
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN));
    const kept = await team.teardown("octocat", { branch: "mine", deployed: "another" });
    expect(kept.removed).toEqual([]);
    expect(kept.findings.map(({ id }) => id)).toEqual(["sandbox/other-branch"]);
    expect((await team.teardown("octocat", { branch: "mine" })).removed).toEqual([]);
    expect(team.names()).toEqual(OF("octocat"));
    expect((await team.teardown("octocat", { branch: "mine", deployed: "mine" })).removed).toHaveLength(5);
  });

  it("leaves alone what no ledger says the branch of, unless it is asked for by hand", async () => {
    const team = await developers();
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN));
    await deletePath(team.sandbox(), `${FOLDER}/ledger.json`);
    const kept = await team.teardown("octocat", { branch: "mine", deployed: "mine" });
    expect(kept.removed).toEqual([]);
    expect(kept.findings.map(({ id }) => id)).toEqual(["sandbox/unknown-branch"]);
    expect((await team.teardown("octocat")).removed).toHaveLength(5);
  });

  it("judges by the deployment that was interrupted, not by the one before it", async () => {
    const team = await developers();
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN), "601");
    await changeLedger(team, (ledger) => {
      if (ledger.release === undefined) throw new Error("nothing was released");
      const release = { ...ledger.release, run: { id: "602", attempt: 1 } };
      return { ...ledger, pending: { release, intents: [] } };
    });
    const asked: string[] = [];
    const deployed = (run: string): string => {
      asked.push(run);
      return "another";
    };
    const result = await team.teardown("octocat", { branch: "mine", deployed });
    expect(asked).toEqual(["602"]);
    expect(result.findings.map(({ id }) => id)).toEqual(["sandbox/other-branch"]);
  });

  it("takes what the ledger names though somebody else made it, and keeps what holds data", async () => {
    const team = await developers();
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN));
    const { world } = team.account.simulator;
    const { acls } = world.workspace("dev");
    const { tags = {} } = world.job("dev", "[sandbox octocat] score").settings;
    const tasks = [{ task_key: "t", notebook_task: { notebook_path: "/Workspace/rob" } }];
    const adopted = world.createJob("dev", "rob@example.com", { name: "[sandbox octocat] adopted", tags, tasks });
    const id = String(adopted.id);
    acls.set("jobs", id, [...acls.of("jobs", id), { principal: SANDBOX_APPLICATION, level: "CAN_MANAGE" }]);
    await changeLedger(team, (ledger) => {
      const score = ledger.resources.get("jobs.score");
      if (score === undefined) throw new Error("the ledger has no jobs.score");
      const files = { ...score, kind: "volumes" as const, id: "octocat_sandbox.gold.files", name: "files" };
      const resources = new Map(ledger.resources).set("jobs.score", { ...score, id }).set("volumes.files", files);
      return { ...ledger, resources };
    });

    const result = await team.teardown("octocat");

    expect(team.names()).toEqual([]);
    expect(result.kept).toEqual(["volumes.files"]);
    expect(result.findings.map(({ id: finding }) => finding)).toEqual(["sandbox/kept"]);
    const after = await changeLedger(team, (ledger) => ledger);
    expect([...after.resources.keys()]).toEqual(["volumes.files"]);
    expect(after.release).toBeUndefined();
  });

  it("stops as soon as another run has taken the lock", async () => {
    const team = await developers();
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN));
    const { simulator } = team.account;
    const content = { run: "9", attempt: 1, job: "deploy", token: "t", at: "now" };
    simulator.when({
      method: "POST",
      path: "*/jobs/delete",
      after: true,
      run: () =>
        simulator.world.writeFile("dev", `${FOLDER.slice("/Workspace".length)}/lock.99`, JSON.stringify(content)),
    });
    await expect(team.teardown("octocat")).rejects.toThrow(/ledger\/lock-lost/);
    expect(team.names()).toHaveLength(4);
  });

  it("goes on where it was interrupted", async () => {
    const team = await developers({
      faults: [{ method: "POST", path: "*/jobs/delete", nth: 3, effect: "error", status: 400, message: "no" }],
    });
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN));
    await expect(team.teardown("octocat")).rejects.toThrow(/jobs\/delete/);
    expect(team.names()).toHaveLength(3);
    expect((await team.teardown("octocat")).removed).toHaveLength(3);
    expect(team.names()).toEqual([]);
  });

  it("does not say of what somebody else deleted meanwhile that it removed it", async () => {
    const team = await developers();
    await team.deploy("octocat", team.repository.git("rev-parse", MAIN));
    const lines: string[] = [];
    // Removed in the order of their ids: this one is the last.
    const { world } = team.account.simulator;
    const jobs = world.picture("dev").filter(({ kind }) => kind === "job");
    const last = jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1)).at(-1)?.name ?? "";
    team.account.simulator.when({
      method: "POST",
      path: "/api/2.2/jobs/delete",
      run: () => world.deleteJob("dev", last),
    });
    const { removed } = await team.teardown("octocat", { onLine: (line) => lines.push(line) });
    expect(removed.map(({ name }) => name)).not.toContain(last);
    expect(lines.filter((line) => line.includes(last))).toEqual([expect.stringMatching(/^Already gone: /)]);
    expect(team.names()).toEqual([]);
  });

  it("of a sandbox to which nothing was deployed writes nothing", async () => {
    const team = await developers();
    const before = team.account.writes().length;
    expect(await team.teardown("octocat")).toEqual({ removed: [], kept: [], findings: [] });
    expect(team.account.writes().slice(before)).toEqual([]);
  });
});

describe("access in a sandbox", () => {
  const tier = { name: "sandbox", user: "mona@example.com", manager: APPLICATION.dev } as const;

  it("is what the bundle declares and the two entries it needs; declared ones win", () => {
    const declared = [
      { service_principal_name: "${principal}", permission_level: "IS_OWNER" },
      { user_name: "mona@example.com", permission_level: "CAN_VIEW" },
    ];
    expect(accessList(withSandboxAccess(declared, "jobs", tier) ?? [], SANDBOX_APPLICATION)).toEqual([
      { kind: "service-principal", principal: SANDBOX_APPLICATION, level: "IS_OWNER" },
      { kind: "user", principal: "mona@example.com", level: "CAN_VIEW" },
      { kind: "service-principal", principal: APPLICATION.dev, level: "CAN_MANAGE" },
    ]);
  });

  it("is nobody's business in the other tiers, and of kinds without such a list", () => {
    expect(withSandboxAccess(undefined, "jobs", { ...tier, name: "dev" })).toBeUndefined();
    expect(withSandboxAccess(undefined, "volumes", tier)).toBeUndefined();
    expect(withSandboxAccess(undefined, "jobs", { ...tier, user: undefined, manager: undefined })).toBeUndefined();
  });
});
