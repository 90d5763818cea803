/** A commit as it would be deployed to one tier: digest, components, rendered resources, carried wheels. */
import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import picomatch from "picomatch";
import type { RenderedBundle } from "../bundle/model.ts";
import { ARTIFACTS_FOLDER } from "../bundle/paths.ts";
import { renderBundle } from "../bundle/render.ts";
import type { Contract, Tier } from "../contract/model.ts";
import { parseContract } from "../contract/parse.ts";
import type { RunContext } from "../environment.ts";
import { type Finding, FourTierError, isFailure } from "../findings.ts";
import type { Git } from "../git.ts";
import type { LedgerRelease } from "../ledger/model.ts";
import { componentFolder } from "../ledger/paths.ts";
import { withSandboxAccess } from "../sandboxes/access.ts";
import { sha256 } from "../sha256.ts";
import { shortSha } from "../short-sha.ts";
import { isBuilt } from "./built.ts";
import type { Applied, Desired } from "./change.ts";
import { type Component, componentsOf } from "./components.ts";
import { type Artifact, type ReleaseFile, releaseDigest } from "./digest.ts";
import type { Content } from "./upload.ts";

/** A wheel in hand: its bytes are what was hashed. */
export interface CarriedArtifact extends Artifact {
  readonly bytes: Uint8Array;
}

/** A release that may be deployed to one tier: its bytes named, its bundle rendered. */
export interface Candidate {
  readonly commit: string;
  /** Release digest, 64 hex. */
  readonly digest: string;
  readonly rendered: RenderedBundle;
  readonly components: readonly Component[];
  readonly desired: readonly Desired[];
  readonly artifacts: readonly Artifact[];
}

interface CandidateRequest {
  readonly git: Git;
  readonly commit: string;
  /** Folder of databricks.yml from the repository root, "" for the root. */
  readonly root: string;
  readonly contract: Contract;
  readonly tier: Tier;
  /** Undefined while the wheels are not built: their names are then not checked. */
  readonly artifacts: readonly Artifact[] | undefined;
  /** For schedule exceptions: they end on a date. */
  readonly now: Date;
}

/** Renders a commit for a tier; `candidate` is undefined if a finding is an error. Reads git only. */
export async function candidateOf(
  request: CandidateRequest,
): Promise<{ candidate: Candidate | undefined; findings: readonly Finding[] }> {
  const { git, commit, root, contract, tier, now } = request;
  const artifacts = request.artifacts ?? [];
  const { rendered, findings } = renderBundle(await git.sourceAt(commit), {
    root,
    contract,
    tier,
    now,
    git: { commit },
    ...(request.artifacts === undefined ? {} : { artifacts: artifacts.map(({ name }) => name) }),
  });
  if (rendered === undefined) return { candidate: undefined, findings };
  const files = await releaseFiles(git, commit, contract.file, rendered);
  const split = componentsOf(contract, files, artifacts, [...rendered.resources.keys()], rendered);
  const all = [...findings, ...split.findings, ...unusedArtifacts(artifacts, rendered)];
  if (all.some(isFailure)) return { candidate: undefined, findings: all };
  const digests = new Map(split.components.map((component) => [component.name, component.digest]));
  const desired = [...rendered.resources.values()].map(
    (resource): Desired => ({
      key: resource.key,
      kind: resource.kind,
      name: resource.name,
      settings: resource.settings,
      permissions: withSandboxAccess(resource.permissions, resource.kind, tier),
      component: resource.component,
      componentDigest: digests.get(resource.component) ?? "",
    }),
  );
  const digest = releaseDigest(files, artifacts);
  return { candidate: { commit, digest, rendered, components: split.components, desired, artifacts }, findings: all };
}

/** A carried file that no resource names goes nowhere; often it is a version that was raised on one side only. */
function unusedArtifacts(artifacts: readonly Artifact[], rendered: RenderedBundle): Finding[] {
  const needed = rendered.artifacts.map(({ path }) => posix.basename(path));
  return artifacts
    .filter(({ name }) => !needed.some((pattern) => picomatch.isMatch(name, pattern)))
    .map(({ name }) => ({
      id: "release/artifact-unused",
      severity: "warning",
      message: `${name} was built and carried, and no resource names it.`,
      why: "It is part of the release's digest, but in no folder: what should run it does not.",
      remedy: `Name it under \`dependencies\` of an environment (\`../dist/${name}\`), or build it no more.`,
    }));
}

/** The contract of a commit. Throws FourTierError if the commit has none or it is not valid. */
export async function contractAt(
  git: Git,
  commit: string,
  file: string,
  allowedHosts: readonly string[],
): Promise<Contract> {
  const bytes = await git.readFile(commit, file);
  if (bytes === undefined) {
    throw new FourTierError({
      id: "contract/missing",
      severity: "error",
      where: { kind: "file", file },
      message: `Commit ${shortSha(commit)} has no ${file}.`,
      remedy: "Commit the contract, or name its file with the input `contract`.",
    });
  }
  const { contract, findings } = parseContract(new TextDecoder().decode(bytes), file, { allowedHosts });
  if (contract === undefined) throw new FourTierError(findings);
  return contract;
}

/** A rendered release as if it had been applied: what a plan starts from when only commits can be read. */
export function asApplied(candidate: Candidate): Applied {
  return new Map(candidate.desired.map(({ key, ...resource }) => [key, { id: "", ...resource }]));
}

/** The candidate as a ledger keeps it, once this run has applied it by the plan of that digest. */
export function ledgerRelease(
  candidate: Candidate,
  by: { readonly plan: string; readonly run: Pick<RunContext, "runId" | "runAttempt">; readonly at: Date },
): LedgerRelease {
  return {
    digest: candidate.digest,
    commit: candidate.commit,
    plan: by.plan,
    at: by.at.toISOString(),
    run: { id: by.run.runId, attempt: by.run.runAttempt },
    components: Object.fromEntries(candidate.components.map(({ name, digest }) => [name, digest])),
    artifacts: candidate.artifacts.map(({ name, sha256 }) => ({ name, sha256 })),
  };
}

/** What the folders of the components that have resources shall hold, below the tier's folder. */
export function contentsOf(
  candidate: Candidate,
  root: string,
  wheels: readonly CarriedArtifact[],
  tierFolder: string,
): Content[] {
  const used = new Set(candidate.desired.map((desired) => desired.component));
  return candidate.components
    .filter((component) => used.has(component.name))
    .map((component) => ({
      component: component.name,
      digest: component.digest,
      folder: componentFolder(tierFolder, component.name, component.digest),
      files: [
        ...component.files
          .filter((file) => root === "" || file.path.startsWith(`${root}/`)) // the contract may stand outside
          .map((file) => ({ path: posix.relative(root, file.path), bytes: file.content })),
        ...wheels
          .filter((wheel) => component.artifacts.some((artifact) => artifact.name === wheel.name))
          .map((wheel) => ({ path: `${ARTIFACTS_FOLDER}/${wheel.name}`, bytes: wheel.bytes })),
      ],
    }));
}

/**
 * The wheels and other built files in a folder and below, by name. Throws FourTierError if the folder cannot be read or
 * two have one name.
 */
export async function readWheels(folder: string): Promise<CarriedArtifact[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new FourTierError(
      {
        id: "release/artifacts",
        severity: "error",
        message: `The artifacts folder ${folder} cannot be read.`,
        remedy: "Give the folder into which actions/download-artifact put the wheels, or leave `artifacts` empty.",
      },
      { cause: error },
    );
  });
  const wheels: CarriedArtifact[] = [];
  const found = entries.filter((entry) => isBuilt(entry.name) && !entry.isDirectory());
  const pathOf = (entry: (typeof found)[number]): string => join(entry.parentPath, entry.name);
  for (const entry of found.sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1))) {
    const { name } = entry;
    const bytes = await readWheel(pathOf(entry), entry.isFile() && WHEEL_NAME.test(name));
    if (wheels.some((wheel) => wheel.name === name)) {
      throw new FourTierError({
        id: "release/artifacts",
        severity: "error",
        message: `Two files in ${folder} are named ${name}.`,
        remedy: "Carry each once.",
      });
    }
    wheels.push({ name, sha256: sha256(bytes), bytes });
  }
  return wheels;
}

/** A wheel's name as pip reads it, or a jar's or an archive's alike; anything else would only stand in somebody's log. */
const WHEEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._+!-]{0,190}\.(whl|jar|tar\.gz|zip)$/;

/** A link would carry some other file of the machine into the release. */
async function readWheel(path: string, isWheel: boolean): Promise<Uint8Array> {
  if (isWheel) return readFile(path);
  throw new FourTierError({
    id: "release/artifacts",
    severity: "error",
    message: `${JSON.stringify(path)} is not a wheel, jar or archive: a link, or not named as one.`,
    remedy: "Carry the files that the build made, with the names it gave them.",
  });
}

/** What is deployed (`sync.exclude` taken out), and what decides about it: the bundle's own files and the contract. */
async function releaseFiles(
  git: Git,
  commit: string,
  contractFile: string,
  rendered: RenderedBundle,
): Promise<ReleaseFile[]> {
  const wanted = new Set([...rendered.files, ...rendered.includes, contractFile]);
  const files = (await git.tracked(commit)).filter((file) => wanted.has(file.path));
  const blobs = await git.readBlobs(files.map((file) => file.blob));
  return files.map((file) => ({ path: file.path, mode: file.mode, content: blobs.get(file.blob) ?? new Uint8Array() }));
}
