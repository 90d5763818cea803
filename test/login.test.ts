/** One account may be written in any case: how logins are compared, and that nothing compares them another way. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { distinctLogins, isAmong, isApp, isSameLogin, isWorkflow } from "../src/login.ts";

describe("a login", () => {
  it("is the same in any case, and nobody's is nobody else's", () => {
    expect(isSameLogin("Octocat", "octocat")).toBe(true);
    expect(isSameLogin("octocat", "octocat-2")).toBe(false);
    expect(isSameLogin(undefined, undefined)).toBe(false);
    expect(isAmong(["hubot", "OCTOCAT"], "Octocat")).toBe(true);
    expect(isAmong(["hubot"], undefined)).toBe(false);
    expect(distinctLogins(["octocat", "hubot", "OctoCat"])).toEqual(["OctoCat", "hubot"]);
  });

  it("is an App's by its end, a workflow's own token's by its whole", () => {
    expect(["deploy[bot]", "Deploy[Bot]", "bot", "octocat"].map(isApp)).toEqual([true, true, false, false]);
    expect(["github-actions[bot]", "GitHub-Actions[bot]", "deploy[bot]", undefined].map(isWorkflow)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

/** What code calls a login. A developer is the name in a catalog's, a user or creator is one of Databricks, an author git's, too. */
const LOGIN = String.raw`(?:\w+\??\.)*(?:login|actor|triggeringActor|author|person|requester|reviewer|approver|(?:record|opening)\??\.by)`;
const COMPARED = [
  new RegExp(String.raw`\b${LOGIN}(?:\??\.toLowerCase\(\))? [!=]==? (?!undefined|"")`, "g"),
  new RegExp(String.raw`[!=]==? ${LOGIN}\b(?!\()`, "g"),
  new RegExp(String.raw`\.(?:includes|has|indexOf)\(${LOGIN}(?:\.toLowerCase\(\))?\)`, "g"),
  /endsWith\("\[bot\]"\)|[!=]==? WORKFLOW_ACCOUNT|\.(?:includes|has)\(WORKFLOW_ACCOUNT\)/g,
];

it("is compared in src/login.ts alone", () => {
  const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && name !== "login.ts",
  );
  const found = sources.flatMap((name) => {
    const text = readFileSync(`src/${name}`, "utf8").replaceAll(/^\s*(?:\/\/|\*|\/\*).*$/gm, "");
    return COMPARED.flatMap((form) => [...text.matchAll(form)].map(([each]) => `${name}: ${each}`));
  });
  expect(found).toEqual([]);
});
