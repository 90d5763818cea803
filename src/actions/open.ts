/** action-promote, modes open and opened: the approval of a release that is ready, without a credential for any tier. */
import { runUrl } from "../github/links.ts";
import { openApproval, recordOpening } from "../open.ts";
import { madeBy } from "../release/evidence.ts";
import { readRepository } from "../release/read-repository.ts";
import type { ActionResult } from "../report/report.ts";
import type { ActionContext } from "./frame.ts";
import { githubOf } from "./github.ts";
import { inputsOf, wrongInput } from "./inputs.ts";
import { resolveTierOfRun } from "./tier-access.ts";

/** Starts the promotion to prod of a release that has soaked. Throws FourTierError for what stops it. */
export async function open(context: ActionContext): Promise<ActionResult> {
  const { run, log } = context;
  const own = readInputs(context);
  const { contract } = await resolveTierOfRun(context);
  const github = githubOf(context);
  const repository = await readRepository(github);
  return openApproval({
    github,
    repository,
    run,
    contract,
    ...own,
    by: run.event === "schedule" ? "a schedule" : run.triggeringActor,
    runUrl: runUrl(run, run.runId),
    now: new Date(),
    log,
  });
}

/** Records which run was started for which release. Throws FourTierError for what stops it. */
export async function opened(context: ActionContext): Promise<ActionResult> {
  const { run } = context;
  const { commit, release } = readInputs(context);
  const opened = context.input("opened");
  if (!/^\d{1,20}$/.test(opened)) {
    throw wrongInput("opened", "The input opened is not the id of a run.", "Hand on the output opened of mode: open.");
  }
  const { contract } = await resolveTierOfRun(context);
  return recordOpening(githubOf(context), {
    kind: "opening",
    tier: "prod",
    project: contract.project,
    run: madeBy(run),
    release,
    commit,
    opened,
  });
}

function readInputs(context: ActionContext) {
  const inputs = inputsOf(context);
  const matching = (name: string, pattern: RegExp, remedy: string): string => {
    const value = inputs.text(name);
    if (!pattern.test(value)) inputs.wrong(name, `The input ${name} is not what it should be.`, remedy);
    return value;
  };
  if (inputs.text("tier") !== "prod") inputs.wrong("tier", "Only prod is opened.", "Use tier: prod.");
  const commit = matching("commit", /^([0-9a-f]{40}|[0-9a-f]{64})$/, "Give the output commit of verify.yml.");
  const release = matching("release-digest", /^[0-9a-f]{64}$/, "Give the output release-digest of verify.yml.");
  const recording = inputs.text("mode") === "opened";
  const workflow = recording
    ? ""
    : matching("workflow", /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.ya?ml$/, "Give the name of a file in .github/workflows.");
  const onlySupersede = inputs.flag("only-supersede");
  inputs.done();
  return { commit, release, workflow, open: !onlySupersede };
}
