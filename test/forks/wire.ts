/** What a test process and the small process that starts git for it say to each other. */
import { readSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";

/** One git command. */
export interface Order {
  readonly id: number;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
}

/** How it ended. */
export interface Answer {
  readonly id: number;
  /** Undefined: git could not be started. */
  readonly status: number | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

const LENGTH_BYTES = 4;

/** Writes a message into a pipe: its length, then what it says. */
export function writeMessage(pipe: number, message: Order | Answer): void {
  const content = serialize(message);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(content.length);
  const bytes = Buffer.concat([length, content]);
  for (let written = 0; written < bytes.length; ) written += writeSync(pipe, bytes, written);
}

/** Waits for the next answer in a pipe; nothing else happens in this process meanwhile. */
export function readAnswer(pipe: number): Answer {
  return deserialize(readBytes(pipe, readBytes(pipe, LENGTH_BYTES).readUInt32LE())) as Answer;
}

function readBytes(pipe: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let read = 0; read < length; ) read += readSync(pipe, bytes, read, length - read, null);
  return bytes;
}

/** Cuts what came through a pipe into orders; gives what is left, the beginning of the next one. */
export function takeOrders(bytes: Buffer, carryOut: (order: Order) => void): Buffer {
  let left = bytes;
  while (left.length >= LENGTH_BYTES && left.length >= LENGTH_BYTES + left.readUInt32LE()) {
    const end = LENGTH_BYTES + left.readUInt32LE();
    carryOut(deserialize(left.subarray(LENGTH_BYTES, end)) as Order);
    left = left.subarray(end);
  }
  return left;
}
