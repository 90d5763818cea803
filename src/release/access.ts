/** Access entries as plans and drifts compare them. */
import { isObject, type JsonArray, type JsonObject, type JsonValue } from "../json.ts";

const PRINCIPAL_FIELDS = {
  user_name: "user",
  group_name: "group",
  service_principal_name: "service principal",
} as const;

/**
 * Entries told apart by their principal; of two for one principal the last counts (facts: databricks-api 8).
 * `principal`, if given, is the tier's application id that `${principal}` stands for.
 */
export function accessByPrincipal(entries: JsonArray, principal?: string): JsonObject[] {
  const levels = new Map<string, JsonValue>();
  for (const entry of entries) {
    if (!isObject(entry)) continue;
    for (const [field, kind] of Object.entries(PRINCIPAL_FIELDS)) {
      const name = entry[field];
      if (typeof name !== "string") continue;
      const resolved = name === "${principal}" && principal !== undefined ? principal : name;
      levels.set(`${kind} ${resolved}`, entry["permission_level"] ?? null);
    }
  }
  return [...levels].map(([name, permission_level]) => ({ principal: name, permission_level }));
}
