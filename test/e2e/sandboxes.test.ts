/** Sandboxes by the shipped workflows: made on the default branch, deployed to from pull requests, taken down. */
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { openPlay } from "./play.ts";

const PROVISION = "provision-sandbox / provision";
const DEPLOY = "deploy-to-sandbox / deploy";
const TEARDOWN = "deploy-to-sandbox / teardown";

describe("sandboxes", () => {
  const play = openPlay({
    world: ({ github }) => {
      github.users["stranger"] = { role: "read", name: "Stranger", type: "User" };
    },
  });
  const world = () => play.stage.databricks.world;
  const open = async (branch: string, user: string, more: { labels?: string[]; fork?: string } = {}) => {
    play.stage.commit(branch, `A change: ${branch}`, "Mona", (path) =>
      edit(path("src/models/train.py"), (text) => `${text}\n# ${branch}\n`),
    );
    return play.stage.github.openPullRequest({ head: branch, user, ...more });
  };
  const label = (pullRequest: number, actor = "octocat") =>
    play.dispatch("sandbox", { event: "pull_request", action: "labeled", actor, pullRequest });
  const names = (prefix: string): string[] =>
    world()
      .picture("dev")
      .map(({ name }) => name)
      .filter((name) => name.startsWith(prefix));

  it("are made for everybody by a run of the default branch, and by no other", async () => {
    const run = await play.dispatch("provision-sandboxes", { event: "schedule", actor: "ada" });
    expectRun(run).toSucceed(PROVISION);
    expect(world().grants("octocat_sandbox")).toHaveProperty("mona@example.com");
    expect(world().grants("omar_sandbox")).toHaveProperty("omar@example.com");
    expect(textOf(run, PROVISION)).toContain("octocat_sandbox");

    play.stage.commit("mine", "Mine", "Mona", (path) =>
      edit(path("four-tier.yml"), (text) => text.replace("omar: omar@", "ada: ada@")),
    );
    // dev's environment keeps branches out before any code runs.
    const branch = await play.dispatch("provision-sandboxes", {
      event: "workflow_dispatch",
      ref: "mine",
      actor: "octocat",
      inputs: { developer: "ada" },
    });
    expect(branch.conclusion).toBe("failure");
    expect(() => world().securable("ada_sandbox")).toThrow("ada_sandbox");
  });

  it("get a pull request when it is labelled, as its author's, whoever labels it", async () => {
    const quiet = await open("unlabelled", "octocat");
    const none = await label(quiet);
    expect(jobOf(none, DEPLOY).conclusion).toBe("skipped");
    expect(names("[sandbox")).toEqual([]);

    const number = await open("features", "octocat", { labels: ["sandbox"] });
    const run = await label(number, "omar");
    expectRun(run).toSucceed("deploy-to-sandbox / build", DEPLOY);
    expect(names("[sandbox octocat] ")).toHaveLength(7);
    expect(names("[sandbox omar] ")).toEqual([]);
    for (const picture of world().picture("dev")) expect(picture.starts === undefined || picture.paused).toBe(true);
    const features = world().pipeline("dev", "[sandbox octocat] churn features");
    expect(features.spec).toMatchObject({ catalog: "octocat_sandbox" });
    expect(JSON.stringify(features.spec)).toContain("dev.silver");
    expect(play.stage.github.world.deployments).toEqual([]);
  });

  it("of two developers at once stay apart", async () => {
    const numbers = [
      await open("octocat-2", "octocat", { labels: ["sandbox"] }),
      await open("omar-1", "omar", { labels: ["sandbox"] }),
    ];
    const runs = await Promise.all([label(numbers[0] ?? 0), label(numbers[1] ?? 0, "omar")]);
    for (const run of runs) expectRun(run).toSucceed(DEPLOY);
    expect(names("[sandbox octocat] ")).toHaveLength(7);
    expect(names("[sandbox omar] ")).toHaveLength(7);
  });

  it("give a fork nothing, and say so", async () => {
    const number = await open("theirs", "stranger", { labels: ["sandbox"], fork: "stranger" });
    const before = play.stage.databricks.requests.length;
    const run = await label(number, "stranger");
    expectRun(run).toSucceed("deploy-to-sandbox / fork");
    expect(jobOf(run, DEPLOY).conclusion).toBe("skipped");
    expect(textOf(run, "deploy-to-sandbox / fork")).toContain("a fork's code gets no credential");
    expect(play.stage.databricks.requests.length).toBe(before);
  });

  it("get nothing from a pull request that was closed while its deployment waited", async () => {
    const number = await open("late", "omar", { labels: ["sandbox"] });
    const pull = play.stage.github.world.pulls.find((each) => each.number === number);
    if (pull === undefined) throw new Error("the pull request is not there");
    pull.closed = new Date().toISOString();
    const run = await label(number, "omar");
    expectRun(run).toFail(/sandbox\/closed/);
    expect(jobOf(run, DEPLOY).conclusion).toBe("failure");
  });

  it("get nothing from a pull request whose label was taken away while its deployment waited", async () => {
    const number = await open("unlabeled", "omar", { labels: ["sandbox"] });
    const pull = play.stage.github.world.pulls.find((each) => each.number === number);
    if (pull === undefined) throw new Error("the pull request is not there");
    // The deployment has begun by then.
    play.stage.databricks.when({ path: "*", run: () => void pull.labels.splice(0) });
    expectRun(await label(number, "omar")).toFail(/sandbox\/unlabeled/);
  });

  it("get a branch that somebody starts by hand, as whoever starts it", async () => {
    const before = names("[sandbox octocat] ");
    const features = () => JSON.stringify(world().pipeline("dev", "[sandbox omar] churn features").spec);
    const old = features();
    play.stage.commit("by-hand", "By hand", "Omar", (path) =>
      edit(path("src/pipelines/silver.sql"), (text) => `${text}\n-- by hand\n`),
    );
    const run = await play.dispatch("sandbox", { event: "workflow_dispatch", ref: "by-hand", actor: "omar" });
    expectRun(run).toSucceed("deploy-to-sandbox / build", DEPLOY);
    expect(jobOf(run, TEARDOWN).conclusion).toBe("skipped");
    expect(features()).not.toBe(old);
    expect(names("[sandbox omar] ")).toHaveLength(7);
    expect(names("[sandbox octocat] ")).toEqual(before);
    for (const picture of world().picture("dev")) expect(picture.starts === undefined || picture.paused).toBe(true);
  });

  it("are cleared when the pull request that is in them is closed, and not by another's end", async () => {
    const close = (pullRequest: number) =>
      play.dispatch("sandbox", { event: "pull_request", action: "closed", actor: "octocat", pullRequest });
    const [, first, second] = play.stage.github.world.pulls.filter(({ user }) => user === "octocat");
    const other = await close(first?.number ?? 0);
    expectRun(other).toSucceed(TEARDOWN);
    expect(jobOf(other, TEARDOWN).annotations.map(({ title }) => title)).toContain("sandbox/other-branch");
    expect(names("[sandbox octocat] ")).toHaveLength(7);

    const own = await close(second?.number ?? 0);
    expectRun(own).toSucceed(TEARDOWN);
    expect(jobOf(own, DEPLOY).conclusion).toBe("skipped");
    expect(names("[sandbox octocat] ")).toEqual([]);
    expect(names("[sandbox omar] ")).toHaveLength(7);
    expect(world().securable("octocat_sandbox.gold")).toBeDefined();

    // Taking the label away is asking for the same, and no other label is.
    const third = await open("octocat-3", "octocat", { labels: ["sandbox"] });
    expectRun(await label(third)).toSucceed(DEPLOY);
    const unlabel = (name: string) =>
      play.dispatch("sandbox", {
        event: "pull_request",
        action: "unlabeled",
        actor: "octocat",
        pullRequest: third,
        label: name,
      });
    const another = await unlabel("documentation");
    expect([jobOf(another, DEPLOY).conclusion, jobOf(another, TEARDOWN).conclusion]).toEqual(["skipped", "skipped"]);
    expectRun(await unlabel("sandbox")).toSucceed(TEARDOWN);
    expect(names("[sandbox octocat] ")).toEqual([]);

    // A pull request that never was in a sandbox, of somebody who has none.
    const before = play.stage.databricks.requests.length;
    const theirs = await close(await open("quiet", "hubot"));
    expectRun(theirs).toSucceed(TEARDOWN);
    expect(textOf(theirs, TEARDOWN)).toContain("there is no sandbox to take anything down from");
    expect(play.stage.databricks.requests.length).toBe(before);

    const byHand = await play.dispatch("sandbox", {
      event: "workflow_dispatch",
      actor: "omar",
      inputs: { teardown: true },
    });
    expectRun(byHand).toSucceed(TEARDOWN);
    expect(names("[sandbox")).toEqual([]);
  });
});

describe("sandboxes that nobody uses", () => {
  const days = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString();
  const play = openPlay({
    world: ({ databricks }) => {
      const theirs = databricks.catalogs["mona_sandbox"];
      if (theirs === undefined) throw new Error("the demo's world has no mona_sandbox");
      // Called like a sandbox, unused for long, and not ours: it stays.
      databricks.catalogs["omar_sandbox"] = {
        ...theirs,
        properties: { four_tier_project: "ml-pipelines", four_tier_developer: "omar", four_tier_created: days(90) },
      };
    },
  });
  const has = (name: string): boolean => play.stage.databricks.world.has(name);
  const clean = (inputs: Record<string, boolean>) =>
    play.dispatch("clean-sandboxes", { event: "workflow_dispatch", actor: "ada", inputs });

  it("are shown, then warned of, then removed by another run, with what is deployed there", async () => {
    play.stage.github.scenario.variables["CLEAN_SANDBOXES"] = "";
    expectRun(await play.dispatch("provision-sandboxes", { event: "schedule", actor: "ada" })).toSucceed();
    const shown = await play.dispatch("clean-sandboxes", { event: "schedule", actor: "ada" });
    expectRun(shown).toSucceed("clean-sandboxes / clean");
    expect(textOf(shown, "clean-sandboxes / clean")).toContain("A dry run");
    expectRun(shown).toSucceed("tell");
    expect(play.stage.github.world.issues).toEqual([]);

    const catalog = play.stage.databricks.world.securable("omar_sandbox");
    for (const table of [...catalog.children.values()].flatMap(({ children }) => [...children.values()])) {
      table.updated = Date.parse(days(80));
    }
    const warned = await clean({ "dry-run": false });
    expectRun(warned).toSucceed("clean-sandboxes / clean");
    expect(catalog.properties).toHaveProperty("four_tier_warned");
    expect(has("omar_sandbox")).toBe(true);
    const [issue] = play.stage.github.world.issues;
    expect(issue).toMatchObject({ state: "open", user: "github-actions[bot]", labels: ["four-tier-sandboxes"] });
    expect(issue?.body).toContain("@omar");

    catalog.properties = { ...catalog.properties, four_tier_warned: days(8) };
    const removed = await clean({ "dry-run": false });
    expectRun(removed).toSucceed("clean-sandboxes / clean");
    expect([has("omar_sandbox"), has("octocat_sandbox"), has("mona_sandbox"), has("dev")]).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(textOf(removed, "clean-sandboxes / clean")).toContain("omar_sandbox");
    expect(issue?.state).toBe("closed");
    expect(play.stage.github.world.comments.map(({ body }) => body).join("\n")).toContain("@omar");
  });
});

describe("without a principal of the sandbox's own", () => {
  const play = openPlay({
    example: (path) =>
      edit(path("four-tier.yml"), (text) =>
        text.replace(/ {4}service_principal: ml-pipelines-sandbox.*\n {4}client_id: 5.*\n/, ""),
      ),
  });

  it("a pull request is not deployed, and is told why; dev's principal is not borrowed", async () => {
    play.stage.commit("features", "A change", "Mona", (path) =>
      edit(path("src/models/train.py"), (text) => `${text}\n# more\n`),
    );
    const pullRequest = await play.stage.github.openPullRequest({
      head: "features",
      user: "octocat",
      labels: ["sandbox"],
    });
    const run = await play.dispatch("sandbox", {
      event: "pull_request",
      action: "labeled",
      actor: "octocat",
      pullRequest,
    });
    expectRun(run).toStopAt(DEPLOY, "identity/no-principal");
    expect(textOf(run, DEPLOY)).toContain("dev's principal, which owns every sandbox, is never lent to one");
    expect(play.stage.databricks.requests).toEqual([]);
  });
});
