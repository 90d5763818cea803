import { expect, test } from "vitest";
import { commitUrl, compareUrl, deploymentsUrl, runUrl } from "../../src/github/links.ts";

/** An Enterprise server's repository. */
const SITE = { serverUrl: "https://git.acme.example", owner: "acme", repository: "ml-pipelines" };

test("people are sent to the pages that GitHub has, on the server that the run is on", () => {
  expect([
    runUrl(SITE, "70"),
    runUrl(SITE, "70", 2),
    commitUrl(SITE, "c0ffee"),
    compareUrl(SITE, "c0ffee", "decaf"),
    deploymentsUrl(SITE, "prod / eu"),
  ]).toEqual([
    "https://git.acme.example/acme/ml-pipelines/actions/runs/70",
    "https://git.acme.example/acme/ml-pipelines/actions/runs/70/attempts/2",
    "https://git.acme.example/acme/ml-pipelines/commit/c0ffee",
    "https://git.acme.example/acme/ml-pipelines/compare/c0ffee...decaf",
    "https://git.acme.example/acme/ml-pipelines/deployments/prod%20%2F%20eu",
  ]);
});
