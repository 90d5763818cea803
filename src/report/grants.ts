/** A grants proof as a page: the matrix, what the proof rests on, and what it does not speak of. */
import { isFailure } from "../findings.ts";
import { inUtc } from "../gate/wall-clock.ts";
import type { Certificate, MatrixFrame, Proof } from "../grants/certify.ts";
import type { Cell } from "../grants/matrix.ts";
import type { AccessPath } from "../grants/paths.ts";
import type { JsonObject } from "../json.ts";
import { blocks, code, count, details, table, text } from "./markdown.ts";

const VERDICT = { pass: "✅", fail: "❌", unknown: "❓" } as const;
const REACH = {
  owns: "owns it",
  control: "can give itself rights",
  write: "writes",
  read: "reads",
  look: "sees that it is there",
  nothing: "nothing",
  unknown: "not known",
} as const;

/** Markdown for the job summary; the findings come below it. */
export function grantsSummary({ cells, frame, paths, certificate, findings }: Proof): string {
  return blocks(
    verdict(findings, certificate),
    `Who can do what in catalog ${code(certificate.catalog)} (tier ${code(certificate.tier)}):`,
    matrix(cells, frame),
    "? was not looked at: that tier's own proof shows it.",
    whoCan(paths, certificate.catalog),
    restsOn(certificate),
    details("What this proof does not speak of", certificate.outside.map((line) => `- ${text(line)}`).join("\n")),
  );
}

/** What whoever reads one sentence has to know. */
function verdict(findings: Proof["findings"], { catalog }: Certificate): string {
  const wrong = findings.filter(({ severity }) => severity === "error").length;
  const unseen = findings.filter(({ severity }) => severity === "unknown").length;
  if (wrong + unseen === 0)
    return `✅ **Nobody was found who can do more in ${code(catalog)} than the contract says.** What this proof does not speak of is at the end.`;
  const parts = [
    ...(wrong === 0 ? [] : [`${count(wrong, "finding")} to fix`]),
    ...(unseen === 0 ? [] : [`${unseen} not known, which does not pass`]),
  ];
  return `${wrong > 0 ? "❌" : "❓"} **Not proved for ${code(catalog)}: ${parts.join(", ")}.**`;
}

/** The whole matrix, tier × principal; what this proof does not see is a question mark. */
function matrix(cells: readonly Cell[], { catalogs, principals }: MatrixFrame): string {
  return table(
    ["Catalog", ...principals.map(code)],
    catalogs.map(({ tier, catalog }) => [
      catalog === tier ? code(catalog) : `${code(catalog)} (${text(tier)})`,
      ...principals.map((name) => {
        const cell = cells.find((one) => one.catalog === catalog && one.principal.name === name);
        return cell === undefined ? "?" : `${VERDICT[cell.verdict]} ${REACH[cell.reach]}`;
      }),
    ]),
  );
}

const CAN = { control: "🔑 control", write: "✏️ write", read: "👁️ read" } as const;
/** A job summary takes 1 MiB; the report has all. */
const MOST_PATHS = 100;
const MOST_SANDBOXES = 20;

/** Everybody who can do more than look, with the path as a sentence. */
function whoCan(paths: readonly AccessPath[], catalog: string): string {
  if (paths.length === 0) return "";
  const rows = paths
    .slice(0, MOST_PATHS)
    .map(({ name, can, works, count, through }) => [
      code(name),
      `${CAN[can]}${works ? "" : " (latent)"}`,
      String(count),
      text(through),
    ]);
  const more = paths.length > MOST_PATHS ? `And ${paths.length - MOST_PATHS} more, in the report.` : "";
  return details(
    `Who can read, write and control ${code(catalog)}, and through what (${paths.length})`,
    blocks(table(["Who", "Can", "Things", "Through what"], rows), more),
  );
}

function restsOn(certificate: Certificate): string {
  const { seen, principal } = certificate;
  const counts: [number, string, string][] = [
    [seen.schemas, "schema", "schemas"],
    [seen.tables, "table", "tables"],
    [seen.volumes, "volume", "volumes"],
    [seen.functions, "function", "functions"],
    [seen.models, "model", "models"],
    [seen.grantLists, "list of grants", "lists of grants"],
    [seen.groups, "group", "groups"],
    ...optional(seen.users, "user", "users"),
    ...optional(seen.locations, "external location", "external locations"),
    ...optional(seen.credentials, "storage credential", "storage credentials"),
    ...optional(seen.policies, "GRANT policy", "GRANT policies"),
  ];
  const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
  const listed = counts.map((entry) => counted(...entry)).join(", ");
  const refusals = certificate.refused.length;
  const refused = refusals === 0 ? "nothing" : counted(refusals, "request", "requests");
  return blocks(
    `Asked by ${code(principal.name)} (${text(certificate.authority)}) at ${text(inUtc(certificate.at))}. Seen: ${text(listed)}. Refused: ${refused}.`,
  );
}

function optional(count: number | undefined, one: string, many: string): [number, string, string][] {
  return count === undefined ? [] : [[count, one, many]];
}

/** Markdown for an audit of all sandboxes: one line each, and each proof below it. */
export function sandboxesSummary(proofs: readonly Proof[]): string {
  if (proofs.length === 0) return "There is no sandbox of this project that was shown.";
  const verdict = ({ findings }: Proof): string => {
    if (findings.some(({ severity }) => severity === "error")) return "❌ fails";
    return findings.some(isFailure) ? "❓ unknown" : "✅ passes";
  };
  return blocks(
    `All sandboxes that were shown (${proofs.length}):`,
    table(
      ["Sandbox", "Verdict", "Tables", "Asked with"],
      proofs.map((proof) => [
        code(proof.certificate.catalog),
        verdict(proof),
        String(proof.certificate.seen.tables),
        text(proof.certificate.authority),
      ]),
    ),
    ...proofs
      .slice(0, MOST_SANDBOXES)
      .map((proof) => details(`The proof of ${proof.certificate.catalog}`, grantsSummary(proof))),
    proofs.length > MOST_SANDBOXES ? `The proofs of ${proofs.length - MOST_SANDBOXES} more are in the report.` : "",
  );
}

/** The machine-readable proof: certificate and matrix. */
export function grantsReport({ cells, paths, certificate }: Proof): JsonObject {
  return {
    certificate: {
      ...certificate,
      workspaceId: certificate.workspaceId ?? null,
      principal: { ...certificate.principal },
      seen: { ...certificate.seen },
      refused: certificate.refused.map((refusal) => ({ ...refusal })),
    },
    matrix: cells.map((cell) => ({
      tier: cell.tier,
      catalog: cell.catalog,
      principal: cell.principal.name,
      principalTier: cell.principal.tier,
      applicationId: cell.principal.resolved ? cell.principal.key : null,
      reach: cell.reach,
      verdict: cell.verdict,
    })),
    paths: paths.map((path) => ({ ...path })),
  };
}
