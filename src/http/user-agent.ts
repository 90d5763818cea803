/** How the suite names itself (facts: databricks-api 1.7). */
import { VERSION } from "../version.ts";

/** `four-tier/0.1.0 node/24.21.0 os/linux auth/oauth-m2m cicd/github`. */
export function userAgent(auth: string): string {
  return `four-tier/${VERSION} node/${process.versions.node} os/${process.platform} auth/${auth} cicd/github`;
}
