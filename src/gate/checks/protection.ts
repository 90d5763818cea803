/** The gate is one: GitHub creates an environment without any rule when a run names an unknown one (facts: github 3). */
import type { TierName } from "../../contract/model.ts";
import { type Check, conclude, type Problem, withFact } from "../check.ts";
import { ownersOf } from "../codeowners.ts";
import type { BranchFacts, GateFacts, ProtectionFacts, RepositoryFacts } from "../facts.ts";

type Environment = NonNullable<ProtectionFacts["environment"]>;

/** Where a person must approve. Every tier is closed to other branches: its credential is in the environment. */
const REVIEWED: readonly TierName[] = ["prod"];

export const protection: Check = {
  id: "protection",
  title: "the environment is protected, and so are the files that say how",
  evaluate: (facts) =>
    withFact("protection", facts.repository, (repository) =>
      withFact("protection", facts.protection, ({ environment, reading, codeowners }) => {
        const name = facts.environment;
        if (environment === undefined) {
          return conclude("protection", {
            summary: "",
            problems: [
              {
                what: "no-environment",
                message: `The environment ${name} does not exist, or the job's token may not see it.`,
                why: "GitHub creates an unknown environment without any protection when a run names it.",
                remedy: `Create it under Settings → Environments, limited to ${repository.defaultBranch}${REVIEWED.includes(facts.tier) ? ", with required reviewers" : ""}.`,
              },
            ],
          });
        }
        // Where people approve by their own runs, nothing has to wait in the environment.
        const reviewed =
          REVIEWED.includes(facts.tier) && !(facts.policy.known && facts.policy.value.approvers.by === "dispatch");
        const problems = [
          ...branchProblems(name, environment.branches, repository),
          ...(reading === undefined ? [] : readingProblems(reading, repository)),
          ...(reviewed ? reviewProblems(facts.tier, name, environment, repository) : []),
          ...(REVIEWED.includes(facts.tier) ? ownerProblems(facts, codeowners) : []),
        ];
        return conclude("protection", {
          summary: reviewed
            ? `${name} takes only ${repository.defaultBranch}; ${environment.reviewers.join(" or ")} may approve.`
            : `${name} takes only ${repository.defaultBranch}.`,
          evidence: [
            {
              label: `environment ${name}`,
              ...(environment.url === undefined ? {} : { url: environment.url }),
            },
          ],
          problems,
        });
      }),
    ),
};

/** Why an environment that holds a credential is open to other branches; empty if it is not. */
export function branchProblems(
  name: string,
  branches: BranchFacts,
  { defaultBranch, headIsProtected }: RepositoryFacts,
): Problem[] {
  const remedy = `Under Settings → Environments → ${name}, set "Deployment branches and tags" to selected branches: ${defaultBranch}.`;
  const why = "The environment holds the tier's credential: a workflow on any branch that is let in can use it.";
  if (branches.kind === "any") {
    return [{ what: "any-branch", message: `Every branch may deploy to the environment ${name}.`, why, remedy }];
  }
  if (branches.kind === "protected") {
    if (headIsProtected) return [];
    return [
      {
        what: "any-branch",
        message: `The environment ${name} takes protected branches, but ${defaultBranch} is not protected.`,
        why: "While no branch is protected, this setting lets every branch in.",
        remedy: `Protect ${defaultBranch} by a rule, or select it by name. ${remedy}`,
      },
    ];
  }
  const others = branches.patterns.filter((pattern) => pattern.type !== "branch" || pattern.name !== defaultBranch);
  return others.map((pattern) => ({
    what: "other-branch",
    message: `The environment ${name} also takes the ${pattern.type} ${pattern.name}.`,
    why,
    remedy,
  }));
}

/** The brief's own environment holds a credential too. By now GitHub has made one that was missing, without any rule. */
function readingProblems(
  { name, branches }: NonNullable<ProtectionFacts["reading"]>,
  repository: RepositoryFacts,
): Problem[] {
  if (branches !== undefined) return branchProblems(name, branches, repository);
  return [
    {
      what: "no-environment",
      message: `The environment ${name}, which the brief is written in, does not exist, or the job's token may not see it.`,
      remedy: `Create it under Settings → Environments, limited to ${repository.defaultBranch}.`,
    },
  ];
}

function reviewProblems(
  tier: TierName,
  name: string,
  environment: Environment,
  { visibility }: RepositoryFacts,
): Problem[] {
  const settings = `Settings → Environments → ${name}`;
  const problems: Problem[] = [];
  if (environment.reviewers.length === 0) {
    problems.push({
      what: "no-reviewers",
      message: `Nobody has to approve a deployment to ${name}.`,
      ...(visibility === "public"
        ? {}
        : {
            why: `The repository is ${visibility}: below the Enterprise plan, GitHub has no required reviewers there, no wait timers, and nothing to keep administrators from bypassing them.`,
          }),
      remedy:
        visibility === "public"
          ? `Add required reviewers under ${settings}.`
          : `With the Enterprise plan: add required reviewers under ${settings}. Without: let people approve by runs of their own, tiers.${tier}.gate.approvers: { by: dispatch, count: 1 }.`,
    });
  }
  if (!environment.preventSelfReview) {
    problems.push({
      what: "self-review",
      message: `Whoever starts a run may approve it for ${name}.`,
      remedy: `Tick "Prevent self-review" under ${settings}.`,
    });
  }
  if (environment.canAdminsBypass !== false) {
    problems.push({
      what: "admin-bypass",
      severity: environment.canAdminsBypass === undefined ? "unknown" : "error",
      message:
        environment.canAdminsBypass === undefined
          ? `GitHub does not say whether administrators may bypass the rules of ${name}.`
          : `Administrators may bypass the rules of ${name}.`,
      remedy: `Untick "Allow administrators to bypass configured protection rules" under ${settings}.`,
    });
  }
  return problems;
}

/** A warning: without code owners, one approving reviewer who does not look suffices to change the gate. */
function ownerProblems(facts: GateFacts, codeowners: ProtectionFacts["codeowners"]): Problem[] {
  if (codeowners === undefined) {
    return [
      {
        what: "codeowners",
        severity: "warning",
        message: "There is no CODEOWNERS file, so nobody in particular must look at a change of the gate itself.",
        remedy: `Add .github/CODEOWNERS with owners for /.github/ and /${facts.contractFile}.`,
      },
    ];
  }
  const guarded = [
    // A file that nobody has yet: only a pattern for the whole folder covers it.
    { name: "/.github/", path: ".github/workflows/any.yml" },
    { name: `/${codeowners.path}`, path: codeowners.path },
    { name: `/${facts.contractFile}`, path: facts.contractFile },
  ];
  return guarded
    .filter(({ path }) => ownersOf(codeowners.text, path).length === 0)
    .map(({ name }) => ({
      what: "codeowners",
      severity: "warning" as const,
      message: `${codeowners.path} names no owner for ${name}.`,
      why: "Whoever may approve any change may then change the gate itself.",
      remedy: `Add a line with owners for ${name}, and require their review by a branch rule.`,
    }));
}
