/** The modes of action-promote in which a person decides; apart from their story, which is loaded only for them. */
const OPERATIONS = ["reject", "accept", "hold", "resume", "approve"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** True for the name of one. */
export function isOperation(mode: string): mode is Operation {
  return OPERATIONS.some((each) => each === mode);
}
