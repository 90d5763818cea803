/** The small process that starts git for a test process, by IPC or, where that one waits, by two named pipes. */
import { spawn } from "node:child_process";
import { createReadStream, openSync } from "node:fs";
import { type Answer, type Order, takeOrders, writeMessage } from "./wire.ts";

const [, , orders = "", answers = ""] = process.argv;

process.on("message", (order: Order) => carryOut(order, (answer) => process.send?.(answer)));
process.on("disconnect", () => process.exit());

// open for both ways, so that neither end waits for the other and none ends
const answerPipe = openSync(answers, "r+");
let left: Buffer = Buffer.alloc(0);
createReadStream(orders, { flags: "r+" }).on("data", (chunk) => {
  left = takeOrders(Buffer.concat([left, Buffer.from(chunk)]), (order) =>
    carryOut(order, (answer) => writeMessage(answerPipe, answer)),
  );
});

function carryOut({ id, args, cwd, env, input }: Order, tell: (answer: Answer) => void): void {
  const child = spawn("git", args, { cwd, env });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let started = true;
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // git that ends early closes its input
  child.stdin.on("error", () => undefined);
  child.on("error", () => (started = false));
  child.on("close", (status) =>
    tell({
      id,
      status: started ? (status ?? -1) : undefined,
      stdout: Buffer.concat(stdout),
      stderr: Buffer.concat(stderr),
    }),
  );
  child.stdin.end(input);
}
