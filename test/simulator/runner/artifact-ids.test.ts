import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { logOf, steps, workflow } from "./harness.ts";

const UPLOAD = (id: string, text: string, overwrite: boolean): string => `- run: echo ${text} > churn.whl
- id: ${id}
  uses: actions/upload-artifact@v6
  with: { name: wheels, path: churn.whl, overwrite: ${overwrite} }
`;
const DOWNLOAD = (id: string): string => `- uses: actions/download-artifact@v7
  with: { artifact-ids: "\${{ steps.${id}.outputs.artifact-id }}", path: got }
- run: cat got/churn.whl
`;

test("an artifact that is asked for by its id is that one, or none", async () => {
  const build = UPLOAD("build", "built", false);
  const evil = UPLOAD("evil", "evil", true);
  {
    await using world = await workflow(steps(`${build}${DOWNLOAD("build")}`));
    const run = await world.push();
    expect(run.conclusion).toBe("success");
    expect(logOf(run)).toContain("built");
  }
  await using world = await workflow(steps(`${build}${evil}${DOWNLOAD("build")}`));
  const run = await world.push();
  expect(run.conclusion).toBe("failure");
  expect(logOf(run)).toContain("None of the provided artifact IDs were found");
});

test("deploy-to-dev asks for what its own build left by the id, not by a name that any job can take", () => {
  const text = readFileSync(".github/workflows/deploy-to-dev.yml", "utf8");
  expect(text).toContain("artifact-ids: ${{ needs.build.outputs.artifact-id }}");
  expect(text).not.toMatch(/^\s+name: \$\{\{ needs\.build/m);
});
