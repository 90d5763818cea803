/** GitHub's answers that break off, come late or lead elsewhere: none of them is half an answer. */
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { listDeployments } from "../../src/github/deployments.ts";
import { approvalsOfRun, getRun } from "../../src/github/runs.ts";
import { type Handler, serve } from "../http/loopback.ts";
import { clientOf, TOKEN } from "./connect.ts";

async function github(handler: Handler) {
  const server = await serve(handler);
  return { ...server, client: clientOf(server, { timeoutMs: 300, pause: () => Promise.resolve() }) };
}

/** Half of a list, then the end of the connection: by its length, or in the middle of a chunk. */
function half(response: ServerResponse, length: boolean): void {
  response.writeHead(200, { "content-type": "application/json", ...(length ? { "content-length": "100" } : {}) });
  response.write("[{", () => response.socket?.destroy());
}

const list = async (items: AsyncIterable<unknown>): Promise<number> => {
  let count = 0;
  for await (const _ of items) count += 1;
  return count;
};

describe("an answer of GitHub's", () => {
  it.each([true, false])(
    "that breaks off is asked for again, and is never an empty list (length told: %s)",
    async (length) => {
      const { client, seen } = await github((_request, response, count) => {
        if (count === 1) half(response, length);
        else response.setHeader("content-type", "application/json").end(JSON.stringify([]));
      });
      expect(await list(listDeployments(client, { environment: "dev", task: "four-tier" }))).toBe(0);
      expect(seen).toHaveLength(2);

      const broken = await github((_request, response) => half(response, length));
      await expect(list(listDeployments(broken.client, { environment: "dev", task: "four-tier" }))).rejects.toThrow(
        /github\//,
      );
      await expect(approvalsOfRun(broken.client, "7")).rejects.toThrow(/github\//);
    },
  );

  it("that stops in its middle is not waited for", async () => {
    const { client, seen } = await github((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).write("[");
    });
    await expect(approvalsOfRun(client, "7")).rejects.toThrow(/github\//);
    expect(seen.length).toBeGreaterThan(1);
  });

  it("that is no JSON though it says so is refused", async () => {
    const { client } = await github((_request, response) => {
      response.setHeader("content-type", "application/json").end("<html>");
    });
    await expect(approvalsOfRun(client, "7")).rejects.toThrow("github/unexpected-answer");
  });

  it("that ends where the connection ends is whole only if its JSON is", async () => {
    const { client } = await github((_request, response) => {
      const body = '[{"id": 1}';
      response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${body}`);
    });
    await expect(approvalsOfRun(client, "7")).rejects.toThrow("github/unexpected-answer");
    await expect(list(listDeployments(client, { environment: "dev", task: "four-tier" }))).rejects.toThrow(
      "github/unexpected-answer",
    );
  });

  it.each([301, 302, 307, 308])("that leads to another host is not followed (%s)", async (status) => {
    const other = await serve((_request, response) => void response.end("{}"));
    const { client, seen } = await github(
      (request, response) =>
        void response.writeHead(status, { location: `${other.url}${request.path}?signature=canary` }).end(),
    );
    const error: unknown = await getRun(client, "7").catch((error: unknown) => error);
    expect(String(error)).toContain(`a redirect to ${new URL(other.url).host}, which is not followed`);
    expect(String(error)).not.toContain("canary");
    expect([seen.length, other.seen.length]).toEqual([1, 0]);
  });

  it("that leads on at the same host is followed, with the token, and a circle ends", async () => {
    const { client, seen } = await github((request, response) => {
      if (request.path.startsWith("/repositories/")) response.setHeader("content-type", "application/json").end("[]");
      else response.writeHead(301, { location: "/repositories/5/deployments" }).end();
    });
    expect(await list(listDeployments(client, { environment: "dev", task: "four-tier" }))).toBe(0);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([`token ${TOKEN}`, `token ${TOKEN}`]);

    const circle = await github((request, response) => void response.writeHead(302, { location: request.path }).end());
    await expect(getRun(circle.client, "7")).rejects.toThrow("github/redirect");
  });
});
