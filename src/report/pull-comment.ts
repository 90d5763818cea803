/** The comment on a merged pull request that says where its change is. Reasons and names are outside text: escaped here. */
import type { Fact } from "../gate/facts.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import { endInUtc, inUtc } from "../gate/wall-clock.ts";
import type { TierRelease, Told, Whereabouts } from "../release/whereabouts.ts";
import { shortSha } from "../short-sha.ts";
import { blocks, code, link, table, text } from "./markdown.ts";

/** A tier, and whether the change is in it. */
export interface Place {
  readonly tier: RecordTier;
  readonly found: Fact<Whereabouts>;
  /** Whether what the tier has contains the change; undefined: nobody can say. */
  readonly contains: boolean | undefined;
  /** A promotion that brought it stopped half way: parts of it may be there. */
  readonly partly: boolean;
  /** What the tier had before contained it. */
  readonly had: boolean;
}

/** What stands in a tier's way; of more only the first are shown, and their reasons are cut: GitHub takes 65,536 characters. */
const MOST_SHOWN = 5;
const LONGEST_REASON = 300;

/** The comment's body, its mark first: by the first line it is found again. `places` in the order of promotion. */
export function pullComment(places: readonly Place[], marker: string): string {
  return blocks(
    marker,
    `**${headline(places)}**`,
    table(["Tier", "This change", "Release there", "Since", "Brought by"], places.map(row)),
    obstacles(places).join("\n"),
    `Next: ${next(places)}`,
    "_As it was when this comment was last edited, told by the runs that it names. It is rewritten: what you want to say belongs in a comment of your own._",
  );
}

function headline(places: readonly Place[]): string {
  const last = places.findLast(({ contains }) => contains === true);
  const out = places.findLast(({ contains, had, partly }) => contains === false && had && !partly);
  const half = places.findLast(({ partly }) => partly);
  const said = [
    ...(half === undefined ? [] : [`${half.tier} may have parts of this change`]),
    ...(out === undefined ? [] : [`${out.tier} does not have this change any more`]),
    ...(last === undefined ? [] : [`${last.tier} has this change`]),
  ];
  return said.length === 0 ? "No tier is known to have this change" : said.join("; ");
}

function row(place: Place): string[] {
  const { tier, found } = place;
  if (!found.known) return [text(tier), "❓ GitHub does not say", "", "", ""];
  const { has } = found.value;
  if (has === undefined) return [text(tier), there(place), "none yet", "", ""];
  return [text(tier), there(place), code(shortSha(has.digest)), text(inUtc(has.since)), brought(has)];
}

function there({ contains, partly, had }: Place): string {
  if (partly) return "🟠 half way";
  if (contains === undefined) return "❓ nobody can say";
  return contains ? "✅ there" : had ? "↩️ out again" : "not there";
}

function brought({ kind, run }: TierRelease): string {
  return `${kind === "rollback" ? "rollback, " : ""}${link(`run ${run.id}`, run.url)}`;
}

/** Holds, and a release that is bad, of every tier. */
function obstacles(places: readonly Place[]): string[] {
  const all = places.flatMap(({ tier, found, contains }): string[] => {
    if (!found.known) return [];
    const { has, holds, paused } = found.value;
    const rejected = contains === true ? has?.rejected : undefined;
    return [
      ...(rejected === undefined ? [] : [`- ❌ The release that ${text(tier)} has is rejected: ${told(rejected)}`]),
      ...holds.map((hold) => `- ⛔ ${text(tier)} takes no promotion: ${told(hold)}`),
      ...paused.map(
        (hold) => `- ⏸️ Schedules of ${text(tier)} are held (${code(hold.of.slice(0, 100))}): ${told(hold)}`,
      ),
    ];
  });
  const more = all.length - MOST_SHOWN;
  return more > 0 ? [...all.slice(0, MOST_SHOWN), `- … and ${more} more.`] : all;
}

function told({ reason, by, at: when, until, runUrl }: Told): string {
  const cut = Array.from(reason).slice(0, LONGEST_REASON).join("");
  const who = [by ?? "somebody", inUtc(when), ...(until === undefined ? [] : [`until ${endInUtc(until)}`])].join(", ");
  const run = runUrl === undefined ? "" : `, ${link("run", runUrl)}`;
  return `${text(cut.length < reason.length ? `${cut}…` : cut)} (${text(who)}${run})`;
}

/** What happens next, or has to. */
function next(places: readonly Place[]): string {
  const last = places.findLastIndex(({ contains }) => contains === true);
  const ahead = places[last + 1];
  const own = places[last];
  if (ahead === undefined) {
    const bad = own?.found.known === true && own.found.value.has?.rejected !== undefined;
    return bad ? "a release that is good, or a rollback." : "nothing. It has arrived.";
  }
  const { tier, found, contains, partly } = ahead;
  if (contains === undefined) return `${text(tier)}, of which nobody can say whether it has the change already.`;
  if (partly) {
    const back = found.known && found.value.has !== undefined ? `, or rolls ${text(tier)} back` : "";
    return `somebody promotes the release that stopped half way to ${text(tier)} again${back}.`;
  }
  if (found.known && found.value.holds.length > 0) {
    return `somebody resumes ${text(tier)}; until then nothing is promoted to it.`;
  }
  if (tier === "prod") return "prod, when somebody has read the brief and approved it.";
  return `${text(tier)}, when its gate lets the release in.`;
}
