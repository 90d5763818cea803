/** docs/findings.md is read from the sources (scripts/findings.ts); other pages name only ids that exist. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AREAS, findingIds } from "../scripts/findings.ts";

const pages = ["docs", "docs/actions", "docs/guides", "docs/adr"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`),
);

describe("ids of findings", () => {
  const ids = new Set(findingIds().map(({ id }) => id));

  it("are found wherever they are put together", () => {
    for (const id of [
      "auth/secret-refused", // as it is written
      "bundle/schedules-many", // by a function that puts the area before it
      "gate/verification-too-few", // one of two, by a condition
      "gate/plan-digest-no-plan", // with a name in the middle
      "gate/destructive", // of a check that has one problem
      "gate/hold-unread", // by a function of all checks
      "operators/any-branch", // by a check's, under another area
      "sandbox/fork", // by a workflow
    ]) {
      expect(ids).toContain(id);
    }
  });

  it.each(pages)("%s names only those that there are", (page) => {
    const named = [...readFileSync(page, "utf8").matchAll(/`([a-z]+)\/([a-z0-9-]+)`/g)]
      .filter(([, area = ""]) => Object.hasOwn(AREAS, area))
      .map(([, area, what]) => `${area}/${what}`);
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
  });
});
