/** The inputs that only action-pause-pipelines has, read once into one of its four tasks. */
import { LONGEST_REASON } from "../release/evidence.ts";
import type { ActiveRuns } from "../schedules/apply.ts";
import { parseSelector } from "../schedules/holds.ts";
import type { Scope } from "../schedules/observe.ts";
import type { Patience } from "../schedules/wait.ts";
import type { Also } from "../schedules/watchers.ts";
import { parseUntil, UNTIL_FORMS } from "../until.ts";
import type { ActionContext } from "./frame.ts";
import { inputsOf, listOf } from "./inputs.ts";

interface Shared {
  readonly scope: Scope;
  readonly activeRuns: ActiveRuns;
  readonly patience: Patience;
  readonly lockWaitMs: number;
  readonly now: Date;
}

/** The task that is asked for, with what it alone needs; what all have is in Shared. */
export type PauseInputs = Shared &
  (
    | {
        readonly mode: "check" | "enforce";
        readonly strict: boolean;
        readonly also: readonly Also[];
      }
    | { readonly mode: "hold"; readonly selector: string; readonly reason: string; readonly until: Date | undefined }
    | { readonly mode: "resume"; readonly hold: string; readonly giveUp: boolean; readonly reason: string }
  );

const MODES = ["check", "enforce", "hold", "resume"] as const;
/** How often what is waited for is looked at (facts: databricks-api 2.7), in milliseconds. */
const LOOK_EVERY = 2_000;
/** The longest selector that a record takes with its own words around it, in characters. */
const LONGEST_SELECTOR = 180;

/** Reads and checks them; throws FourTierError with everything that is wrong. */
export function readPauseInputs(context: ActionContext, now: Date): PauseInputs {
  const inputs = inputsOf(context);
  const refuse = (name: string, wanted: string): void => {
    const given = context.input(name) === "" ? "is not given" : "cannot be used";
    inputs.wrong(name, `The input ${name} ${given}.`, `Give it ${wanted}.`);
  };

  const mode = inputs.oneOf("mode", MODES, "check");
  const shared: Shared = {
    scope: inputs.oneOf("scope", ["project", "workspace"], "project"),
    activeRuns: inputs.oneOf("active-runs", ["leave", "wait", "cancel"], "leave"),
    patience: {
      timeoutMs: inputs.whole("timeout-seconds", 300, { least: 1, most: 3600 }) * 1000,
      everyMs: LOOK_EVERY,
      signal: context.cancelled,
      progress: (message) => context.log.info(message),
    },
    lockWaitMs: inputs.lockWaitMs(),
    now,
  };
  const giveUp = inputs.flag("give-up");
  const strict = inputs.flag("strict", true);
  const also = listOf(context.input("also"));
  if (also.some((each) => each !== "alerts" && each !== "monitors")) refuse("also", "alerts, monitors or both");
  const reason = context.input("reason");
  const selector = context.input("selector");
  const until = context.input("until");
  const end = parseUntil(until, now)?.end;
  const hold = context.input("hold").toLowerCase();
  if (mode === "hold" || mode === "resume") {
    if (reason === "" || reason.length > LONGEST_REASON || /[\r\n]/.test(reason)) {
      refuse("reason", `one line that says why, of at most ${LONGEST_REASON} characters`);
    }
  }
  if (mode === "hold") {
    if (parseSelector(selector) === undefined || selector.length > LONGEST_SELECTOR || /[\r\n]/.test(selector)) {
      refuse("selector", "`all`, `name:` and a name, a key or a pattern with *, or `tag:` and a key or key=value");
    }
    if (until !== "" && end === undefined) refuse("until", UNTIL_FORMS);
  }
  if (mode === "resume" && !/^(all|[0-9a-f]{6,64}|)$/.test(hold)) {
    refuse("hold", "the first digits of a hold's id, at least six, or all; nothing if there is only one");
  }
  inputs.done();

  if (mode === "hold") return { ...shared, mode, selector, reason, until: end };
  if (mode === "resume") return { ...shared, mode, hold, giveUp, reason };
  return { ...shared, mode, strict, also: (["alerts", "monitors"] as const).filter((each) => also.includes(each)) };
}
