/** How the simulators are reached: plainly on loopback, or over TLS as the services are; and how an answer goes wrong. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** TLS that offers HTTP/2 before HTTP/1.1, as the services do. Nobody may take it: the suite speaks HTTP/1.1. */
export interface Tls {
  readonly key: string;
  readonly cert: string;
  /** The host that a server's address shows, by the server's name. Default: localhost. */
  readonly host?: (server: string) => string;
}

/** Where a credential belongs; what depends on the connection alone is left out, too. */
const EXPECTED = new Set(["authorization", "host", "connection", "content-length"]);

/** What a request's headers said but for its credential, as `name: value`: a secret has no place in any of them. */
export function headerLines({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): string[] {
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (!EXPECTED.has(name)) lines.push(`${name}: ${rawHeaders[at + 1] ?? ""}`);
  }
  return lines;
}

/** What was sent with a request. Most have no body, and to read that there is none takes as long as many an answer. */
export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  const chunks: Buffer[] = [];
  if (length !== undefined || encoding !== undefined) {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** A server that is up. */
export interface Door {
  readonly server: Server;
  /** `http://127.0.0.1:PORT`, or `https://HOST:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on loopback; `onHttp2` is told of a client that took HTTP/2. Rejects when the port is taken. */
export async function openDoor(
  handler: RequestListener,
  at: { readonly name: string; readonly port?: number | undefined; readonly tls?: Tls | undefined },
  onHttp2: (what: string) => void,
): Promise<Door> {
  const { name, tls } = at;
  const server =
    tls === undefined
      ? createServer(handler)
      : createSecureServer({ key: tls.key, cert: tls.cert, ALPNProtocols: ["h2", "http/1.1"] }, handler);
  server.on("secureConnection", (socket: { readonly alpnProtocol: string | false | null }) => {
    if (socket.alpnProtocol === "h2") onHttp2(`a connection to ${name} speaks HTTP/2`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(at.port ?? 0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    server,
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://${tls.host?.(name) ?? "localhost"}:${port}`,
    close: () => {
      const closed = Promise.withResolvers<void>();
      server.close((error) => (error === undefined ? closed.resolve() : closed.reject(error)));
      server.closeAllConnections();
      return closed.promise;
    },
  };
}

/**
 * `cut`: half of the bytes, then the connection ends · `drip`: a few bytes at a time · `silent`: nothing ever ·
 * `idle-close`: all of it, and the kept connection is gone once the next request is on it.
 */
export const MANNERS = ["cut", "drip", "silent", "idle-close"] as const;
type Manner = (typeof MANNERS)[number];

const DRIPS = 8;
const closing = new WeakSet<Socket>();

/** Whether the server had closed this connection, which the client learns by sending on it: nothing of it was read. */
export function isGone(socket: Socket): boolean {
  return closing.has(socket);
}

/** Makes the one call of `response.end` go this way; `delayMs` is how long a drip takes in all. */
export function spoil(response: ServerResponse, manner: Manner, delayMs: number): void {
  const end = response.end.bind(response);
  const spoiled = (body?: string | Uint8Array): ServerResponse => {
    const bytes = Buffer.from(body ?? "");
    if (manner === "silent") return response;
    if (manner === "idle-close") {
      if (response.socket !== null) closing.add(response.socket);
      return end(bytes);
    }
    if (manner === "cut") response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.end());
    else void drip(response, bytes, delayMs).then(() => end());
    return response;
  };
  response.end = spoiled as typeof response.end;
}

async function drip(response: ServerResponse, bytes: Buffer, delayMs: number): Promise<void> {
  const size = Math.max(1, Math.ceil(bytes.length / DRIPS));
  for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
    await sleep(delayMs / DRIPS);
    response.write(bytes.subarray(at, at + size));
  }
}
