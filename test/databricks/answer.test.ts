import { describe, expect, it } from "vitest";
import { judge, readFailure } from "../../src/databricks/answer.ts";
import { isQuota } from "../../src/databricks/errors.ts";
import type { HttpAnswer } from "../../src/http/client.ts";
import { Redactor } from "../../src/http/redact.ts";

function answer(status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, bytes: Buffer.from(text), text: () => text, header: (name) => headers[name] };
}

describe("errors in every form they come in", () => {
  it.each([
    [
      "the envelope",
      404,
      { error_code: "RESOURCE_DOES_NOT_EXIST", message: "gone" },
      ["RESOURCE_DOES_NOT_EXIST", "gone"],
    ],
    ["a number as code", 403, { error_code: 403, message: "Invalid access token." }, ["403", "Invalid access token."]],
    ["the legacy form", 500, { error: "Exception: it broke" }, ["HTTP_500", "Exception: it broke"]],
    ["SCIM", 404, { detail: "User not found", status: "404", schemas: [] }, ["SCIM_404", "User not found"]],
    [
      "SCIM with a type",
      400,
      { detail: "bad", status: 400, scimType: "invalidFilter" },
      ["SCIM_400", "bad (invalidFilter)"],
    ],
    ["OAuth", 401, { error: "invalid_client", error_description: "nobody" }, ["invalid_client", "nobody"]],
    ["OAuth without description", 400, { error: "invalid_grant" }, ["invalid_grant", "invalid_grant"]],
    ["plain text", 400, "MALFORMED_REQUEST: no such field", ["MALFORMED_REQUEST", "no such field"]],
    ["text without a code", 502, "upstream broke", ["HTTP_502", "upstream broke"]],
    ["HTML with pre", 503, "<html><body><pre>try &amp; later</pre></body></html>", ["HTTP_503", "try &amp; later"]],
    [
      "HTML without pre",
      502,
      "<!DOCTYPE html><html><title>502 Bad Gateway</title></html>",
      ["HTTP_502", "502 Bad Gateway"],
    ],
    ["nothing", 500, "", ["HTTP_500", "the answer has no text"]],
  ])("%s", (_form, status, body, expected) => {
    const failure = readFailure(answer(status, body), new Redactor());
    expect([failure.code, failure.detail]).toEqual(expected);
    expect(failure.status).toBe(status);
  });

  it("finds the request id in the details, else in a header", () => {
    const details = [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "X" },
      { "@type": "type.googleapis.com/google.rpc.RequestInfo", request_id: "req-1" },
    ];
    const both = answer(400, { error_code: "X", message: "y", details }, { "x-request-id": "req-2" });
    expect(readFailure(both, new Redactor()).requestId).toBe("req-1");
    expect(readFailure(answer(400, {}, { "x-request-id": "req-2" }), new Redactor()).requestId).toBe("req-2");
  });

  it("takes the redirect of a private link as 403 and shows only the host of any other", () => {
    const link = answer(302, "", { location: "/login.html?error=private-link-validation-error:1" });
    expect(readFailure(link, new Redactor())).toMatchObject({ status: 403, code: "PRIVATE_LINK_VALIDATION_ERROR" });
    const other = readFailure(answer(302, "", { location: "https://sso.example/?token=canary" }), new Redactor());
    expect(other.detail).toContain("sso.example");
    expect(other.detail).not.toContain("canary");
  });

  it("takes credentials out of what a server echoes", () => {
    const redactor = new Redactor();
    redactor.add("canary-one");
    const echo = `got Authorization: Bearer abcdefghijkl and canary-one and ${encodeURIComponent("canary-one")}`;
    const { detail } = readFailure(answer(400, { error_code: "X", message: echo }), redactor);
    expect(detail).toBe("got Authorization: *** and *** and ***");
  });
});

describe("a quota", () => {
  it.each([
    ["QUOTA_EXCEEDED", "", true],
    ["BAD_REQUEST", "The quota for the number of jobs has been reached.", true],
    ["BAD_REQUEST", "Cannot create more than 1000 Catalog(s) in Metastore", true],
    ["BAD_REQUEST", "You have reached the maximum number of pipelines.", true],
    ["BAD_REQUEST", "This workspace is at its limit of 12000 jobs.", true],
    ["BAD_REQUEST", "A job cannot have more than 100 tasks.", false],
    ["BAD_REQUEST", "The name is over the limit of 4096 bytes.", false],
    ["REQUEST_LIMIT_EXCEEDED", "The maximum number of jobs requests per second is reached.", false],
    ["QUOTA_EXCEEDED", "Too many requests.", false],
  ])("%s %s: %s", (code, detail, expected) => {
    expect(isQuota({ code, detail })).toBe(expected);
  });
});

describe("whether to try again", () => {
  it.each([
    [200, "", "final", "final"],
    [400, "bad", "final", "final"],
    [404, "", "final", "final"],
    [429, "", "refused", "refused"],
    [429, '{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow down"}', "refused", "refused"],
    [429, '{"error_code":"RESOURCE_EXHAUSTED","message":"Too many requests"}', "refused", "refused"],
    [
      429,
      '{"error_code":"RESOURCE_EXHAUSTED","message":"Quota of requests per minute exceeded"}',
      "refused",
      "refused",
    ],
    [
      429,
      '{"error_code":"QUOTA_EXCEEDED","message":"The quota for the number of jobs has been reached."}',
      "final",
      "final",
    ],
    [429, '{"error_code":"RESOURCE_EXHAUSTED","message":"Cannot create more than 1000 catalogs"}', "final", "final"],
    [429, "QUOTA_EXCEEDED: no more", "final", "final"],
    [503, "", "refused", "uncertain"],
    [504, "", "refused", "uncertain"],
    [500, "", "uncertain", "uncertain"],
    [502, "", "uncertain", "uncertain"],
    [501, "", "final", "final"],
    [400, "REQUEST_LIMIT_EXCEEDED", "refused", "refused"],
    [400, "There is no worker environment with id 5", "refused", "refused"],
    [400, "Timed out after 15 s", "uncertain", "uncertain"],
  ])("%i %s: repeatable %s, not repeatable %s", (status, body, repeatable, once) => {
    expect([judge(answer(status, body), true), judge(answer(status, body), false)]).toEqual([repeatable, once]);
  });
});
