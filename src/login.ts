/**
 * GitHub's logins: one account may be written in any case, in a contract, an answer or an input. A leaf. Whoever compares two
 * logins does it here; a login as a key is written in lower case.
 */

/** Whether two logins are one account's. */
export function isSameLogin(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one.toLowerCase() === other?.toLowerCase();
}

/** Whether an account is among these. */
export function isAmong(logins: readonly string[], login: string | undefined): boolean {
  return logins.some((each) => isSameLogin(each, login));
}

/** Logins, each account once, by its last spelling. */
export function distinctLogins(logins: readonly string[]): string[] {
  return [...new Map(logins.map((login) => [login.toLowerCase(), login])).values()];
}

/** The account of a workflow's own token: whoever can push a branch can speak as it. */
export const WORKFLOW_ACCOUNT = "github-actions[bot]";

/** Whether it is the account of a workflow's own token. */
export function isWorkflow(login: string | undefined): boolean {
  return isSameLogin(login, WORKFLOW_ACCOUNT);
}

/** Whether an account is an App's, a workflow's own token among them. */
export function isApp(login: string): boolean {
  return login.toLowerCase().endsWith("[bot]");
}
