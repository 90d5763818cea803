/** Asks a throw-away workspace and repository, and prints what was found for each line of docs/assumptions.md. */
import { appendFileSync } from "node:fs";
import { probeDatabricks } from "./databricks.ts";
import { probeGitHub } from "./github.ts";
import { Report } from "./verdicts.ts";

const input = (name: string): string => (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
const variable = (name: string): string => process.env[name] ?? "";

if (input("mode") === "all") {
  const report = new Report();
  try {
    await probeGitHub(
      {
        api: variable("GITHUB_API_URL"),
        name: variable("GITHUB_REPOSITORY"),
        run: variable("GITHUB_RUN_ID"),
        actor: variable("GITHUB_ACTOR"),
        token: input("github-token"),
        jobs: JSON.parse(input("jobs")) as Record<string, { result?: string }>,
      },
      report,
    );
    await probeDatabricks(
      {
        host: input("host").replace(/\/+$/, ""),
        clientId: input("client-id"),
        clientSecret: input("client-secret"),
        catalog: input("catalog"),
        run: `${variable("GITHUB_RUN_ID")}-${variable("GITHUB_RUN_ATTEMPT")}`,
        mask: (secret) => console.log(`::add-mask::${secret}`),
      },
      report,
    );
  } catch (error) {
    console.log(`::error::${(error instanceof Error ? error.message : "The probe failed.").replaceAll(/\s+/g, " ")}`);
    process.exitCode = 1;
  }
  const lines = report.lines();
  for (const { id, step, verdict, seen } of lines) console.log(`${id}: ${verdict} (${step}): ${seen}`);
  const rows = lines.map(
    ({ id, step, verdict, seen }) => `| ${id} | ${step} | ${verdict} | ${seen.replaceAll("|", "\\|")} |`,
  );
  const summary = variable("GITHUB_STEP_SUMMARY");
  if (summary !== "")
    appendFileSync(summary, ["| # | asked by | found | seen |", "|---|---|---|---|", ...rows, ""].join("\n"));
}
