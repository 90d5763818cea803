/** What a promotion risks, in the words of somebody who is woken by it; worst first. */
import type { TierName } from "../contract/model.ts";
import { isArray, isObject, type JsonValue } from "../json.ts";
import { code, text } from "../report/markdown.ts";
import type { BriefFacts } from "./brief.ts";
import type { Change, ChangeClass, FieldChange, Plan } from "./change.ts";
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

/** Fields that decide whether something starts by itself. */
export const SCHEDULE_FIELD = /^(schedule|continuous|trigger|triggers)(\.|\[|$)/;
/** Fields that decide who may do what with it. */
export const ACCESS_FIELD = /^(permissions|grants|run_as)(\.|\[|$)/;
/** Fields that decide who hears of a failure. */
const ALERT_FIELD =
  /^(?:tasks\[[^\]]*\]\.(?:for_each_task\.task\.)?)?(?:email_notifications|webhook_notifications|notification_settings|notifications|health)(?:\.|\[|$)/;
/** Each has a line of its own. */
const TOLD_APART = [SCHEDULE_FIELD, ACCESS_FIELD, ALERT_FIELD];

/** Everything that somebody should weigh, worst first; empty if nothing that is there is touched. */
export function risksOf({ plan, drift, tier, current, details, left, unseen }: BriefFacts): Risk[] {
  const { failedRuns, contract, move } = details;
  const changes = changed(plan);
  const created = changes.filter(({ action }) => action === "create");
  const ends = `what is at work ${tier === "prod" ? "is ended" : "goes on with the old code until it ends or is cancelled"}`;
  const risks: Risk[] = [
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
    ...(move.known && move.value !== undefined ? moving(move.value, tier) : []),
    ...unseen.map((says): Risk => ({ icon: "❓", says: text(says), of: [] })),
    {
      icon: "🟠",
      says: "failed runs whose repair would mix two releases",
      one: "has a failed run whose repair would mix two releases",
      several: "have failed runs whose repair would mix two releases",
      of: failedRuns.known ? unique(failedRuns.value.map(({ key }) => code(key))) : [],
    },
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
      of: keysOf(fieldChanges(plan, SCHEDULE_FIELD), plan),
    },
    {
      icon: "🟠",
      says: "changes who may see, run or change it",
      several: "change who may see, run or change them",
      of: keysOf(fieldChanges(plan, ACCESS_FIELD), plan),
    },
    {
      icon: "🟠",
      says: "changes who is told when it fails",
      several: "change who is told when they fail",
      of: keysOf(fieldChanges(plan, ALERT_FIELD), plan),
    },
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

/** The changes of fields whose path matches, in resources that are there and in new ones, each with its key. */
export function fieldChanges(plan: Plan, fields: RegExp): (readonly [key: string, field: FieldChange])[] {
  return changed(plan).flatMap(({ key, fields: all }) =>
    all.filter(({ path }) => fields.test(path)).map((field) => [key, field] as const),
  );
}

/** What is written, of all that the plan names. */
export function changed(plan: Plan): Change[] {
  return plan.changes.filter(({ action }) => action !== "none");
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

/** True for a new resource that nobody has to start. */
function startsByItself({ kind, fields }: Change): boolean {
  const of = (name: string): JsonValue | undefined => fields.find(({ path }) => path === name)?.new;
  if (kind === "pipelines") return of("continuous") === true;
  if (kind !== "jobs") return false;
  const triggers = of("triggers");
  return [of("schedule"), of("continuous"), of("trigger"), ...(isArray(triggers) ? triggers : [])].some(
    (each) => isObject(each) && each["pause_status"] !== "PAUSED",
  );
}

/** True if it ran all the time and is not to any more. */
function endsLoop({ kind, action, fields }: Change): boolean {
  if (action !== "update") return false;
  const runs = (each: JsonValue | undefined): boolean =>
    kind === "jobs" ? isObject(each) && each["pause_status"] !== "PAUSED" : each === true;
  return fields.some(({ path, old, new: now }) =>
    path === "continuous.pause_status" ? now === "PAUSED" : path === "continuous" && runs(old) && !runs(now),
  );
}

/** Who gets what on new resources, beside the tier's principal: each once, since most bundles give one group all of them. */
function openedTo(created: readonly Change[]): string[] {
  const of = new Map<string, string[]>();
  for (const change of created)
    for (const who of rightsOn(change)) of.set(who, [...(of.get(who) ?? []), code(change.key)]);
  return [...of].map(([who, keys]) => `${text(who)} (${listed(keys, 3)})`);
}

/** `user eve@example.com: CAN_MANAGE`, of a resource; the tier's own principal is no other. */
function rightsOn({ fields }: Change): string[] {
  const lists = fields.filter(({ path }) => path === "permissions" || path === "grants").map((field) => field.new);
  return lists
    .flatMap(rightsIn)
    .filter(({ principal }) => !principal.endsWith("${principal}"))
    .map(({ says }) => says);
}

/** `user eve@example.com: CAN_MANAGE`, of each entry of a list of permissions or grants as plans have it. */
export function rightsIn(list: JsonValue | undefined): { readonly principal: string; readonly says: string }[] {
  return itemsOf(list).flatMap((entry) => {
    if (!isObject(entry)) return [];
    const { principal, permission_level: level, privileges } = entry;
    if (typeof principal !== "string") return [];
    const rights = [level, ...itemsOf(privileges)].filter((right) => typeof right === "string");
    return [{ principal, says: `${principal}: ${rights.join(", ")}` }];
  });
}

function itemsOf(list: JsonValue | undefined): readonly JsonValue[] {
  return list !== undefined && isArray(list) ? list : [];
}

/** The keys of what is there: what is new has lines of its own. */
function keysOf(found: readonly (readonly [key: string, field: FieldChange])[], plan: Plan): string[] {
  const created = new Set(changed(plan).flatMap(({ key, action }) => (action === "create" ? [key] : [])));
  return unique(found.filter(([key]) => !created.has(key)).map(([key]) => code(key)));
}

/** The same without repetitions. */
export function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}

/** The first of a list, and how many more there are. */
export function listed(items: readonly string[], most = 8): string {
  return items.length <= most ? items.join(", ") : `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
}
