import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { connect as connectTcp, type AddressInfo } from "node:net";
import { resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { serve } from "./loopback.ts";

/** Proxies are read from the environment when the first request is made, so each case is a process of its own. */
async function inProcess(env: Record<string, string>, url: string): Promise<string> {
  const script = `
    import { createHttp } from ${JSON.stringify(resolve("src/http/client.ts"))};
    import { proxyFetch } from ${JSON.stringify(resolve("src/http/agent.ts"))};
    const url = new URL(${JSON.stringify(url)});
    const http = createHttp({ origins: [url.origin], userAgent: "test", attempts: 1 });
    try {
      const answer = await http.send({ method: "GET", url, headers: { authorization: "Bearer canary-token" } }, () => "final", true);
      console.log("send", answer.status, answer.text());
      console.log("fetch", await (await proxyFetch(url)).text());
    } catch (error) {
      console.log(JSON.stringify(error.findings ?? String(error)), error.stack, error.cause?.stack);
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
  });
  await new Promise((done) => child.once("close", done));
  return said;
}

/** A forward proxy with a password. What it is asked for goes to `target`, whatever name was asked for. */
async function proxy(target: string): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const right = `Basic ${Buffer.from("user:canary-password").toString("base64")}`;
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.headers["proxy-authorization"] !== right) return void response.writeHead(407).end();
    void fetch(target).then(async (answer) => response.end(await answer.text()));
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (request.headers["proxy-authorization"] !== right) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const onward = connectTcp(Number(new URL(target).port), "127.0.0.1", () => {
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
  return { url: `http://user:canary-password@127.0.0.1:${port}`, asked };
}

describe("proxies", () => {
  it("carry requests to other hosts, with their password, for our client and for fetch", async () => {
    const target = await serve((_request, response) => void response.end("from behind"));
    const { url, asked } = await proxy(target.url);
    const said = await inProcess({ HTTP_PROXY: url }, "http://workspace.invalid/x");
    expect(said).toBe("send 200 from behind\nfetch from behind\n");
    expect(asked.every((one) => one.includes("workspace.invalid"))).toBe(true);
    expect(asked.length).toBeGreaterThanOrEqual(2);
  });

  it("never see what is meant for this machine", async () => {
    const target = await serve((_request, response) => void response.end("direct"));
    const { url, asked } = await proxy(target.url);
    const said = await inProcess({ HTTP_PROXY: url, HTTPS_PROXY: url }, target.url);
    expect(said).toBe("send 200 direct\nfetch direct\n");
    expect(asked).toEqual([]);
  });

  it("that refuse are told apart from the host, and nobody's password is shown", async () => {
    const target = await serve((_request, response) => void response.end());
    const { url, asked } = await proxy(target.url);
    const wrong = url.replace("canary-password", "canary-wrong-password");
    const said = await inProcess({ HTTPS_PROXY: wrong }, "https://workspace.invalid/x");
    expect(asked).toEqual(["CONNECT workspace.invalid:443"]);
    expect(said).toContain("http/proxy");
    expect(said).toContain("407");
    expect(said).not.toContain("canary");
  });
});
