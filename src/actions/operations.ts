/** The modes of action-promote, and those in which a person decides; apart from their stories, which are loaded only for them. */
const OPERATIONS = ["reject", "accept", "hold", "resume", "approve"] as const;
/** A mode in which a person decides something about a tier or a release. */
export type Operation = (typeof OPERATIONS)[number];

/** Every mode of action-promote. */
export const MODES: readonly string[] = [
  "plan",
  "promote",
  "verify",
  "rollback",
  "status",
  "drift",
  "comment",
  "keep",
  "open",
  "opened",
  "teardown",
  ...OPERATIONS,
];

/** True for a mode in which a person decides. */
export function isOperation(mode: string): mode is Operation {
  return OPERATIONS.some((each) => each === mode);
}
