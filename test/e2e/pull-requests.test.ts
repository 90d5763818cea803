/** Pull requests: everybody's are validated alike, without a secret; and none says where a secret is sent. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { openPlay } from "./play.ts";

const VALIDATE = "validate / validate";
const TRAIN = "src/models/train.py";

describe("a pull request", () => {
  const play = openPlay({
    world: ({ github }) => {
      github.users["dependabot[bot]"] = { role: "write", name: "Dependabot", type: "Bot" };
      github.users["stranger"] = { role: "read", name: "Stranger", type: "User" };
      github.secrets["DATABRICKS_CLIENT_SECRET"] = "canary-of-the-repository";
    },
  });
  const open = async (branch: string, user: string, fork?: string): Promise<number> => {
    play.stage.commit(branch, "A change", "Somebody", (path) =>
      edit(path(TRAIN), (text) => text.replace("random_state=7", "random_state=8")),
    );
    return play.stage.github.openPullRequest({ head: branch, user, ...(fork === undefined ? {} : { fork }) });
  };
  const asked = () => play.stage.databricks.requests.length;

  it("is validated the same from a branch, a fork, by Dependabot, and in the merge queue", async () => {
    const runs = [
      await play.validate(await open("branch", "octocat")),
      await play.validate(await open("fork", "stranger", "stranger"), { actor: "stranger" }),
      await play.validate(await open("dependabot/pip", "dependabot[bot]"), { actor: "dependabot[bot]" }),
      await play.validate(await open("queued", "octocat"), { event: "merge_group" }),
    ];

    for (const run of runs) expectRun(run).toSucceed(VALIDATE);
    const pages = runs.map((run) => textOf(run, VALIDATE).replaceAll(/\b[0-9a-f]{12,64}\b/g, "…"));
    expect(pages[0]).toContain("staging");
    expect(new Set(pages).size).toBe(1);
    // Not one request to any workspace: there is nothing that a secret could be needed for.
    expect(asked()).toBe(0);
  });

  it("from a fork that breaks the bundle is told so, at the line, as everybody is", async () => {
    play.stage.commit("broken", "A typing mistake", "Stranger", (path) =>
      edit(path("resources/data.yml"), (text) => text.replace("catalog: ${var.catalog}", "catalog: ${var.catalgo}")),
    );
    const fork = await play.stage.github.openPullRequest({ head: "broken", user: "stranger", fork: "stranger" });
    const own = await play.stage.github.openPullRequest({ head: "broken", user: "octocat" });

    const runs = [await play.validate(fork, { actor: "stranger" }), await play.validate(own)];

    for (const run of runs) {
      expect(run.conclusion).toBe("failure");
      const [first] = jobOf(run, VALIDATE).annotations.filter(({ level }) => level === "error");
      expect(first).toMatchObject({ file: "resources/data.yml", line: 5 });
      expect(first?.message).toContain("catalgo");
    }
    const [theirs, ours] = runs.map((run) => run.jobs.flatMap(({ annotations }) => annotations));
    expect(theirs).toEqual(ours);
  });

  it("that would keep evidence on the default branch is told so, at the line", async () => {
    play.stage.commit("kept", "Keep evidence", "Mona", (path) =>
      edit(path("four-tier.yml"), (text) => `evidence:\n  branch: main\n${text}`),
    );

    const run = await play.validate(await play.stage.github.openPullRequest({ head: "kept", user: "octocat" }));

    expectRun(run).toFail(/^evidence\/default-branch:/);
    const [told] = jobOf(run, VALIDATE).annotations.filter(({ level }) => level === "error");
    expect(told).toMatchObject({ file: "four-tier.yml", line: 2 });
  });

  it("that points the contract at another host makes nothing be sent there", async () => {
    const heard: string[] = [];
    const host = await listen((request) => heard.push(request));
    const { clientSecret } = play.stage.databricks.credentials("ml-pipelines-dev");
    const { secrets } = play.stage.github.scenario;
    const before = secrets["DATABRICKS_CLIENT_SECRET"] ?? "";
    secrets["DATABRICKS_CLIENT_SECRET"] = clientSecret;
    onTestFinished(() => {
      secrets["DATABRICKS_CLIENT_SECRET"] = before;
    });
    // Whoever can push a branch can edit its workflows: this one signs in, both ways, with the contract of the branch.
    play.stage.commit("elsewhere", "Another workspace", "Mona", (path) => {
      edit(path("four-tier.yml"), (text) =>
        text.replaceAll(/workspace: http:\/\/127\.0\.0\.1:\d+/g, `workspace: ${host}`),
      );
      writeFileSync(path(".github/workflows/validate.yml"), signingIn(play.stage.suiteCommit));
    });
    const number = await play.stage.github.openPullRequest({ head: "elsewhere", user: "octocat" });
    const from = asked();

    const run = await play.validate(number);

    expect(heard).toEqual([]);
    // The secret went where the base branch says: to dev's own workspace, and nowhere else.
    const signIns = play.stage.databricks.requests.slice(from).filter(({ path }) => path.endsWith("/token"));
    expect([...new Set(signIns.map(({ server }) => server))]).toEqual(["dev"]);
    expectRun(run).toFail(/^auth\/federation-refused/);
    expect(jobOf(run, "secret").conclusion).toBe("success");
  });
});

/** A host that says what it was asked. */
async function listen(hear: (request: string) => void): Promise<string> {
  const server = createServer((request, response) => {
    hear(`${request.method ?? ""} ${request.url ?? ""}`);
    response.end("{}");
  });
  server.on("connection", () => hear("a connection"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function signingIn(suite: string): string {
  const job = (name: string, auth: string): string => `  ${name}:
    runs-on: ubuntu-24.04
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd
        with:
          fetch-depth: 0
          persist-credentials: false
      - uses: four-tier/four-tier/action-setup-env@${suite}
        with:
          tier: dev
          allowed-hosts: 127.0.0.1
${auth}`;
  return `name: validate
on: pull_request
permissions: {}
jobs:
${job("secret", "          auth: secret\n          client-secret: ${{ secrets.DATABRICKS_CLIENT_SECRET }}\n")}
${job("oidc", "          auth: oidc\n")}`;
}
