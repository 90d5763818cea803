/**
 * Workspace files API (facts: databricks-api 6).
 */
import * as v from "valibot";
import type { JsonObject } from "../json.ts";
import type { Account } from "./account.ts";
import {
  type Answer,
  ApiError,
  badRequest,
  type Call,
  flag,
  type Route,
  rawRoute,
  required,
  route,
  Unmodelled,
} from "./api.ts";
import { detect, type Language, type Node, plainPath } from "./file-tree.ts";
import { checkShape } from "./router.ts";

const BASE = "/api/2.0/workspace";
const FACTS = "databricks-api 6";
const TEN_MB = 10 * 1024 * 1024;

const Import = v.strictObject({
  path: v.string(),
  format: v.optional(v.picklist(["AUTO", "SOURCE", "RAW", "JUPYTER", "HTML", "DBC", "R_MARKDOWN"]), "SOURCE"),
  language: v.optional(v.picklist(["PYTHON", "SQL", "SCALA", "R"])),
  content: v.optional(v.string(), ""),
  overwrite: v.optional(v.boolean(), false),
});

export function fileRoutes(): Route[] {
  return [
    route("POST", `${BASE}/mkdirs`, {
      facts: FACTS,
      body: v.strictObject({ path: v.string() }),
      handle: ({ workspace, principal, body }) => {
        workspace.files.mkdirs(principal, plainPath(body.path));
        return {};
      },
    }),
    rawRoute("POST", "/api/2.0/workspace-files/import-file/{path...}", {
      facts: FACTS,
      query: ["overwrite"],
      handle: ({ workspace, principal, params, query, bytes }) => {
        const { path, language } = detect(plainPath(`/${params["path"] ?? ""}`), bytes);
        workspace.files.write(principal, path, { bytes, language, overwrite: flag(query, "overwrite") });
        return {};
      },
    }),
    rawRoute("POST", `${BASE}/import`, { facts: FACTS, handle: importOne }),
    route("GET", `${BASE}/export`, { facts: FACTS, query: ["path", "format", "direct_download"], handle: exportOne }),
    rawRoute("GET", "/api/2.0/workspace-files/{path...}", {
      facts: "databricks-api 10",
      handle: ({ workspace, principal, params }) => ({
        bytes: workspace.files.demand(principal, "CAN_READ", plainPath(`/${params["path"] ?? ""}`)).bytes,
      }),
    }),
    route("GET", `${BASE}/list`, {
      facts: FACTS,
      query: ["path"],
      handle: ({ account, workspace, principal, query }) => {
        const node = workspace.files.demand(principal, "CAN_READ", plainPath(required(query, "path")));
        const nodes = node.kind === "directories" ? workspace.files.children(node.path) : [node];
        const objects = nodes
          .filter(({ path }) => workspace.files.can(principal, "CAN_READ", path))
          .map((one) => status(one, account.behaviours.workspace_paths === "prefixed"));
        return { body: objects.length === 0 ? {} : { objects } };
      },
    }),
    route("GET", `${BASE}/get-status`, {
      facts: FACTS,
      // return_export_info adds to notebooks only what this simulator does not know
      query: ["path", "return_export_info"],
      handle: ({ account, workspace, principal, query }) => {
        flag(query, "return_export_info");
        const node = workspace.files.demand(principal, "CAN_READ", plainPath(required(query, "path")));
        return { body: status(node, account.behaviours.workspace_paths === "prefixed") };
      },
    }),
    route("POST", `${BASE}/delete`, {
      facts: FACTS,
      body: v.strictObject({ path: v.string(), recursive: v.optional(v.boolean(), false) }),
      handle: ({ workspace, principal, body }) => {
        workspace.files.delete(principal, plainPath(body.path), body.recursive);
        return {};
      },
    }),
  ];
}

interface Importing {
  readonly path: string;
  readonly format: string;
  readonly language: Language | undefined;
  readonly bytes: Uint8Array;
  readonly overwrite: boolean;
}

async function importOne(call: Call): Promise<Answer> {
  const multipart = (call.headers["content-type"] ?? "").startsWith("multipart/form-data");
  const given = multipart ? await fromForm(call) : fromJson(call);
  if (["HTML", "DBC", "R_MARKDOWN"].includes(given.format)) {
    throw new Unmodelled(`the simulator does not model import in the format ${given.format}`, 400);
  }
  const plain = plainPath(given.path);
  const target =
    given.format === "AUTO"
      ? detect(plain, given.bytes)
      : given.format === "RAW"
        ? { path: plain, language: undefined }
        : { path: plain, language: given.format === "JUPYTER" ? ("PYTHON" as const) : given.language };
  if (given.format === "SOURCE" && target.language === undefined) {
    throw badRequest("The language is needed to import in the format SOURCE.");
  }
  call.workspace.files.write(call.principal, target.path, {
    bytes: given.bytes,
    language: target.language,
    overwrite: given.overwrite,
  });
  return {};
}

function fromJson(call: Call): Importing {
  const type = call.headers["content-type"] ?? "no content type";
  if (!type.startsWith("application/json"))
    throw new Unmodelled(`the simulator does not model ${type} for the body of POST ${BASE}/import`, 400);
  let value: unknown;
  try {
    value = JSON.parse(call.bytes.toString("utf8"));
  } catch {
    throw new ApiError(400, "MALFORMED_REQUEST", "The request body is not valid JSON.");
  }
  const { path, format, language, content, overwrite } = checkShape(Import, value, `POST ${BASE}/import`);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(content)) throw badRequest("content is not base64.");
  const bytes = Buffer.from(content, "base64");
  // facts: databricks-api 6: the limit of JSON content; multipart goes higher
  if (bytes.length > TEN_MB)
    throw new ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", "Content size exceeds 10485760 bytes.");
  return { path, format, language, bytes, overwrite };
}

async function fromForm(call: Call): Promise<Importing> {
  const form = await new Response(new Uint8Array(call.bytes), {
    headers: { "content-type": call.headers["content-type"] ?? "" },
  }).formData();
  const unknown = [...form.keys()].find(
    (name) => !["path", "format", "language", "content", "overwrite"].includes(name) || form.getAll(name).length > 1,
  );
  if (unknown !== undefined)
    throw new Unmodelled(`the simulator does not model the form field ${unknown} of POST ${BASE}/import`, 400);
  const field = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const fields = new URLSearchParams({ overwrite: field("overwrite") ?? "" });
  const content = form.get("content");
  const bytes =
    typeof content === "string" ? Buffer.from(content) : new Uint8Array((await content?.arrayBuffer()) ?? []);
  const { path, format, language, overwrite } = checkShape(
    Import,
    {
      path: field("path"),
      ...(field("format") === undefined ? {} : { format: field("format") }),
      ...(field("language") === undefined ? {} : { language: field("language") }),
      ...(field("overwrite") === undefined ? {} : { overwrite: flag(fields, "overwrite") }),
    },
    `POST ${BASE}/import`,
  );
  return { path, format, language, bytes, overwrite };
}

/** What a notebook's source looks like when the service has written it anew: a line of its own between cells. */
function sourceOf({ behaviours }: Account, bytes: Uint8Array): Uint8Array {
  if (behaviours.exported_notebook === "as-imported") return bytes;
  return Buffer.from(Buffer.from(bytes).toString("utf8").replace("\n", "\n\n"));
}

function exportOne({ account, workspace, principal, query }: Call<unknown>): Answer {
  const format = query.get("format") ?? "SOURCE";
  if (!["SOURCE", "AUTO", "RAW"].includes(format))
    throw new Unmodelled(`the simulator does not model export in the format ${format}`, 400);
  const node = workspace.files.demand(principal, "CAN_READ", plainPath(required(query, "path")));
  if (node.kind === "directories")
    throw badRequest(`Path (${node.path}) is a folder and cannot be exported in the format ${format}.`);
  if (node.bytes.length > TEN_MB)
    throw new ApiError(400, "MAX_READ_SIZE_EXCEEDED", "The object is larger than 10485760 bytes.");
  const bytes = node.kind === "notebooks" ? sourceOf(account, node.bytes) : node.bytes;
  if (flag(query, "direct_download")) return { bytes };
  return {
    body: {
      content: Buffer.from(bytes).toString("base64"),
      ...(node.language === undefined ? {} : { file_type: node.language.toLowerCase().slice(0, 2) }),
    },
  };
}

function status(node: Node, prefixed: boolean): JsonObject {
  const types = { directories: "DIRECTORY", files: "FILE", notebooks: "NOTEBOOK" };
  return {
    object_type: types[node.kind],
    path: prefixed ? `/Workspace${node.path}` : node.path,
    object_id: node.id,
    resource_id: String(node.id),
    created_at: node.created,
    modified_at: node.modified,
    ...(node.kind === "files" ? { size: node.bytes.length } : {}),
    ...(node.language === undefined ? {} : { language: node.language }),
  };
}
