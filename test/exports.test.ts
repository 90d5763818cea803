import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** Text of every TypeScript file of ours, by its path from the repository's root. */
const texts = new Map(
  globSync("{src,simulator,scripts,test,demo,bench,probe}/**/*.ts").map((file) => [file, readFileSync(file, "utf8")]),
);

/** What a line exports by name; of a gate's check the title says what it is, of routes their file. */
const EXPORT =
  /^export (?:async |abstract )?(?:function\*?|class|interface|type|const) (?!\w+Routes\b)(\w+)(?!.*: Check = \{$)/;
/** What one file takes from another: names, or the whole of it where it is loaded only when needed. */
const IMPORT =
  /(?:import|export) (?:type )?\{([^}]*)\} from "(\.[^"]+)"|import\("(\.[^"]+)"\)|import \* as \w+ from "(\.[^"]+)"/g;

/** `src/git.ts openGit` of every name that some file takes; `src/git.ts *` of a module that is taken whole. */
const taken = new Set(
  [...texts].flatMap(([file, text]) =>
    [...text.matchAll(IMPORT)].flatMap(([, names, from = "", loaded, all]) => {
      const module = join(dirname(file), loaded ?? all ?? from);
      const one = (name: string): string =>
        name
          .trim()
          .replace(/^type /, "")
          .replace(/ as .*/, "");
      return names === undefined ? [`${module} *`] : names.split(",").map((name) => `${module} ${one(name)}`);
    }),
  ),
);

/** Every export of src and the simulator, with whether a comment stands right above it. */
const exported = [...texts].flatMap(([file, text]) => {
  if (!/^(src|simulator)\//.test(file)) return [];
  const lines = text.split("\n");
  return lines.flatMap((line, at) => {
    const [, name] = EXPORT.exec(line) ?? [];
    return name === undefined ? [] : [{ name: `${file} ${name}`, file, said: lines[at - 1]?.endsWith("*/") === true }];
  });
});

test("everything that src and the simulator export says in a comment what it is", () => {
  expect(exported.length).toBeGreaterThan(1_200);
  expect(exported.filter(({ said }) => !said).map(({ name }) => name)).toEqual([]);
});

test("everything that src and the simulator export is taken by some other file", () => {
  // what an action.yml runs
  const entry = "src/actions/main.ts run";
  const idle = exported.filter(({ name, file }) => name !== entry && !taken.has(name) && !taken.has(`${file} *`));
  expect(idle.map(({ name }) => name)).toEqual([]);
});
