/** Verifications of a release in a tier, read for the gate. */
import type { VerificationFacts } from "../gate/decision-facts.ts";
import type { JudgedRecord } from "../gate/evidence-facts.ts";
import type { StatedRecord } from "../gate/record-doubts.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import { Bench } from "./bench.ts";
import type { ClaimedRecord, RecordReader } from "./records.ts";

/**
 * Verifications of a release in a tier: the newest that failed, and of those that passed since then the newest `wanted`
 * and the oldest.
 * A tier that is verified every hour has hundreds of them: those of a suite that is not pinned any more are not looked
 * for, and of the rest few are held against their runs.
 */
export async function readVerifications(
  reader: RecordReader,
  tier: RecordTier,
  release: string,
  wanted: number,
): Promise<VerificationFacts> {
  const bench = new Bench(reader);
  const listing = await reader.list(tier, ["verification"]);
  const records = listing.records.filter(({ claim }) => claim.release === release);
  const failures = records.filter(({ claim }) => !claim.passed);
  const failed = (await bench.first(failures))?.record;
  const since =
    failed === undefined ? -1 : records.findIndex(({ deployment }) => deployment.id === failed.deployment.id);
  const later = (since === -1 ? records : records.slice(0, since)).filter(({ claim }) => claim.passed);
  const passed: VerificationFacts["passed"][number][] = [];
  let looked = 0;
  for (const each of later) {
    if (passed.length >= Math.max(wanted, 1) || bench.outdated.length > 0) break;
    looked += 1;
    const record = await bench.believed(each);
    if (record !== undefined) passed.push(record);
  }
  const enough = passed.length >= Math.max(wanted, 1);
  const whole = bench.whole && listing.whole;
  const oldest = enough ? await oldestBelieved(bench, later.slice(looked)) : undefined;
  return {
    failed,
    passed: [...(oldest === undefined ? [] : [oldest]), ...passed.reverse()],
    ...bench.judging,
    whole: whole || enough,
  };
}

/**
 * The oldest of these (newest first) that is believed, by halving: as a rule what is older than one that is not believed
 * is not either, since a pin was raised there. Where that is not so, it is one that is younger, and a soak lasts longer.
 */
async function oldestBelieved<Claim extends StatedRecord>(
  bench: Bench,
  records: readonly ClaimedRecord<Claim>[],
): Promise<JudgedRecord<Claim> | undefined> {
  let found: JudgedRecord<Claim> | undefined;
  let [from, to] = [0, records.length];
  let index = to - 1;
  while (from < to && !bench.spent) {
    const each = records[index];
    const record = each === undefined ? undefined : await bench.believed(each);
    if (record === undefined) to = index;
    else [found, from] = [record, index + 1];
    index = Math.floor((from + to) / 2);
  }
  return found;
}
