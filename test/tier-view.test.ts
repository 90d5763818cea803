import { afterAll, expect, test } from "vitest";
import { type TierView, viewTier } from "../src/actions/tier-view.ts";
import { FourTierError } from "../src/findings.ts";
import { APPLICATION, SECRET, startAccount } from "./account.ts";
import { newRepository, removeFolders } from "./repository.ts";
import { QUIET, RUN } from "./run.ts";

const READER = "99999999-9999-4999-8999-999999999999";
const READER_SECRET = "dose-canary-reader-5714";

afterAll(removeFolders);

/** Signs in to look at prod with this client id and secret, in a repository whose contract is the account's. */
async function look(clientId: string, clientSecret: string, workspaces = ["prod"]): Promise<TierView> {
  const account = await startAccount(
    {
      service_principals: {
        "ml-pipelines-prod-reader": { application_id: READER, workspaces, secrets: [READER_SECRET] },
      },
    },
    "",
    {
      dev: `, client_id: ${APPLICATION.dev}`,
      staging: `, client_id: ${APPLICATION.staging}`,
      prod: `, client_id: ${APPLICATION.prod}`,
    },
  );
  const repository = newRepository({ "four-tier.yml": account.contractText });
  const sha = repository.git("rev-parse", "HEAD");
  const inputs: Record<string, string> = {
    tier: "prod",
    "client-id": clientId,
    "client-secret": clientSecret,
    "allowed-hosts": "127.0.0.1",
  };
  return viewTier({
    run: { ...RUN, sha, job: "brief-live", workspace: repository.folder, temp: repository.folder },
    log: QUIET,
    input: (name) => inputs[name] ?? "",
    cancelled: new AbortController().signal,
  });
}

async function refusal(promise: Promise<unknown>): Promise<{ ids: string[]; text: string }> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  if (!(error instanceof FourTierError)) throw error;
  return { ids: error.findings.map(({ id }) => id), text: error.message };
}

test("a principal that the contract does not know may look", async () => {
  const view = await look(READER, READER_SECRET);
  expect(view.identity.displayName).toBe("ml-pipelines-prod-reader");
  expect(view.findings).toEqual([]);
});

test("the principal of another tier may not", async () => {
  const { ids, text } = await refusal(look(APPLICATION.staging, SECRET.staging));
  expect(ids).toEqual(["identity/wrong-principal"]);
  expect(text).toContain("the principal of the tier staging");
});

test("a secret that is not the reader's does not sign in", async () => {
  expect((await refusal(look(READER, SECRET.dev))).text).not.toContain(SECRET.dev);
});
