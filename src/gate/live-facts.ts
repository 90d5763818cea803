/** What a look at the tier shows, each as a fact of its own. */
import type { Finding } from "../findings.ts";

/** A promotion of the same release into the same tier, and its record, which still stands. */
export interface EarlierProof {
  /** The id of its Deployment. */
  readonly deployment: string;
  readonly run: string;
  readonly runUrl: string;
  /** ISO: nothing of it was proved before. */
  readonly at: string;
}

/** For the check `active-runs`: what is active of what the plan changes, and what the contract says about it. */
export interface ActiveRunsFacts {
  readonly policy: "allow" | "wait" | "fail";
  /** With `wait`: the waiting is over. What runs still, or again, stops the promotion. */
  readonly waited: boolean;
  readonly runs: readonly ActiveRun[];
}

/** A job's run or a pipeline's update that has not ended. */
export interface ActiveRun {
  /** The resource's key. */
  readonly key: string;
  readonly name: string;
  /** Of the run or the update. */
  readonly id: string;
  readonly url: string | undefined;
  /** ISO time, if the service says. */
  readonly since: string | undefined;
  /** It never ends by itself: neither waited for nor a reason to fail. */
  readonly continuous: boolean;
}

/** Whom the token belongs to and where it works, with what is wrong about that. */
export interface IdentityFacts {
  readonly servicePrincipal: string;
  readonly clientId: string;
  readonly workspaceId: string;
  readonly catalog: string;
  readonly findings: readonly Finding[];
}

/** What differs between staging and prod that may not, and what the contract lets differ. */
export interface ParityFacts {
  readonly findings: readonly Finding[];
  readonly allowed: readonly string[];
}

/** A live resource with the name of one that is to be created. */
export interface NamesakeFacts {
  readonly key: string;
  readonly name: string;
  readonly id: string;
  /** The release's own contract adopts it; it counts only while the default branch's does, too. */
  readonly adopted: boolean;
  /** `bundle` when a bundle deployment manages it. */
  readonly managedBy: "bundle" | undefined;
}

/** `waits`: whoever asks will wait for its turn, so another run's lock is no reason to stop yet. */
export type LockFacts =
  | { readonly held: false }
  | {
      readonly held: true;
      readonly runId: string;
      readonly attempt: number;
      /** The run that holds it has ended: the lock may be taken over. */
      readonly ended: boolean;
      readonly waits: boolean;
    };
