/**
 * What runs where, since when, verified by what, approved by whom, held why:
 *   npm run status -- --repo OWNER/NAME [--json | --mermaid] [--contract four-tier.yml] [--allowed-hosts SUFFIX,…]
 * GITHUB_TOKEN reads contents, deployments, actions and pull requests; GITHUB_API_URL and GITHUB_SERVER_URL say where.
 */
import { parseArgs } from "node:util";
import { describeWhere, FourTierError } from "../src/findings.ts";
import { connectGitHub } from "../src/github/client.ts";
import { whatRunsWhere } from "../src/what-runs-where.ts";

const USAGE = "npm run status -- --repo OWNER/NAME [--json | --mermaid] [--contract PATH] [--allowed-hosts SUFFIX,…]";

try {
  const { values } = parseArgs({
    options: {
      repo: { type: "string" },
      json: { type: "boolean", default: false },
      mermaid: { type: "boolean", default: false },
      contract: { type: "string", default: "four-tier.yml" },
      "allowed-hosts": { type: "string", default: "" },
    },
  });
  const [owner = "", repository = "", ...rest] = (values.repo ?? "").split("/");
  const token = process.env["GITHUB_TOKEN"] ?? "";
  if (owner === "" || repository === "" || rest.length > 0) throw new Error(`Which repository? ${USAGE}`);
  if (token === "")
    throw new Error("Set GITHUB_TOKEN to a token that may read the repository, such as GITHUB_TOKEN=$(gh auth token).");
  const found = await whatRunsWhere(
    connectGitHub({
      token,
      apiUrl: process.env["GITHUB_API_URL"] ?? "https://api.github.com",
      serverUrl: process.env["GITHUB_SERVER_URL"] ?? "https://github.com",
      owner,
      repository,
      log: { debug() {} },
    }),
    {
      contract: values.contract,
      allowedHosts: values["allowed-hosts"].split(/[\s,]+/).filter((host) => host !== ""),
      now: new Date(),
    },
  );
  if (values.json) console.log(JSON.stringify(found.json, null, 2));
  else console.log(values.mermaid ? found.picture : found.text);
  // Unknown is not fine: whoever asks from a script must notice.
  if (found.unknown) process.exitCode = 1;
} catch (error) {
  const findings = error instanceof FourTierError ? error.findings : [];
  for (const { id, where, message, remedy } of findings) {
    console.error(`${where === undefined ? "" : `${describeWhere(where)}: `}${id}: ${message} ${remedy}`);
  }
  if (findings.length === 0) console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
