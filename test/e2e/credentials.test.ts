/**
 * The three ways to a tier's credential, each by a whole chain. Federation is in chain.test.ts; here no principal trusts
 * GitHub's tokens, so that only a secret can have let a job in.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { edit } from "../../demo/stage.ts";
import { expectRun, jobOf, textOf } from "./expect-run.ts";
import { openPlay, TIERS } from "./play.ts";

const PROMOTE = ".github/workflows/promote.yml";
const PROMOTIONS = ["deploy-to-dev / promote", "gate-to-staging / promote", "approve-to-prod / promote"];
const PLACES = ["dev", "staging", "prod", "prod-read"];

describe("without federation", () => {
  const play = openPlay({
    world: ({ databricks }) => {
      for (const principal of Object.values(databricks.service_principals)) principal.federation = [];
    },
  });
  const secretOf = (place: string): string => play.stage.databricks.credentials(`ml-pipelines-${place}`).clientSecret;
  const environmentSecrets = (place: string): Record<string, string> => {
    const environment = play.stage.github.world.environments.get(place);
    if (environment === undefined) throw new Error(`There is no environment ${place}`);
    return environment.settings.secrets;
  };
  /** Merges callers made from the example's, each job of them changed. */
  const mergeCallers = (branch: string, change: (text: string) => string) =>
    play.merge(branch, `Callers: ${branch}`, (path) => {
      writeFileSync(path(PROMOTE), change(play.callers));
      edit(path("src/models/train.py"), (text) => `${text}\n# ${branch}\n`);
    });

  const expectSignedInBySecret = async (run: Awaited<ReturnType<typeof play.promote>>): Promise<void> => {
    expectRun(run).toSucceed(...PROMOTIONS, "approve-to-prod / brief-live");
    for (const job of PROMOTIONS) expect(textOf(run, job)).toMatch(/Signed in with \| [^|]*secret/);
    const digests = (await play.releases()).map(({ release }) => release);
    expect(new Set(digests).size).toBe(1);
    for (const tier of TIERS) expect(play.ledger(tier).release.digest).toBe(digests[0]);
  };

  it("the callers of federation are refused, and told which policy would let them in", async () => {
    await mergeCallers("federation", (text) => `${text}\n`);
    const run = await play.promote();
    expectRun(run).toStopAt("deploy-to-dev / promote", "auth/federation-refused");
    expect(
      jobOf(run, "deploy-to-dev / promote")
        .steps.map(({ log }) => log)
        .join("\n"),
    ).toContain("repo:acme/ml-pipelines:environment:dev");
  });

  it("one secret an environment, with secrets: inherit, takes a release to prod", async () => {
    for (const place of PLACES) environmentSecrets(place)["DATABRICKS_CLIENT_SECRET"] = secretOf(place);
    const example = readFileSync("examples/environment-secrets/.github/workflows/promote.yml", "utf8");
    await mergeCallers("inherit", () => example.replaceAll("0".repeat(40), play.stage.suiteCommit));
    await expectSignedInBySecret(await play.promote());
  });

  it("one secret of the repository a tier, mapped by the caller, takes a release to prod", async () => {
    for (const place of PLACES) delete environmentSecrets(place)["DATABRICKS_CLIENT_SECRET"];
    const { secrets } = play.stage.github.scenario;
    for (const place of PLACES) secrets[nameOf(place)] = secretOf(place);
    const mapped = (place: string, name = "client_secret"): string =>
      `      ${name}: \${{ secrets.${nameOf(place)} }}\n`;
    const given: Readonly<Record<string, string>> = {
      "deploy-to-dev": mapped("dev"),
      "gate-to-staging": mapped("staging"),
      "approve-to-prod": mapped("prod") + mapped("prod-read", "read_client_secret"),
    };
    await mergeCallers("mapped", (text) =>
      text.replaceAll(
        /(uses: .*\/workflows\/([\w-]+)\.yml@.*\n) {4}with:\n/g,
        (_, uses: string, name: string) => `${uses}    secrets:\n${given[name]}    with:\n      auth: secret\n`,
      ),
    );
    await expectSignedInBySecret(await play.promote());
  });
});

function nameOf(place: string): string {
  return `DATABRICKS_${place.replace("-", "_").toUpperCase()}_SECRET`;
}
