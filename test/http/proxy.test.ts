import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { inProcess } from "./child.ts";
import { proxy } from "./forward-proxy.ts";
import { serve } from "./loopback.ts";

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

  it("that speak SOCKS are greeted as such, and not over TLS", async () => {
    const greetings: string[] = [];
    const server = createServer((socket) => {
      socket.once("data", (greeting) => {
        greetings.push(greeting.toString("hex"));
        socket.end(Buffer.from([5, 0xff])); // it takes none of the ways to sign in that were offered
      });
      socket.on("error", () => undefined);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const env = { HTTPS_PROXY: `socks5://127.0.0.1:${port}`, NODE_NO_WARNINGS: "1" }; // undici says that it is new
    const said = await inProcess(env, "https://workspace.invalid/x");
    expect(said).toContain("SOCKS5");
    // RFC 1928: version 5, one way to sign in, which is none
    expect(new Set(greetings)).toEqual(new Set(["050100"]));
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

  it.each([
    ["proxy.example.test:3128"],
    ["socks4://user:canary-password@127.0.0.1:9"],
    ["http://user:canary-password@"],
  ])("whose address is none are a fault of the runner, told at once: %s", async (address) => {
    const said = await inProcess({ HTTPS_PROXY: address }, "https://workspace.invalid/x", "POST");
    expect(said).toContain("http/proxy");
    expect(said).toContain("HTTPS_PROXY or HTTP_PROXY is no proxy's address");
    expect(said).not.toContain("http/lost-answer");
    expect(said).not.toContain("again in");
    expect(said).not.toContain("canary-password");
  });

  it("that refuse a plain request are told apart, too, and asked once", async () => {
    const target = await serve((_request, response) => void response.end());
    const { url, asked } = await proxy(target.url);
    const wrong = url.replace("canary-password", "canary-wrong-password");
    const said = await inProcess({ HTTP_PROXY: wrong }, "http://workspace.invalid/x", "POST");
    expect(asked).toEqual(["POST http://workspace.invalid/x"]);
    expect(said).toContain("http/proxy");
    expect(said).toContain("(407)");
  });
});
