import { describe, expect, test } from "vitest";
import { checkBuilt, parseBuilt } from "../../src/release/built.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);

describe("what a build says of its files", () => {
  test("is read as sha256sum writes it", () => {
    expect(parseBuilt(`${A}  dist/churn-1.0-py3-none-any.whl\n${B} *dist/jars/x.jar\n`)).toEqual([
      { name: "churn-1.0-py3-none-any.whl", sha256: A },
      { name: "x.jar", sha256: B },
    ]);
    expect(parseBuilt("\n")).toBeUndefined();
  });

  test.each(["true", `${A} dist/a.whl`, `${A.slice(1)}  dist/a.whl`, `${A}  dist/`])(
    "is refused if it is %s",
    (text) => {
      expect(() => parseBuilt(text)).toThrow(/^input\/artifact-digests/);
    },
  );

  test.each([
    ["has other bytes", [{ name: "a.whl", sha256: B }], "a.whl was built as aaaaaaaaaaaa and arrived as bbbbbbbbbbbb"],
    ["is missing", [], "a.whl was built and did not arrive"],
    [
      "is one too many",
      [
        { name: "a.whl", sha256: A },
        { name: "b.whl", sha256: B },
      ],
      "b.whl arrived and was not built",
    ],
  ])("does not let pass a file that %s", (_name, carried, message) => {
    expect(() => checkBuilt(carried, [{ name: "a.whl", sha256: A }])).toThrow(message);
  });

  test("lets pass what was built, and does not ask for what is not carried", () => {
    const built = [
      { name: "a.whl", sha256: A },
      { name: "notes.txt", sha256: B },
    ];
    expect(() => checkBuilt([{ name: "a.whl", sha256: A }], built)).not.toThrow();
    expect(() => checkBuilt([{ name: "a.whl", sha256: A }], undefined)).not.toThrow();
  });
});
