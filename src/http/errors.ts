/** What can go wrong before an answer is there. Messages carry method, path and a reason; never headers or bodies. */
import { type Finding, FourTierError } from "../findings.ts";

/** How a request is named: no query, which may carry what nobody should see. */
export interface RequestLabel {
  readonly method: string;
  readonly origin: string;
  readonly path: string;
}

type NetworkProblem = "unreachable" | "timeout" | "cancelled" | "host-refused" | "certificate" | "proxy" | "too-large";

const REMEDY: Readonly<Record<NetworkProblem, string>> = {
  unreachable: "Check the host in the contract, and that the runner reaches it (firewall, private link, HTTPS_PROXY).",
  timeout: "Run this again; if it stays, check the network between the runner and the host.",
  cancelled: "Nothing to fix: the run was cancelled.",
  "host-refused": "Use the host's own address in the contract; the suite sends credentials nowhere else.",
  certificate:
    "If a proxy or a private CA signs this host's certificate, give it to the runner in NODE_EXTRA_CA_CERTS.",
  proxy: "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the runner, and the proxy's own log.",
  "too-large": "Ask for less at once, or report this with the request's path.",
};

/** The request brought no answer. */
export class NetworkError extends FourTierError {
  readonly problem: NetworkProblem;

  constructor(label: RequestLabel, problem: NetworkProblem, reason: string, options?: ErrorOptions) {
    const finding: Finding = {
      id: `http/${problem}`,
      severity: "error",
      where: { kind: "request", method: label.method, path: label.path },
      message: `${label.method} ${label.origin}${label.path} brought no answer: ${reason}.`,
      remedy: REMEDY[problem],
    };
    super(finding, options);
    this.problem = problem;
  }
}

/** The request was sent, may have taken effect, and must not be sent again without looking. */
export class AmbiguousError extends FourTierError {
  readonly reason: string;

  constructor(label: RequestLabel, reason: string, options?: ErrorOptions) {
    super(
      {
        id: "http/lost-answer",
        severity: "error",
        where: { kind: "request", method: label.method, path: label.path },
        message: `The answer to ${label.method} ${label.origin}${label.path} was lost (${reason}).`,
        remedy: "Look whether it took effect before sending it again.",
      },
      options,
    );
    this.reason = reason;
  }
}

/** The runner's variables name no proxy that can be spoken to. Nothing was sent, and no attempt will change it. */
export class ProxyVariableError extends Error {
  constructor(options?: ErrorOptions) {
    // the value may carry a password
    super("HTTPS_PROXY or HTTP_PROXY is no proxy's address, such as http://proxy.example.com:3128", options);
  }
}

/** How a failed attempt is to be taken. */
export interface Failure {
  readonly problem: NetworkProblem;
  readonly reason: string;
  /** False only if it is certain that the server never saw the request. */
  readonly sent: boolean;
  /** Whether another attempt could help. */
  readonly passing: boolean;
}

const CERTIFICATE = /^(CERT_|ERR_TLS_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_SSL_|HOSTNAME_MISMATCH|UND_ERR_PRX_TLS)/;
/** The connection never stood. */
const NOT_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** What no server was asked: the request itself cannot be sent. */
const REFUSED = new Set(["UND_ERR_INVALID_ARG", "ERR_INVALID_URL", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_CHAR"]);

/** Sorts what undici or Node threw for one attempt. */
export function sortFailure(error: unknown): Failure {
  const chain = causes(error);
  const variable = chain.find((one) => one instanceof ProxyVariableError);
  if (variable !== undefined) return { problem: "proxy", reason: variable.message, sent: false, passing: false };
  const codes = chain.flatMap((one) => ("code" in one && typeof one.code === "string" ? [one.code] : []));
  const text = chain.map((one) => one.message).join(" ");
  // CONNECT's answer, or a plain request's
  const tunnel = /Proxy response \((\d+)\)|Proxy Authentication Required \((\d+)\)/.exec(text);
  if (tunnel !== null) {
    const status = Number(tunnel[1] ?? tunnel[2]);
    const refused = status === 407 ? "the proxy wants credentials (407)" : `the proxy answered ${status}`;
    return { problem: "proxy", reason: refused, sent: false, passing: status >= 500 };
  }
  const certificate = codes.find((code) => CERTIFICATE.test(code));
  if (certificate !== undefined) {
    return { problem: "certificate", reason: certificate, sent: false, passing: false };
  }
  // undici looks at what it is asked for before it connects
  const refused = codes.find((code) => REFUSED.has(code));
  if (refused !== undefined) return { problem: "unreachable", reason: refused, sent: false, passing: false };
  const notSent = codes.find((code) => NOT_SENT.has(code));
  if (notSent !== undefined) {
    return { problem: "unreachable", reason: notSent, sent: false, passing: notSent !== "ENOTFOUND" };
  }
  if (chain.some((one) => one.name === "TimeoutError") || codes.some((code) => /TIMEOUT|ETIMEDOUT/.test(code))) {
    return { problem: "timeout", reason: "it took too long", sent: true, passing: true };
  }
  return { problem: "unreachable", reason: codes[0] ?? "the connection broke", sent: true, passing: true };
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let one = error; one instanceof Error && chain.length < 8; one = one.cause) {
    chain.push(one);
    // several addresses were tried: the first tells enough
    if (one instanceof AggregateError && one.errors[0] instanceof Error) chain.push(one.errors[0]);
  }
  return chain;
}
