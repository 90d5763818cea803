/** Whom a brief asks: who may approve, how, and what that is worth. */
import { mayApprove, namedLeft } from "../gate/approvers.ts";
import { runUrl } from "../github/links.ts";
import { isAmong } from "../login.ts";
import { code, link, text } from "../report/markdown.ts";
import type { BriefFacts } from "./brief.ts";

/** Who may approve; empty where nobody is asked. */
export function approvers({ facts, tier, plan, candidate, site }: BriefFacts): string {
  const policy = facts.policy.known ? facts.policy.value.approvers : undefined;
  const authors = facts.commit.known ? facts.commit.value.authors : [];
  const wrote = (login: string): boolean => isAmong(authors, login);
  if (tier === "prod" && policy?.by === "dispatch") {
    const left = namedLeft(facts, policy, facts.run.actor);
    if (left !== undefined && left.length < policy.count) {
      return `**Who may approve:** not enough of ${policy.from.map(text).join(", ")}: ${text(facts.run.actor)} started this run${policy.notAuthor ? ", and whoever wrote part of the release does not count" : ""}, so ${left.length === 0 ? "nobody is" : `${left.map(text).join(", ")} ${left.length === 1 ? "is" : "are"}`} left, and ${policy.count} must approve. Let somebody else start the run, or name more people in ${code(`tiers.${tier}.gate.approvers.from`)}.`;
    }
    const who = policy.from.length === 0 ? "whoever may write" : policy.from.map(text).join(", ");
    return `**Who may approve:** ${policy.count} ${policy.count === 1 ? "person" : "people"} of ${who}; not ${text(facts.run.actor)}, who started this run${policy.notAuthor ? ", and nobody who wrote it" : ""}. Each runs the caller of operate.yml by hand: operation ${code("approve")}, tier ${code(tier)}, release-digest ${code(candidate.release)}, plan-digest ${code(plan.digest)}. Then the failed job is run again.`;
  }
  const protection = facts.protection;
  if (!protection.known || protection.value.environment === undefined) return "";
  const { reviewers } = protection.value.environment;
  if (reviewers.length === 0) return "";
  const starters = [facts.run.actor, facts.run.triggeringActor];
  const named = (login: string): boolean => policy === undefined || mayApprove(policy, login);
  const able = reviewers.filter(
    (login) => !isAmong(starters, login) && named(login) && !(policy?.notAuthor === true && wrote(login)),
  );
  if (able.length === 0) {
    return `**Who may approve:** nobody. ${text(facts.run.actor)} started this run${policy?.notAuthor === true ? `, ${authors.map(text).join(", ")} wrote it` : ""}, and ${text(tier)} has no other reviewer.`;
  }
  const shown = able.map((login) => (wrote(login) ? `${text(login)} (wrote part of it)` : text(login)));
  return `**Who may approve:** ${shown.join(", ")}; not ${text(facts.run.actor)}, who started this run. To decide: ${link("this run's page", runUrl(site, facts.run.id))}, *Review deployments*, ${code(tier)}, a word about why, then *Approve and deploy* or *Reject*. An approval is for this run, this release and this plan: another attempt needs a new run, and a new approval in it.`;
}
