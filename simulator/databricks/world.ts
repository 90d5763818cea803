/**
 * The account as a test or the demo sees it from outside: reading, and changing by hand what nobody asked the API to change.
 */
import type { Account } from "./account.ts";
import type { Principal } from "./principals.ts";

export class World {
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /** A principal by its name in the scenario. */
  principal(name: string): Principal {
    const found = this.#account.directory.principals.get(name);
    if (found === undefined) throw new Error(`no principal is called ${name}`);
    return found;
  }
}
