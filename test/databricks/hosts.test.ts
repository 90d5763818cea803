import { describe, expect, it } from "vitest";
import { maySendCredentials, servesManyWorkspaces } from "../../src/databricks/hosts.ts";

describe("where a credential may go", () => {
  const aws = "https://dev-1.cloud.databricks.com";
  it.each([
    [aws, aws, true],
    [aws, "https://accounts.cloud.databricks.com", true],
    [aws, "https://login.azuredatabricks.net", true],
    ["https://acme.example", "https://acme.example", true],
    ["http://127.0.0.1:8001", "http://127.0.0.1:8002", true],
    [aws, "http://accounts.cloud.databricks.com", false],
    [aws, "https://accounts.cloud.databricks.com:8443", false],
    [aws, "https://user:pass@accounts.cloud.databricks.com", false],
    [aws, "https://evil.example", false],
    [aws, "https://databricks.com.evil.example", false],
    [aws, "https://evildatabricks.com", false],
    [aws, "http://127.0.0.1:8001", false],
    ["https://acme.example", "https://sso.acme.example", false],
    ["http://127.0.0.1:8001", "https://accounts.cloud.databricks.com", false],
  ])("from %s to %s: %s", (workspace, target, expected) => {
    expect(maySendCredentials(new URL(`${target}/oidc/v1/token`), new URL(workspace))).toBe(expected);
  });
});

describe("hosts of several workspaces", () => {
  it.each([
    ["https://dbc-1.cloud.databricks.com", undefined, false],
    ["https://adb-123.4.azuredatabricks.net", undefined, false],
    ["https://1234.5.gcp.databricks.com", undefined, false],
    ["https://x.cloud.databricks.us", undefined, false],
    ["https://acme.databricks.com", undefined, true],
    ["https://acme.azuredatabricks.net", undefined, true],
    ["https://acme.databricks.com", "workspace", false],
    ["https://dbc-1.cloud.databricks.com", "unified", true],
    ["https://acme.example", "UNIFIED", true],
    ["http://127.0.0.1:8001", undefined, false],
  ])("%s, which calls itself %s: %s", (host, type, expected) => {
    expect(servesManyWorkspaces(new URL(host), type)).toBe(expected);
  });
});
