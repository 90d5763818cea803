/**
 * Page tokens: opaque to the client, and good only for the list that gave them.
 */
import { badRequest } from "./api.ts";

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** How much of each item, and how many: that does not make it another list. */
const OF_THE_PAGE = ["page_token", "limit", "max_results", "page_size", "expand_tasks"];

/** A list's name, with what was asked of it: with another filter it is another list. */
export function listed(what: string, query: URLSearchParams): string {
  const asked = [...query].filter(([name]) => !OF_THE_PAGE.includes(name));
  return `${what} ${new URLSearchParams(asked.toSorted(([a], [b]) => a.localeCompare(b))).toString()}`;
}

/** One page of `size` items from where `token` says. Throws 400 for a token of another list. */
export function pageOf<T>(list: readonly T[], size: number, token: string | null, what: string): Page<T> {
  const start = token === null || token === "" ? 0 : startOf(token, what);
  const end = Math.min(start + size, list.length);
  return { items: list.slice(start, end), next: end < list.length ? tokenFor(end, what) : undefined };
}

/** The token of the page that begins at an item of the list `what`. */
export function tokenFor(start: number, what: string): string {
  return Buffer.from(`${what}:${start}`).toString("base64url");
}

function startOf(token: string, what: string): number {
  const text = Buffer.from(token, "base64url").toString();
  const at = text.lastIndexOf(":");
  const [of, start] = [text.slice(0, at), text.slice(at + 1)];
  if (of !== what || !/^\d+$/.test(start)) throw badRequest("Invalid page_token.");
  return Number(start);
}
