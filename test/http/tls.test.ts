import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Certificate, selfSigned } from "./certificate.ts";
import { inProcess } from "./child.ts";
import { proxy } from "./forward-proxy.ts";

/** A server that would rather speak HTTP/2, and says what it spoke. */
async function secure({ key, cert }: Certificate): Promise<number> {
  const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    response.end(`HTTP/${request.httpVersion}`);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function fileOf(cert: string): string {
  const folder = mkdtempSync(join(tmpdir(), "four-tier-ca-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "ca.pem"), cert);
  return join(folder, "ca.pem");
}

describe("TLS", () => {
  it("speaks HTTP/1.1 even where HTTP/2 is offered, with a private CA", async () => {
    const certificate = selfSigned("localhost");
    const port = await secure(certificate);
    const said = await inProcess({ NODE_EXTRA_CA_CERTS: fileOf(certificate.cert) }, `https://localhost:${port}/x`);
    expect(said).toBe("send 200 HTTP/1.1\nfetch HTTP/1.1\n");
  });

  it("does so through a proxy, which sees a name and no request", async () => {
    const certificate = selfSigned("workspace.invalid");
    const port = await secure(certificate);
    const { url, asked } = await proxy(`http://127.0.0.1:${port}`);
    const env = { NODE_EXTRA_CA_CERTS: fileOf(certificate.cert), HTTPS_PROXY: url };
    expect(await inProcess(env, "https://workspace.invalid/x")).toBe("send 200 HTTP/1.1\nfetch HTTP/1.1\n");
    expect(new Set(asked)).toEqual(new Set(["CONNECT workspace.invalid:443"]));
  });

  it("does so with a proxy, too, that is asked over TLS and offers HTTP/2 itself", async () => {
    const certificate = selfSigned("localhost");
    const port = await secure(certificate);
    const { url, asked } = await proxy(`http://127.0.0.1:${port}`, certificate);
    const env = { NODE_EXTRA_CA_CERTS: fileOf(certificate.cert), HTTPS_PROXY: url };
    // a name that the certificate covers, and that is not taken for this machine, which no proxy is asked for
    expect(await inProcess(env, "https://localhost.:8443/x")).toBe("send 200 HTTP/1.1\nfetch HTTP/1.1\n");
    expect(new Set(asked)).toEqual(new Set(["CONNECT localhost.:8443"]));
  });

  it("trusts nobody it does not know, and says where to put a private CA", async () => {
    const certificate = selfSigned("localhost");
    const port = await secure(certificate);
    const said = await inProcess({}, `https://localhost:${port}/x`);
    expect(said).toContain("http/certificate");
    expect(said).toContain("NODE_EXTRA_CA_CERTS");
    expect(said).not.toContain("canary");
  });

  it("refuses a certificate for another name", async () => {
    const certificate = selfSigned("other.invalid");
    const port = await secure(certificate);
    const said = await inProcess({ NODE_EXTRA_CA_CERTS: fileOf(certificate.cert) }, `https://localhost:${port}/x`);
    expect(said).toContain("http/certificate");
  });
});
