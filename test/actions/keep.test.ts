/** The built action keeps a document in a job that has nothing: no checkout, no credential of a tier. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { named } from "../../simulator/github/permissions.ts";
import { MINIMAL } from "../contract/examples.ts";
import { fileOf, promotionDocument } from "../evidence-documents.ts";
import { addRun, merged } from "../release/world.ts";
import { runAction } from "./harness.ts";
import { titles } from "./project.ts";

const BRANCH = "audit/four-tier";

test("one file, added once; a file that nobody vouches for, two files and none are not kept", async () => {
  const world = await merged(
    { protected_branches: { main: {}, [BRANCH]: { require_pull_request: false } } },
    { "four-tier.yml": `project: ml-pipelines\n${MINIMAL}evidence: { branch: ${BRANCH} }\n` },
  );
  const folder = mkdtempSync(join(tmpdir(), "four-tier-evidence-"));
  onTestFinished(async () => {
    rmSync(folder, { recursive: true });
    await world[Symbol.asyncDispose]();
  });
  world.repository.git("branch", BRANCH);
  const job = addRun(world, {}, "keep / keep");
  const document = fileOf(promotionDocument({ run: { id: "42" } }));
  writeFileSync(join(folder, "four-tier-evidence-promotion.json"), document.bytes);
  const keep = (inputs: Record<string, string>, contents: "read" | "write" = "write") =>
    runAction("promote", {
      inputs: { mode: "keep", tier: "staging", evidence: folder, "evidence-digest": document.digest, ...inputs },
      workspace: tmpdir(),
      apiUrl: world.github.apiUrl,
      githubToken: world.github.world.issue({ kind: "job", job, permissions: named({ contents }) }),
      secrets: [],
    });

  // who was refused may have been heard
  const refused = await keep({}, "read");
  expect([refused.exitCode, titles(refused)]).toEqual([1, ["github/permission"]]);
  expect(refused.summary).toContain("stopped before its end");

  const first = await keep({});
  expect([first.exitCode, first.annotations]).toEqual([0, []]);
  const head = world.repository.git("rev-parse", BRANCH);
  expect(first.outputs).toMatchObject({
    conclusion: "success",
    "kept-commit": head,
    kept: expect.stringContaining(`/blob/${head}/${first.outputs["kept-path"] ?? "?"}`) as string,
  });
  expect(first.summary).toContain(BRANCH);
  expect((await keep({})).outputs["kept-commit"]).toBe(head);

  const other = await keep({ "evidence-digest": "0".repeat(64) });
  expect([other.exitCode, titles(other)]).toEqual([1, ["evidence/other-bytes"]]);
  expect(other.summary).toContain("**Nothing was changed:**");
  expect(titles(await keep({ "evidence-digest": "" }))).toEqual(["input/evidence-digest"]);
  expect(titles(await keep({ evidence: join(folder, "nowhere") }))).toEqual(["input/evidence"]);
  writeFileSync(join(folder, "another.json"), "{}");
  expect(titles(await keep({}))).toEqual(["input/evidence"]);
  expect(world.repository.git("rev-parse", BRANCH)).toBe(head);
  expect(world.github.unmodelled).toEqual([]);
});
