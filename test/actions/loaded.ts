/** Preloaded into an action: its last line says which of Node's modules were loaded for it. */
const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
const before = new Set(moduleLoadList);
process.on("exit", () => {
  console.log(`loaded: ${moduleLoadList.filter((name) => !before.has(name)).join(", ")}`);
});
