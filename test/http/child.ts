/** Our client in a process of its own: proxies and extra certificates are read from the environment once. */
import { spawn } from "node:child_process";
import { resolve } from "node:path";

/**
 * Asks for a URL with the client and with `proxyFetch`; gives what it printed: two lines, or the error with its stacks.
 * Without a method a GET, once; another one is no more repeatable than a create, and is tried again where the client does.
 */
export async function inProcess(env: Record<string, string>, url: string, method?: "POST"): Promise<string> {
  const script = `
    import { createHttp } from ${JSON.stringify(resolve("src/http/client.ts"))};
    import { proxyFetch } from ${JSON.stringify(resolve("src/http/agent.ts"))};
    const url = new URL(${JSON.stringify(url)});
    const http = createHttp({ origins: [url.origin], userAgent: "test", attempts: ${method === undefined ? 1 : 2}, onRetry: (label, reason, wait) => console.log("again in", wait, reason) });
    try {
      const answer = await http.send({ method: ${JSON.stringify(method ?? "GET")}, url, headers: { authorization: "Bearer canary-token" } }, () => "final", ${method === undefined});
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
