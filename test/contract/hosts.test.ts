import { describe, expect, it } from "vitest";
import { checkHost } from "../../src/contract/hosts.ts";

const host = (written: string, ...allowed: string[]): string | undefined => {
  const checked = checkHost(written, allowed);
  return checked.ok ? checked.host : undefined;
};

describe("workspace addresses", () => {
  it.each([
    ["https://dev-123.cloud.databricks.com", "https://dev-123.cloud.databricks.com"],
    ["https://DEV-123.Cloud.Databricks.com/", "https://dev-123.cloud.databricks.com"],
    ["https://dbc-1.cloud.databricks.com:443", "https://dbc-1.cloud.databricks.com"],
    ["https://adb-7405610928938750.10.azuredatabricks.net", "https://adb-7405610928938750.10.azuredatabricks.net"],
    ["https://1.2.gcp.databricks.com", "https://1.2.gcp.databricks.com"],
    ["https://x.databricks.azure.us", "https://x.databricks.azure.us"],
    ["https://x.databricks.azure.cn", "https://x.databricks.azure.cn"],
    ["https://x.cloud.databricks.us", "https://x.cloud.databricks.us"],
    ["https://acme.databricks.com", "https://acme.databricks.com"],
  ])("%s is Databricks", (written, expected) => {
    expect(host(written)).toBe(expected);
  });

  it.each([
    "http://dev-123.cloud.databricks.com",
    "dev-123.cloud.databricks.com",
    "https://",
    "ftp://dev-123.cloud.databricks.com",
    "https://databricks.com.evil.example",
    "https://evildatabricks.com",
    "https://databricks.com",
    "https://dev.cloud.databricks.com@evil.example",
    "https://user:pass@dev.cloud.databricks.com",
    "https://dev.cloud.databricks.com\\@evil.example",
    "https://evil.example/dev.cloud.databricks.com",
    "https://evil.example#.cloud.databricks.com",
    "https://evil.example?.cloud.databricks.com",
    "https://dev.cloud.databricks.com/?o=123",
    "https://dev.cloud.databricks.com/sql",
    "https://dev.cloud.databricks.com:8443",
    "https://dev.cloud.databricks.com.",
    "https://dev.cloud.dаtabricks.com", // a Cyrillic letter
    " https://dev.cloud.databricks.com",
    "https://dev.cloud\n.databricks.com",
    "https://accounts.cloud.databricks.com",
    "https://accounts.azuredatabricks.net",
    "https://accounts-dod.cloud.databricks.us",
    "http://127.0.0.1:8080",
    "https://127.0.0.1:8080",
    "${var.host}",
  ])("%s is refused", (written) => {
    expect(host(written)).toBeUndefined();
    const checked = checkHost(written, []);
    expect(checked.ok ? "" : checked.remedy).not.toBe("");
  });

  it("can be allowed by name, by suffix, or by name and port", () => {
    expect(host("https://dbx.acme.example", "dbx.acme.example")).toBe("https://dbx.acme.example");
    expect(host("https://dbx.acme.example", ".acme.example")).toBe("https://dbx.acme.example");
    expect(host("https://dbx.acme.example", "*.acme.example")).toBe("https://dbx.acme.example");
    expect(host("https://dbx.acme.example:8443", "dbx.acme.example:8443")).toBe("https://dbx.acme.example:8443");
    expect(host("https://dbx.acme.example:9443", "dbx.acme.example:8443")).toBeUndefined();
    expect(host("https://dbxacme.example", "acme.example")).toBeUndefined();
    expect(host("https://dbx.acme.example", "")).toBeUndefined();
    expect(host("https://127.0.0.1.evil.example", "127.0.0.1")).toBeUndefined();
  });

  it("is http only on a loopback host that was allowed", () => {
    expect(host("http://127.0.0.1:8080", "127.0.0.1")).toBe("http://127.0.0.1:8080");
    expect(host("http://localhost:8080/", "localhost")).toBe("http://localhost:8080");
    expect(host("http://[::1]:8080", "[::1]")).toBe("http://[::1]:8080");
    expect(host("http://dbx.acme.example", "dbx.acme.example")).toBeUndefined();
    expect(host("http://127.0.0.1:8080", "localhost")).toBeUndefined();
  });
});
