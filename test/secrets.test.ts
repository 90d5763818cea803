import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isArray, isObject, type JsonValue } from "../src/json.ts";
import { isSecretName } from "../src/secret-names.ts";
import { hideSecrets, MASK, UNNAMED } from "../src/secrets.ts";

const shown = (value: JsonValue): JsonValue => hideSecrets(value, UNNAMED, () => MASK);

/** Names as people write them, in the words that every style below can write. */
const SECRET = [
  "password",
  "admin password",
  "db password prod",
  "super secret",
  "client secret",
  "secret id",
  "sp client secret value",
  "helper token",
  "developer token",
  "service account token",
  "count password",
  "max api key",
  "account key",
  "storage account key",
  "discount api key",
  "aws secret access key",
  "private key pem",
  "ssh key",
  "openai key",
  "api keys",
  "access token",
  "tokens",
  "db pass",
  "pass",
  "pat",
  "sas url",
  "authorization",
  "proxy authorization",
  "auth",
  "slack webhook",
  "webhook url",
  "connection string",
  "credentials",
  "passphrase",
];

const HARMLESS = [
  "max tokens",
  "max new tokens",
  "num tokens",
  "token count",
  "tokens per minute",
  "tokenizer",
  "tokenizer name",
  "pad token",
  "eos token id",
  "token embeddings",
  "token type",
  "token url",
  "idempotency token",
  "secret scope",
  "secret name",
  "secret rotation days",
  "secretary",
  "password policy",
  "min password length",
  "password column",
  "credential name",
  "access key id",
  "api key count",
  "api version",
  "auth type",
  "webhook notifications",
  "task key",
  "environment key",
  "primary keys",
  "join keys",
  "key columns",
  "partition key",
  "first pass",
  "pass rate",
  "bypass",
  "compass",
  "pattern",
  "author",
  "authority",
  "keyword",
  "accounts",
  "passenger count",
];

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const STYLES: readonly ((words: readonly string[]) => string)[] = [
  (words) => words.join("_"),
  (words) => words.join("-"),
  (words) => words.join("."),
  (words) => words.join("_").toUpperCase(),
  (words) => words.map((word, at) => (at === 0 ? word : capital(word))).join(""),
  (words) => words.map(capital).join(""),
  (words) => words.map(capital).join("-"),
];
const named = (names: readonly string[]) =>
  fc.tuple(fc.constantFrom(...names), fc.constantFrom(...STYLES)).map(([name, style]) => style(name.split(" ")));

/** Where a value may stand beside its name. */
const PLACES: readonly ((name: string, value: string) => JsonValue)[] = [
  (name, value) => ({ [name]: value }),
  (name, value) => ({ [name]: [value] }),
  (name, value) => ({ [name]: { default: value } }),
  (name, value) => ({ name, default: value }),
  (name, value) => ({ key: name, value }),
  (name, value) => [`--${name}`, value],
  (name, value) => [`--${name}=${value}`, "--verbose"],
  (name, value) => `run --${name} ${value}`,
  (name, value) => `user=mona;${name}=${value};`,
  (name, value) => `https://example.com/x?a=b&${name}=${value}`,
  (name, value) => `user: mona\n${name}: ${value}\n`,
  (name, value) => JSON.stringify({ config: [{ [name]: value }] }),
  (name, value) => `conf = {'${name}': '${value}'}`,
];
const ROUND: readonly ((value: JsonValue) => JsonValue)[] = [
  (value) => ({ configuration: value }),
  (value) => [value, 1],
  (value) => ({ tasks: [{ task_key: "rotate_token", inputs: value }] }),
];
const document = (names: readonly string[], value: fc.Arbitrary<string>) =>
  fc
    .tuple(named(names), value, fc.constantFrom(...PLACES), fc.array(fc.constantFrom(...ROUND), { maxLength: 3 }))
    .map(([name, text, place, around]) => ({
      text,
      document: around.reduce((inner, each) => each(inner), place(name, text)),
    }));

describe("a name", () => {
  it.each([
    "PGPASSWORD",
    "DBPASSWORD",
    "ADMINPASSWORD",
    "dbpass",
    "password1",
    "token2",
    "api_key_2",
    "APIKEY",
    "X-API-KEY",
    "minioSecretKey",
    "prototypeSecret",
    "SharedAccessKey",
    "AccountKey",
    "JWTToken",
    "DBPassword",
    "fs.s3a.access.key",
    "fs.azure.account.key.files.dfs.core.windows.net",
    "spark.hadoop.fs.azure.sas.fixed.token.store.count.dfs.core.windows.net",
    "fs.azure.account.oauth2.client.secret.type.dfs.core.windows.net",
    "fs.azure.account.oauth2.client.secret",
  ])("is secret: %s", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    "key",
    "tiktoken_encoding",
    "MAXTOKENS",
    "SharedAccessKeyName",
    "spark.sql.shuffle.partitions",
    "service_account",
    "hotkey",
    "fs.azure.account.auth.type.acme.dfs.core.windows.net",
    "fs.azure.account.oauth.provider.type.acme.dfs.core.windows.net",
  ])("is not: %s", (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  it("says the same in every style of writing", () => {
    fc.assert(
      fc.property(named(SECRET), (name) => {
        expect(isSecretName(name)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(named(HARMLESS), (name) => {
        expect(isSecretName(name)).toBe(false);
      }),
    );
  });

  it("is judged by the word right beside the secret one, and by no other", () => {
    const far = fc.constantFrom("min", "max", "count", "per", "type", "limit", "id", "url", "first", "pad");
    fc.assert(
      fc.property(named(SECRET), far, far, (name, before, after) => {
        expect(isSecretName(`${before}_x_${name}_x_${after}`)).toBe(true);
      }),
    );
    // letters are no words: ad·min, ac·count, develo·per, proto·type
    fc.assert(
      fc.property(far, (word) => {
        expect(isSecretName(`x${word}_password`)).toBe(true);
      }),
    );
  });
});

describe("a secret", () => {
  it("is shown nowhere, wherever it stands beside its name", () => {
    // of letters and digits, since a blank or a quote ends it in a text
    const value = fc.stringMatching(/^hunter[0-9a-z]{2,20}$/);
    fc.assert(
      fc.property(document(SECRET, value), ({ text, document }) => {
        const result = JSON.stringify(shown(document));
        expect(result).not.toContain(text);
        expect(result).toContain(MASK);
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, JsonValue]>([
    ["a number", { configuration: { password: 12345678 } }],
    ["a number beyond 2^53", { configuration: { api_key: 12345678901234567890n } }],
    ["all in an object of secrets", { credentials: { user: "hunter2", more: [{ at: 12345678 }] } }],
    ["a key named in two parts", { account: { key: "hunter2" } }],
    ["more than a reference", { password: "x{{secrets/a/b}}hunter2" }],
  ])("may be %s", (_name, value) => {
    expect(hideSecrets(value, UNNAMED, () => MASK)).not.toEqual(value);
    expect(JSON.stringify(shown(value))).not.toMatch(/hunter|1234/);
  });

  it.each([
    "Bearer hunter2hunter2hunter2",
    "sk-proj-hunter2hunter2hunter2hunter2",
    "https://hooks.slack.com/services/T000/B000/hunter2hunter2",
    "https://acme.webhook.office.com/webhookb2/hunter2",
    "postgresql://mona:hunter2@db.example.com/x",
    "--index-url https://hunter2@pypi.example.com/simple",
    "jdbc:sqlserver://h;user=mona;password=hunter2;",
    "https://acme.blob.core.windows.net/x?sv=1&sig=hunter2hunter2",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=hunter2==",
    "curl -H 'Authorization: hunter2'",
    '{"name": "api_token", "default": "hunter2"}',
    "dapi0123456789abcdef0123456789abcdef (hunter2)",
    "AKIAIOSFODNN7EXAMPLE hunter2",
    "ghp_hunter2hunter2hunter2hunter2",
    "glpat-hunter2hunter2hunter2",
    "eyJhbGciOiJI.eyJzdWIiOiIx.hunter2",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2",
  ])("is known by its look, whatever holds it: %s", (text) => {
    for (const document of [text, { description: text }, { parameters: ["--verbose", text] }]) {
      expect(JSON.stringify(shown(document))).not.toContain("hunter2");
    }
  });
});

describe("what is none", () => {
  it("is shown as it is, under every harmless name", () => {
    fc.assert(
      fc.property(document(HARMLESS, fc.stringMatching(/^[a-z]{1,12}[0-9]{0,4}$/)), ({ document }) => {
        expect(shown(document)).toEqual(document);
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, JsonValue]>([
    ["a switch", { use_auth: true, auth: "true", token: null, password: "none", secret: "" }],
    ["a number of tokens", { tokens: 512, more: { tokens: "4096" } }],
    ["a reference to a secret", { password: "{{secrets/ml/db}}", authorization: "Bearer {{secrets/ml/api}}" }],
    ["a reference in a text", { url: "jdbc:postgresql://h/db?user=u&password={{secrets/ml/db}}&ssl=true" }],
    ["a reference in an address", { url: "https://mona:{{secrets/ml/db}}@example.com/x" }],
    ["a reference to another value", { api_token: "{{job.parameters.api_token}}", pat: "${resources.jobs.x.id}" }],
    ["a container in a storage path", { path: "abfss://gold@acme.dfs.core.windows.net/tokens" }],
    ["a requirement", { dependencies: ["tiktoken==0.7.0", "token>=1", "git+ssh://git@github.com/acme/auth.git"] }],
    ["a task", { tasks: [{ task_key: "rotate_token", notebook_task: { notebook_path: "${release}/src/token" } }] }],
    ["a notification", { webhook_notifications: { on_failure: [{ id: "1234" }] } }],
    ["prose", { description: "Scores by token counts; sk-learn pipeline, basic model, see https://example.com/a@b" }],
    ["a flag's value before another flag", ["--use-auth", "--verbose", "x"]],
    ["a digest", { release: `default-${"0123456789abcdef".repeat(4)}` }],
  ])("such as %s", (_name, value) => {
    expect(shown(value)).toEqual(value);
  });
});

describe("hiding", () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
  const words = fc.constantFrom("api_token", "name", "default", "--password", "credentials", "password=x", "{", "a: b");
  const soup: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      words,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(words, tie("value"), { maxKeys: 4 }),
    ),
  })).value;

  it("keeps the form of every document, whatever is in it", () => {
    const sameForm = (before: JsonValue | undefined, after: JsonValue | undefined): boolean => {
      if (isArray(before ?? null) && isArray(after ?? null)) {
        const [a, b] = [before, after] as readonly (readonly JsonValue[])[];
        return a?.length === b?.length && a?.every((item, at) => sameForm(item, b?.[at])) === true;
      }
      if (isObject(before) && isObject(after)) {
        const keys = Object.keys(before);
        return (
          keys.join("\n") === Object.keys(after).join("\n") && keys.every((key) => sameForm(before[key], after[key]))
        );
      }
      return after === before || (after === MASK && ["string", "number", "bigint"].includes(typeof before));
    };
    fc.assert(
      fc.property(fc.oneof(json, soup), (value) => {
        expect(sameForm(value, shown(value))).toBe(true);
      }),
    );
  });

  it("leaves nothing to hide", () => {
    fc.assert(
      fc.property(fc.oneof(json, soup), (value) => {
        expect(shown(shown(value))).toEqual(shown(value));
      }),
    );
  });
});
