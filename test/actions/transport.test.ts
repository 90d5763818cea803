/** Built actions on bad lines, behind a proxy and TLS, and on machines whose clock is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { FaultInput } from "../../simulator/databricks/scenario.ts";
import type { TokenFacts } from "../../simulator/github/oidc.ts";
import type { GitHubScenarioInput } from "../../simulator/github/scenario.ts";
import { APPLICATION } from "../account.ts";
import { selfSigned } from "../http/certificate.ts";
import { proxy } from "../http/forward-proxy.ts";
import { serve } from "../http/loopback.ts";
import type { ActionOptions, ActionRun } from "./harness.ts";
import { GITHUB, type Project, type ProjectOptions, project, titles } from "./project.ts";

const module = (name: string, query = ""): string => `file://${resolve(`test/actions/${name}.ts`)}${query}`;
const impatient = { preload: [module("impatient")] };
const federated = {
  "ml-pipelines-dev": {
    application_id: APPLICATION.dev,
    workspaces: ["dev"],
    federation: [
      { issuer: "https://token.actions.githubusercontent.com", subject: "repo:acme/ml-pipelines:environment:dev" },
    ],
  },
};

/** What the job `deploy` of a push to main may ask a token for. */
function oidc({ hub, sha }: Project): Pick<ActionOptions, "oidc"> {
  const facts: TokenFacts = {
    environment: "dev",
    event: "push",
    ref: "refs/heads/main",
    refProtected: true,
    sha,
    headRef: "",
    baseRef: "",
    actor: "octocat",
    runId: 1,
    runNumber: 1,
    runAttempt: 1,
    checkRunId: 1,
    workflow: "promote",
    workflowRef: "acme/ml-pipelines/.github/workflows/promote.yml@refs/heads/main",
    workflowSha: sha,
    jobWorkflowRef: "acme/ml-pipelines/.github/workflows/promote.yml@refs/heads/main",
    jobWorkflowSha: sha,
  };
  const offer = hub.offerOidc(facts);
  onTestFinished(() => offer.close());
  return { oidc: offer };
}

const federate = (options: ProjectOptions = {}): Promise<Project> =>
  project({ ...options, databricks: { service_principals: federated, ...options.databricks } });
const PROMOTE = { mode: "promote", tier: "dev" };
const WITH_OIDC = { ...PROMOTE, "client-secret": "" };

/** Everything is there once, and a second run finds nothing to do. */
async function isWhole({ account, run }: Project, inputs: Record<string, string> = PROMOTE): Promise<void> {
  const { world } = account.simulator;
  const names = world.jobs("dev").map(({ settings }) => settings["name"]);
  expect(names).toHaveLength(3);
  expect(new Set(names).size).toBe(3);
  expect(world.pipelines("dev")).toHaveLength(1);
  const again = await run(inputs);
  expect([again.exitCode, again.outputs["changed"]]).toEqual([0, "false"]);
}

describe("a promotion over a bad line to the workspace", () => {
  test.each<[string, readonly FaultInput[]]>([
    [
      "whose answers end in their middle",
      [
        { method: "GET", path: "/api/2.2/jobs/list", effect: "cut" },
        { method: "POST", path: "/oidc/v1/token", effect: "cut" },
        { method: "POST", path: "/api/2.2/jobs/create", nth: 2, effect: "cut" },
        { method: "POST", path: "/api/2.0/pipelines", effect: "cut" },
        { method: "POST", path: "/api/2.0/workspace*/import*", nth: 3, effect: "cut" },
      ],
    ],
    ["which drips", [{ path: "*", times: "always", effect: "drip", delay_ms: 16 }]],
    [
      "whose kept connections are gone when the next request is on them",
      [
        { method: "GET", path: "/api/*", nth: 3, times: 4, effect: "idle-close" },
        { method: "POST", path: "/api/2.2/jobs/create", effect: "idle-close" },
        { method: "POST", path: "/api/2.0/workspace*/import*", nth: 2, times: 2, effect: "idle-close" },
      ],
    ],
    [
      "where some answers never come",
      [
        { method: "GET", path: "/api/2.2/jobs/list", effect: "silent" },
        { method: "POST", path: "/api/2.2/jobs/create", nth: 2, effect: "silent" },
        { method: "POST", path: "/api/2.0/pipelines", effect: "silent" },
      ],
    ],
  ])("%s comes to its end, without a second of anything", async (_how, faults) => {
    const one = await project({ databricks: {} });
    const scheduled = faults.map((fault) => one.account.simulator.fault({ workspace: "dev", ...fault }));
    const result = await one.run(PROMOTE, impatient);
    expect(titles(result)).toEqual([]);
    expect(result.outputs["conclusion"]).toBe("success");
    expect(scheduled.map(({ hits }) => hits > 0)).toEqual(scheduled.map(() => true));
    for (const fault of scheduled) fault.cancel();
    await isWhole(one);
  });

  test("that answers nothing at all ends with what was asked, and nothing is written", async () => {
    const { account, run } = await project();
    account.simulator.fault({ path: "/api/2.0/preview/scim/*", times: "always", effect: "silent" });
    const result = await run(PROMOTE, impatient);
    expect(titles(result)).toEqual(["http/timeout"]);
    expect(result.stdout).toContain("/api/2.0/preview/scim/v2/Me");
    expect(account.writes()).toEqual([]);
  });
});

describe("a promotion over a bad line to GitHub", () => {
  const faulty = (faults: NonNullable<GitHubScenarioInput["faults"]>) => project({ github: { ...GITHUB, faults } });
  const DEPLOYMENTS = "/repos/acme/ml-pipelines/deployments";

  test("whose answers are cut, drip, or find their connection gone comes to its end", async () => {
    const one = await faulty([
      { path: DEPLOYMENTS, effect: "cut" },
      { path: "/repos/acme/ml-pipelines", effect: "drip", delay_ms: 40 },
      { path: "/repos/acme/ml-pipelines/commits/*", effect: "idle-close" },
      { path: "/repos/acme/ml-pipelines/environments/*", effect: "silent" },
    ]);
    const result = await one.run(PROMOTE, impatient);
    expect(titles(result)).toEqual([]);
    expect(one.hub.world.deployments).toHaveLength(1);
    await isWhole(one);
  });

  test("that never gives a whole list promotes nothing: half a list is none, and not an empty one", async () => {
    const path = "/repos/acme/ml-pipelines/commits/*/pulls";
    const { account, hub, run } = await faulty([{ path, times: 99, effect: "cut" }]);
    const result = await run(PROMOTE, impatient);
    expect(titles(result)).toEqual(["gate/commit-unknown"]);
    expect(account.writes()).toEqual([]);
    expect(hub.world.deployments).toEqual([]);
  });
});

describe("a promotion that does not reach GitHub", () => {
  const token = "ghs_canary0123456789canary0123456789";

  test.each<[string, (said: string) => [status: number, type: string, body: string]]>([
    ["refuses", (said) => [403, "application/json", JSON.stringify({ message: said })]],
    ["fails", (said) => [500, "text/plain", said]],
    ["sends another shape", (said) => [200, "application/json", JSON.stringify({ default_branch: [said], id: said })]],
    ["sends a text", (said) => [200, "text/plain", said]],
  ])("but somebody who %s and says what it was sent: the token is nowhere", async (_how, answer) => {
    const echo = await serve((request, response) => {
      const [status, type, body] = answer(JSON.stringify(request.headers));
      response.writeHead(status, { "content-type": type }).end(body);
    });
    const { account, run } = await project();
    // the harness looks for every secret in the log, summary, report and outputs
    const result = await run(PROMOTE, {
      ...impatient,
      apiUrl: echo.url,
      githubToken: token,
    });
    expect(echo.seen[0]?.headers.authorization).toBe(`token ${token}`);
    expect(result.exitCode).toBe(1);
    expect(account.writes()).toEqual([]);
  });

  const BEHIND = "https://github.four-tier.test";
  const plain = (one: Project, env: Record<string, string>) =>
    one.run({ mode: "plan", tier: "dev" }, { apiUrl: BEHIND, env });

  test("but a proxy that wants another password asks it once: a second time may lock the account", async () => {
    const { url, asked } = await proxy();
    const result = await plain(await project(), { HTTPS_PROXY: url.replace("canary-", "wrong-") });
    expect(said(result)).toContain("GitHub was not reached: the proxy wants credentials (407)");
    expect(said(result)).not.toContain("wrong-password");
    expect(asked).toEqual(["CONNECT github.four-tier.test:443"]);
  });

  test("for the variable that names the proxy has no scheme says so", async () => {
    const result = await plain(await project(), { HTTPS_PROXY: "proxy.four-tier.test:3128" });
    expect(said(result)).toContain("is no proxy's address");
  });

  test("for its certificate is nobody's says so, and sends nothing", async () => {
    const one = await project({
      tls: { ...selfSigned("*.four-tier.test"), host: (server) => `${server}.four-tier.test` },
    });
    const { url } = await proxy();
    const result = await one.run(
      { mode: "plan", tier: "dev", "allowed-hosts": ".four-tier.test" },
      { env: { HTTPS_PROXY: url } },
    );
    expect(said(result)).toContain("has a certificate that is not trusted");
    expect(said(result)).toContain("NODE_EXTRA_CA_CERTS");
    expect(one.hub.requests).toEqual([]);
  });
});

/** All that a run left for a person. */
const said = ({ stdout, stderr, summary, report }: ActionRun): string =>
  [stdout, stderr, summary, JSON.stringify(report)].join("\n");

describe("with a clock ten minutes wrong", () => {
  describe.each([-10, 10])("by %i minutes", (minutes) => {
    const skewed = { preload: [module("skewed-clock", `?minutes=${minutes}`)] };

    test("on the runner, a promotion with federation and short-lived tokens does what it does", async () => {
      const one = await federate({ databricks: { service_principals: federated, token_lifetime_seconds: 900 } });
      const result = await one.run(WITH_OIDC, { ...skewed, ...oidc(one) });
      expect(titles(result)).toEqual([]);
      expect(result.outputs["changed"]).toBe("true");
      const tokens = one.account.simulator.requests.filter(({ path }) => path === "/oidc/v1/token");
      expect(tokens).toHaveLength(1);
    });

    test("on the runner, somebody's lock is no older and no younger for it", async () => {
      const { account, run } = await project();
      const { world } = account.simulator;
      const folder = `/Users/${APPLICATION.dev}/.four-tier/ml-pipelines/dev`;
      const at = "2026-11-23T10:05:00.000Z";
      const lock = { run: "77", attempt: 1, job: "promote", token: "7e57", at };
      world.writeFile("dev", `${folder}/lock.1`, Buffer.from(JSON.stringify(lock)));
      const result = await run({ ...PROMOTE, "lock-wait-minutes": "0" }, skewed);
      expect(titles(result)).toEqual(["ledger/locked"]);
      expect(result.stdout).toContain("lock 1 since 2026-11-23 10:05 UTC");
      expect(world.jobs("dev")).toEqual([]);
    });
  });

  test("in the workspace, ten minutes behind, federation works", async () => {
    const one = await federate();
    one.account.simulator.advance(-600);
    expect(titles(await one.run(WITH_OIDC, oidc(one)))).toEqual([]);
  });

  test("in the workspace, ten minutes ahead, federation is refused with the token's times: it lives five", async () => {
    const one = await federate();
    one.account.simulator.advance(600);
    const result = await one.run(WITH_OIDC, oidc(one));
    expect(titles(result)).toEqual(["auth/federation-refused"]);
    const [, issued = "", expires = ""] =
      /issued (\S+), expires (\S+?)[.,]/.exec(result.annotations[0]?.message ?? "") ?? [];
    expect(Date.parse(expires) - Date.parse(issued)).toBe(300_000);
    expect(one.account.writes()).toEqual([]);
  });
});

describe("TLS that offers HTTP/2", () => {
  test("and a private CA: a promotion, federation included, in HTTP/1.1", async () => {
    const certificate = selfSigned("localhost");
    const one = await federate({ tls: certificate });
    const env = { NODE_EXTRA_CA_CERTS: file(certificate.cert) };
    const inputs = { ...WITH_OIDC, "allowed-hosts": "localhost" };
    const result = await one.run(inputs, { ...oidc(one), env });
    expect(titles(result)).toEqual([]);
    expect(result.outputs["changed"]).toBe("true");
    // without the CA nobody is trusted, and nothing is sent
    const asked = one.account.simulator.requests.length;
    const distrust = await one.run(inputs, oidc(one));
    expect(distrust.exitCode).toBe(1);
    expect(one.account.simulator.requests).toHaveLength(asked);
  });

  test("behind a proxy with a password: Databricks, GitHub and its OIDC are reached through it, and only so", async () => {
    const certificate = selfSigned("*.four-tier.test");
    const one = await federate({ tls: { ...certificate, host: (server) => `${server}.four-tier.test` } });
    const { url, asked } = await proxy();
    const env = { NODE_EXTRA_CA_CERTS: file(certificate.cert), HTTPS_PROXY: url };
    const inputs = { ...WITH_OIDC, "allowed-hosts": ".four-tier.test" };
    const result = await one.run(inputs, { ...oidc(one), env });
    expect(titles(result)).toEqual([]);
    expect(result.outputs["changed"]).toBe("true");
    const hosts = new Set(asked.map((line) => /^CONNECT ([\w.-]+):\d+$/.exec(line)?.[1]));
    expect(hosts).toEqual(new Set(["dev.four-tier.test", "github.four-tier.test"]));

    // exempt, they are looked for without it
    const before = asked.length;
    const exempt = await one
      .run(inputs, { ...oidc(one), ...impatient, env: { ...env, NO_PROXY: "github.four-tier.test" } })
      .catch((error: unknown) => String(error));
    expect(exempt).toContain("loopback-only: refused");
    expect(asked.slice(before).filter((line) => line.includes("github"))).toEqual([]);
  });
});

function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-ca-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "ca.pem"), text);
  return join(folder, "ca.pem");
}
