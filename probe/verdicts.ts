/** The lines of docs/assumptions.md and what is known of each after a probe. */

export type Verdict = "as assumed" | "otherwise" | "not tried";

export interface Line {
  readonly id: string;
  readonly verdict: Verdict;
  /** What was seen, or why nothing was tried. Never a secret: made of statuses, codes and words of ours. */
  readonly seen: string;
}

/** What no run by itself can settle, and what it would take. */
export const BY_HAND: Readonly<Record<string, string>> = {
  A1: "call a workflow of this repository from another one",
  A3: "call a workflow that reads an environment's secret, without `secrets: inherit`",
  A5: "read a run that called a workflow of another repository",
  A12: "starts compute: change a running continuous pipeline",
  A16: "needs an object that somebody else made in the catalog",
  A17: "needs a second workspace with its own principal",
  A20: "needs two runs at once, one waiting for a review",
  A24: "needs a second principal to give a job to",
  A25: "needs a second workspace that the principal is not assigned to",
  A26: "takes an hour: use a token after its end",
  A27: "needs an object that somebody else made and granted",
  A33: "starts compute: start a paused continuous job",
};

export class Report {
  readonly #lines = new Map<string, Line>();

  /** Keeps what was seen; several parts of one line are as assumed only together. */
  say(id: string, asAssumed: boolean | undefined, seen: string): void {
    const verdict: Verdict = asAssumed === undefined ? "not tried" : asAssumed ? "as assumed" : "otherwise";
    const before = this.#lines.get(id);
    const worse = before?.verdict === "otherwise" ? before.verdict : verdict;
    this.#lines.set(id, { id, verdict: worse, seen: before === undefined ? seen : `${before.seen}; ${seen}` });
  }

  /** Every line, in order; what nobody spoke of was not tried. */
  lines(): readonly Line[] {
    for (const [id, why] of Object.entries(BY_HAND)) if (!this.#lines.has(id)) this.say(id, undefined, why);
    return [...this.#lines.values()].toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
  }
}
