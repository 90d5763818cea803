/** Records are judged while counting: what is not believed is set aside, and after MOST.judged nobody looks further. */
import { MOST } from "../gate/decision-facts.ts";
import type { JudgedRecord } from "../gate/evidence-facts.ts";
import type { StatedRecord } from "../gate/record-doubts.ts";
import { type ClaimedRecord, isBelieved, type RecordReader } from "./records.ts";

/** The records that one answer of the gate asks for, each judged once. */
export class Bench {
  readonly #reader: RecordReader;
  readonly #seen = new Map<string, JudgedRecord>();
  readonly doubted: JudgedRecord[] = [];
  readonly outdated: JudgedRecord[] = [];
  readonly unread: JudgedRecord[] = [];
  /** False once something was not looked at. */
  whole = true;

  constructor(reader: RecordReader) {
    this.#reader = reader;
  }

  /** Nothing more is looked at. */
  get spent(): boolean {
    return this.#seen.size === MOST.judged;
  }

  /** The record if it is believed. */
  async believed<Claim extends StatedRecord>(record: ClaimedRecord<Claim>): Promise<JudgedRecord<Claim> | undefined> {
    const known = this.#seen.get(record.deployment.id);
    if (known === undefined && this.spent) {
      this.whole = false;
      return undefined;
    }
    const judged = await this.#reader.judge(record);
    if (known === undefined) {
      this.#seen.set(record.deployment.id, judged);
      if (judged.unread !== undefined) this.unread.push(judged);
      else if (judged.outdated) this.outdated.push(judged);
      else if (judged.doubts.length > 0) this.doubted.push(judged);
    }
    return isBelieved(judged) ? judged : undefined;
  }

  /** The first of these that is believed, and where it stands. */
  async first<Claim extends StatedRecord>(
    records: readonly ClaimedRecord<Claim>[],
  ): Promise<{ readonly record: JudgedRecord<Claim>; readonly index: number } | undefined> {
    for (const [index, each] of records.entries()) {
      const record = await this.believed(each);
      if (record !== undefined) return { record, index };
    }
    return undefined;
  }

  get judging(): { doubted: JudgedRecord[]; outdated: JudgedRecord[]; unread: JudgedRecord[]; whole: boolean } {
    const { doubted, outdated, unread, whole } = this;
    return { doubted, outdated, unread, whole };
  }
}
