/** Our client of GitHub, connected to a server whose answers a test decides. */
import { connectGitHub, type GitHub } from "../../src/github/client.ts";
import { QUIET } from "../run.ts";

export const TOKEN = "ghs_canary_0123456789";

/** Connects; what is to be otherwise than a job of acme/ml-pipelines has it is in `options`. */
export function clientOf(
  { url }: { readonly url: string },
  options: Partial<Parameters<typeof connectGitHub>[0]> = {},
): GitHub {
  return connectGitHub({
    token: TOKEN,
    apiUrl: url,
    serverUrl: "https://github.com",
    owner: "acme",
    repository: "ml-pipelines",
    log: QUIET,
    timeoutMs: 500,
    ...options,
  });
}
