import { channel } from "node:diagnostics_channel";
import { getEventListeners } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { describe, expect, it } from "vitest";
import { onceAsked } from "../../src/http/agent.ts";
import { createHttp, type HttpOptions, type Verdict } from "../../src/http/client.ts";
import { AmbiguousError, NetworkError } from "../../src/http/errors.ts";
import { fakeClock, serve } from "./loopback.ts";

const verdictByStatus = (answer: { status: number }): Verdict =>
  answer.status === 429 ? "refused" : answer.status >= 500 ? "uncertain" : "final";

function client(origin: string, options: Partial<HttpOptions> = {}) {
  const clock = fakeClock();
  const http = createHttp({ origins: [origin], userAgent: "test/1", clock, ...options });
  const send = (method: "GET" | "POST", path: string, repeatable: boolean) =>
    http.send({ method, url: new URL(path, origin), headers: {} }, verdictByStatus, repeatable);
  return { clock, http, send };
}

describe("HTTP", () => {
  it("gives what a server answers, headers and bytes", async () => {
    const { url, seen } = await serve((_request, response) => {
      response.writeHead(200, { "x-one": "1" }).end("héllo");
    });
    const answer = await client(url).send("GET", "/a?b=c", true);
    expect([answer.status, answer.header("x-one"), answer.text()]).toEqual([200, "1", "héllo"]);
    expect(seen[0]?.headers["user-agent"]).toBe("test/1");
    expect(seen[0]?.query.get("b")).toBe("c");
  });

  it("refuses any origin but its own before anything is sent, credentials included", async () => {
    const own = await serve((_request, response) => void response.end());
    const other = await serve((_request, response) => void response.end());
    const { http } = client(own.url);
    const request = {
      method: "GET",
      url: new URL("/x", other.url),
      headers: { authorization: "Bearer s3cret-token" },
    } as const;
    await expect(http.send(request, verdictByStatus, true)).rejects.toThrow("http/host-refused");
    expect(other.seen).toEqual([]);
  });

  it("never follows a redirect", async () => {
    const other = await serve((_request, response) => void response.end("stolen"));
    const own = await serve((_request, response) => void response.writeHead(307, { location: other.url }).end());
    const answer = await client(own.url).send("POST", "/x", true);
    expect(answer.status).toBe(307);
    expect(other.seen).toEqual([]);
  });

  it("leaves nothing on the run's signal when a request has ended", async () => {
    const { url } = await serve((_request, response) => void response.end("{}"));
    const cancel = new AbortController();
    const { send } = client(url, { signal: cancel.signal });
    for (let count = 0; count < 3; count += 1) await send("GET", "/x", true);
    expect(getEventListeners(cancel.signal, "abort")).toEqual([]);
  });

  it("has left once work begins that is kept for the time of the answer, and that work is done all the same without one", async () => {
    const order: string[] = [];
    let done: () => void = () => undefined;
    const worked = new Promise<void>((resolve) => (done = resolve));
    const { url } = await serve(async (_request, response) => {
      order.push("asked");
      await worked; // an answer that waits for the work: who waited for the answer first would wait for ever
      response.end("{}");
    });
    const begun = Promise.resolve().then(() => order.push("begun"));
    const asking = begun.then(() => client(url).send("GET", "/x", true));
    const work = onceAsked(asking, async () => {
      order.push("work");
      await expect.poll(() => order.includes("asked")).toBe(true);
      done();
      return 7;
    });
    expect(await work).toBe(7);
    await asking;
    expect(order[0]).toBe("begun");
    const refused = Promise.reject(new Error("nothing was sent"));
    expect(await onceAsked(refused, async () => 8)).toBe(8);
    expect(await onceAsked(undefined, async () => 9)).toBe(9);
    expect(channel("undici:client:sendHeaders").hasSubscribers).toBe(false);
  });

  it("waits the larger of back-off and Retry-After, in seconds and as a date", async () => {
    const asks = ["0", "7", "Mon, 23 Nov 2026 12:01:00 GMT", undefined];
    const { url } = await serve((_request, response, count) => {
      const ask = asks[count - 1];
      response.sendDate = false;
      if (count > asks.length) response.end("done");
      else response.writeHead(429, ask === undefined ? {} : { "retry-after": ask }).end();
    });
    const { clock, send } = client(url);
    expect((await send("POST", "/x", false)).text()).toBe("done");
    // back-off is attempt × 1 s + 50 ms; the date is 60 s after the start, of which 8.05 s have passed
    expect(clock.slept).toEqual([1_050, 7_000, 60_000 - 8_050, 4_050]);
  });

  it.each([-10, 10])("reads a date by the clock of the server, which is %i minutes from ours", async (minutes) => {
    const at = (seconds: number): string =>
      new Date(Date.parse("2026-11-23T12:00:00Z") + minutes * 60_000 + seconds * 1_000).toUTCString();
    const { url } = await serve((_request, response, count) => {
      if (count === 2) response.end("done");
      else response.writeHead(429, { date: at(0), "retry-after": at(30) }).end();
    });
    const { clock, send } = client(url);
    expect((await send("GET", "/x", true)).text()).toBe("done");
    expect(clock.slept).toEqual([30_000]);
  });

  it("gives up when the wait would pass the deadline, and hands over the last answer", async () => {
    const { url, seen } = await serve(
      (_request, response) => void response.writeHead(429, { "retry-after": "100" }).end("slow down"),
    );
    const { send } = client(url, { overallMs: 150_000 });
    expect((await send("GET", "/x", true)).status).toBe(429);
    expect(seen).toHaveLength(2);
  });

  it("never waits longer than its cap, whatever the server asks for", async () => {
    const { url } = await serve((_request, response, count) => {
      if (count === 2) response.end("done");
      else response.writeHead(429, { "retry-after": "86400" }).end();
    });
    const { clock, send } = client(url);
    expect((await send("GET", "/x", true)).text()).toBe("done");
    expect(clock.slept).toEqual([120_000]);
  });

  it("repeats what is repeatable after a reset, and only that", async () => {
    const { url, seen } = await serve((_request, response, count) => {
      if (count === 1) response.socket?.resetAndDestroy();
      else response.end("done");
    });
    expect((await client(url).send("GET", "/x", true)).text()).toBe("done");
    expect(seen).toHaveLength(2);

    const lost = await serve((_request, response) => void response.socket?.resetAndDestroy());
    await expect(client(lost.url).send("POST", "/create", false)).rejects.toThrow(AmbiguousError);
    expect(lost.seen).toHaveLength(1);
  });

  it("takes a 500 and a timeout of what is not repeatable as ambiguous", async () => {
    const broken = await serve((_request, response) => void response.writeHead(500).end());
    await expect(client(broken.url).send("POST", "/create", false)).rejects.toThrow(AmbiguousError);
    expect(broken.seen).toHaveLength(1);

    const silent = await serve(() => undefined);
    await expect(client(silent.url, { attemptMs: 80 }).send("POST", "/create", false)).rejects.toThrow("took too long");
    expect(silent.seen).toHaveLength(1);
  });

  it("takes an answer that breaks off as lost", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setImmediate(() => response.socket?.destroy());
    });
    await expect(client(url).send("POST", "/create", false)).rejects.toThrow(AmbiguousError);
  });

  it("tries a refused connection again even for a create: nothing was sent", async () => {
    const port = await freePort();
    const { clock, send } = client(`http://127.0.0.1:${port}`);
    const error = await send("POST", "/create", false).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NetworkError);
    expect((error as NetworkError).findings[0]?.id).toBe("http/unreachable");
    expect(clock.slept).toHaveLength(4);
  });

  it("stops after five failures of a server, without waiting for the deadline", async () => {
    const { url, seen } = await serve((_request, response) => void response.writeHead(500).end());
    expect((await client(url).send("GET", "/x", true)).status).toBe(500);
    expect(seen).toHaveLength(5);
  });

  it("sends nothing new once cancelled, but awaits a write that is in flight", async () => {
    const cancel = new AbortController();
    const { url, seen } = await serve((_request, response) => {
      cancel.abort();
      response.end("written");
    });
    const { send } = client(url, { signal: cancel.signal });
    expect((await send("POST", "/write", false)).text()).toBe("written");
    await expect(send("GET", "/x", true)).rejects.toThrow("http/cancelled");
    expect(seen).toHaveLength(1);
  });

  it("does not go on waiting once cancelled", async () => {
    const cancel = new AbortController();
    const { url, seen } = await serve((_request, response) => {
      response.writeHead(429).end();
    });
    const clock = fakeClock();
    const sleep: typeof clock.sleep = async (ms, signal) => {
      cancel.abort();
      await clock.sleep(ms, signal);
    };
    const { send } = client(url, { signal: cancel.signal, clock: { ...clock, sleep } });
    await expect(send("GET", "/x", true)).rejects.toThrow("http/cancelled");
    expect(seen).toHaveLength(1);
  });

  it("stops reading an answer without end", async () => {
    const { url } = await serve((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once("drain", more);
      };
      more();
    });
    await expect(client(url).send("GET", "/x", true)).rejects.toThrow("http/too-large");
  });

  it("speaks of method, host and path only, never of what was sent", async () => {
    const { url } = await serve((_request, response) => void response.socket?.resetAndDestroy());
    const { http } = client(url);
    const error = await http
      .send(
        {
          method: "POST",
          url: new URL("/x?token=canary-in-query", url),
          headers: { authorization: "Bearer canary-in-header" },
          body: "canary-in-body",
        },
        verdictByStatus,
        false,
      )
      .catch((error: unknown) => error);
    const said = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error);
    expect(said).toContain("/x");
    expect(said).not.toContain("canary");
  });
});

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === "object" && address !== null ? address.port : 0;
}
