/** Looks on the contract's branch for the documents of the runs that brought a release to a tier. */
import type { DocumentFacts, FoundDocument, SoughtDocument } from "../gate/document-facts.ts";
import type { EvidenceFacts } from "../gate/evidence-facts.ts";
import { believedSource, deployingTime, type Expectation } from "../gate/evidence-run.ts";
import type { Fact, GateFacts, SourceQuestion } from "../gate/facts.ts";
import { CLOCK_MS } from "../gate/jobs-behind.ts";
import { saidDocuments } from "../gate/said-documents.ts";
import type { GitHub } from "../github/client.ts";
import { bytesAt } from "../github/contents.ts";
import { fileUrl } from "../github/links.ts";
import { sha256 } from "../sha256.ts";
import { readPlace } from "./evidence-place.ts";
import { factOf, notAsked } from "./fact-of.ts";
import { daysOf, documentPath, MOST_BYTES, readDocument } from "./kept-document.ts";

/** How many runs' documents are looked for, and attempts of each: a release comes to a tier once, or a few times. */
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
    const expected = { ...question, tier: previous, repository: repository.value, trustPinsAtCommit: false };
    for (const evidence of believedSource(question).slice(0, MOST_RUNS)) {
      const one = await seekDocument(github, place.head, evidence, expected);
      if (one === undefined) continue;
      sought.push(one);
      if (one.digest !== undefined && one.found?.sha256 === one.digest) break;
    }
    return { place, sought };
  });
}

/**
 * The document of one of a believed run's attempts that is kept; where none is, the newest attempt's. Undefined if the
 * record claims nothing. Throws FourTierError `github/…`.
 */
export async function seekDocument(
  github: GitHub,
  head: string | undefined,
  evidence: EvidenceFacts,
  expected: Expectation,
): Promise<SoughtDocument | undefined> {
  const { claim, run } = evidence;
  if (claim === undefined) return undefined;
  const ofRun = (attempt: number) => ({ id: claim.runId, attempt, url: run?.url });
  const documents = saidDocuments(evidence, expected).slice(0, MOST_RUNS);
  let newest: SoughtDocument | undefined;
  for (const { attempt, digest } of documents) {
    const time = deployingTime({ ...evidence, claim: { ...claim, attempt } }, expected);
    const placed = { ...expected, kind: `${claim.kind}-evidence` as const, run: ofRun(attempt) };
    const found =
      head === undefined ? undefined : await find(github, head, { placed, digest, days: daysOf(time, CLOCK_MS) });
    const one = { run: placed.run, digest, found };
    if (found?.sha256 === digest) return one;
    newest ??= one;
  }
  return newest ?? { run: ofRun(claim.attempt), digest: undefined, found: undefined };
}

/** Where a document can be: what is in its path but for the day. */
interface Places {
  readonly placed: Omit<Parameters<typeof documentPath>[0], "written_at">;
  readonly digest: string;
  readonly days: readonly string[];
}

/** What lies in a document's place, on one of the days on which its job ran. */
async function find(github: GitHub, head: string, places: Places): Promise<FoundDocument | undefined> {
  const { placed, digest, days } = places;
  for (const day of days) {
    const found = await read(github, documentPath({ ...placed, written_at: day }, digest), head);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function read(github: GitHub, path: string, head: string): Promise<FoundDocument | undefined> {
  const bytes = await bytesAt(github, path, head, MOST_BYTES);
  if (bytes === undefined) return undefined;
  const { document } = readDocument(bytes.toString("utf8"));
  return { path, url: fileUrl(github, head, path), sha256: sha256(bytes), document };
}
