/** The first line of a brief: whether to approve, as far as anybody can tell now, and if not, why and from when on. */
import { isFailure, sentence } from "../findings.ts";
import { isMatterOfTime } from "../gate/evaluate.ts";
import { shownAt, wallClock } from "../gate/wall-clock.ts";
import { nextOpening, openingAt } from "../gate/windows.ts";
import { listed } from "../listed.ts";
import { stoppedBy } from "../report/gate.ts";
import { code, text } from "../report/markdown.ts";
import type { BriefFacts } from "./brief.ts";
import { inOneSentence, risksOf } from "./brief-risk.ts";
import { changed } from "./change.ts";

interface BriefVerdict {
  /** `stop`: do not approve. `wait`: not now. The others: it can be approved, and this is what it means. */
  readonly kind: "stop" | "wait" | "weigh" | "nothing" | "go";
  /** Markdown. */
  readonly says: string;
}

/** What whoever reads only one sentence has to know; the gravest is said. */
export function verdictOf(brief: BriefFacts): BriefVerdict {
  const { gate, tier, findings, plan, current, candidate } = brief;
  const name = text(tier);
  if (gate.verdict !== "pass") {
    const why = gate.findings.find(isFailure)?.message ?? "";
    return refused(
      `the gate does not let this release in${stoppedBy(gate)}`,
      `${text(sentence(why))} Nothing in ${name} changes.`,
    );
  }
  const failed = findings.find(isFailure);
  if (failed !== undefined) {
    return refused(
      `${name} is not as a promotion needs it`,
      `${text(sentence(failed.message))} Nothing in ${name} changes.`,
    );
  }
  const waiting = gate.waiting.filter(isMatterOfTime);
  if (waiting.length < gate.waiting.length) {
    const keys = brief.drift.known ? listed(brief.drift.value.entries.map(({ key }) => code(key))) : "";
    return stop(
      `somebody changed ${name} by hand${keys === "" ? "" : ` (${keys})`}`,
      `The promotion would stop at it, and nothing in ${name} would change. Reject this run; what was changed, and how it is kept or overwritten, is below.`,
    );
  }
  if (waiting.length > 0) {
    const from = notBefore(brief);
    const why = waiting.map(({ summary }) => text(summary)).join(" ");
    return {
      kind: "wait",
      says: `⏳ **Do not approve ${from === undefined ? "yet" : `before ${from}`}.** ${why} Approved now, the promotion would stop, and nothing in ${name} would change. This run waits for you, 30 days at most, and holds up no other.`,
    };
  }
  const glass = gate.checks.flatMap(({ check, overridden }) => (overridden === undefined ? [] : [code(check)]));
  const enters = glass.length === 0 ? "The gate lets it in" : `The gate lets it in, with ${listed(glass)} overridden`;
  const [worst] = risksOf(brief);
  if (worst !== undefined && worst.icon !== "🟢") {
    const icon = worst.icon === "🔴" ? "🔴" : "🟠";
    const says = `${icon} **${enters}. Weigh the risk below before you approve.** ${inOneSentence(worst)}`;
    return { kind: "weigh", says };
  }
  if (changed(plan).length === 0) {
    const same = current?.release === candidate.release;
    return {
      kind: "nothing",
      says: same
        ? `✅ **Nothing changes: ${name} has this very release already.** Whether you approve or reject, it stays as it is.`
        : `✅ **Nothing changes: ${name} has all that this release declares already.** Approved, ${name} counts as having this release; no resource is touched.`,
    };
  }
  return { kind: "go", says: `✅ **${enters}, and nothing that runs is interrupted.**` };
}

/** This job fails, and what would ask for the approval is skipped. */
function refused(what: string, why: string): BriefVerdict {
  return { kind: "stop", says: `❌ **Nobody is asked to approve: ${what}.** ${why}` };
}

function stop(what: string, why: string): BriefVerdict {
  return { kind: "stop", says: `❌ **Do not approve: ${what}.** ${why}` };
}

/** When nothing of what waits would stop it any more, by the clock of the tier's windows; undefined if no time says so. */
function notBefore({ gate, facts }: BriefFacts): string | undefined {
  const times = gate.waiting.map((check) => check.notBefore);
  if (times.some((time) => time === undefined)) return undefined;
  const latest = Math.max(...times.filter((time) => time !== undefined));
  const { windows, freezes } = facts.policy.known ? facts.policy.value : { windows: [], freezes: [] };
  const from = openingAt(windows, freezes, latest).open ? latest : nextOpening(windows, freezes, latest);
  if (from === undefined) return undefined;
  const zone = windows[0]?.zone ?? freezes[0]?.zone ?? "UTC";
  return `${WEEKDAYS[wallClock(zone, from).weekday - 1] ?? ""} ${shownAt(zone, from)}`;
}

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
