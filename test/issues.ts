/** A stand-in for GitHub's issues, for what keeps one of them. */
import * as v from "valibot";
import type { GitHub } from "../src/github/client.ts";

/** Who opens issues with a job's token. */
const OURS = "github-actions[bot]";

/** An issue as it is kept. */
export interface Kept {
  number: string;
  state: string;
  user: { login: string };
  title: string;
  body: string;
  labels: string[];
  html_url: string;
  /** When it changed last: the higher, the later. */
  changed: number;
}

/** A repository with issues and comments, in memory. */
export function issueTracker() {
  const issues: Kept[] = [];
  const comments: { readonly number: string; readonly body: string }[] = [];
  let time = 0;
  const open = (issue: Partial<Kept>): Kept => {
    const number = String(issues.length + 1);
    const kept = {
      number,
      state: "open",
      user: { login: OURS },
      title: "T",
      body: "",
      labels: [],
      html_url: "https://github.com/acme/x/issues/1",
      changed: (time += 1),
      ...issue,
    };
    issues.push(kept);
    return kept;
  };
  const github: GitHub = {
    owner: "acme",
    repository: "x",
    serverUrl: "https://github.com",
    skewMs: () => 0,
    read: () => Promise.reject(new Error("not asked")),
    find: () => Promise.reject(new Error("not asked")),
    async *list(_route, filter, schema) {
      await Promise.resolve();
      const list = issues.toReversed();
      if (filter["sort"] === "updated") list.sort((a, b) => b.changed - a.changed);
      for (const issue of list) {
        const fits = filter["labels"] === undefined || issue.labels.some((label) => label === filter["labels"]);
        if (fits && (filter["state"] === "all" || issue.state === "open")) yield v.parse(schema, issue);
      }
    },
    send: (route, parameters, schema) => {
      const body = String(parameters["body"]);
      if (route.includes("/comments")) {
        comments.push({ number: String(parameters["issue_number"]), body });
        return Promise.resolve(v.parse(schema, { id: "1" }));
      }
      if (!route.startsWith("PATCH")) {
        const labels = v.parse(v.array(v.string()), parameters["labels"]);
        return Promise.resolve(v.parse(schema, open({ body, labels, title: String(parameters["title"]) })));
      }
      const issue = issues.find(({ number }) => number === parameters["issue_number"]);
      if (issue === undefined) return Promise.reject(new Error("no such issue"));
      Object.assign(issue, { body, state: parameters["state"], changed: (time += 1) });
      return Promise.resolve(v.parse(schema, issue));
    },
  };
  return { issues, comments, open, github };
}
