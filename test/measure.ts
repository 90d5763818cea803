/**
 * Beside each file of tests, when the whole suite runs: which routes its simulators were asked, which parts of workflows
 * its runners carried out, and how the open questions stood that decided something. One file of JSON for each goes into the
 * folder that FOUR_TIER_MEASURED names; scripts/measured.ts makes test/simulator/measured.json of them, or holds it
 * against them.
 */
import { createHash } from "node:crypto";
import { subscribe } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, expect } from "vitest";
import { SIGHTINGS, type Sighting } from "../simulator/witness.ts";

/** Of one file of tests. */
export interface Measured {
  readonly file: string;
  readonly places: readonly string[];
  /** `question = answer @ place` */
  readonly answers: readonly string[];
}

const folder = process.env["FOUR_TIER_MEASURED"] ?? "";
/** Of the process, which runs one file after another. */
const shared = globalThis as { fourTierSeen?: { places: Set<string>; answers: Set<string> } };

if (folder !== "") {
  if (shared.fourTierSeen === undefined) {
    subscribe(SIGHTINGS, (message) => {
      const seen = message as Sighting;
      if ("question" in seen) shared.fourTierSeen?.answers.add(`${seen.question} = ${seen.answer} @ ${seen.place}`);
      else shared.fourTierSeen?.places.add(seen.place);
    });
  }
  shared.fourTierSeen = { places: new Set(), answers: new Set() };
  afterAll(() => {
    const { places, answers } = shared.fourTierSeen ?? { places: new Set<string>(), answers: new Set<string>() };
    if (places.size === 0) return;
    const file = relative(process.cwd(), expect.getState().testPath ?? "");
    const measured: Measured = { file, places: [...places].toSorted(), answers: [...answers].toSorted() };
    const name = createHash("sha256").update(file).digest("hex").slice(0, 16);
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(measured));
  });
}
