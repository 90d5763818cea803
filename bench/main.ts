/** `npm run bench -- NAME [--json FILE]`: measures, with the floor beside it. Nothing here passes or fails. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { grants } from "./grants.ts";
import { promote } from "./promote.ts";
import { schedules } from "./schedules.ts";
import { start } from "./start.ts";

const USAGE = `npm run bench -- start [OTHER-ACTION/index.js …] [--rounds N] [--json FILE]
npm run bench -- promote [--rounds N] [--latency MS] [--jobs N] [--pipelines N] [--files N] [--catalog-tables N] [--json FILE]
npm run bench -- grants [--latency MS] [--schemas N] [--tables N] [--principals N] [--groups N] [--json FILE]
npm run bench -- schedules [--rounds N] [--latency MS] [--jobs N] [--drifted N] [--json FILE]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    rounds: { type: "string" },
    latency: { type: "string" },
    jobs: { type: "string" },
    drifted: { type: "string", default: "250" },
    pipelines: { type: "string", default: "20" },
    files: { type: "string", default: "500" },
    schemas: { type: "string", default: "100" },
    tables: { type: "string", default: "10000" },
    "catalog-tables": { type: "string", default: "60" },
    principals: { type: "string", default: "200" },
    groups: { type: "string", default: "50" },
  },
});
const [name, ...rest] = positionals;
const figures = await measure();
if (figures === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  console.log(JSON.stringify(figures, undefined, 2));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
}

async function measure(): Promise<object | undefined> {
  switch (name) {
    case "start":
      return start(rest, Number(values.rounds ?? "15"));
    case "promote":
      return promote({
        rounds: Number(values.rounds ?? "3"),
        latencyMs: Number(values.latency ?? "50"),
        tables: Number(values["catalog-tables"]),
        jobs: Number(values.jobs ?? "100"),
        pipelines: Number(values.pipelines),
        files: Number(values.files),
      });
    case "grants":
      return grants({
        latencyMs: Number(values.latency ?? "20"),
        schemas: Number(values.schemas),
        tables: Number(values.tables),
        principals: Number(values.principals),
        groups: Number(values.groups),
      });
    case "schedules":
      return schedules({
        rounds: Number(values.rounds ?? "1"),
        latencyMs: Number(values.latency ?? "20"),
        jobs: Number(values.jobs ?? "5000"),
        drifted: Number(values.drifted),
      });
    default:
      return undefined;
  }
}
