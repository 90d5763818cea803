/** The first 12 digits of a commit or a digest: enough to know it again, and `git` finds a commit by them. */
export function shortSha(hex: string): string {
  return hex.slice(0, 12);
}
