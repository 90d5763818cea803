/** What keeps others out of a tier's environment, and who owns the files that say so. */
import type { TierName } from "../contract/model.ts";
import type { ProtectionFacts } from "../gate/facts.ts";
import type { GitHub } from "../github/client.ts";
import { codeowners } from "../github/contents.ts";
import { getEnvironment } from "../github/environments.ts";
import { together } from "../http/pool.ts";

/**
 * Reads them at once. Throws FourTierError `github/…`. `reading`: the environment of a brief that looks, if it is not
 * the tier's.
 */
export async function readProtection(
  github: GitHub,
  environment: TierName,
  reading: string | undefined,
  head: string,
): Promise<ProtectionFacts> {
  const [found, looking, owners] = await together([
    getEnvironment(github, environment),
    reading === undefined ? undefined : getEnvironment(github, reading),
    codeowners(github, head),
  ]);
  return {
    environment: found,
    codeowners: owners,
    ...(reading === undefined ? {} : { reading: { name: reading, branches: looking?.branches } }),
  };
}
