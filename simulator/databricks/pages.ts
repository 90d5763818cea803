/**
 * Page tokens: opaque to the client, and good only for the list that gave them.
 */
import { badRequest } from "./api.ts";

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** One page of `size` items from where `token` says. Throws 400 for a token of another list. */
export function pageOf<T>(list: readonly T[], size: number, token: string | null, what: string): Page<T> {
  const start = token === null || token === "" ? 0 : startOf(token, what);
  const end = Math.min(start + size, list.length);
  return { items: list.slice(start, end), next: end < list.length ? tokenFor(end, what) : undefined };
}

export function tokenFor(start: number, what: string): string {
  return Buffer.from(`${what}:${start}`).toString("base64url");
}

function startOf(token: string, what: string): number {
  const [of, start] = Buffer.from(token, "base64url").toString().split(":");
  if (of !== what || start === undefined || !/^\d+$/.test(start)) throw badRequest("Invalid page_token.");
  return Number(start);
}
