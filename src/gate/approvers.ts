/** Who may approve a release, who asked for it, and who wrote it. */
import type { ApproverPolicy } from "../contract/model.ts";
import { isAmong, isApp, isSameLogin, isWorkflow } from "../login.ts";
import type { RecordOf } from "../release/evidence.ts";
import type { JudgedRecord } from "./evidence-facts.ts";
import type { ApprovalFacts, GateFacts } from "./facts.ts";

/** An App, a workflow's own token among them, approves for whoever made it do so. */
export function isPerson(login: string | undefined): login is string {
  return login !== undefined && login !== "" && !isApp(login);
}

/** Who of those that the contract names can still approve; undefined where it names nobody. */
export function namedLeft(facts: GateFacts, policy: ApproverPolicy, requester: string): string[] | undefined {
  if (policy.from.length === 0) return undefined;
  return policy.from.filter((login) => !isSameLogin(login, requester) && !(policy.notAuthor && wrote(facts, login)));
}

/** Who asked for this run: for one that was opened, whoever started what opened it, and nobody if that was a schedule. */
export function startersOf(facts: GateFacts): string[] {
  const { run } = facts;
  const opening = openingOf(facts);
  const starters = [run.actor, run.triggeringActor].filter((login) => opening === undefined || !isWorkflow(login));
  return [...starters, ...(opening?.by === undefined ? [] : [opening.by])];
}

/** The record that opened the run that asks; undefined if none names it and this release. */
export function openingOf({ run, openings, candidate }: GateFacts): JudgedRecord<RecordOf<"opening">> | undefined {
  if (!isWorkflow(run.actor) || run.event !== "workflow_dispatch" || !openings.known) return undefined;
  return openings.value.opened.find(({ claim }) => claim.opened === run.id && claim.release === candidate.release);
}

/** Whether the contract lets a login approve; where it names nobody, everybody who may write. */
export function mayApprove({ from }: ApproverPolicy, login: string): boolean {
  return from.length === 0 || isAmong(from, login);
}

/** Whether a login opened or wrote some of what enters. */
export function wrote({ commit }: GateFacts, login: string): boolean {
  return commit.known && isAmong(commit.value.authors, login);
}

/** Who gave these reviews, deleted accounts left out. */
export function logins(approvals: readonly ApprovalFacts[]): string[] {
  return approvals.flatMap(({ user }) => user ?? []);
}
