/** How actions read their inputs: whatever is wrong with them is said at once, as `input/<name>`, in the same words. */
import { type Finding, FourTierError } from "../findings.ts";
import type { ActionContext } from "./frame.ts";

/** Reads inputs, and keeps what is wrong with them until `done`. */
interface InputReader {
  /** An input by its name in action.yml, trimmed; empty if not given. */
  text(name: string): string;
  /** Keeps that an input is wrong; message and remedy are sentences. */
  wrong(name: string, message: string, remedy: string): void;
  /** `true` or `false`, as GitHub writes booleans; empty is false. */
  flag(name: string): boolean;
  /** One of a few values; `otherwise` where nothing is given. */
  oneOf<const Value extends string>(name: string, values: readonly Value[], otherwise: Value): Value;
  /** A whole number within bounds; `otherwise` where nothing is given. */
  whole(name: string, otherwise: number, bounds: { readonly least: number; readonly most: number }): number;
  /** 64 hex, or empty; `remedy` says where it is to be had. */
  digest(name: string, remedy: string): string;
  /** The input `lock-wait-minutes`, in milliseconds. */
  lockWaitMs(): number;
  /** What was wrong so far. */
  readonly findings: readonly Finding[];
  /** Throws FourTierError with everything that was wrong. Values are good only after it. */
  done(): void;
}

/** A reader of an action's inputs. */
export function inputsOf({ input }: Pick<ActionContext, "input">): InputReader {
  const findings: Finding[] = [];
  const wrong = (name: string, message: string, remedy: string): void =>
    void findings.push(finding(name, message, remedy));
  return {
    text: (name) => input(name).trim(),
    wrong,
    flag: (name) => {
      const value = input(name).toLowerCase();
      if (value !== "" && value !== "true" && value !== "false") {
        wrong(name, `The input ${name} is neither true nor false.`, `Write ${name}: true, or leave it out.`);
      }
      return value === "true";
    },
    oneOf: (name, values, otherwise) => {
      const given = input(name);
      const found = values.find((each) => each === (given || otherwise));
      if (found !== undefined) return found;
      wrong(name, `The input ${name} is ${given}, which it cannot be.`, `Give it ${values.join(" or ")}.`);
      return otherwise;
    },
    whole: (name, otherwise, { least, most }) => {
      const value = Number(input(name) || String(otherwise));
      if (!Number.isSafeInteger(value) || value < least || value > most) {
        wrong(name, `The input ${name} is no whole number from ${least} to ${most}.`, "Give one, or leave it out.");
      }
      return value;
    },
    digest: (name, remedy) => {
      const value = input(name);
      if (value !== "" && !/^[0-9a-f]{64}$/.test(value)) {
        wrong(name, `The input ${name} is not a digest of 64 hex digits.`, remedy);
      }
      return value;
    },
    lockWaitMs: () => {
      const minutes = Number(input("lock-wait-minutes") || "30");
      if (!Number.isFinite(minutes) || minutes < 0 || minutes > 360) {
        wrong("lock-wait-minutes", "The input lock-wait-minutes is not a number from 0 to 360.", "Give minutes.");
      }
      return minutes * 60_000;
    },
    findings,
    done: () => {
      if (findings.length > 0) throw new FourTierError(findings);
    },
  };
}

/** The error for one input that is wrong; message and remedy are sentences. */
export function wrongInput(name: string, message: string, remedy: string): FourTierError {
  return new FourTierError(finding(name, message, remedy));
}

function finding(name: string, message: string, remedy: string): Finding {
  return { id: `input/${name}`, severity: "error", message, remedy };
}

/** What an input lists, one a line or separated by commas. */
export function listOf(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** What an input lists, separated by blanks or commas: names that have no blank in them. */
export function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((each) => each !== "");
}

/** True if the job has something to sign in to its tier with. */
export function hasCredential({ run, input }: Pick<ActionContext, "run" | "input">): boolean {
  return run.oidc !== undefined || input("client-secret") !== "";
}
