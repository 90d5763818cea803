/** What is known of the lines of docs/assumptions.md after a probe. */

export type Verdict = "as assumed" | "otherwise" | "not tried";

export interface Line {
  readonly id: string;
  /** The part of the probe that asked: what the page names, too. */
  readonly step: string;
  readonly verdict: Verdict;
  /** What was seen, or why nothing was tried. Never a secret: made of statuses, codes and words of ours. */
  readonly seen: string;
}

/** Of several parts of one line the worst is said of it. */
const WORST: readonly Verdict[] = ["otherwise", "not tried", "as assumed"];

export class Report {
  readonly #lines = new Map<string, Line>();
  #step = "";

  /** What is said from now on is said by this part of the probe. */
  begin(step: string): void {
    this.#step = step;
  }

  /** Keeps what was seen; several parts of one line are as assumed only together. */
  say(id: string, asAssumed: boolean | undefined, seen: string): void {
    const verdict: Verdict = asAssumed === undefined ? "not tried" : asAssumed ? "as assumed" : "otherwise";
    const before = this.#lines.get(id);
    const worst = WORST.find((one) => one === verdict || one === before?.verdict) ?? verdict;
    const all = before === undefined ? seen : `${before.seen}; ${seen}`;
    this.#lines.set(id, { id, step: before?.step ?? this.#step, verdict: worst, seen: all });
  }

  /** Every line that was spoken of, in order. */
  lines(): readonly Line[] {
    return [...this.#lines.values()].toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
  }
}
