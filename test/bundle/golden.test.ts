/**
 * What we render equals what the Databricks CLI makes of the same bundle, in the fields both define. What the CLI made
 * is kept under golden/ with its version, and made again when the CLI is on the PATH
 * (UPDATE_GOLDENS=1 writes it).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { renderBundle } from "../../src/bundle/render.ts";
import { RESOURCE_KINDS } from "../../src/contract/model.ts";
import { isArray, isObject, type JsonObject, type JsonValue, parseJson, stringifyJson } from "../../src/json.ts";
import { CLIENT_IDS, optionsFor, render } from "./bundles.ts";
import { memorySource } from "./memory.ts";
import { cliVersion, findCli, GOLDEN_VERSION, readFolder, validateWithCli } from "./oracle.ts";

const GOLDEN = fileURLToPath(new URL("golden/", import.meta.url));
const EXAMPLE = "ml-pipelines";
type Golden = "sandbox" | keyof typeof CLIENT_IDS;
const TIERS: readonly Golden[] = ["sandbox", "dev", "staging", "prod"];
/** Who the CLI signs in as; a sandbox is deployed by its own principal. */
const IDENTITIES: Readonly<Record<Golden, string>> = { ...CLIENT_IDS, sandbox: "44444444-4444-4444-8444-444444444444" };
/** What a sandbox puts before every name, and no bundle says. */
const SANDBOX = "[sandbox octocat] ";
/** Folders of the bundles that do not lie at the root of their repository. */
const ROOTS: Readonly<Record<string, string>> = { paths: "ml" };
const cli = findCli(GOLDEN_VERSION);

/** Only the CLI has these: marks of its own deployment. */
const CLI_ONLY = ["deployment", "edit_mode", "format", "run_as", "permissions", "grants", "volume_path"];
/** Only we have these: always explicit, so that a comparison with a live resource never meets an absent field. */
const OURS_ONLY = ["continuous", "development", "pause_status", "four_tier_project", "four_tier_tier", "four_tier_key"];

for (const name of readdirSync(GOLDEN)) {
  // the example is compared as it stands
  const folder =
    name === EXAMPLE ? fileURLToPath(new URL(`../../examples/${name}/`, import.meta.url)) : `${GOLDEN}${name}/bundle`;
  const root = ROOTS[name] ?? "";

  describe(`bundle ${name}`, () => {
    for (const tier of TIERS.filter((tier) => tier !== "sandbox" || name === EXAMPLE)) {
      const file = `${GOLDEN}${name}/${tier}.json`;

      test.skipIf(cli === undefined)(
        `${tier}: the golden is what the CLI makes today`,
        { timeout: 30_000 },
        async () => {
          const made = await fromCli(cli ?? "", folder, root, tier);
          if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(file, `${stringifyJson(made, 2)}\n`);
          expect(existsSync(file)).toBe(true);
          expect(made["resources"]).toEqual((parseJson(readFileSync(file, "utf8")) as JsonObject)["resources"]);
        },
      );

      test(`${tier}: our rendering equals the CLI's`, () => {
        const golden = parseJson(readFileSync(file, "utf8")) as { resources: JsonObject; file_path: string };
        const options = optionsFor(tier, { root });
        const { rendered, findings } = renderBundle(memorySource(readFolder(folder)), options);
        expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
        const ours = [...(rendered?.resources ?? [])].map(([key, { settings }]): [string, JsonValue] => [
          key,
          unprefixed(tier, substitute(settings, golden.file_path, IDENTITIES[tier])),
        ]);
        expect(ours.map(([key]) => key)).toEqual(Object.keys(golden.resources).sort());
        for (const [key, settings] of ours) {
          const theirs = golden.resources[key] ?? null;
          expect(differences(asOurs(theirs), unmarked(settings), key)).toEqual([]);
          const acl = rendered?.resources.get(key)?.permissions;
          const grants = isObject(theirs) ? theirs["grants"] : undefined;
          const [ours, cli] =
            grants === undefined
              ? [
                  levels(substitute(acl ?? [], "", IDENTITIES[tier]), "permission_level"),
                  levels(isObject(theirs) ? theirs["permissions"] : undefined, "level"),
                ]
              : [privileges(acl), privileges(grants)];
          expect(ours).toEqual(cli);
        }
      });
    }
  });
}

test("the comparison sees a difference", () => {
  expect(differences({ a: [{ b: 1 }] }, { a: [{ b: 2 }] }, "x")).toEqual(["x.a[0].b: CLI 1, ours 2"]);
  expect(differences({ a: 1 }, {}, "x")).toEqual(["x.a: only the CLI has it"]);
  expect(differences({}, { a: 1 }, "x")).toEqual(["x.a: only we have it"]);
});

test("a bundle of no resources renders", () => {
  expect(render({ "databricks.yml": "bundle: { name: x }\ntargets: { dev: }\n" }).lines).toEqual([]);
});

async function fromCli(path: string, folder: string, root: string, tier: Golden): Promise<JsonObject> {
  const identity = { clientId: IDENTITIES[tier], displayName: `ml-pipelines-${tier}` };
  // The variables of the contract, as action-setup-env exports them; only declared ones may be given.
  const declared = stringifyJson(readFolder(folder));
  const all =
    tier === "sandbox"
      ? { catalog: "octocat_sandbox", source_catalog: "dev", tier }
      : { catalog: tier, source_catalog: tier, tier };
  const variables = Object.fromEntries(
    Object.entries(all).filter(([name]) => new RegExp(`\\b${name}:`).test(declared)),
  );
  const made = await validateWithCli(path, folder, root, tier, identity, variables);
  const resources: Record<string, JsonValue> = {};
  for (const kind of RESOURCE_KINDS) {
    const group = isObject(made["resources"]) ? made["resources"][kind] : undefined;
    for (const [key, value] of Object.entries(isObject(group) ? group : {})) resources[`${kind}.${key}`] = value;
  }
  const workspace = isObject(made["workspace"]) ? made["workspace"] : {};
  return { cli: await cliVersion(path), file_path: workspace["file_path"] ?? "", resources };
}

function unprefixed(tier: Golden, settings: JsonValue): JsonValue {
  if (tier !== "sandbox" || !isObject(settings) || typeof settings["name"] !== "string") return settings;
  if (settings["catalog_name"] !== undefined) return settings; // its catalog tells it apart
  expect(settings["name"]).toContain(SANDBOX);
  return { ...settings, name: settings["name"].replace(SANDBOX, "") };
}

function substitute(value: JsonValue, release: string, principal: string): JsonValue {
  if (typeof value === "string") {
    return value.replaceAll("${release}", () => release).replaceAll("${principal}", () => principal);
  }
  if (isArray(value)) return value.map((item) => substitute(item, release, principal));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, release, principal)]));
}

/** What differs; `pause_status` is the tier's, and local wheels are moved by both, only later by the CLI. */
function differences(theirs: JsonValue, ours: JsonValue, path: string): string[] {
  if (isObject(theirs) && isObject(ours)) {
    return [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].flatMap((key) => {
      const [left, right] = [theirs[key], ours[key]];
      const at = `${path}.${key}`;
      if (left === undefined && right === undefined) return [];
      if (key === "pause_status") return [];
      if (left === undefined) return isOnlyOurs(key, right) ? [] : [`${at}: only we have it`];
      if (right === undefined && left === null) return []; // `webhook_notifications:` with nothing after it
      if (right === undefined) return CLI_ONLY.includes(key) ? [] : [`${at}: only the CLI has it`];
      return differences(left, right, at);
    });
  }
  if (isArray(theirs) && isArray(ours) && theirs.length === ours.length) {
    return theirs.flatMap((item, index) => differences(item, ours[index] ?? null, `${path}[${index}]`));
  }
  if (typeof theirs === "string" && typeof ours === "string" && isCarried(theirs, ours)) return [];
  if (typeof theirs === "string" && typeof ours === "string" && isResolved(theirs, ours)) return [];
  return stringifyJson(theirs) === stringifyJson(ours)
    ? []
    : [`${path}: CLI ${stringifyJson(theirs)}, ours ${stringifyJson(ours)}`];
}

/** `${resources.schemas.gold.name}` stays so until the CLI deploys (test/simulator has it deploy); here it is a name. */
function isResolved(theirs: string, ours: string): boolean {
  if (!theirs.includes("${resources.") || ours.includes("${")) return false;
  const parts = theirs
    .split(/\$\{resources\.[^}]+\}/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join("(.+)")}$`).test(ours);
}

/** The tags of an experiment as a map, as we compare them. */
function asOurs(theirs: JsonValue): JsonValue {
  if (!isObject(theirs) || !isArray(theirs["tags"] ?? null)) return theirs;
  const tags = theirs["tags"] as readonly { key: string; value: string }[];
  return { ...theirs, tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])) };
}

/** A comment without the mark that we put into it. */
function unmarked(ours: JsonValue): JsonValue {
  if (!isObject(ours) || typeof ours["comment"] !== "string") return ours;
  const comment = ours["comment"].replace(/\n?\[four-tier: [^\]]*\]$/, "");
  const { comment: _marked, ...rest } = ours;
  return comment === "" ? rest : { ...rest, comment };
}

/** Privileges by principal, in whatever order they are written. */
function privileges(grants: JsonValue | undefined): Record<string, Set<JsonValue>> {
  const all: Record<string, Set<JsonValue>> = {};
  for (const entry of (grants ?? []) as readonly { principal: string; privileges: readonly string[] }[]) {
    for (const one of entry.privileges) (all[entry.principal] ??= new Set()).add(one);
  }
  return all;
}

/** `["group_name","data-scientists","CAN_VIEW"]`, sorted. */
function levels(acl: JsonValue | undefined, levelKey: string): string[] {
  return (isArray(acl) ? acl : [])
    .map((entry) => {
      const { [levelKey]: level, ...principal } = isObject(entry) ? entry : {};
      return stringifyJson([...Object.entries(principal).flat(), level]);
    })
    .sort();
}

function isOnlyOurs(key: string, value: JsonValue | undefined): boolean {
  return OURS_ONLY.includes(key) || (key === "tags" && isObject(value) && Object.keys(value).every(isOurTag));
}

function isOurTag(tag: string): boolean {
  return tag.startsWith("four_tier_");
}

/** `./dist/x.whl` stays so until the CLI deploys; here it has its place in the release's folder already. */
function isCarried(theirs: string, ours: string): boolean {
  return /^\.\/.*\.whl$/.test(theirs) && ours.endsWith(`/.artifacts/${theirs.split("/").at(-1)}`);
}
