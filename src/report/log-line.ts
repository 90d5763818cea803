/** Text for a job's log. Logs are also a channel for commands to the runner, so outside text must not be able to give one. */

/** C0 and C1 controls but tab, and what turns or hides text: nothing a reader should be shown by them. */
const INVISIBLE = /(?!\t)\p{Cc}|[\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * The text, line for line, without anything the runner takes for a command: it reads `::name::` at the start of a line,
 * after blanks, and `##[name]` anywhere in one. A mark stands where a control character stood.
 */
export function logText(message: string): string {
  return message
    .split(/\r\n|\r|\n/)
    .map((line) =>
      visible(line)
        .replace(/^(\s*):(?=:)/, "$1: ")
        .replaceAll("##[", "## ["),
    )
    .join("\n");
}

/** Characters that cannot be seen, or that change what is seen, become U+FFFD. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, "\ufffd");
}
