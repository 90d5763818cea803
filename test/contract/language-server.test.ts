/** What an editor says of a contract: the YAML language server reads our schema by the comment in the example. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const NAME = "yaml-language-server";
const installed = spawnSync("sh", ["-c", `command -v ${NAME}`], { stdio: "ignore" }).status === 0;
if (!installed) console.log(`skipped: ${NAME} is not on the PATH, so the schema was not tried in an editor`);

const file = new URL("../../examples/ml-pipelines/four-tier.yml", import.meta.url);
const example = readFileSync(file, "utf8");

interface Diagnostic {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number } };
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly uri: string; readonly version?: number; readonly diagnostics: readonly Diagnostic[] };
}

/** Speaks the language server protocol over stdio: JSON with a Content-Length before each. */
class Editor {
  readonly #server: ChildProcessWithoutNullStreams = spawn(NAME, ["--stdio"]);
  readonly #waiting: { of: (message: Message) => boolean; done: (message: Message) => void }[] = [];
  #received = Buffer.alloc(0);
  #version = 0;

  constructor() {
    this.#server.stdout.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      for (let message = this.#next(); message !== undefined; message = this.#next()) this.#take(message);
    });
  }

  #next(): Message | undefined {
    const head = this.#received.indexOf("\r\n\r\n");
    const length = Number(/Content-Length: (\d+)/.exec(this.#received.toString("latin1", 0, head))?.[1] ?? NaN);
    if (head < 0 || this.#received.length < head + 4 + length) return undefined;
    const body = this.#received.subarray(head + 4, head + 4 + length).toString("utf8");
    this.#received = this.#received.subarray(head + 4 + length);
    return JSON.parse(body) as Message;
  }

  #take(message: Message): void {
    const index = this.#waiting.findIndex(({ of }) => of(message));
    if (index >= 0) this.#waiting.splice(index, 1)[0]?.done(message);
  }

  #send(message: object): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
    this.#server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.#server.stdin.write(body);
  }

  #wait(of: (message: Message) => boolean): Promise<Message> {
    return new Promise((done) => this.#waiting.push({ of, done }));
  }

  async start(): Promise<void> {
    const answered = this.#wait((message) => message.id === 1);
    this.#send({ id: 1, method: "initialize", params: { processId: null, rootUri: null, capabilities: {} } });
    await answered;
    this.#send({ method: "initialized", params: {} });
    const settings = { yaml: { validate: true, schemaStore: { enable: false } } };
    this.#send({ method: "workspace/didChangeConfiguration", params: { settings } });
  }

  /** Opens the text as the example's file, and gives what is underlined: `line: message`. */
  async diagnose(text: string): Promise<string[]> {
    // a file of its own each time: an answer to an older text would be one to another file
    const uri = file.href.replace("four-tier.yml", `four-tier-${(this.#version += 1)}.yml`);
    const published = this.#wait(
      ({ method, params }) => method === "textDocument/publishDiagnostics" && params?.uri === uri,
    );
    this.#send({
      method: "textDocument/didOpen",
      params: { textDocument: { uri, languageId: "yaml", version: 1, text } },
    });
    const { params } = await published;
    return (params?.diagnostics ?? []).map(({ message, range }) => `${range.start.line + 1}: ${message}`);
  }

  end(): void {
    this.#server.kill();
  }
}

describe.skipIf(!installed)("an editor with the YAML language server", () => {
  let editor: Editor;
  beforeAll(async () => {
    editor = new Editor();
    await editor.start();
  });
  afterAll(() => editor.end());

  it("underlines what is wrong in a contract, and nothing in the example", async () => {
    const line = example.split("\n").findIndex((text) => text.startsWith("tiers:")) + 1;
    expect(line).toBeGreaterThan(0);
    const broken = example.replace("tiers:\n", "tiers:\n  qa: {}\n").replace("project:", "projct:");
    const found = await editor.diagnose(broken);
    expect(found.find((text) => text.startsWith(`${line + 1}: `))).toMatch(/qa/);
    expect(found.some((text) => text.includes("projct"))).toBe(true);
    expect(await editor.diagnose(example)).toEqual([]);
  });

  it("knows the values of what has few", async () => {
    const found = await editor.diagnose(example.replace("approvers: not_actor", "approvers: anybody"));
    expect(found.length).toBeGreaterThan(0);
    expect(found.join("\n")).toContain("not_actor");
  });
});
