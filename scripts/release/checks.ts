/** What must hold of the folders that a release is made of. Each check throws with what is wrong. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./commit.ts";

/** Two builds of one commit are the same, file by file, byte for byte. */
export function assertSame(first: string, second: string): void {
  const list = (folder: string): string[] => filesBelow(folder).map((file) => `${file} ${sha256(join(folder, file))}`);
  const [one, other] = [list(first), list(second)];
  const different = [...one.filter((line) => !other.includes(line)), ...other.filter((line) => !one.includes(line))];
  if (different.length > 0) throw new Error(`two builds of one commit differ:\n${different.join("\n")}`);
}

/** ncc exits 0 when a module is missing in a chunk; such a chunk carries this call and would only fail when it is reached. */
export function assertWhole(folder: string): void {
  if (!existsSync(join(folder, "index.js"))) throw new Error("ncc wrote no index.js");
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".js"))) {
    if (/eval\("require"\)\(|webpackMissingModule/.test(readFileSync(join(folder, file), "utf8"))) {
      throw new Error(`${folder}/${file} asks for a module that was not bundled`);
    }
  }
}

/** A file's digest, in hex. */
export function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
