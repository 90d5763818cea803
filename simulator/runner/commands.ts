/** Workflow commands on standard output: `::name key=value,key=value::message`. */

interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** Parses one line; undefined if it is no command. */
export function parseCommand(line: string): Command | undefined {
  const match = /^\s*::([\w-]+)(?: ([^]*?))?::([^]*)$/.exec(line);
  if (match === null) return undefined;
  const [, name = "", list = "", message = ""] = match;
  const properties: Record<string, string> = {};
  for (const pair of list.split(",")) {
    const at = pair.indexOf("=");
    if (at > 0) properties[pair.slice(0, at).trim()] = unescapeProperty(pair.slice(at + 1));
  }
  return { name, properties, message: unescapeData(message) };
}

function unescapeData(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}

function unescapeProperty(text: string): string {
  return unescapeData(text.replaceAll("%3A", ":").replaceAll("%2C", ","));
}
