import { describe, expect, it } from "vitest";
import { type Content, inspectFolders, unreadFindings, uploadFolders } from "../../src/release/upload.ts";
import { connectTo, FOLDER, startTier, type TestTier } from "../ledger/tier.ts";
import { QUIET } from "../run.ts";

const DIGEST = "d".repeat(64);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const notebook = "# Databricks notebook source\nprint(1)\n";
const content: Content = {
  component: "scoring",
  digest: DIGEST,
  folder: `${FOLDER}/releases/scoring-${DIGEST}`,
  files: [
    { path: "databricks.yml", bytes: bytes("bundle: {name: x}\n") },
    { path: "src/a/train.py", bytes: bytes(notebook) },
    { path: "src/a/util.py", bytes: bytes("x = 1\n") },
    { path: "src/b/step.sql", bytes: bytes("select 1\r\n") },
    { path: ".artifacts/churn-1.0-py3-none-any.whl", bytes: new Uint8Array([0, 255, 1, 254]) },
  ],
};
const options = { tier: "dev", check: () => Promise.resolve(), log: QUIET };

async function upload(tier: TestTier, given = content): Promise<number> {
  return uploadFolders(tier.workspace, await inspectFolders(tier.workspace, [given], "dev"), options);
}
const remote = (path: string): string => `${content.folder}/${path}`;

describe("a component's folder", () => {
  it("gets every byte once, each folder made once, the manifest last", async () => {
    const tier = await startTier();
    expect(await upload(tier)).toBe(5);
    const { world } = tier.simulator;
    expect(world.files("dev", content.folder).map((path) => path.replace(/.*[0-9a-f]{64}\//, ""))).toEqual([
      ".artifacts/churn-1.0-py3-none-any.whl",
      "databricks.yml",
      "src/a/train",
      "src/a/util.py",
      "src/b/step.sql",
    ]);
    expect(world.readFile("dev", remote(".artifacts/churn-1.0-py3-none-any.whl"))).toEqual(
      Buffer.from([0, 255, 1, 254]),
    );
    const writes = tier.writes();
    expect(writes.filter((write) => write.endsWith("/workspace/mkdirs"))).toHaveLength(3);
    expect(writes.at(-1)).toMatch(/manifest\.json$/);
  });

  it.each(["plain", "prefixed"] as const)("that is complete is read and never written (%s paths)", async (paths) => {
    const tier = await startTier({ behaviours: { workspace_paths: paths } });
    await upload(tier);
    const before = tier.writes().length;
    const states = await inspectFolders(tier.workspace, [content], "dev");
    expect(states.map(({ complete }) => complete)).toEqual([true]);
    expect(await uploadFolders(tier.workspace, states, options)).toBe(0);
    expect(tier.writes()).toHaveLength(before);
  });

  it.each(["../four-tier.yml", "/etc/passwd", "src/../../x", "./a"])(
    "takes no path that leads out of it: %s",
    async (path) => {
      const tier = await startTier();
      const outside = { ...content, files: [{ path, bytes: bytes("x") }] };
      await expect(upload(tier, outside)).rejects.toThrow(RangeError);
      expect(tier.writes()).toEqual([]);
    },
  );

  it("whose upload was interrupted is taken up where it stopped", async () => {
    const tier = await startTier();
    tier.simulator.fault({ method: "POST", path: "*util.py", effect: "error", status: 403, code: "PERMISSION_DENIED" });
    await expect(upload(tier)).rejects.toMatchObject({ findings: [{ id: "databricks/refused" }] });
    const [state] = await inspectFolders(tier.workspace, [content], "dev");
    expect(state).toMatchObject({ complete: false });
    const left = state?.missing.length ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(5);
    expect(await upload(tier)).toBe(left);
    expect((await inspectFolders(tier.workspace, [content], "dev"))[0]?.complete).toBe(true);
  });

  it("is complete only with its manifest", async () => {
    const tier = await startTier();
    tier.simulator.fault({ method: "POST", path: "*manifest.json", effect: "error", status: 403 });
    await expect(upload(tier)).rejects.toThrow(/403/);
    expect((await inspectFolders(tier.workspace, [content], "dev"))[0]).toMatchObject({ complete: false, missing: [] });
    expect(await upload(tier)).toBe(0);
    expect((await inspectFolders(tier.workspace, [content], "dev"))[0]?.complete).toBe(true);
  });

  it.each(["src/a/train", "src/a/util.py", ".artifacts/churn-1.0-py3-none-any.whl"])(
    "with one byte changed in %s is refused",
    async (path) => {
      const tier = await startTier();
      await upload(tier);
      tier.simulator.world.flipByte("dev", remote(path));
      await expect(inspectFolders(tier.workspace, [content], "dev")).rejects.toMatchObject({
        findings: [{ id: "release/folder-tampered", severity: "error" }],
      });
    },
  );

  it("with a file more is refused, and every such file named", async () => {
    const tier = await startTier();
    await upload(tier);
    tier.simulator.world.writeFile("dev", remote("src/a/sitecustomize.py"), "import os");
    tier.simulator.world.writeFile("dev", remote("deep/down/x.py"), "import os");
    const error: unknown = await inspectFolders(tier.workspace, [content], "dev").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ findings: [{ id: "release/folder-tampered" }, { id: "release/folder-tampered" }] });
    expect(String(error)).toContain("sitecustomize.py");
    expect(String(error)).toContain("deep/down/x.py");
  });

  it("that somebody fills while we upload is not believed", async () => {
    const tier = await startTier();
    const states = await inspectFolders(tier.workspace, [content], "dev");
    tier.simulator.world.writeFile("dev", remote("src/a/util.py"), "x = 2\n");
    await expect(uploadFolders(tier.workspace, states, options)).rejects.toMatchObject({
      findings: [{ id: "release/folder-tampered" }],
    });
  });

  it("may be uploaded by two runs at once", async () => {
    const tier = await startTier();
    const other = { ...tier, workspace: connectTo(tier.simulator) };
    await Promise.all([upload(tier), upload(other)]);
    expect((await inspectFolders(tier.workspace, [content], "dev"))[0]?.complete).toBe(true);
  });

  it("survives lost answers to every file", async () => {
    const tier = await startTier();
    tier.simulator.fault({ method: "POST", path: "*import-file*", effect: "lost-answer", nth: 1, times: 3 });
    await upload(tier);
    expect((await inspectFolders(tier.workspace, [content], "dev"))[0]?.complete).toBe(true);
  });

  it("with a file too big to be read back is compared by size, and said", async () => {
    const big = { ...content, files: [{ path: "model.bin", bytes: new Uint8Array(11 * 1024 * 1024) }] };
    const tier = await startTier();
    await upload(tier, big);
    const states = await inspectFolders(tier.workspace, [big], "dev");
    expect(states).toMatchObject([{ complete: true, unread: ["model.bin"] }]);
    expect(unreadFindings(states, "dev")).toMatchObject([{ id: "release/not-read-back", severity: "warning" }]);
    const longer = { ...big, files: [{ path: "model.bin", bytes: new Uint8Array(11 * 1024 * 1024 + 1) }] };
    await expect(inspectFolders(tier.workspace, [longer], "dev")).rejects.toMatchObject({
      findings: [{ id: "release/folder-tampered" }],
    });
  });

  it("is not written further once the run is cancelled", async () => {
    const tier = await startTier();
    const states = await inspectFolders(tier.workspace, [content], "dev");
    await expect(
      uploadFolders(tier.workspace, states, { ...options, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ findings: [{ id: "promote/cancelled" }] });
    expect(tier.writes().filter((write) => write.includes("import-file"))).toEqual([]);
  });

  it("is not written without the lock", async () => {
    const tier = await startTier();
    const states = await inspectFolders(tier.workspace, [content], "dev");
    const check = (): Promise<void> => Promise.reject(new Error("lock lost"));
    await expect(uploadFolders(tier.workspace, states, { ...options, check })).rejects.toThrow("lock lost");
    expect(tier.writes()).toEqual([]);
  });
});
