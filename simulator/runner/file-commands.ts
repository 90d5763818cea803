/** The files a step writes to set outputs, state, environment, path and summary (facts: github 1, File commands). */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const NAMES = ["GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"] as const;
type FileName = (typeof NAMES)[number];

/** A step's summary over this many bytes is dropped. */
const SUMMARY_LIMIT = 1024 * 1024;

/** What a step has written to its files. */
export interface FileResults {
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly path: readonly string[];
  readonly summary: string;
  /** What the service says is wrong; any of it fails the step. */
  readonly errors: readonly string[];
  /** Said, but the step goes on. */
  readonly complaints: readonly string[];
}

/** Fresh files for one step; `env` names them for its process. */
export class FileCommands {
  readonly env: Readonly<Record<FileName, string>>;

  private constructor(env: Readonly<Record<FileName, string>>) {
    this.env = env;
  }

  static async create(temp: string): Promise<FileCommands> {
    const folder = join(temp, "_runner_file_commands");
    await mkdir(folder, { recursive: true });
    const id = randomUUID();
    const env = Object.fromEntries(
      NAMES.map((name) => [name, join(folder, `${name.slice("GITHUB_".length).toLowerCase()}_${id}`)]),
    ) as Record<FileName, string>;
    for (const path of Object.values(env)) await writeFile(path, "");
    return new FileCommands(env);
  }

  /** Reads what the step wrote. */
  async collect(): Promise<FileResults> {
    const errors: string[] = [];
    const complaints: string[] = [];
    const read = (name: FileName): Promise<string> => readFile(this.env[name], "utf8").catch(() => "");
    const pairs = async (name: FileName): Promise<Record<string, string>> => {
      try {
        return parsePairs(await read(name));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        errors.push(
          `Unable to process file command '${name.slice("GITHUB_".length).toLowerCase()}' successfully. ${why}`,
        );
        return {};
      }
    };
    const env = await pairs("GITHUB_ENV");
    for (const name of Object.keys(env)) {
      if (name.toUpperCase() === "NODE_OPTIONS")
        errors.push(`Can't store ${name} output parameter using '$GITHUB_ENV' command.`);
      if (/^(NODE_OPTIONS|GITHUB_.*|RUNNER_.*)$/i.test(name)) delete env[name];
    }
    let summary = await read("GITHUB_STEP_SUMMARY");
    if (Buffer.byteLength(summary) > SUMMARY_LIMIT) {
      const size = Math.ceil(Buffer.byteLength(summary) / 1024);
      complaints.push(
        `$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of ${SUMMARY_LIMIT / 1024}k, got ${size}k.`,
      );
      summary = "";
    }
    return {
      outputs: await pairs("GITHUB_OUTPUT"),
      state: await pairs("GITHUB_STATE"),
      env,
      path: (await read("GITHUB_PATH")).split(/\r?\n/).filter((line) => line !== ""),
      summary,
      errors,
      complaints,
    };
  }
}

/** `key=value` lines and `key<<DELIMITER` blocks; throws Error for anything else. */
export function parsePairs(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    if (line === "") continue;
    const equals = line.indexOf("=");
    const heredoc = line.indexOf("<<");
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      const key = line.slice(0, equals);
      if (key === "") throw new Error(`Invalid format '${line}'. Name must not be empty`);
      found[key] = line.slice(equals + 1);
    } else if (heredoc >= 0) {
      const key = line.slice(0, heredoc);
      const delimiter = line.slice(heredoc + 2);
      if (key === "" || delimiter === "") {
        throw new Error(`Invalid format '${line}'. Name must not be empty and delimiter must not be empty`);
      }
      const end = lines.indexOf(delimiter, index + 1);
      if (end < 0) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`);
      found[key] = lines.slice(index + 1, end).join("\n");
      index = end;
    } else throw new Error(`Invalid format '${line}'`);
  }
  return found;
}
