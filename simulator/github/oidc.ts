/** The OIDC issuer of Actions: who gets a token, what it says (facts: github 4). */
import { randomUUID } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { World } from "./world.ts";

/** What tokens name as their issuer, wherever the simulator listens, if nothing else is asked for. */
export const ISSUER = "https://token.actions.githubusercontent.com";

/** What a token says about the job that asks for it. */
export interface TokenFacts {
  readonly environment: string | undefined;
  readonly event: string;
  readonly ref: string;
  readonly refProtected: boolean;
  readonly sha: string;
  readonly headRef: string;
  readonly baseRef: string;
  readonly actor: string;
  readonly runId: number;
  readonly runNumber: number;
  readonly runAttempt: number;
  readonly checkRunId: number;
  readonly workflow: string;
  readonly workflowRef: string;
  readonly workflowSha: string;
  /** The file that holds the job: the called workflow's, in a called workflow. */
  readonly jobWorkflowRef: string;
  readonly jobWorkflowSha: string;
}

type SubjectWorld = Pick<World, "scenario" | "owner" | "name">;

/** The subject: first match of environment, pull request, ref; a colon inside a value is written %3A. */
export function subject(world: SubjectWorld, facts: Pick<TokenFacts, "environment" | "event" | "ref">): string {
  const { scenario, owner, name } = world;
  const repository = scenario.immutable_subjects
    ? `${owner}@${scenario.owner_id}/${name}@${scenario.id}`
    : `${owner}/${name}`;
  const value = (text: string): string => text.replaceAll(":", "%3A");
  if (facts.environment !== undefined) return `repo:${repository}:environment:${value(facts.environment)}`;
  if (facts.event === "pull_request") return `repo:${repository}:pull_request`;
  return `repo:${repository}:ref:${value(facts.ref)}`;
}

/** The claims, without the times. All ids are strings. */
export function claims(world: World, facts: TokenFacts): Record<string, string> {
  const { scenario } = world;
  return {
    sub: subject(world, facts),
    ...(facts.environment === undefined ? {} : { environment: facts.environment }),
    ref: facts.ref,
    ref_type: facts.ref.startsWith("refs/tags/") ? "tag" : "branch",
    ref_protected: String(facts.refProtected),
    sha: facts.sha,
    head_ref: facts.headRef,
    base_ref: facts.baseRef,
    event_name: facts.event,
    repository: scenario.repository,
    repository_id: String(scenario.id),
    repository_owner: world.owner,
    repository_owner_id: String(scenario.owner_id),
    repository_visibility: scenario.visibility,
    actor: facts.actor,
    actor_id: String(world.person(facts.actor).id),
    run_id: String(facts.runId),
    run_number: String(facts.runNumber),
    run_attempt: String(facts.runAttempt),
    check_run_id: String(facts.checkRunId),
    runner_environment: "github-hosted",
    workflow: facts.workflow,
    workflow_ref: facts.workflowRef,
    workflow_sha: facts.workflowSha,
    job_workflow_ref: facts.jobWorkflowRef,
    job_workflow_sha: facts.jobWorkflowSha,
  };
}

/** Signs tokens, and publishes the keys to check them with. */
export interface Issuer {
  readonly issuer: string;
  readonly keys: { readonly keys: readonly JWK[] };
  sign(claims: Readonly<Record<string, string>>, audience: string): Promise<string>;
}

interface Keys {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly kid: string;
}

/** One key a process: making it takes longer than all the rest of starting. */
let keys: Promise<Keys> | undefined;

async function makeKeys(): Promise<Keys> {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const kid = randomUUID();
  return { privateKey, kid, jwk: { ...(await exportJWK(publicKey)), kid, alg: "RS256", use: "sig" } };
}

/** An issuer by this name. Tokens live five minutes. */
export async function createIssuer(issuer: string): Promise<Issuer> {
  keys ??= makeKeys();
  const { privateKey, kid, jwk } = await keys;
  return {
    issuer,
    keys: { keys: [jwk] },
    sign: (facts, audience) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ ...facts })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setJti(randomUUID())
        .setNotBefore(now - 600)
        .setIssuedAt(now)
        .setExpirationTime(now + 300)
        .sign(privateKey);
    },
  };
}
