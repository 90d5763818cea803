/** How actions read their inputs: whatever is wrong with them is said at once, as `input/<name>`, in the same words. */
import { nearestName } from "../contract/nearest.ts";
import { type Finding, FourTierError } from "../findings.ts";
import type { ActionContext } from "./frame.ts";

/** Reads inputs, and keeps what is wrong with them until `done`. */
export interface InputReader {
  /** An input by its name in action.yml, trimmed; empty if not given. */
  text(name: string): string;
  /** Notes that an input is wrong; message and remedy are sentences. */
  wrong(name: string, message: string, remedy: string): void;
  /** A boolean as YAML 1.2 and GitHub's own toolkit write it; `otherwise` (false) where nothing is given. */
  flag(name: string, otherwise?: boolean): boolean;
  /** One of a few values; `otherwise` where nothing is given. */
  oneOf<const Value extends string>(name: string, values: readonly Value[], otherwise: Value): Value;
  /** One of a few values that must be given; undefined if it is not. */
  needed<const Value extends string>(name: string, values: readonly Value[]): Value | undefined;
  /** A whole number within bounds; `otherwise` where nothing is given. */
  whole(name: string, otherwise: number, bounds: { readonly least: number; readonly most: number }): number;
  /** 64 hex, or empty; `remedy` says where it is to be had. */
  digest(name: string, remedy: string): string;
  /** The input `lock-wait-minutes`, whole minutes up to six hours, in milliseconds. */
  lockWaitMs(): number;
  /** What was wrong so far. */
  readonly findings: readonly Finding[];
  /** Throws FourTierError with everything that was wrong. Values are good only after it. */
  done(): void;
}

/** The ways to write a boolean that `core.getBooleanInput` knows. */
const TRUE: readonly string[] = ["true", "True", "TRUE"];
const FALSE: readonly string[] = ["false", "False", "FALSE"];

/** A reader of an action's inputs. */
export function inputsOf({ input }: Pick<ActionContext, "input">): InputReader {
  const findings: Finding[] = [];
  const wrong = (name: string, message: string, remedy: string): void =>
    void findings.push(finding(name, message, remedy));
  const chosen = <Value extends string>(name: string, values: readonly Value[], given: string): Value | undefined => {
    const found = values.find((each) => each === given);
    if (found !== undefined) return found;
    const near = nearestName(given, values);
    const meant = near === undefined ? "" : ` Did you mean ${near}?`;
    const said = given === "" ? "is not given" : `is ${given}, which it cannot be`;
    wrong(name, `The input ${name} ${said}.${meant}`, `Give it one of these: ${values.join(", ")}.`);
    return undefined;
  };
  const whole: InputReader["whole"] = (name, otherwise, { least, most }) => {
    const text = input(name) || String(otherwise);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      wrong(name, `The input ${name} is no whole number from ${least} to ${most}.`, "Give one, or leave it out.");
    }
    return value;
  };
  return {
    text: input,
    wrong,
    flag: (name, otherwise = false) => {
      const given = input(name) || String(otherwise);
      if (!TRUE.includes(given) && !FALSE.includes(given)) {
        wrong(name, `The input ${name} is neither true nor false.`, `Write ${name}: ${!otherwise}, or leave it out.`);
      }
      return TRUE.includes(given);
    },
    oneOf: (name, values, otherwise) => chosen(name, values, input(name) || otherwise) ?? otherwise,
    needed: (name, values) => chosen(name, values, input(name)),
    whole,
    digest: (name, remedy) => {
      const value = input(name);
      if (value !== "" && !/^[0-9a-f]{64}$/.test(value)) {
        wrong(name, `The input ${name} is not a digest of 64 hex digits.`, remedy);
      }
      return value;
    },
    lockWaitMs: () => whole("lock-wait-minutes", 30, { least: 0, most: 360 }) * 60_000,
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
