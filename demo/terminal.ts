/** Live progress for people: a line a step, colour only on a TTY that wants it. */
import { stdout } from "node:process";

const colour = stdout.isTTY && process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb";
const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const yellow = paint(33);

/** One line on stdout. Control characters of outside text never reach the terminal. */
export function say(line = ""): void {
  // oxlint-disable-next-line no-control-regex -- these are what must not get through, our own colours aside
  stdout.write(`${line.replace(/[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/g, "")}\n`);
}

/** A job summary to be read in a terminal: without tags and entities, folded parts left folded. */
export function plain(summary: string): string {
  return summary
    .replace(/<details>[\s\S]*?<summary>([\s\S]*?)<\/summary>[\s\S]*?<\/details>/g, "▸ $1")
    .replace(/<br\s*\/?>/g, "; ")
    .replace(/<[^>]+>/g, "")
    .replace(/^\|(?: --- \|)+$\n/gm, "")
    .replace(/&#(\d+);/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replace(/&amp;/g, "&")
    .replace(/\n{3,}/g, "\n\n");
}

const SIGN: Readonly<Record<string, string>> = {
  success: green("✓"),
  failure: red("✗"),
  skipped: dim("–"),
  cancelled: yellow("■"),
};

/** `✓ Promote to dev   1.2 s`, indented by depth. */
export function stepLine(depth: number, name: string, conclusion: string, seconds: number): string {
  const time = seconds >= 0.05 ? dim(`${seconds.toFixed(1)} s`) : "";
  return `${"  ".repeat(depth)}${SIGN[conclusion] ?? "·"} ${name.padEnd(60 - depth * 2)} ${time}`.trimEnd();
}
