import * as v from "valibot";
import { expect, it } from "vitest";
import type { GitHub } from "../../src/github/client.ts";
import { historyBetween } from "../../src/release/history.ts";

const sha = (index: number): string => index.toString(16).padStart(40, "0");

/** A branch of so many commits, each of which a pull request of its own brought. */
function branch(length: number): { readonly github: GitHub; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const never = (): never => {
    throw new Error("only reads are expected");
  };
  const github: GitHub = {
    owner: "acme",
    repository: "ml-pipelines",
    serverUrl: "https://github.com",
    skewMs: () => 0,
    read: never,
    send: never,
    find: (_route, _parameters, schema) => {
      const commits = Array.from({ length }, (_, index) => ({
        sha: sha(index),
        parents: [],
        commit: { message: `commit ${index}` },
      }));
      return Promise.resolve(v.parse(schema, { status: "ahead", total_commits: length, commits }));
    },
    async *list(_route, { commit_sha: commit }, schema) {
      asked.push(commit);
      const number = Number.parseInt(String(commit), 16) + 1;
      const side = { ref: "main", sha: sha(0) };
      const pull = { number, title: "x", html_url: "https://x", user: { login: "mona" }, base: side, head: side };
      yield await Promise.resolve(v.parse(schema, { ...pull, merged_at: "2026-11-20T10:00:00Z" }));
    },
  };
  return { github, asked };
}

it("asks so many newest commits for their pull requests, and says how many it did not ask", async () => {
  const short = branch(60);
  expect(await historyBetween(short.github, sha(999), sha(59))).toMatchObject({ unasked: 0, pulls: { length: 60 } });
  const long = branch(63);
  const history = await historyBetween(long.github, sha(999), sha(62));
  expect(history.commits).toHaveLength(63);
  expect([history.pulls.length, history.unasked]).toEqual([60, 3]);
  expect(long.asked).not.toContain(sha(2));
  expect(long.asked).toContain(sha(3));
});
