import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect as connectTcp } from "node:net";
import type { TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import type { Certificate } from "./certificate.ts";

/**
 * A forward proxy with a password. What it is asked for goes to `target`, whatever name was asked for; without one, to
 * the port of this machine that was asked for. With a certificate, for localhost, it is asked over TLS, and would rather
 * be asked in HTTP/2: of who takes that, it keeps no more than that.
 */
export async function proxy(target?: string, tls?: Certificate): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const right = `Basic ${Buffer.from("user:canary-password").toString("base64")}`;
  const answer: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.headers["proxy-authorization"] !== right) return void response.writeHead(407).end();
    void fetch(target ?? request.url ?? "").then(async (answer) => response.end(await answer.text()));
  };
  const server =
    tls === undefined ? createServer(answer) : createTlsServer({ ...tls, ALPNProtocols: ["h2", "http/1.1"] }, answer);
  server.on("secureConnection", ({ alpnProtocol }: TLSSocket) => {
    if (alpnProtocol === "h2") asked.push("HTTP/2");
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (request.headers["proxy-authorization"] !== right) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const onward = connectTcp(Number(new URL(target ?? `tcp://${request.url}`).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const origin = tls === undefined ? `http://user:canary-password@127.0.0.1` : `https://user:canary-password@localhost`;
  return { url: `${origin}:${port}`, asked };
}
