/**
 * The request log: what was asked of whom, by whom, with which end. Never a header, a body or a credential.
 */
export interface RequestRecord {
  /** Position in the log, from 1, over all servers of the account. */
  readonly number: number;
  /** The workspace's name in the scenario, or `account`. */
  readonly server: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** 0: the connection was broken. */
  readonly status: number;
  /** The principal's name in the scenario; absent when nobody was recognised. */
  readonly principal?: string;
  /** Faults that struck it. */
  readonly faults?: readonly string[];
}
