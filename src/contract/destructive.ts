/** Whether a tier's `destructive` lets a resource go: its key is named, or `*` is. */
export function mayGo(destructive: readonly string[], key: string): boolean {
  return destructive.includes(key) || destructive.includes("*");
}
