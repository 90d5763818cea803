/** What a promotion risks, in the words of somebody who is woken by it; worst first. */
import type { TierName } from "../contract/model.ts";
import { perhapsDoubled } from "../gate/checks/adoption.ts";
import { listed } from "../listed.ts";
import { code, text } from "../report/markdown.ts";
import type { BriefFacts } from "./brief.ts";
import {
  ACCESS_FIELD,
  ALERT_FIELD,
  endsLoop,
  fieldChanges,
  rightsOn,
  SCHEDULE_FIELD,
  startsByItself,
} from "./brief-changes.ts";
import { type Change, type ChangeClass, changed, type Plan } from "./change.ts";
import { lossOf } from "./impact.ts";
import type { Move } from "./move.ts";

/** Worst first; what nobody could look at may be the worst. */
const ICONS = ["🔴", "❓", "🟠", "🟢"] as const;

interface Risk {
  readonly icon: (typeof ICONS)[number];
  readonly says: string;
  /** The same of one thing, to follow its name, where `says` cannot. */
  readonly one?: string;
  /** The same of several; absent where what is said is a sentence already. */
  readonly several?: string;
  /** What it is about, as Markdown; empty where the words say all. */
  readonly of: readonly string[];
}

/** What a class of change does to what runs. */
const OF_CLASS: readonly (Omit<Risk, "of"> & { readonly class: ChangeClass })[] = [
  {
    class: "data-losing",
    icon: "🔴",
    says: "loses data, or leaves it behind",
    several: "lose data, or leave it behind",
  },
  { class: "deletes", icon: "🔴", says: "deletes", one: "is deleted", several: "are deleted" },
  {
    class: "replaces",
    icon: "🔴",
    says: "deletes and re-creates",
    one: "is deleted and made anew",
    several: "are deleted and made anew",
  },
  {
    class: "restarts",
    icon: "🟠",
    says: "stops and starts",
    one: "is interrupted: what runs now stops, and starts again",
    several: "are interrupted: what runs now stops, and starts again",
  },
  { class: "re-point", icon: "🟢", says: "takes new code from its next run" },
  { class: "next-run", icon: "🟢", says: "takes new settings from its next run" },
  { class: "metadata", icon: "🟢", says: "changes name, description or tags only" },
];

/** Each has a line of its own. */
const TOLD_APART = [SCHEDULE_FIELD, ACCESS_FIELD, ALERT_FIELD];

/** Everything that somebody should weigh, worst first; empty if nothing that is there is touched. */
export function risksOf(brief: BriefFacts): Risk[] {
  const { plan, tier, current, details, unseen } = brief;
  const { contract, move } = details;
  const risks: Risk[] = [
    ...ofTheTier(brief),
    ...(move.known && move.value !== undefined ? moving(move.value, tier) : []),
    ...perhapsTwice(perhapsDoubled(brief), tier),
    ...unseen.map((says): Risk => ({ icon: "❓", says: text(says), of: [] })),
    ...ofThePlan(plan, tier),
    {
      icon: "🟠",
      says: "the contract changes",
      of: contract.known && current !== undefined ? contract.value.map(({ path }) => code(path)) : [],
    },
  ];
  return risks
    .filter(({ icon, of }) => of.length > 0 || icon === "❓")
    .toSorted((a, b) => ICONS.indexOf(a.icon) - ICONS.indexOf(b.icon));
}

/** What a first promotion may make again beside what is there. */
function perhapsTwice(keys: readonly string[], tier: TierName): Risk[] {
  if (keys.length === 0) return [];
  const says = `whether ${text(tier)} has jobs of these names that its principal may not see, only an administrator of its workspace can tell: they would run beside the new ones, so let one look before you approve`;
  return [{ icon: "❓", says, of: keys.map(code) }];
}

/** What is as it is in the tier, whatever the plan says. */
function ofTheTier({ drift, tier, left, details: { failedRuns } }: BriefFacts): Risk[] {
  return [
    drift.known
      ? {
          icon: "🟠",
          says: `changed by hand in ${text(tier)}`,
          one: `was changed by hand in ${text(tier)}`,
          several: `were changed by hand in ${text(tier)}`,
          of: drift.value.entries.map(({ key }) => code(key)),
        }
      : { icon: "❓", says: `nobody could look whether ${text(tier)} was changed by hand`, of: [] },
    {
      icon: "🔴",
      says: "deletes what a rollback left",
      one: "is deleted: a rollback left it",
      several: "are deleted: a rollback left them",
      of: left.filter(({ goes }) => goes).map(({ key }) => code(key)),
    },
    {
      icon: "🟠",
      says: "failed runs whose repair would mix two releases",
      one: "has a failed run whose repair would mix two releases",
      several: "have failed runs whose repair would mix two releases",
      of: failedRuns.known ? [...new Set(failedRuns.value.map(({ key }) => code(key)))] : [],
    },
  ];
}

/** What the changes do: a line for each class of them, and for what a class does not tell. */
function ofThePlan(plan: Plan, tier: TierName): Risk[] {
  const changes = changed(plan);
  const created = changes.filter(({ action }) => action === "create");
  const ends = `what is at work ${tier === "prod" ? "is ended" : "goes on with the old code until it ends or is cancelled"}`;
  return [
    ...OF_CLASS.map(({ class: kind, ...risk }) => ({
      ...risk,
      of: changes.filter((change) => change.class === kind && isTold(change)).map(withLoss),
    })),
    {
      icon: "🟠",
      says: `runs all the time now and then no more: ${ends}`,
      several: `run all the time now and then no more: ${ends}`,
      of: changes.filter(endsLoop).map(({ key }) => code(key)),
    },
    {
      icon: "🟠",
      says: "new, and starts by itself",
      one: "is new, and starts by itself",
      several: "are new, and start by themselves",
      of: created.filter(startsByItself).map(({ key }) => code(key)),
    },
    { icon: "🟠", says: "new, and others may see, run or change it", of: openedTo(created) },
    {
      icon: "🟠",
      says: "changes when it starts by itself",
      several: "change when they start by themselves",
      of: keysOf(plan, SCHEDULE_FIELD),
    },
    {
      icon: "🟠",
      says: "changes who may see, run or change it",
      several: "change who may see, run or change them",
      of: keysOf(plan, ACCESS_FIELD),
    },
    {
      icon: "🟠",
      says: "changes who is told when it fails",
      several: "change who is told when they fail",
      of: keysOf(plan, ALERT_FIELD),
    },
  ];
}

/** A tier that the contract puts elsewhere keeps what it has where it was; under another principal, whoever owned it. */
function moving({ where, principal }: Move, tier: TierName): Risk[] {
  const key = (name: string): string => code(name === "project" ? name : `tiers.${tier}.${name}`);
  return [
    {
      icon: "🔴",
      says: `${text(tier)} moves: what it has stays where it is and goes on running there, unseen from here`,
      of: where.map(key),
    },
    {
      icon: "🟠",
      says: `${text(tier)} gets another principal: after the approval the promotion stops until the old one has handed over`,
      of: principal === "other" ? [`${key("client_id")} or ${key("service_principal")}`] : [],
    },
    {
      icon: "🟠",
      says: "the contract names the principal no more: the promotion stops after the approval, unless the input client-id names it",
      of: principal === "unnamed" ? [key("client_id")] : [],
    },
  ];
}

/** A risk as a line of Markdown, without its icon. */
export function worded({ says, of }: Risk): string {
  return `${says}${of.length === 0 ? "" : `: ${listed(of)}`}`;
}

/** A risk as a sentence of Markdown, for whoever reads no more than that. */
export function inOneSentence(risk: Risk): string {
  const { says, one = says, several, of } = risk;
  const said =
    several === undefined || of.length === 0 ? worded(risk) : `${listed(of, 5)} ${of.length === 1 ? one : several}`;
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}.`;
}

/** What happens to one resource, for its row in the plan. */
export function effectOf(change: Change): string {
  if (change.action === "create") return startsByItself(change) ? "🟠 new, and starts by itself" : "🟢 new";
  const risk = OF_CLASS.find((each) => each.class === change.class);
  if (risk === undefined) return text(change.class);
  const apart = [
    { fields: SCHEDULE_FIELD, says: "when it starts" },
    { fields: ACCESS_FIELD, says: "who may do what" },
    { fields: ALERT_FIELD, says: "who is told when it fails" },
  ].filter(({ fields }) => change.action === "update" && change.fields.some(({ path }) => fields.test(path)));
  const others = apart.length === 0 ? "" : `changes ${apart.map(({ says }) => says).join(", ")}`;
  if (risk.icon === "🟢" && apart.length > 0) return `🟠 ${isTold(change) ? `${risk.says}; ` : ""}${others}`;
  return `${risk.icon} ${risk.says}${others === "" ? "" : `; ${others}`}`;
}

/** Without what has a line of its own: a change of nothing but its schedule changes no other setting. */
function isTold({ action, class: kind, fields }: Change): boolean {
  if (action === "create") return false;
  const apart = fields.filter(({ path }) => TOLD_APART.some((each) => each.test(path)));
  if (kind === "metadata") return apart.length === 0;
  return kind !== "next-run" || apart.length < fields.length;
}

function withLoss(change: Change): string {
  const loss = lossOf(change);
  return `${code(change.key)}${loss === undefined ? "" : ` (lost: ${text(loss)})`}`;
}

/** Who gets what on new resources, beside the tier's principal: each once, since most bundles give one group all of them. */
function openedTo(created: readonly Change[]): string[] {
  const of = new Map<string, string[]>();
  for (const change of created)
    for (const who of rightsOn(change)) of.set(who, [...(of.get(who) ?? []), code(change.key)]);
  return [...of].map(([who, keys]) => `${text(who)} (${listed(keys, 3)})`);
}

/** The keys of what is there and has such fields changed: what is new has lines of its own. */
function keysOf(plan: Plan, fields: RegExp): string[] {
  const created = new Set(changed(plan).flatMap(({ key, action }) => (action === "create" ? [key] : [])));
  const found = fieldChanges(plan, fields).filter(([key]) => !created.has(key));
  return [...new Set(found.map(([key]) => code(key)))];
}
