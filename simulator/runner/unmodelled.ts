/** What GitHub may well do but this runner does not: refused by name, never silently skipped (design 13). */
export class UnmodelledError extends Error {
  readonly what: string;
  constructor(what: string) {
    super(`The simulated runner does not know: ${what}`);
    this.what = what;
  }
}
