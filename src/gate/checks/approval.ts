/** Somebody who did not start this run approved it, for this environment. */
import { type Check, conclude, type Problem, withFact } from "../check.ts";

/** The account of a workflow's own token. */
const WORKFLOW_ACCOUNT = "github-actions[bot]";

export const approval: Check = {
  id: "approval",
  title: "this run was approved by somebody who did not start it",
  evaluate: (facts) =>
    withFact("approval", facts.approvals, (approvals) => {
      const { run, environment } = facts;
      const starters = new Set([run.actor, run.triggeringActor].map((login) => login.toLowerCase()));
      const approved = approvals.filter((each) => each.state === "approved" && each.environments.includes(environment));
      const others = approved.filter(({ user }) => user !== undefined && !starters.has(user.toLowerCase()));
      const problems: Problem[] = [];
      if (starters.has(WORKFLOW_ACCOUNT)) {
        problems.push({
          what: "starter",
          message: `This run was started by ${WORKFLOW_ACCOUNT}: a workflow started it, and nobody can say whose.`,
          why: "Whoever can push a branch can let its workflow start this one, and then approve what is their own run.",
          remedy: "Start a new run as a person, and have somebody else approve it.",
        });
      }
      if (run.attempt > 1) {
        problems.push({
          what: "re-run",
          message: `This is attempt ${run.attempt} of run ${run.id}, and approvals do not say which attempt they are of.`,
          why: "An approval of an earlier attempt would let this one through unread.",
          remedy: "Start a new run and have that approved.",
        });
      }
      if (approved.length === 0) {
        problems.push({
          what: "missing",
          message: `Nobody approved this run for ${environment}.`,
          why: "A job of an environment without required reviewers starts by itself.",
          remedy: `Give ${environment} required reviewers; one of them approves after reading the brief.`,
        });
      } else if (others.length === 0) {
        problems.push({
          what: "self",
          message: `Only ${approved.map(({ user }) => user ?? "a deleted account").join(", ")}, who started this run, approved it.`,
          remedy: "Have somebody else approve a new run.",
        });
      }
      const authors = facts.commit.known ? facts.commit.value.authors : [];
      const wrote = new Set(authors.map((login) => login.toLowerCase()));
      const both = others.filter(({ user }) => wrote.has(user?.toLowerCase() ?? ""));
      if (others.length > 0 && both.length === others.length) {
        problems.push({
          what: "author",
          // An App that merges or starts runs hides who asked it to: then at least the author must be somebody else.
          severity: [...starters].some((login) => login.endsWith("[bot]")) ? "error" : "warning",
          message: `${both.map(({ user }) => user).join(", ")}, who approved, also wrote commits of this release.`,
          remedy: "Have somebody approve who did not write it, where you can.",
        });
      }
      const who = others.map(({ user }) => user).join(", ");
      return conclude("approval", {
        summary: `Approved by ${who}${authors.length === 0 ? "" : `; written by ${authors.join(", ")}`}.`,
        evidence: others.map(({ user = "", comment }) => ({ label: comment === "" ? user : `${user}: ${comment}` })),
        problems,
      });
    }),
};
