/** Looks on the contract's branch for the documents of the runs that brought a release to the tier below. */
import type { DocumentFacts, FoundDocument, SoughtDocument } from "../gate/document-facts.ts";
import type { EvidenceFacts } from "../gate/evidence-facts.ts";
import { believedSource, CLOCK_MS, deployingTime, documentOf, type Expectation } from "../gate/evidence-run.ts";
import type { Fact, GateFacts, SourceQuestion } from "../gate/facts.ts";
import type { RecordTier } from "../gate/record-runs.ts";
import type { GitHub } from "../github/client.ts";
import { bytesAt } from "../github/contents.ts";
import { fileUrl } from "../github/links.ts";
import { sha256 } from "../sha256.ts";
import { readPlace } from "./evidence-place.ts";
import { factOf, notAsked } from "./fact-of.ts";
import { daysOf, documentPath, MOST_BYTES, readDocument } from "./kept-document.ts";

/** How many runs' documents are looked for: a release comes to a tier once, or a few times while it soaks. */
const MOST_RUNS = 3;

/** Not asked for where the contract names no branch. */
export async function readDocuments(
  github: GitHub,
  policy: GateFacts["policy"],
  question: SourceQuestion,
): Promise<Fact<DocumentFacts>> {
  if (!policy.known) return policy;
  const branch = policy.value.evidenceBranch;
  if (branch === undefined) return notAsked;
  const { repository, source, below, previous } = question;
  for (const fact of [repository, source, below]) if (!fact.known) return fact;
  if (!repository.known || previous === undefined || previous === "sandbox") return notAsked;
  return factOf(async () => {
    const place = await readPlace(github, branch, repository.value.defaultBranch);
    const sought: SoughtDocument[] = [];
    for (const evidence of believedSource(question).slice(0, MOST_RUNS)) {
      const { head } = place;
      const one = await seek(github, head, evidence, { ...question, tier: previous, repository: repository.value });
      if (one === undefined) continue;
      sought.push(one);
      if (one.digest !== undefined && one.found?.sha256 === one.digest) break;
    }
    return { place, sought };
  });
}

interface Sought extends Pick<SourceQuestion, "project" | "candidate" | "suite"> {
  readonly tier: RecordTier;
  readonly repository: Extract<SourceQuestion["repository"], { readonly known: true }>["value"];
}

/** Where it should lie, as the job that left it says; the day is one on which that job ran. */
async function seek(
  github: GitHub,
  head: string | undefined,
  evidence: EvidenceFacts,
  question: Sought,
): Promise<SoughtDocument | undefined> {
  const { claim, run } = evidence;
  if (claim === undefined) return undefined;
  const expected: Expectation = { ...question, trustPinsAtCommit: false };
  const digest = documentOf(evidence, expected);
  const base = { run: { id: claim.runId, attempt: claim.attempt, url: run?.url }, digest };
  if (digest === undefined || head === undefined) return { ...base, found: undefined };
  const days = daysOf(deployingTime(evidence, expected), CLOCK_MS);
  for (const day of days) {
    const of = { kind: `${claim.kind}-evidence` as const, written_at: day, run: base.run };
    const found = await read(github, documentPath({ ...question, ...of }, digest), head);
    if (found !== undefined) return { ...base, found };
  }
  return { ...base, found: undefined };
}

async function read(github: GitHub, path: string, head: string): Promise<FoundDocument | undefined> {
  const bytes = await bytesAt(github, path, head, MOST_BYTES);
  if (bytes === undefined) return undefined;
  const { document } = readDocument(bytes.toString("utf8"));
  return { path, url: fileUrl(github, head, path), sha256: sha256(bytes), document };
}
