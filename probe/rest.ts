/** A plain client: no client of the suite's, so that the probe and the suite cannot be wrong together. */

/** Node 24's source text access, which TypeScript's library does not declare yet. */
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): object;
};

/** Job ids are int64 and travel as bare numbers (facts: databricks-api 2.5): a bigint goes out as it came. */
export function body(value: object): string {
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === "bigint" ? json.rawJSON(one.toString()) : one));
}

export interface Reply {
  readonly status: number;
  /** Parsed JSON; an empty object for anything else. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

const PATIENCE_MS = 60_000;

export async function ask(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers,
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, body: objectOf(text), headers: response.headers };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = json.parse(text, (_key, one, { source = "" }) =>
      typeof one === "number" && !Number.isSafeInteger(one) && /^-?\d+$/.test(source) ? BigInt(source) : one,
    );
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** `400 RESOURCE_ALREADY_EXISTS`: what may be shown of an answer. */
export function said({ status, body }: Reply): string {
  const code = body["error_code"] ?? body["error"];
  return typeof code === "string" && /^[\w-]{1,60}$/.test(code) ? `${status} ${code}` : String(status);
}

export function list(
  body: Readonly<Record<string, unknown>>,
  key: string,
): readonly Readonly<Record<string, unknown>>[] {
  const value = body[key];
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

export function child(body: Readonly<Record<string, unknown>>, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    body,
  );
}

export function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : "";
}
