/** A project of any size in a real repository: jobs and pipelines spread over components with files of their own. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Size {
  readonly jobs: number;
  readonly pipelines: number;
  readonly files: number;
}

export const COMPONENTS = 5;
/** The workflow of the suite that the project's own calls, at a commit. */
export const DEPLOYING = {
  path: `four-tier/four-tier/.github/workflows/deploy-to-dev.yml@${"5".repeat(40)}`,
  sha: "5".repeat(40),
};
const FILE_BYTES = 8 * 1024;

export interface Project {
  readonly folder: string;
  git(...args: readonly string[]): string;
  /** Writes a file and commits nothing. */
  write(path: string, text: string): void;
  commit(message: string): string;
}

/** Runs git in a folder as Mona, without what the machine configures; gives what it prints. */
export function gitIn(folder: string): Project["git"] {
  return (...args) =>
    execFileSync("git", ["-c", "user.name=Mona", "-c", "user.email=mona@example.com", ...args], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: folder, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    }).trim();
}

/** Makes the repository; `host` is the workspace of dev. */
export function makeProject(folder: string, host: string, applicationId: string, size: Size): Project {
  mkdirSync(folder, { recursive: true });
  const git = gitIn(folder);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const commit = (message: string): string => {
    git("add", "--all");
    git("commit", "-q", "-m", message);
    return git("rev-parse", "HEAD");
  };
  git("init", "-q", "-b", "main");
  const components = Array.from({ length: COMPONENTS }, (_, index) => `part${index}`);
  const of = (index: number): string => components[index % COMPONENTS] ?? "";
  for (let index = 0; index < size.files; index += 1) write(`src/${of(index)}/file_${index}.py`, fileText(index));
  write("databricks.yml", bundle(size, of, host));
  write("four-tier.yml", contract(size, components, of, host, applicationId));
  write(
    ".github/workflows/promote.yml",
    `on: { push: { branches: [main] } }\njobs: { deploy: { name: dev, uses: "${DEPLOYING.path}" } }\n`,
  );
  write(".github/CODEOWNERS", "/.github/ @hubot\n/four-tier.yml @hubot\n");
  commit("A project");
  return { folder, git, write, commit };
}

function fileText(index: number): string {
  return `# file ${index}\n`.padEnd(FILE_BYTES - 1, `value_${index} = ${index}\n`).concat("\n");
}

function bundle({ jobs, pipelines }: Size, of: (index: number) => string, host: string): string {
  const job = (index: number): string => `    job_${index}:
      name: bench job ${index}
      max_concurrent_runs: 1
      environments: [{ environment_key: default, spec: { environment_version: "4" } }]
      tasks: [{ task_key: main, environment_key: default, spark_python_task: { python_file: src/${of(index)}/file_${index % COMPONENTS}.py } }]
`;
  const pipeline = (index: number): string => `    pipeline_${index}:
      name: bench pipeline ${index}
      catalog: dev
      schema: gold
      serverless: true
      continuous: false
      development: false
      libraries: [{ file: { path: src/${of(index)}/file_${index % COMPONENTS}.py } }]
`;
  const list = (count: number, one: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => one(index)).join("");
  return `bundle: { name: bench }
targets: { sandbox: {}, dev: { default: true, workspace: { host: "${host}" } }, staging: {}, prod: {} }
resources:
  pipelines:
${list(pipelines, pipeline)}  jobs:
${list(jobs, job)}`;
}

function contract(
  { jobs, pipelines }: Size,
  components: readonly string[],
  of: (index: number) => string,
  host: string,
  applicationId: string,
): string {
  const names = (kind: string, one: string, count: number, component: string): string[] =>
    Array.from({ length: count }, (_, index) => index)
      .filter((index) => of(index) === component)
      .map((index) => `${kind}.${one}_${index}`);
  const lines = components.map(
    (name) =>
      `  ${name}: { files: ["src/${name}/**"], resources: [${[...names("jobs", "job", jobs, name), ...names("pipelines", "pipeline", pipelines, name)].join(", ")}] }\n`,
  );
  return `project: bench
tiers:
  sandbox: { service_principal: ml-pipelines-sandbox }
  dev: { workspace: "${host}", client_id: ${applicationId} }
  staging: { workspace: https://stg.cloud.databricks.com }
  prod: { workspace: https://prd.cloud.databricks.com }
components:
${lines.join("")}`;
}
