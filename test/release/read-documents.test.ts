import { expect, it } from "vitest";
import { notKnown } from "../../src/gate/facts.ts";
import type { GitHub } from "../../src/github/client.ts";
import { readDocuments } from "../../src/release/read-documents.ts";
import { goodFacts } from "../gate/facts.ts";

const never = (): never => {
  throw new Error("GitHub is not asked");
};
const silent: GitHub = {
  owner: "acme",
  repository: "ml-pipelines",
  serverUrl: "https://github.com",
  skewMs: () => 0,
  read: never,
  find: never,
  list: never,
  send: never,
};

it.each(["policy", "repository", "source", "below"] as const)(
  "whether a document is kept is not known where %s is not: that no run is known is not that there is none",
  async (fact) => {
    const unseen = notKnown(`No ${fact}.`, "Look.");
    const facts = { ...goodFacts(), [fact]: unseen };
    expect(await readDocuments(silent, facts.policy, facts)).toBe(unseen);
  },
);

it("no document is looked for where the contract names no branch, or no tier is below", async () => {
  const good = goodFacts();
  if (!good.policy.known) throw new Error("the good facts are known");
  const none = { ...good.policy, value: { ...good.policy.value, evidenceBranch: undefined } };
  expect((await readDocuments(silent, none, good)).known).toBe(false);
  expect((await readDocuments(silent, good.policy, { ...good, previous: undefined })).known).toBe(false);
});
