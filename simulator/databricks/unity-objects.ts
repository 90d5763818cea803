/**
 * Unity Catalog: making, changing and deleting volumes and registered models, and changing schemas (facts:
 * unity-catalog 1.6, 1.8; bodies as the Databricks CLI sends them).
 */
import * as v from "valibot";
import { type Answer, badRequest, type Call, forbidden, type Route, route } from "./api.ts";
import { show } from "./unity-catalogs.ts";
import type { SecurableType } from "./unity-privileges.ts";
import { Rights } from "./unity-rights.ts";
import type { Securable } from "./unity-state.ts";
import { exists, named, writable } from "./unity-writes.ts";

const BASE = "/api/2.1/unity-catalog";
const FACTS = "unity-catalog 1.8";

const text = v.optional(v.string());
const place = { catalog_name: v.string(), schema_name: v.string(), name: v.string(), comment: text };
/** What is in answers, and what the CLI sends back with an update: taken, and changes nothing. */
const echoed = { catalog_name: text, schema_name: text, name: text, full_name: text, metastore_id: text };

const NewVolume = v.strictObject({
  ...place,
  volume_type: v.picklist(["MANAGED", "EXTERNAL"]),
  storage_location: text,
});
const NewModel = v.strictObject({ ...place, storage_location: text });
const ChangedSchema = v.strictObject({ comment: text, properties: v.optional(v.record(v.string(), v.string())) });
const ChangedLeaf = v.strictObject({ comment: text, ...echoed });

export function unityObjectRoutes(): Route[] {
  return [
    route("PATCH", `${BASE}/schemas/{name}`, {
      facts: FACTS,
      body: ChangedSchema,
      handle: (call) => {
        const schema = changed(call, "schema");
        const { properties } = call.body;
        if (properties !== undefined) {
          const before = call.account.behaviours.catalog_properties === "merge" ? schema.properties : {};
          schema.properties = { ...before, ...properties };
        }
        return { body: show(call, schema, false) };
      },
    }),
    route("POST", `${BASE}/volumes`, {
      facts: FACTS,
      body: NewVolume,
      handle: (call) => {
        const { volume_type: type, storage_location: storage } = call.body;
        if (type === "MANAGED" && storage !== undefined)
          throw badRequest("CreateVolume storage_location can not be provided.");
        if (type === "EXTERNAL" && storage === undefined)
          throw badRequest("CreateVolume Missing required field: storage_location");
        return make(call, "volume", "CREATE_VOLUME", { storage, type });
      },
    }),
    route("POST", `${BASE}/models`, {
      facts: FACTS,
      body: NewModel,
      handle: (call) => make(call, "model", "CREATE_MODEL", { storage: call.body.storage_location }),
    }),
    ...(["volume", "model"] as const).flatMap((type) => [
      route("PATCH", `${BASE}/${type}s/{name}`, {
        facts: FACTS,
        body: ChangedLeaf,
        handle: (call) => ({ body: show(call, changed(call, type), false) }),
      }),
      route("DELETE", `${BASE}/${type}s/{name}`, {
        facts: FACTS,
        handle: (call) => {
          call.account.metastore.remove(managed(call, type));
          return {};
        },
      }),
    ]),
  ];
}

function make(
  call: Call<{ catalog_name: string; schema_name: string; name: string; comment?: string | undefined }>,
  type: "volume" | "model",
  privilege: string,
  more: { readonly storage: string | undefined; readonly type?: string },
): Answer {
  const { account, body, principal } = call;
  const schema = account.metastore.find("schema", `${body.catalog_name}.${body.schema_name}`);
  const rights = new Rights(call);
  writable(rights, schema);
  if (!rights.manages(schema) && !rights.sees(schema)) throw rights.missing(schema);
  if (!rights.manages(schema) && !rights.granted(privilege, schema))
    throw forbidden(`User does not have ${privilege.replaceAll("_", " ")} on Schema '${schema.fullName}'.`);
  const name = named(body.name, type);
  if (account.metastore.children(schema, type).some((one) => one.name === name))
    throw exists(call, type === "model" ? "Registered_Model" : "Volume", `${schema.fullName}.${name}`);
  const made = account.metastore.add(type, name, schema, principal.name, { comment: body.comment, ...more });
  return { body: show(call, made, false) };
}

/** The object with its comment changed. */
function changed(
  call: Call<{ comment?: string | undefined; properties?: Record<string, string> | undefined }>,
  type: SecurableType,
): Securable {
  const found = managed(call, type);
  const { comment, properties } = call.body;
  if (comment === undefined && properties === undefined) throw badRequest("Update: Nothing to update");
  if (comment !== undefined) found.comment = comment === "" ? undefined : comment;
  found.updated = call.account.clock.now();
  return found;
}

/** What the caller may change, from where it may be changed. */
function managed(call: Call<unknown>, type: SecurableType): Securable {
  const found = call.account.metastore.find(type, call.params["name"] ?? "");
  const rights = new Rights(call);
  writable(rights, found);
  if (rights.manages(found)) return found;
  throw rights.sees(found)
    ? forbidden(`User does not have MANAGE on ${type.charAt(0).toUpperCase()}${type.slice(1)} '${found.fullName}'.`)
    : rights.missing(found);
}
