/** The closed world of the simulated GitHub: whatever is not modelled is refused by name, and remembered. */
import { describe, expect, it, onTestFinished } from "vitest";
import { modelledRoutes } from "../../../simulator/github/server.ts";
import { objects, open, withUnknown } from "../schemas.ts";
import { asUser, begin, fakeRun } from "./harness.ts";

const routes = modelledRoutes();
const split = (route: string): [method: string, path: string] => {
  const [method = "", path = ""] = route.split(" ");
  return [method, path.replace("/repos/{owner}/{repo}", "").replaceAll(/\{[^}]+\}/g, "1")];
};

async function door() {
  const world = await begin();
  onTestFinished(() => world[Symbol.asyncDispose]());
  return { github: world.github, repository: world.repository, client: asUser(world.github, "hubot") };
}

describe("a route's body", () => {
  const bodies = routes.filter(({ body }) => body !== undefined);

  it.each(bodies)("of $route is closed at every level", ({ body }) => {
    // A Deployment's payload is whatever its maker likes: the service keeps it as it is.
    expect(open(body).filter((path) => path !== ".payload.*: unknown")).toEqual([]);
  });

  it("is refused by the name of an unknown field, at every level of every route", async () => {
    const { github, client } = await door();
    for (const { route, body } of bodies) {
      for (const path of objects(body)) {
        const [method, at] = split(route);
        const reply = await client.request(method, at, withUnknown(path));
        expect(reply).toMatchObject({ status: 501 });
        expect(github.unmodelled.at(-1)).toContain(`body field: ${[...path, "colour"].join(".")} of ${route}`);
      }
    }
    expect(github.unmodelled.length).toBeGreaterThanOrEqual(bodies.length);
  });

  it("is refused where there is none", async () => {
    const { github, repository, client } = await door();
    fakeRun(github, repository);
    for (const { route } of routes.filter(({ route, body }) => body === undefined && !route.startsWith("GET"))) {
      const [method, at] = split(route);
      expect([route, (await client.request(method, at, { colour: "red" })).status]).toEqual([route, 501]);
      expect(github.unmodelled.at(-1)).toContain(`unmodelled body of ${route}`);
    }
    expect(github.unmodelled.length).toBeGreaterThan(0);
  });
});

describe("what is asked", () => {
  it("with an unknown query parameter is refused by its name, on every route", async () => {
    const { github, client } = await door();
    for (const { route } of routes) {
      const [method, at] = split(route);
      expect([route, (await client.request(method, `${at}?colour=red`)).status]).toEqual([route, 501]);
      expect(github.unmodelled.at(-1)).toContain(`query parameter: colour of ${route}`);
    }
    expect(github.unmodelled).toHaveLength(routes.length);
  });

  it("in a path that is not encoded correctly is the caller's mistake", async () => {
    const { github, client } = await door();
    expect((await client.request("GET", "/branches/%E0%A4%A")).status).toBe(400);
    expect(github.unmodelled).toEqual([]);
  });

  it.each([
    ["GET", "/stargazers"],
    ["PUT", "/environments/prod"],
    ["PUT", "/actions/workflows/promote.yml/disable"],
    ["GET", "/deployments?sha=a&sha=b"],
    ["DELETE", "/contents/README.md"],
    ["GET", "/deployments/"],
    ["GET", "/deployments?sha="],
    ["GET", "/contents/src/"],
    ["GET", "/contents//src"],
    ["GET", "/contents/src//score.py"],
    ["GET", "/contents/src%2Fscore.py"],
    ["GET", "/contents/README.md?ref="],
    ["GET", "/contents/README.md?per_page=1"],
    ["GET", "/git/ref/heads%2Fmain"],
    ["GET", "/Branches"],
    ["GET", "/branches?per_page=1e2"],
    ["GET", "/branches?page=1&page=2"],
    ["GET", "/branches?Protected=true"],
    ["OPTIONS", "/branches"],
    ["GET", "/actions/runs?created=2020-01-01"],
    ["GET", "/actions/runs?branch="],
    ["POST", "/actions/runs/1/rerun"],
    ["POST", "/actions/runs/1/force-cancel"],
    ["GET", "/commits/main/check-runs?app_id=1"],
    ["GET", "/issues?since=2020-01-01"],
    ["GET", "/environments/prod/deployment_protection_rules/1"],
    ["GET", "/deployments?per_page=many"],
    ["GET", "/deployments?page=0"],
    ["GET", "/branches/main?page=2"],
    ["GET", "/branches?protected=perhaps"],
    ["GET", "/actions/runs?status=colour"],
    ["GET", "/issues?state=colour"],
    ["GET", "/issues?sort=colour"],
    ["GET", "/pulls?state=colour"],
    ["GET", "/pulls?head=nobody"],
    ["GET", "/commits/main/check-runs?filter=colour"],
    ["GET", "/commits/main/check-runs?status=colour"],
  ])("%s %s is refused by its name", async (method, path) => {
    const { github, client } = await door();
    expect((await client.request(method, path)).status).toBe(501);
    expect(github.unmodelled).toEqual([expect.stringContaining(`${method} /repos/acme/ml-pipelines${path}`)]);
  });

  it.each([
    ["accept", "application/vnd.github.diff"],
    ["accept", "application/vnd.github.raw+json"],
    ["accept", "text/html, application/vnd.github+json"],
    ["x-github-api-version", "2099-01-01"],
    ["range", "bytes=0-1"],
    ["x-http-method-override", "DELETE"],
    ["if-none-match", '"abc"'],
    ["if-modified-since", "Sat, 01 Jan 2028 00:00:00 GMT"],
  ])("with %s: %s is refused by its name", async (name, value) => {
    const { github, client } = await door();
    expect((await client.request("GET", "/pulls", undefined, { [name]: value })).status).toBe(501);
    expect(github.unmodelled).toEqual([expect.stringContaining("unmodelled")]);
  });

  it("of runs of a workflow that is not there is not found, as on the service", async () => {
    const { github, client } = await door();
    expect((await client.get("/actions/workflows/none.yml/runs")).status).toBe(404);
    expect(github.unmodelled).toEqual([]);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/json5"])(
    "with a body of %s is refused by its name",
    async (type) => {
      const { github, client } = await door();
      expect((await client.request("POST", "/issues", { title: "a" }, { "content-type": type })).status).toBe(501);
      expect(github.unmodelled).toEqual([expect.stringContaining(type)]);
    },
  );

  it("with pages of what comes whole is refused by its name", async () => {
    const { github, repository, client } = await door();
    const { run } = fakeRun(github, repository);
    for (const what of ["approvals", "pending_deployments"]) {
      expect((await client.get(`/actions/runs/${run.id}/${what}`)).status).toBe(200);
      expect((await client.get(`/actions/runs/${run.id}/${what}?per_page=100`)).status).toBe(501);
    }
    expect(github.unmodelled).toHaveLength(2);
  });

  it("of a commit by another name than its id is wrong on the service, too", async () => {
    const { github, client } = await door();
    expect((await client.get("/git/commits/main")).status).toBe(404);
    expect((await client.post("/statuses/main", { state: "success" })).status).toBe(422);
    expect(github.unmodelled).toEqual([]);
  });

  it("with a key twice in its body is refused by its name", async () => {
    const { github } = await door();
    const reply = await fetch(`${github.apiUrl}/repos/acme/ml-pipelines/issues`, {
      method: "POST",
      headers: { authorization: `Bearer ${github.userToken("hubot")}`, "content-type": "application/json" },
      body: '{"title":"a","title":"b"}',
    });
    expect(reply.status).toBe(501);
    expect(github.unmodelled).toEqual([expect.stringContaining("the key title twice")]);
  });

  it.each([
    ["a list for the whole", "/issues", []],
    ["a list for a payload", "/deployments", { ref: "main", payload: [] }],
    ["a list for inputs", "/actions/workflows/a.yml/dispatches", { ref: "main", inputs: [] }],
  ])("with %s is wrong on the service, too", async (_what, path, body) => {
    const { github, client } = await door();
    expect((await client.post(path, body)).status).toBe(422);
    expect(github.unmodelled).toEqual([]);
  });

  it.each([
    ["GET", "/_oidc/userinfo"],
    ["GET", "/_oidc/token?api-version=2.0&colour=red"],
    ["GET", "/_oidc/token?api-version=2.0&audience=a&audience=b"],
    ["GET", "/_oidc/token?api-version=9"],
    ["GET", "/_oidc/token?api-version=2.0&audience="],
    ["GET", "/_oidc/token/?api-version=2.0"],
    ["POST", "/_oidc/token?api-version=2.0"],
    ["GET", "/_oidc/jwks?colour=red"],
    ["DELETE", "/_oidc/.well-known/openid-configuration"],
  ])("of the issuer, %s %s too", async (method, path) => {
    const { github, client } = await door();
    expect((await client.request(method, `${github.apiUrl}${path}`)).status).toBe(501);
    expect(github.unmodelled).toHaveLength(1);
  });
});

describe("a scenario", () => {
  it.each([
    [{ colour: "red" }, "colour"],
    [{ users: { octocat: { colour: "red" } } }, "users.octocat.colour"],
    [{ environments: { prod: { colour: "red" } } }, "environments.prod.colour"],
    [{ assumptions: { colour: true } }, "assumptions.colour"],
  ])("%o is refused by the key's name", async (scenario, key) => {
    await expect(begin(scenario as never)).rejects.toThrow(key);
  });
});
