import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { type Finding, FourTierError } from "../../src/findings.ts";
import type { GitHub } from "../../src/github/client.ts";
import { commitsOfPull, compare } from "../../src/github/commits.ts";
import { codeowners, fileAt } from "../../src/github/contents.ts";
import { createDeployment, listDeployments, setDeploymentStatus } from "../../src/github/deployments.ts";
import { getEnvironment } from "../../src/github/environments.ts";
import { getRepository } from "../../src/github/repository.ts";
import { approvalsOfRun, getRun, jobsOfRun } from "../../src/github/runs.ts";
import { json, serve as listen } from "../http/loopback.ts";
import { clientOf, TOKEN } from "./connect.ts";

/** What the client asked: the path with its query in one. */
interface Request {
  readonly method: string;
  readonly host: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

type Handler = (request: Request, response: ServerResponse, count: number) => void;

/** A server on loopback, the client connected to it, what it was asked, and how long the client wanted to wait. */
async function serve(
  handler: Handler,
): Promise<{ github: GitHub; requests: Request[]; waits: number[]; logs: string[]; url: string }> {
  const requests: Request[] = [];
  const waits: number[] = [];
  const logs: string[] = [];
  const { url } = await listen(({ method, path, query, headers, body }, response, count) => {
    const { host = "", authorization } = headers;
    const request = {
      method,
      host,
      url: query.size === 0 ? path : `${path}?${query.toString()}`,
      authorization,
      body: String(body),
    };
    requests.push(request);
    handler(request, response, count);
  });
  const github = clientOf(
    { url },
    { log: { debug: (message) => logs.push(message) }, pause: (ms) => Promise.resolve(void waits.push(ms)) },
  );
  return { github, requests, waits, logs, url };
}

async function findingOf(promise: Promise<unknown>): Promise<Finding> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FourTierError && error.findings[0] !== undefined) return error.findings[0];
    throw error;
  }
  throw new Error("it did not fail");
}

const REPOSITORY = { default_branch: "trunk", private: true, visibility: "private", owner: { type: "Organization" } };

describe("GitHub's client", () => {
  it("says that the run was cancelled where that ends a wait before another attempt", async () => {
    const { url, requests } = await serve((_request, response) => json(response, 503, {}, { "retry-after": "60" }));
    const cancelling = new AbortController();
    const log = { debug: (line: string) => void (line.includes("trying again") && cancelling.abort()) };
    const github = clientOf({ url }, { log, signal: cancelling.signal });
    expect(await findingOf(getRepository(github))).toMatchObject({ id: "http/cancelled", severity: "unknown" });
    expect(requests).toHaveLength(1);
  });

  it("asks for this repository with the token", async () => {
    const { github, requests } = await serve((_request, response) => json(response, 200, REPOSITORY));
    expect(await getRepository(github)).toEqual({ defaultBranch: "trunk", visibility: "private", organization: true });
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /repos/acme/ml-pipelines"]);
    expect(requests[0]?.authorization).toBe(`token ${TOKEN}`);
  });

  it("names the permission that is missing", async () => {
    const { github } = await serve((_request, response) =>
      json(response, 403, { message: "Resource not accessible by integration" }, { "x-github-request-id": "AB:12" }),
    );
    const finding = await findingOf(getRun(github, "7"));
    expect(finding.id).toBe("github/permission");
    expect(finding.severity).toBe("unknown");
    expect(finding.message).toContain("`actions: read`");
    expect(finding.remedy).toContain("permissions:");
    expect(finding.where).toMatchObject({ kind: "request", method: "GET", status: 403, requestId: "AB:12" });
  });

  it("tells absent from refused, and never shows the token", async () => {
    const { github } = await serve((request, response) =>
      json(response, request.url.includes("/environments/") ? 404 : 401, { message: `Bad credentials ${request.url}` }),
    );
    expect(await getEnvironment(github, "prod")).toBeUndefined();
    const finding = await findingOf(getRepository(github));
    expect(finding.id).toBe("github/credentials");
    expect(JSON.stringify(finding)).not.toContain(TOKEN);
  });

  it("says not found where something must be there", async () => {
    const { github } = await serve((_request, response) => json(response, 404, { message: "Not Found" }));
    expect((await findingOf(getRepository(github))).id).toBe("github/not-found");
  });

  it("waits as long as a rate limit asks, then goes on", async () => {
    const { github, requests, waits } = await serve((_request, response, count) =>
      count === 1
        ? json(response, 403, { message: "You have exceeded a secondary rate limit" }, { "retry-after": "7" })
        : json(response, 200, REPOSITORY),
    );
    await getRepository(github);
    expect(requests).toHaveLength(2);
    expect(waits).toEqual([7000]);
  });

  it("does not sleep for an hour", async () => {
    const { github, requests, waits } = await serve((_request, response) =>
      json(
        response,
        403,
        { message: "API rate limit exceeded" },
        { "x-ratelimit-remaining": "0", "retry-after": "3600" },
      ),
    );
    expect((await findingOf(getRepository(github))).id).toBe("github/rate-limit");
    expect(requests).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  it("reads again after a server error or a broken connection, but not for ever", async () => {
    const flaky = await serve((_request, response, count) => {
      if (count === 1) json(response, 502, { message: "Bad gateway" });
      else if (count === 2) response.destroy();
      else json(response, 200, REPOSITORY);
    });
    await getRepository(flaky.github);
    expect(flaky.requests).toHaveLength(3);
    const dead = await serve((_request, response) => json(response, 500, { message: "Oops" }));
    expect((await findingOf(getRepository(dead.github))).message).toContain("500");
    expect(dead.requests).toHaveLength(4);
  });

  it("gives up on an answer that does not come", async () => {
    const { github, requests } = await serve(() => {});
    const finding = await findingOf(
      createDeployment(github, {
        sha: "a".repeat(40),
        environment: "dev",
        task: "t",
        payload: {},
        description: "",
        production: false,
      }),
    );
    expect(finding).toMatchObject({ id: "github/unreachable", severity: "unknown" });
    expect(finding.message).toContain("Whether it was done is not known");
    expect(requests).toHaveLength(1);
  });

  it("tries a write again where nobody can have seen it, and says that nobody was there", async () => {
    const { server, url } = await listen(() => {});
    await new Promise((resolve) => server.close(resolve));
    const waits: number[] = [];
    const github = clientOf({ url }, { pause: (milliseconds) => Promise.resolve(void waits.push(milliseconds)) });
    const finding = await findingOf(setDeploymentStatus(github, "5", { state: "success", description: "done" }));
    expect(finding).toMatchObject({ id: "github/unreachable", message: "GitHub did not answer: ECONNREFUSED." });
    expect(waits).toHaveLength(3);
  });

  it("never sends twice what may have been done", async () => {
    const { github, requests } = await serve((_request, response) => json(response, 502, { message: "Bad gateway" }));
    await findingOf(setDeploymentStatus(github, "5", { state: "success", description: "done" }));
    expect(requests).toHaveLength(1);
  });

  it("goes from page to page, and to no other host with the token", async () => {
    const other = await serve((_request, response) => json(response, 200, { total_count: 1, jobs: [] }));
    const job = (id: number) => ({ id, name: `job ${id}`, run_attempt: 1, status: "completed", conclusion: "success" });
    const { github, requests, url } = await serve((request, response, count) => {
      const next =
        count === 1
          ? `<http://127.0.0.1:${new URL(url).port}/two?page=2>; rel="next"`
          : `<${other.url}/three>; rel="next"`;
      json(response, 200, { total_count: 3, jobs: [job(count)] }, { link: next });
      expect(request.authorization).toBe(`token ${TOKEN}`);
    });
    expect((await findingOf(jobsOfRun(github, "12345678901234567890"))).id).toBe("github/foreign-page");
    expect(requests.map((request) => request.url)).toEqual([
      "/repos/acme/ml-pipelines/actions/runs/12345678901234567890/jobs?per_page=100&filter=all",
      "/two?page=2",
    ]);
    expect(other.requests).toEqual([]);
  });

  it("puts the pages together", async () => {
    const job = (id: number) => ({ id, name: `job ${id}`, run_attempt: id, status: "completed", conclusion: null });
    const { github, url } = await serve((_request, response, count) =>
      json(
        response,
        200,
        { total_count: 2, jobs: [job(count)] },
        count === 1
          ? { link: `<${url}/two>; rel="next", <${url}/two>; rel="last"` }
          : { link: `<${url}>; rel="first"` },
      ),
    );
    expect((await jobsOfRun(github, "1")).map(({ id, attempt }) => [id, attempt])).toEqual([
      ["1", 1],
      ["2", 2],
    ]);
  });

  it("stops paging when the reader has enough", async () => {
    const { github, requests, url } = await serve((_request, response) =>
      json(
        response,
        200,
        [{ id: 1, sha: "a", environment: "dev", task: "four-tier", creator: null, payload: "{}", created_at: "" }],
        {
          link: `<${url}/more>; rel="next"`,
        },
      ),
    );
    for await (const found of listDeployments(github, { environment: "dev", task: "four-tier" })) {
      expect(found).toMatchObject({ id: "1", creator: undefined, payload: {} });
      break;
    }
    expect(requests).toHaveLength(1);
  });

  it("refuses an answer of another shape", async () => {
    const { github } = await serve((_request, response) => json(response, 200, { hello: "world" }));
    const finding = await findingOf(getRepository(github));
    expect(finding.id).toBe("github/unexpected-answer");
    expect(finding.message).toContain("default_branch");
  });

  it.each<[string, (response: ServerResponse, said: string) => void]>([
    ["refuses", (response, said) => json(response, 403, { message: said })],
    ["cannot do it", (response, said) => json(response, 422, { message: "no", errors: [{ resource: said }] })],
    ["fails", (response, said) => void response.writeHead(500, { "content-type": "text/plain" }).end(said)],
    [
      "sends a page",
      (response, said) => void response.writeHead(502, { "content-type": "text/html" }).end(`<p>${said}`),
    ],
    ["answers a text", (response, said) => void response.writeHead(200, { "content-type": "text/plain" }).end(said)],
    ["answers another shape", (response, said) => json(response, 200, { default_branch: [said], [said]: said })],
    ["leads elsewhere", (response, said) => json(response, 302, {}, { location: `https://${said.slice(-26)}.test/` })],
    [
      "has a number for it",
      (response, said) => json(response, 400, { message: "no" }, { "x-github-request-id": said }),
    ],
  ])("shows nothing of what it sent to a server that %s and echoes it", async (_how, answer) => {
    const { github, logs } = await serve((request, response) => answer(response, `you sent ${request.authorization}`));
    const finding = await findingOf(getRepository(github));
    expect(JSON.stringify([finding, logs]).toLowerCase()).not.toContain("canary");
    expect(finding.id).toMatch(/^github\//);
  });

  it("shows the beginning of a long text, and of somebody's page that it is one", async () => {
    const long = await serve((_request, response) => json(response, 400, { message: "no ".repeat(500) }));
    expect((await findingOf(getRepository(long.github))).message.length).toBeLessThan(400);
    const page = await serve((_request, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<html><p>Sign in, please</html>"),
    );
    const { message, remedy } = await findingOf(getRepository(page.github));
    expect(message).toMatch(/a page of HTML, not Object\.$/);
    expect(message).not.toContain("Sign in");
    expect(remedy).toContain("proxy");
  });

  it("asks nobody without a token, and says that there is none", async () => {
    const { url, requests } = await serve((_request, response) => json(response, 200, REPOSITORY));
    const github = clientOf({ url }, { token: "" });
    expect((await findingOf(getRepository(github))).id).toBe("github/no-token");
    expect(requests).toEqual([]);
  });

  it("keeps large ids whole", async () => {
    const run = `{"id": 9007199254740993, "event": "push", "head_branch": "main", "head_sha": "a", "path": ".github/workflows/p.yml@main",
      "html_url": "https://x", "actor": {"login": "octocat"}, "triggering_actor": null,
      "referenced_workflows": [{"path": "four-tier/four-tier/.github/workflows/x.yml@abc", "sha": "abc"}]}`;
    const { github } = await serve((_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(run),
    );
    expect(await getRun(github, "9007199254740993")).toMatchObject({
      id: "9007199254740993",
      path: ".github/workflows/p.yml",
      triggeringActor: undefined,
      referencedWorkflows: [{ path: "four-tier/four-tier/.github/workflows/x.yml", sha: "abc" }],
    });
  });

  it("creates a Deployment that merges nothing, waits for nothing, and is production only when it is", async () => {
    const { github, requests } = await serve((_request, response) => json(response, 201, { id: 4 }));
    const id = await createDeployment(github, {
      sha: "a".repeat(40),
      environment: "staging",
      task: "four-tier",
      payload: { suite: "four-tier" },
      description: "é".repeat(200),
      production: false,
    });
    expect(id).toBe("4");
    const body: unknown = JSON.parse(requests[0]?.body ?? "");
    expect(body).toEqual({
      ref: "a".repeat(40),
      task: "four-tier",
      environment: "staging",
      payload: { suite: "four-tier" },
      description: `${"é".repeat(139)}…`,
      auto_merge: false,
      required_contexts: [],
      production_environment: false,
      transient_environment: false,
    });
  });

  it("reads environments with every kind of branch rule", async () => {
    const { github } = await serve((request, response) => {
      if (request.url.includes("branch-policies")) {
        json(response, 200, { total_count: 1, branch_policies: [{ id: 1, name: "main" }] });
        return;
      }
      json(response, 200, {
        name: "prod",
        can_admins_bypass: false,
        protection_rules: [
          { type: "wait_timer", wait_timer: 5 },
          {
            type: "required_reviewers",
            prevent_self_review: true,
            reviewers: [
              { type: "User", reviewer: { login: "hubot" } },
              { type: "Team", reviewer: { slug: "leads" } },
            ],
          },
        ],
        deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
      });
    });
    expect(await getEnvironment(github, "prod")).toEqual({
      name: "prod",
      url: undefined,
      reviewers: ["hubot", "leads"],
      preventSelfReview: true,
      canAdminsBypass: false,
      branches: { kind: "custom", patterns: [{ name: "main", type: "branch" }] },
    });
  });

  it("reads files at a commit, and CODEOWNERS from where GitHub looks first", async () => {
    const { github, requests } = await serve((request, response) =>
      request.url.includes("/contents/CODEOWNERS") || request.url.includes("a%20file")
        ? json(response, 200, {
            type: "file",
            encoding: "base64",
            size: 4,
            sha: "a".repeat(40),
            content: "KiBA\nYQ==\n",
          })
        : json(response, 404, { message: "Not Found" }),
    );
    expect(await codeowners(github, "abc")).toEqual({ path: "CODEOWNERS", text: "* @a" });
    expect(await fileAt(github, "dir/a file.yml", "abc")).toBe("* @a");
    expect(requests.at(-1)?.url).toBe("/repos/acme/ml-pipelines/contents/dir/a%20file.yml?ref=abc");
  });

  const commit = (sha: string, more: object = {}) => ({
    sha,
    commit: { message: `${sha}\n\nbody`, author: { name: "Mona" } },
    author: null,
    committer: { login: "hubot" },
    parents: [{ sha: "before" }],
    ...more,
  });

  it("compares over several pages", async () => {
    const { github } = await serve((request, response) =>
      json(response, 200, {
        status: "ahead",
        total_commits: 2,
        commits: [commit(request.url.includes("page=2") ? "two" : "one")],
      }),
    );
    const common = { author: "Mona", logins: [undefined, "hubot"], parents: ["before"], mergedByGitHub: false };
    expect(await compare(github, "a", "b")).toEqual({
      relation: "ahead",
      commits: [
        { sha: "one", title: "one", url: undefined, ...common },
        { sha: "two", title: "two", url: undefined, ...common },
      ],
    });
  });

  const PULL = { number: "7", title: "", url: "", author: "octocat", base: "main", baseCommit: "old", head: "new" };
  const pull = { ...PULL, merged: true, mergedAt: undefined, mergeCommit: undefined };

  it("tells merges that GitHub made and signed from those that somebody says it made", async () => {
    const merge = (verified: boolean, committer: string) => ({
      commit: { message: "Merge main", verification: { verified } },
      author: { login: "mona" },
      committer: { login: committer },
      parents: [{ sha: "one" }, { sha: "main" }],
    });
    const commits = [
      commit("signed", merge(true, "web-flow")),
      commit("forged", merge(false, "web-flow")),
      commit("own", merge(true, "mona")),
      commit("edited", { ...merge(true, "web-flow"), parents: [{ sha: "one" }] }),
    ];
    const { github } = await serve((_request, response) => json(response, 200, commits));
    const found = await commitsOfPull(github, pull);
    expect(found.map(({ sha, mergedByGitHub, logins }) => [sha, mergedByGitHub, logins])).toEqual([
      ["signed", true, ["mona"]],
      ["forged", false, ["mona"]],
      ["own", false, ["mona", "mona"]],
      ["edited", false, ["mona"]],
    ]);
  });

  it("compares where a pull request has more commits than GitHub lists of one", async () => {
    const all = Array.from({ length: 251 }, (_, index) => commit(`c${index}`));
    const { github } = await serve((request, response) => {
      const page = Number(/[?&]page=(\d+)/.exec(request.url)?.[1] ?? "1");
      if (request.url.includes("/compare/old...new")) {
        const some = all.slice((page - 1) * 100, page * 100);
        return json(response, 200, { status: "ahead", total_commits: all.length, commits: some });
      }
      const listed = all.slice(0, 250).slice((page - 1) * 100, page * 100);
      const next = `<http://${request.host}/repos/acme/ml-pipelines/pulls/7/commits?per_page=100&page=${page + 1}>; rel="next"`;
      return json(response, 200, listed, page < 3 ? { link: next } : {});
    });
    expect(await commitsOfPull(github, pull)).toHaveLength(251);
  });

  it("reads approvals", async () => {
    const { github } = await serve((_request, response) =>
      json(response, 200, [
        { environments: [{ name: "prod" }], state: "approved", user: { login: "hubot" }, comment: "go" },
      ]),
    );
    expect(await approvalsOfRun(github, "1")).toEqual([
      { environments: ["prod"], state: "approved", user: "hubot", comment: "go" },
    ]);
  });
});
