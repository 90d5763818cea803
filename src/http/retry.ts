/** When to try again, and after how long (facts: databricks-api 2.2). Pure. */

/** Back-off grows by a second an attempt up to this, plus jitter, as the SDKs do. */
const BACKOFF_STEP_MS = 1_000;
const BACKOFF_CAP_MS = 10_000;
const JITTER_MS: readonly [from: number, to: number] = [50, 750];
/** A server may ask for more than our back-off, but never for more than this. */
const RETRY_AFTER_CAP_MS = 120_000;

/** How long to wait before attempt `attempt + 1` (attempts count from 1): the larger of back-off and Retry-After. */
export function waitBefore(attempt: number, retryAfter: string | undefined, now: number, random: number): number {
  const [from, to] = JITTER_MS;
  const backoff = Math.min(attempt * BACKOFF_STEP_MS, BACKOFF_CAP_MS) + from + random * (to - from);
  const asked = parseRetryAfter(retryAfter, now) ?? 0;
  return Math.max(backoff, Math.min(asked, RETRY_AFTER_CAP_MS));
}

/** Retry-After as milliseconds from `now`: seconds or an HTTP date; undefined if it is neither. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const trimmed = value?.trim();
  if (trimmed === undefined || trimmed === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1_000;
  // only real dates: Date.parse also takes "-1" or "2" for a year
  if (!/^[A-Za-z]{3,9},? /.test(trimmed)) return undefined;
  const date = Date.parse(trimmed);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
