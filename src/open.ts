/**
 * Opens the approval of a release that is ready (design 7), and ends what waits for the approval of an older one:
 *
 *   is it ready? → does a run promote it already? → start the caller's workflow → cancel what it supersedes, named
 *
 * It holds no credential for any tier, and lets nothing in: the run that it starts is judged by the gate like any other.
 */
import { type Finding, FourTierError, messageOf } from "./findings.ts";
import type { RepositoryFacts } from "./gate/facts.ts";
import type { GitHub } from "./github/client.ts";
import { runUrl } from "./github/links.ts";
import { cancelRun, dispatchWorkflow } from "./github/runs.ts";
import { type RecordInput, recordOperation } from "./release/evidence.ts";
import { decideOpening, isSuperseded, type SeenRun } from "./release/opening.ts";
import { type OpeningRequest, readArtifacts, readSituation, readWaiting } from "./release/read-opening.ts";
import { blocks, code, link, text } from "./report/markdown.ts";
import type { ActionResult } from "./report/report.ts";
import { shortSha } from "./short-sha.ts";

interface OpenRequest extends OpeningRequest {
  readonly repository: RepositoryFacts;
  /** Who started this run, the event: for whoever reads why another run was cancelled. */
  readonly by: string;
  /** This run's page. */
  readonly runUrl: string;
  /** False: only what is superseded is cancelled. */
  readonly open: boolean;
  readonly log: { info(message: string): void };
}

/** Opens it, or says why not. Throws FourTierError if GitHub refuses what was asked of it. */
export async function openApproval(request: OpenRequest): Promise<ActionResult> {
  const { github, repository, open, commit, release } = request;
  const { situation, source } = await readSituation(request, repository);
  const { keptShut, superseded } = decideOpening(situation);
  const artifacts = open && keptShut === undefined ? await readArtifacts(github, source) : undefined;
  const shut = !open
    ? undefined
    : (keptShut ??
      (artifacts === undefined ? "Its wheels are gone from GitHub: promote the commit from dev again." : undefined));
  const opened = artifacts === undefined ? "" : await start(request, artifacts);
  const cancelled = await supersede(request, superseded);
  request.log.info(opened === "" ? (shut ?? "Nothing was to be opened.") : `Opened run ${opened}`);
  return {
    findings: cancelled.findings,
    outputs: {
      opened,
      superseded: cancelled.runs.map(({ id }) => id).join(","),
      "release-digest": release,
      commit,
    },
    summary: blocks(
      opened === ""
        ? shut === undefined
          ? ""
          : `**Not opened** for ${code(shortSha(release))}: ${text(shut)}`
        : `**Opened**: ${link(`run ${opened}`, runUrl(github, opened))} asks for the approval of release ${code(release)}, commit ${code(commit)}.`,
      ...cancelled.runs.map(
        (run) =>
          `**Cancelled**: ${link(`run ${run.id}`, run.url)} waited for the approval of commit ${code(run.commit ?? "")}, which this release supersedes. Cancelled by ${link("this run", request.runUrl)}, which ${text(request.by)} started.`,
      ),
    ),
    report: {
      opened,
      keptShut: shut ?? null,
      superseded: cancelled.runs.map(({ id, commit }) => ({ run: id, commit: commit ?? null })),
    },
  };
}

/** Records what was opened: only a run that is named so may be approved though no person started it. */
export async function recordOpening(github: GitHub, payload: RecordInput<"opening">): Promise<ActionResult> {
  const deployment = await recordOperation(github, {
    commit: payload.commit,
    payload,
    description: `run ${payload.opened} asks for the approval`,
  });
  return { findings: [], outputs: { "deployment-id": deployment }, summary: "", report: { deployment } };
}

async function start(
  { github, repository, workflow, commit, release }: OpenRequest,
  artifacts: { readonly name: string; readonly run: string },
): Promise<string> {
  let id: string | undefined;
  try {
    id = await dispatchWorkflow(github, {
      workflow,
      ref: repository.defaultBranch,
      inputs: { commit, "release-digest": release, artifacts: artifacts.name, "artifacts-run": artifacts.run },
    });
  } catch (error) {
    const finding = error instanceof FourTierError ? error.findings[0] : undefined;
    if (finding?.id !== "github/api" && finding?.id !== "github/not-found") throw error;
    throw new FourTierError({
      id: "open/not-started",
      severity: "error",
      message: `${workflow} could not be started on ${repository.defaultBranch}: ${finding.message}`,
      remedy:
        "It must be on the default branch, listen to workflow_dispatch, and have the inputs commit, release-digest, artifacts and artifacts-run, as in the example promote-to-prod.yml.",
    });
  }
  if (id !== undefined) return id;
  throw new FourTierError({
    id: "open/unnamed",
    severity: "unknown",
    message: `${workflow} was started, and GitHub does not say which run that is.`,
    why: "A run that no record names, and no person started, cannot be approved.",
    remedy:
      "Cancel it and start one by hand; opening by itself needs github.com, or a server that returns the run of a dispatch.",
  });
}

/** Each is looked at once more just before: what somebody approved meanwhile goes on. */
async function supersede(
  { github, log }: OpenRequest,
  runs: readonly SeenRun[],
): Promise<{ readonly runs: readonly SeenRun[]; readonly findings: readonly Finding[] }> {
  const cancelled: SeenRun[] = [];
  const findings: Finding[] = [];
  for (const run of runs) {
    try {
      if (!isSuperseded({ ...run, ...(await readWaiting(github, run.id, "prod")) }, "prod")) continue;
      await cancelRun(github, run.id);
      cancelled.push(run);
      log.info(`Cancelled run ${run.id}: it waited for the approval of ${run.commit ?? "an older commit"}`);
    } catch (error) {
      findings.push({
        id: "open/not-cancelled",
        severity: "warning",
        message: `${run.url} waits for the approval of an older release and could not be cancelled: ${messageOf(error)}`,
        remedy: "Cancel it by hand, so that nobody approves it by mistake; the gate refuses what is older anyway.",
      });
    }
  }
  return { runs: cancelled, findings };
}
