/** What a reader asks of a plan's changes: of which fields they are, what starts or stops by itself, who may do what. */
import { isArray, isObject, type JsonValue } from "../json.ts";
import { type Change, changed, type FieldChange, type Plan } from "./change.ts";

/** Fields that decide whether something starts by itself. */
export const SCHEDULE_FIELD = /^(schedule|continuous|trigger|triggers)(\.|\[|$)/;
/** Fields that decide who may do what with it. */
export const ACCESS_FIELD = /^(permissions|grants|run_as)(\.|\[|$)/;
/** Fields that decide who hears of a failure. */
export const ALERT_FIELD =
  /^(?:tasks\[[^\]]*\]\.(?:for_each_task\.task\.)?)?(?:email_notifications|webhook_notifications|notification_settings|notifications|health)(?:\.|\[|$)/;

/** The changes of fields whose path matches, in resources that are there and in new ones, each with its key. */
export function fieldChanges(plan: Plan, fields: RegExp): (readonly [key: string, field: FieldChange])[] {
  return changed(plan).flatMap(({ key, fields: all }) =>
    all.filter(({ path }) => fields.test(path)).map((field) => [key, field] as const),
  );
}

/** True for a new resource that nobody has to start. */
export function startsByItself({ kind, fields }: Change): boolean {
  const of = (name: string): JsonValue | undefined => fields.find(({ path }) => path === name)?.new;
  if (kind === "pipelines") return of("continuous") === true;
  if (kind !== "jobs") return false;
  const triggers = of("triggers");
  return [of("schedule"), of("continuous"), of("trigger"), ...(isArray(triggers) ? triggers : [])].some(
    (each) => isObject(each) && each["pause_status"] !== "PAUSED",
  );
}

/** True if it ran all the time and is not to any more. */
export function endsLoop({ kind, action, fields }: Change): boolean {
  if (action !== "update") return false;
  const runs = (each: JsonValue | undefined): boolean =>
    kind === "jobs" ? isObject(each) && each["pause_status"] !== "PAUSED" : each === true;
  return fields.some(({ path, old, new: now }) =>
    path === "continuous.pause_status" ? now === "PAUSED" : path === "continuous" && runs(old) && !runs(now),
  );
}

/** `user eve@example.com: CAN_MANAGE`, of a resource; the tier's own principal is no other. */
export function rightsOn({ fields }: Change): string[] {
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
