/** What a promotion risks, in the words of somebody who is woken by it; worst first. */
import { isArray, isObject, type JsonValue } from "../json.ts";
import { code, text } from "../report/markdown.ts";
import type { BriefFacts } from "./brief.ts";
import type { Change, ChangeClass, FieldChange, Plan } from "./change.ts";
import { lossOf } from "./impact.ts";

/** Worst first; what nobody could look at may be the worst. */
const ICONS = ["🔴", "❓", "🟠", "🟢"] as const;

interface Risk {
  readonly icon: (typeof ICONS)[number];
  readonly says: string;
  /** What it is about, as Markdown; empty where the words say all. */
  readonly of: readonly string[];
}

/** What a class of change does to what runs. */
const OF_CLASS: readonly { readonly class: ChangeClass; readonly icon: Risk["icon"]; readonly says: string }[] = [
  { class: "data-losing", icon: "🔴", says: "loses data, or leaves it behind" },
  { class: "deletes", icon: "🔴", says: "deletes" },
  { class: "replaces", icon: "🔴", says: "deletes and re-creates" },
  { class: "restarts", icon: "🟠", says: "stops and starts" },
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
  const { failedRuns, contract } = details;
  const changes = changed(plan);
  const created = changes.filter(({ action }) => action === "create");
  const risks: Risk[] = [
    drift.known
      ? { icon: "🟠", says: `changed by hand in ${text(tier)}`, of: drift.value.entries.map(({ key }) => code(key)) }
      : { icon: "❓", says: `nobody could look whether ${text(tier)} was changed by hand`, of: [] },
    {
      icon: "🔴",
      says: "deletes what a rollback left",
      of: left.filter(({ goes }) => goes).map(({ key }) => code(key)),
    },
    ...unseen.map((says): Risk => ({ icon: "❓", says: text(says), of: [] })),
    {
      icon: "🟠",
      says: "failed runs whose repair would mix two releases",
      of: failedRuns.known ? unique(failedRuns.value.map(({ key }) => code(key))) : [],
    },
    ...OF_CLASS.map(({ class: kind, icon, says }) => ({
      icon,
      says,
      of: changes.filter((change) => change.class === kind && isTold(change)).map(withLoss),
    })),
    {
      icon: "🟠",
      says: `runs all the time now and then no more: what is at work ${tier === "prod" ? "is ended" : "goes on with the old code until it ends or is cancelled"}`,
      of: changes.filter(endsLoop).map(({ key }) => code(key)),
    },
    { icon: "🟠", says: "new, and starts by itself", of: created.filter(startsByItself).map(({ key }) => code(key)) },
    { icon: "🟠", says: "new, and others may see, run or change it", of: openedTo(created) },
    {
      icon: "🟠",
      says: "changes when it starts by itself",
      of: keysOf(fieldChanges(plan, SCHEDULE_FIELD), plan),
    },
    { icon: "🟠", says: "changes who may see, run or change it", of: keysOf(fieldChanges(plan, ACCESS_FIELD), plan) },
    { icon: "🟠", says: "changes who is told when it fails", of: keysOf(fieldChanges(plan, ALERT_FIELD), plan) },
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

/** A risk as a line of Markdown, without its icon. */
export function worded({ says, of }: Risk): string {
  return `${says}${of.length === 0 ? "" : `: ${listed(of)}`}`;
}

/** What happens to one resource, for its row in the plan. */
export function effectOf(change: Change): string {
  if (change.action === "create") return startsByItself(change) ? "🟠 new, and starts by itself" : "🟢 new";
  const risk = OF_CLASS.find((each) => each.class === change.class);
  if (risk === undefined) return text(change.class);
  if (risk.icon !== "🟢" || isTold(change)) return `${risk.icon} ${risk.says}`;
  const apart = [
    { fields: SCHEDULE_FIELD, says: "when it starts" },
    { fields: ACCESS_FIELD, says: "who may do what" },
    { fields: ALERT_FIELD, says: "who is told when it fails" },
  ].filter(({ fields }) => change.fields.some(({ path }) => fields.test(path)));
  return `🟠 changes ${apart.map(({ says }) => says).join(", ")}`;
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

/** `user eve@example.com: CAN_MANAGE`, of a resource. */
function rightsOn({ fields }: Change): string[] {
  const entries = fields.filter(({ path }) => path === "permissions" || path === "grants").map((field) => field.new);
  return entries.flatMap(itemsOf).flatMap((entry) => {
    if (!isObject(entry)) return [];
    const { principal, permission_level: level, privileges } = entry;
    if (typeof principal !== "string" || principal.endsWith("${principal}")) return [];
    const rights = [level, ...itemsOf(privileges)].filter((right) => typeof right === "string");
    return [`${principal}: ${rights.join(", ")}`];
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

/** Each once. */
export function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}

/** The first of a list, and how many more there are. */
export function listed(items: readonly string[], most = 8): string {
  return items.length <= most ? items.join(", ") : `${items.slice(0, most).join(", ")} and ${items.length - most} more`;
}
