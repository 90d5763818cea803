/** GitHub's own language service, on our workflow and action files. */
import { join } from "node:path";
import { FeatureFlags } from "@actions/expressions";
import { validate } from "@actions/languageservice";
import * as v from "valibot";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parse } from "yaml";
import { ROOT, read } from "./files.ts";

/** What the actions of others take (their action.yml at the pinned commits). */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  checkout: ["repository", "ref", "token", "fetch-depth", "persist-credentials", "path"],
  "setup-node": ["node-version", "node-version-file", "cache", "package-manager-cache"],
  "upload-artifact": ["name", "path", "if-no-files-found", "retention-days", "overwrite", "include-hidden-files"],
  "download-artifact": [
    "name",
    "artifact-ids",
    "path",
    "pattern",
    "merge-multiple",
    "github-token",
    "repository",
    "run-id",
  ],
  "github/codeql-action/upload-sarif": ["sarif_file", "checkout_path", "category", "wait-for-processing", "token"],
  attest: ["subject-path", "subject-name", "subject-digest", "subject-checksums", "sbom-path", "github-token"],
};
/** What of an action of ours is asked: names of inputs. */
const Action = v.object({ inputs: v.record(v.string(), v.unknown()) });
let asked = 0;

/** What it has to say, as `line: message`. A file named action.yml is read as an action, any other as a workflow. */
export async function lint(name: string, text: string): Promise<string[]> {
  // Results are kept by address: each text gets a new one.
  asked += 1;
  const document = TextDocument.create(`file:///${asked}/${name}`, "yaml", 1, text);
  const diagnostics = await validate(document, {
    featureFlags: new FeatureFlags({ all: true }),
    actionsMetadataProvider: {
      fetchActionMetadata: (action) => {
        const isOurs = `${action.owner}/${action.name}` === "four-tier/four-tier" && action.path !== undefined;
        const inputs = isOurs
          ? Object.keys(v.parse(Action, parse(read(join(ROOT, action.path ?? "", "action.yml")))).inputs)
          : OTHERS[action.owner === "actions" ? action.name : `${action.owner}/${action.name}/${action.path ?? ""}`];
        if (inputs === undefined) return Promise.resolve(undefined);
        const described = Object.fromEntries(inputs.map((input) => [input, { description: input }]));
        return Promise.resolve({ name: action.name, description: action.name, inputs: described });
      },
    },
    fileProvider: {
      // Asked for our actions (`$/`) and for our workflows, which callers name by the suite's repository.
      getFileContent: (reference) => {
        const path = reference.path.replace(/^four-tier\/four-tier\//, "");
        return Promise.resolve({ name: path, content: read(join(ROOT, path)) });
      },
    },
  });
  return diagnostics.map(({ range, message }) => `${range.start.line + 1}: ${JSON.stringify(message)}`);
}
