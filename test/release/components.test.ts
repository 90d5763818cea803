import { describe, expect, it } from "vitest";
import type { Contract } from "../../src/contract/model.ts";
import { parseContract } from "../../src/contract/parse.ts";
import { describeWhere } from "../../src/findings.ts";
import type { JsonObject } from "../../src/json.ts";
import { type Component, carriersOf, componentOf, componentsOf } from "../../src/release/components.ts";
import { type ReleaseFile, releaseDigest } from "../../src/release/digest.ts";
import { MINIMAL } from "../contract/examples.ts";

/** The contract whose line 5 declares these components. */
function contractWith(components: string): Contract {
  const { contract, findings } = parseContract(`${MINIMAL}${components}\n`, "four-tier.yml", { allowedHosts: [] });
  if (contract === undefined) throw new Error(JSON.stringify(findings));
  return contract;
}

const release = (files: Readonly<Record<string, string>>): ReleaseFile[] =>
  Object.entries(files).map(([path, content]) => ({ path, mode: "100644", content: Buffer.from(content) }));

const FILES = {
  "four-tier.yml": MINIMAL,
  "databricks.yml": "bundle: {}",
  "resources/score.yml": "x",
  ".github/workflows/promote.yml": "x",
  ".gitignore": "dist",
  "src/scoring/score.py": "s",
  "src/training/train.py": "t",
  "src/common/util.py": "u",
};
const RESOURCES = ["jobs.score", "jobs.train", "jobs.clean"];
const RENDERED = { includes: ["databricks.yml", "resources/score.yml"], artifacts: [], resources: new Map() };
const TWO =
  'components: { scoring: { files: ["src/scoring/**"], resources: [jobs.score] }, training: { files: [src/training], resources: [jobs.train] } }';

const summary = (components: readonly Component[]): [string, string[], readonly string[]][] =>
  components.map(({ name, files, resources }) => [name, files.map((file) => file.path), resources]);

describe("components", () => {
  it("is one, with all content and all resources, if the contract declares none", () => {
    const { components, findings } = componentsOf(contractWith(""), release(FILES), [], RESOURCES, RENDERED);
    expect(findings).toEqual([]);
    expect(summary(components)).toEqual([
      [
        "default",
        ["src/common/util.py", "src/scoring/score.py", "src/training/train.py"],
        ["jobs.clean", "jobs.score", "jobs.train"],
      ],
    ]);
    expect(components[0]?.digest).toBe(releaseDigest(components[0]?.files ?? [], []));
  });

  it.each(["", TWO])("knows from a path alone who carries it (%s)", (written) => {
    const contract = contractWith(written);
    const { components } = componentsOf(contract, release(FILES), [], RESOURCES, RENDERED);
    const carriers = carriersOf(
      contract,
      RENDERED.includes,
      components.map(({ name }) => name),
    );
    for (const path of Object.keys(FILES)) {
      const carrying = components.filter(({ files }) => files.some((file) => file.path === path));
      expect([path, carriers(path)]).toEqual([path, carrying.map(({ name }) => name)]);
    }
    // one that is gone by now belonged to whoever claims its folder
    expect(carriersOf(contractWith(TWO), [], ["scoring", "training"])("src/training/gone.py")).toEqual(["training"]);
  });

  it("gives each its own files and the shared ones, and the rest to default", () => {
    const { components, findings } = componentsOf(contractWith(TWO), release(FILES), [], RESOURCES, RENDERED);
    expect(findings).toEqual([]);
    expect(summary(components)).toEqual([
      ["default", ["src/common/util.py"], ["jobs.clean"]],
      ["scoring", ["src/common/util.py", "src/scoring/score.py"], ["jobs.score"]],
      ["training", ["src/common/util.py", "src/training/train.py"], ["jobs.train"]],
    ]);
    expect(componentOf(contractWith(TWO), "jobs.score")).toBe("scoring");
    expect(componentOf(contractWith(TWO), "jobs.clean")).toBe("default");
  });

  it("has no default if everything is claimed", () => {
    const { components } = componentsOf(contractWith(TWO), release(FILES), [], ["jobs.score", "jobs.train"], RENDERED);
    expect(components.map(({ name }) => name)).toEqual(["scoring", "training"]);
  });

  it("moves only what a change touches", () => {
    const digests = (files: Readonly<Record<string, string>>): Record<string, string> =>
      Object.fromEntries(
        componentsOf(contractWith(TWO), release(files), [], RESOURCES, RENDERED).components.map(({ name, digest }) => [
          name,
          digest,
        ]),
      );
    const before = digests(FILES);
    const moved = (change: Readonly<Record<string, string>>): string[] => {
      const after = digests({ ...FILES, ...change });
      return Object.keys(before).filter((name) => after[name] !== before[name]);
    };
    expect(moved({ "src/scoring/score.py": "S" })).toEqual(["scoring"]);
    expect(moved({ "src/scoring/new.py": "n" })).toEqual(["scoring"]);
    expect(moved({ "src/common/util.py": "U" })).toEqual(["default", "scoring", "training"]);
    // configuration acts through the resources' settings, and never by moving content
    expect(
      moved({
        "resources/score.yml": "y",
        "four-tier.yml": "y",
        ".github/workflows/promote.yml": "y",
        "src/.gitignore": "y",
      }),
    ).toEqual([]);
  });

  it("carries an artifact where a resource needs it", () => {
    const wheels = [
      { name: "scoring-1.0-py3-none-any.whl", sha256: "1".repeat(64) },
      { name: "unused-1.0-py3-none-any.whl", sha256: "2".repeat(64) },
    ];
    const where = { kind: "file", file: "resources/score.yml" } as const;
    const rendered = { ...RENDERED, artifacts: [{ path: "dist/scoring-*.whl", resources: ["jobs.score"], where }] };
    const { components } = componentsOf(contractWith(TWO), release(FILES), wheels, RESOURCES, rendered);
    expect(components.map(({ name, artifacts }) => [name, artifacts.length])).toEqual([
      ["default", 0],
      ["scoring", 1],
      ["training", 0],
    ]);
  });

  it.each([
    [
      "a pattern that matches nothing",
      "a: { files: [src/nope/**], resources: [jobs.score] }",
      "contract/component-matches-nothing",
      "src/nope",
    ],
    [
      "a pattern for configuration only",
      "a: { files: [resources/**], resources: [jobs.score] }",
      "contract/component-matches-nothing",
      "resources/**",
    ],
    [
      "a file in two components",
      "a: { files: [src/scoring/**], resources: [jobs.score] }, b: { files: [src/**], resources: [jobs.train] }",
      "contract/file-in-two-components",
      "src/**",
    ],
    [
      "a resource in two components",
      "a: { files: [src/scoring], resources: [jobs.score] }, b: { files: [src/training], resources: [jobs.score] }",
      "contract/resource-in-two-components",
      "jobs.score] } }",
    ],
    [
      "an unknown resource",
      "a: { files: [src/scoring], resources: [jobs.scroe] }",
      "contract/unknown-resource",
      "jobs.scroe",
    ],
  ])("%s is a finding in the contract", (_name, components, id, needle) => {
    const line = `components: { ${components} }`;
    const { findings } = componentsOf(contractWith(line), release(FILES), [], RESOURCES, RENDERED);
    expect(
      findings.map((finding) => [finding.id, finding.where === undefined ? "" : describeWhere(finding.where)]),
    ).toEqual([[id, `four-tier.yml:5:${line.indexOf(needle) + 1}`]]);
  });

  it("names the resource that was meant", () => {
    const { findings } = componentsOf(
      contractWith("components: { a: { files: [src/scoring], resources: [jobs.scroe] } }"),
      release(FILES),
      [],
      RESOURCES,
      RENDERED,
    );
    expect(findings[0]?.remedy).toBe("Did you mean jobs.score?");
  });

  it("refuses content that cannot be deployed, and only content", () => {
    const link = { path: "src/link", mode: "120000", content: Buffer.from("x") };
    const outside = { path: ".github/link", mode: "120000", content: Buffer.from("x") };
    const odd = { path: "src/a\nb", mode: "100644", content: Buffer.from("x") };
    const { findings } = componentsOf(
      contractWith(""),
      [...release(FILES), link, outside, odd],
      [],
      RESOURCES,
      RENDERED,
    );
    expect(findings.map((finding) => finding.id)).toEqual(["release/symbolic-link", "release/path"]);
  });

  it("finds a path into what only another component carries", () => {
    const found = (key: string, settings: JsonObject): string[] => {
      const resource = {
        key,
        kind: "jobs" as const,
        name: key,
        settings,
        permissions: undefined,
        component: "",
        references: [],
        where: { kind: "file", file: "x" } as const,
        at: (path: readonly (string | number)[]) => ({ kind: "file", file: path.join("/") }) as const,
      };
      const rendered = { ...RENDERED, resources: new Map([[key, resource]]) };
      return componentsOf(contractWith(TWO), release(FILES), [], RESOURCES, rendered).findings.map(
        (finding) => `${finding.id} ${finding.where === undefined ? "" : describeWhere(finding.where)}`,
      );
    };
    const notebook = (path: string): JsonObject => ({ tasks: [{ notebook_task: { notebook_path: path } }] });
    const elsewhere = ["contract/file-of-another-component tasks/0/notebook_task/notebook_path"];
    expect(found("jobs.score", notebook("${release}/src/scoring/score"))).toEqual([]);
    expect(found("jobs.score", notebook("${release}/src/common/util"))).toEqual([]);
    expect(found("jobs.score", notebook("${release}/src/training/train"))).toEqual(elsewhere);
    expect(found("jobs.clean", notebook("${release}/src/training/train.py"))).toEqual(elsewhere);
    expect(found("jobs.score", notebook("${release}/src/training"))).toEqual(elsewhere);
    expect(found("jobs.score", notebook("${release}/src/training/**"))).toEqual(elsewhere);
    expect(found("jobs.score", { x: ["--editable ${release}/src/training"] })).toEqual([
      "contract/file-of-another-component x/0",
    ]);
    // what no component carries is for rendering to tell
    expect(found("jobs.score", notebook("${release}/src/nowhere"))).toEqual([]);
  });
});
