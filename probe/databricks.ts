/** Tries what a workspace does; everything it makes has the run's name and is deleted at the end. */
import { ask, child, list, type Reply, said, text, body as written } from "./rest.ts";
import type { Report } from "./verdicts.ts";

export interface Place {
  readonly host: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly catalog: string;
  /** Makes names of this run's own. */
  readonly run: string;
  readonly mask: (secret: string) => void;
}

type Api = (method: string, path: string, body?: object) => Promise<Reply>;

export async function probeDatabricks(place: Place, report: Report): Promise<void> {
  report.begin("sign-in");
  const api = await signIn(place, report);
  const folder = `/Workspace/Users/${place.clientId}/four-tier-probe-${place.run}`;
  const made: (() => Promise<Reply>)[] = [];
  try {
    report.begin("identity");
    await identity(api, place, report);
    report.begin("files");
    made.push(() => api("POST", "/api/2.0/workspace/delete", { path: folder, recursive: true }));
    await files(api, folder, report);
    report.begin("jobs");
    await jobs(api, place, report, made);
    report.begin("pipelines");
    await pipelines(api, place, report, made);
    report.begin("catalog");
    await catalogs(api, place, report);
  } finally {
    for (const undo of made.toReversed()) {
      const reply = await undo();
      if (reply.status >= 300 && reply.status !== 404)
        console.log(`::warning::Something was left behind: ${said(reply)}`);
    }
  }
}

async function signIn(place: Place, report: Report): Promise<Api> {
  const { host, clientId, clientSecret } = place;
  const config = await ask("GET", `${host}/.well-known/databricks-config`, {});
  report.say(
    "A29",
    config.status === 200 && Array.isArray(config.body["token_federation_default_oidc_audiences"]),
    `${config.status}, audiences ${Array.isArray(config.body["token_federation_default_oidc_audiences"]) ? "named" : "not named"}`,
  );
  const metadata = await ask("GET", `${host}/oidc/.well-known/oauth-authorization-server`, {});
  const endpoint = text(metadata.body["token_endpoint"]) || `${host}/oidc/v1/token`;
  if (new URL(endpoint).origin !== new URL(host).origin) throw new Error("The token endpoint is on another host");
  const token = (secret: string): Promise<Reply> =>
    ask(
      "POST",
      endpoint,
      {
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      "grant_type=client_credentials&scope=all-apis",
    );
  const wrong = await token(`wrong-${clientSecret.length}`);
  const shape = "error" in wrong.body ? "RFC 6749" : "error_code" in wrong.body ? "the envelope" : "neither form";
  report.say("A8", shape === "RFC 6749", `a wrong secret: ${said(wrong)}, ${shape}`);
  const right = await token(clientSecret);
  const access = right.body["access_token"];
  if (typeof access !== "string") throw new Error(`The probe cannot sign in: ${said(right)}`);
  place.mask(access);
  report.say("A22", typeof right.body["expires_in"] === "number", `expires_in is a ${typeof right.body["expires_in"]}`);
  return (method, path, body) =>
    ask(
      method,
      `${host}${path}`,
      { authorization: `Bearer ${access}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body === undefined ? undefined : written(body),
    );
}

async function identity(api: Api, { clientId }: Place, report: Report): Promise<void> {
  const me = await api("GET", "/api/2.0/preview/scim/v2/Me");
  const same = me.body["userName"] === clientId;
  report.say("A6", same && text(me.body["displayName"]) !== "", `userName is ${same ? "" : "not "}the application id`);
  const id = me.headers.get("x-databricks-org-id");
  report.say("A7", /^\d+$/.test(id ?? ""), `the header is ${id === null ? "missing" : "there"}`);
}

async function files(api: Api, folder: string, report: Report): Promise<void> {
  await api("POST", "/api/2.0/workspace/mkdirs", { path: folder });
  const put = (path: string, content: string, more: object = {}): Promise<Reply> =>
    api("POST", "/api/2.0/workspace/import", {
      path: `${folder}/${path}`,
      format: "RAW",
      content: Buffer.from(content).toString("base64"),
      overwrite: false,
      ...more,
    });
  await put("once.txt", "one");
  const twice = await put("once.txt", "two");
  report.say(
    "A9",
    twice.status === 409 || (twice.status === 400 && /already[ _]exists/i.test(JSON.stringify(twice.body))),
    `the second import: ${said(twice)}`,
  );

  const source = "# Databricks notebook source\nprint(1)\n\n# COMMAND ----------\n\nprint(2)\n";
  await put("notebook", source, { format: "SOURCE", language: "PYTHON" });
  const out = await api(
    "GET",
    `/api/2.0/workspace/export?path=${encodeURIComponent(`${folder}/notebook`)}&format=SOURCE`,
  );
  const back = Buffer.from(text(out.body["content"]), "base64").toString("utf8");
  report.say(
    "A10",
    back.trimEnd() === source.trimEnd(),
    `${said(out)}, ${back === source ? "the same bytes" : "not the same bytes"}`,
  );

  const over = await put("notebook", "text", { overwrite: true });
  report.say("A32", over.status >= 400, `a file over a notebook: ${said(over)}`);

  const listed = await api("GET", `/api/2.0/workspace/list?path=${encodeURIComponent(folder)}`);
  const path = text(list(listed.body, "objects")[0]?.["path"]);
  report.say("A30", !path.startsWith("/Workspace/"), `a path begins with /${path.split("/")[1] ?? ""}`);
}

async function jobs(api: Api, { clientId, run }: Place, report: Report, made: (() => Promise<Reply>)[]): Promise<void> {
  const name = `four-tier-probe-${run}`;
  const schedule = { quartz_cron_expression: "0 0 5 1 1 ? 2099", timezone_id: "UTC", pause_status: "PAUSED" };
  const settings = {
    name,
    schedule,
    tasks: [{ task_key: "nothing", notebook_task: { notebook_path: "/nowhere" } }],
  };
  const create = async (more: object): Promise<{ reply: Reply; id: unknown }> => {
    const reply = await api("POST", "/api/2.2/jobs/create", { ...settings, ...more });
    const id = reply.body["job_id"];
    if (id !== undefined) made.push(() => api("POST", "/api/2.2/jobs/delete", { job_id: id }));
    return { reply, id };
  };
  const { reply, id } = await create({});
  if (id === undefined) throw new Error(`The probe cannot create a job: ${said(reply)}`);

  const listed = await api("GET", `/api/2.2/jobs/list?name=${encodeURIComponent(name)}`);
  const shown = child(list(listed.body, "jobs")[0] ?? {}, "settings", "schedule") !== undefined;
  report.say("A18", shown, `the list ${shown ? "shows" : "does not show"} the schedule`);

  const itself = await create({ name: `${name}-run-as`, run_as: { service_principal_name: clientId } });
  report.say("A21", itself.reply.status >= 400, `naming oneself: ${said(itself.reply)}`);

  // A job with each kind of trigger would need what each watches; this is the field on which sources disagree.
  const trigger = {
    pause_status: "PAUSED",
    table_update: { table_names: ["four_tier.probe.nothing"], condition: "ALL_UPDATED" },
  };
  const triggered = await create({ name: `${name}-trigger`, schedule: undefined, trigger });
  const read =
    triggered.id === undefined ? undefined : await api("GET", `/api/2.2/jobs/get?job_id=${text(triggered.id)}`);
  const condition = child(read?.body ?? {}, "settings", "trigger", "table_update", "condition");
  report.say(
    "A36",
    read === undefined ? undefined : condition === "ALL_UPDATED",
    read === undefined
      ? `a job with a trigger: ${said(triggered.reply)}`
      : `the trigger's condition is ${condition === undefined ? "not shown" : "shown"}`,
  );

  const nobody = await api("PATCH", `/api/2.0/permissions/jobs/${text(id)}`, {
    access_control_list: [{ user_name: "four-tier-probe-nobody@example.com", permission_level: "CAN_VIEW" }],
  });
  report.say("A23", nobody.status === 404, `a principal that is not there: ${said(nobody)}`);
}

async function pipelines(api: Api, place: Place, report: Report, made: (() => Promise<Reply>)[]): Promise<void> {
  if (place.catalog === "") {
    for (const id of ["A11", "A19", "A31"]) report.say(id, undefined, "no catalog was given");
    return;
  }
  const root = "/api/2.0/pipelines";
  const spec = {
    name: `four-tier-probe-${place.run}`,
    catalog: place.catalog,
    schema: "default",
    serverless: true,
    continuous: false,
    libraries: [{ file: { path: "/Workspace/nowhere.sql" } }],
    parameters: { probe: "1" },
  };
  const create = async (): Promise<Reply> => {
    const reply = await api("POST", root, spec);
    const id = text(reply.body["pipeline_id"]);
    if (id !== "") made.push(() => api("DELETE", `${root}/${id}`));
    return reply;
  };
  const first = await create();
  const id = text(first.body["pipeline_id"]);
  if (id === "") throw new Error(`The probe cannot create a pipeline: ${said(first)}`);
  const again = await create();
  report.say("A11", again.status === 400, `a name used twice: ${said(again)}`);

  const got = await api("GET", `${root}/${id}`);
  const added = Object.keys((child(got.body, "spec", "configuration") as object | undefined) ?? {});
  report.say("A31", added.length === 0, `settings added by the service: ${added.length}`);

  const { parameters: _left, ...without } = spec;
  await api("PUT", `${root}/${id}`, without);
  const after = await api("GET", `${root}/${id}`);
  const kept = child(after.body, "parameters", "probe") ?? child(after.body, "spec", "parameters", "probe");
  report.say("A19", kept === undefined, `parameters left out are ${kept === undefined ? "dropped" : "kept"}`);

  const stale = await api("PUT", `${root}/${id}`, { ...spec, expected_last_modified: 1 });
  report.say("A11", stale.status === 409, `a stale expected_last_modified: ${said(stale)}`);
}

async function catalogs(api: Api, { catalog }: Place, report: Report): Promise<void> {
  const root = "/api/2.1/unity-catalog";
  if (catalog === "") report.say("A14", undefined, "no catalog was given");
  else {
    const name = encodeURIComponent(catalog);
    const bindings = await api("GET", `${root}/bindings/catalog/${name}`);
    const grants = await api("GET", `${root}/permissions/catalog/${name}`);
    report.say(
      "A14",
      bindings.status === 200 && grants.status === 200,
      `bindings ${said(bindings)}, grants ${said(grants)}`,
    );
  }
  let empty = false;
  let token = "";
  for (let page = 0; page < 50; page += 1) {
    const query = `max_results=1${token === "" ? "" : `&page_token=${encodeURIComponent(token)}`}`;
    const { body } = await api("GET", `${root}/catalogs?${query}`);
    token = text(body["next_page_token"]);
    if (list(body, "catalogs").length === 0 && token !== "") empty = true;
    if (token === "") break;
  }
  report.say("A28", empty ? true : undefined, empty ? "a page was empty and went on" : "no page was empty this time");
}
