/** Jobs of the callers in `examples`, as GitHub names those that a called workflow brings. */
export const DEV = "deploy-to-dev / promote";
export const STAGING = "gate-to-staging / promote";
export const BRIEF = "approve-to-prod / brief-live";
export const PROD = "approve-to-prod / promote";
