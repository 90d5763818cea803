/** The tier below really has this release: told by the run that deployed it, not by the Deployment that names the run. */
import { shortSha } from "../../short-sha.ts";
import { type Check, type CheckResult, conclude, type Evidence, type Problem, withFact } from "../check.ts";
import type { BelowFacts } from "../decision-facts.ts";
import type { EvidenceFacts, SuiteTrust } from "../evidence-facts.ts";
import { deployingJob, doubts, type Expectation, endedAfter } from "../evidence-run.ts";
import type { GateFacts } from "../facts.ts";
import type { RecordTier } from "../record-runs.ts";
import { inUtc } from "../wall-clock.ts";

export const source: Check = {
  id: "source",
  title: "the tier below got this very release from a run that can be believed",
  evaluate(facts) {
    const tier = facts.previous;
    if (tier === undefined || tier === "sandbox") {
      return conclude("source", { summary: `${facts.tier} has no tier below it.` });
    }
    return withFact("source", facts.repository, (repository) =>
      withFact("source", facts.source, (claims) =>
        judge(facts, claims, {
          tier,
          project: facts.project,
          candidate: facts.candidate,
          repository,
          suite: facts.suite,
          trustPinsAtCommit: false,
        }),
      ),
    );
  },
};

function judge(facts: GateFacts, claims: readonly EvidenceFacts[], expected: Expectation): CheckResult {
  const { tier, suite } = expected;
  const handed = facts.approved.release;
  const artifacts = claims.flatMap((claim) => artifactProblems(claim, facts, expected));
  if (facts.stage !== "promote" && handed !== undefined && handed !== facts.candidate.release) {
    return refused([...artifacts, otherRelease(facts, tier, handed)]);
  }
  if (handed === undefined && facts.candidate.artifacts.length > 0) return refused([notHandedOver(tier)]);

  const judged = claims.map((evidence) => ({ evidence, doubts: doubts(evidence, expected) }));
  const believed = judged.filter((each) => each.doubts.length === 0).map(({ evidence }) => evidence);
  if (believed.length > 0) return withFact("source", facts.below, (below) => hadIt(facts, believed, expected, below));
  if (judged.length === 0) return refused([nothingShows(facts, expected)]);
  return refused(
    artifacts.length > 0 ? artifacts : judged.map((each) => notBelieved(each, expected)),
    judged.flatMap(({ evidence }) => links(evidence, suite, tier)),
  );
}

/** It had the release, and still counts as having it unless it was rolled back from it since. */
function hadIt(
  facts: GateFacts,
  believed: readonly EvidenceFacts[],
  expected: Expectation,
  { now, left }: BelowFacts,
): CheckResult {
  const { tier, suite } = expected;
  const good = believed.find((evidence) => endedAfter(evidence, expected, left?.at));
  if (good === undefined && left !== undefined) return takenBack(facts, tier, left);
  const run = `by run ${good?.claim?.runId ?? ""}`;
  const release = shortSha(facts.candidate.release);
  const replaced = now !== undefined && now.release !== facts.candidate.release;
  return conclude("source", {
    summary: replaced
      ? `${tier} had release ${release}, ${run}; it has ${shortSha(now.release)} (commit ${shortSha(now.commit)}) now.`
      : `${tier} has release ${release}, ${run}.`,
    evidence: good === undefined ? [] : links(good, suite, tier),
  });
}

function refused(problems: readonly Problem[], evidence: readonly Evidence[] = []): CheckResult {
  return conclude("source", { summary: "", evidence, problems });
}

function otherRelease({ candidate }: GateFacts, tier: RecordTier, handed: string): Problem {
  return {
    what: "other-release",
    message: `${tier} handed over release ${shortSha(handed)}, but the commit's files and the carried artifacts give ${shortSha(candidate.release)}.`,
    why: "A file of the checkout or a carried artifact was changed since.",
    remedy: "Start a new run. If it happens again, find out who changes files on the runner.",
  };
}

function notHandedOver(tier: RecordTier): Problem {
  return {
    what: "not-handed-over",
    message: `Wheels are carried, and ${tier} did not hand over the release that it got: the input release-digest is empty.`,
    why: "Any job of a run can put an artifact in the place of another; the commit says nothing about wheels.",
    remedy: `Give the caller's job release-digest: \${{ needs.<the job of ${tier}>.outputs.release-digest }}.`,
  };
}

function nothingShows({ candidate }: GateFacts, { tier, repository }: Expectation): Problem {
  return {
    what: "none",
    message: `Nothing shows that commit ${shortSha(candidate.commit)} was deployed to ${tier}.`,
    remedy: `Deploy it to ${tier} first, through a run of ${repository.defaultBranch}.`,
  };
}

function notBelieved(
  { evidence, doubts }: { readonly evidence: EvidenceFacts; readonly doubts: readonly string[] },
  { tier, repository }: Expectation,
): Problem {
  return {
    what: "not-believed",
    message: `Deployment ${evidence.deployment.id} (by ${evidence.deployment.creator ?? "an unknown account"}) does not show that ${tier} has this release: ${doubts.join("; ")}.`,
    why: "Anybody with push access can write a Deployment, so only the run behind it counts.",
    remedy: `Deploy the commit to ${tier} through a run of ${repository.defaultBranch}, then start again. If nobody knows where the Deployment comes from, treat it as an attempt to get around the gate.`,
  };
}

/** Somebody found reason to leave it there: that it was there proves nothing any more. */
function takenBack({ candidate }: GateFacts, tier: RecordTier, left: NonNullable<BelowFacts["left"]>): CheckResult {
  const { at, to, by, reason, run } = left;
  return refused(
    [
      {
        what: "taken-back",
        message: `${tier} was rolled back from release ${shortSha(candidate.release)} to commit ${shortSha(to)} at ${inUtc(at)} by ${by ?? "a deleted account"}, and did not get it again: ${reason}`,
        why: "What was not good enough to stay there goes no further, and what was verified before says nothing of it now.",
        remedy: `Fix it in a new release. If it is good after all, promote it to ${tier} again and let it be verified there.`,
      },
    ],
    [{ label: `rollback, run ${run.id}`, ...(run.url === undefined ? {} : { url: run.url }) }],
  );
}

/**
 * Which carried wheels are not those that the tier below got. Said only of a record that is believed but for its
 * release: what a forged one lists would send the reader the wrong way.
 */
function artifactProblems(evidence: EvidenceFacts, { candidate }: GateFacts, expected: Expectation): Problem[] {
  const { claim } = evidence;
  const { tier } = expected;
  if (claim === undefined || claim.release === candidate.release) return [];
  const asClaimed = { ...expected, candidate: { commit: candidate.commit, release: claim.release } };
  if (doubts(evidence, asClaimed).length > 0) return [];
  const then = new Map(claim.artifacts.map(({ name, sha256 }) => [name, sha256]));
  const now = new Map(candidate.artifacts.map(({ name, sha256 }) => [name, sha256]));
  const names = [...new Set([...then.keys(), ...now.keys()])].filter((name) => then.get(name) !== now.get(name));
  return names.sort().map((name) => {
    const [had, has] = [then.get(name), now.get(name)];
    const message =
      had === undefined
        ? `The wheel ${name} (SHA-256 ${shortSha(has ?? "")}) is carried here, and ${tier} did not get it.`
        : has === undefined
          ? `The wheel ${name} (SHA-256 ${shortSha(had)}), which ${tier} got, is not carried here.`
          : `The wheel ${name} is not the one that ${tier} got: its SHA-256 is ${shortSha(has)} here and was ${shortSha(had)} there.`;
    return {
      what: "artifact",
      message,
      why: `It was built again, or changed on its way here (deployment ${evidence.deployment.id}).`,
      remedy:
        "Carry the wheels that deploy-to-dev built, in the same run. If they were, find out who changes files on the runner.",
    };
  });
}

/** The Deployment, the run behind it, and the job in it that deployed. */
function links(evidence: EvidenceFacts, suite: SuiteTrust, tier: RecordTier): Evidence[] {
  const { run, claim, deployment } = evidence;
  const job = deployingJob(evidence, suite, tier);
  return [
    { label: `deployment ${deployment.id}`, ...(deployment.url === undefined ? {} : { url: deployment.url }) },
    ...(run === undefined ? [] : [{ label: `run ${claim?.runId ?? ""}`, url: run.url }]),
    ...(job?.url === undefined ? [] : [{ label: job.name, url: job.url }]),
  ];
}
