/**
 * Runs that share a tier send their requests one at a time, and a schedule says whose turn it is: so that an interleaving
 * can be chosen, and played again. Nothing here waits for a clock: a run that has nothing to send is computing.
 */
import { setImmediate as soon } from "node:timers/promises";
import type { ApiRequest, Workspace } from "../src/databricks/workspace.ts";

/** What a run wants to send. */
export interface Sent {
  readonly run: string;
  /** `PUT /api/2.0/pipelines/1`; `pause` for a run that waits a while. */
  readonly what: string;
  readonly writes: boolean;
}

/** A run as a schedule sees it: it has something to send, or waits a while. */
export interface Player {
  readonly name: string;
  /** How many requests it has sent. */
  readonly sent: number;
  /** In the order in which the run came to them. */
  readonly waiting: readonly Sent[];
  readonly pauses: boolean;
}

/** Who sends which of its requests next; or who dies, and which of the requests that it has on the way still arrive. */
export type Turn =
  | { readonly next: string; readonly index?: number }
  | { readonly kill: string; readonly arriving: readonly number[] };

export type Schedule = (players: readonly [Player, ...Player[]]) => Turn;

/** What a run is given in the place of its own ways out. */
export interface Seat {
  readonly through: (workspace: Workspace) => Workspace;
  readonly github: <T>(what: string, ask: () => Promise<T>) => Promise<T>;
  readonly pause: () => Promise<void>;
}

export type Ended<T> = { readonly value: T } | { readonly error: unknown } | "killed";

interface Waiting extends Sent {
  /** Sends it; ends when the service has done it and the answer was handed on, which it is not to a dead run. */
  readonly send: (deliver: boolean) => Promise<void>;
}

class Chair<T> {
  readonly name: string;
  readonly waiting: Waiting[] = [];
  sent = 0;
  ended: Ended<T> | undefined;
  #stir = Promise.withResolvers<void>();

  constructor(name: string) {
    this.name = name;
  }

  get pauses(): boolean {
    return this.waiting.every(({ what }) => what === "pause");
  }

  stirred(): void {
    this.#stir.resolve();
    this.#stir = Promise.withResolvers();
  }

  /** Until it has something to send or is at its end. */
  async ready(): Promise<void> {
    while (this.waiting.length === 0 && this.ended === undefined) await this.#stir.promise;
  }

  ask<A>(what: string, writes: boolean, ask: () => Promise<A>): Promise<A> {
    const answer = Promise.withResolvers<A>();
    if (this.ended === "killed") return answer.promise;
    const send = async (deliver: boolean): Promise<void> => {
      try {
        const value = await ask();
        if (deliver) answer.resolve(value);
      } catch (error) {
        if (deliver) answer.reject(error);
      }
    };
    this.waiting.push({ run: this.name, what, writes, send });
    this.stirred();
    return answer.promise;
  }

  get seat(): Seat {
    return {
      through: (workspace) => ({
        ...workspace,
        call: (request) => this.ask(nameOf(request), isWrite(request), () => workspace.call(request)),
      }),
      github: (what, ask) => this.ask(`GitHub ${what}`, true, ask),
      pause: () => this.ask("pause", false, () => Promise.resolve()),
    };
  }
}

function nameOf({ method, path, query }: ApiRequest): string {
  const of = method === "GET" && query?.["path"] !== undefined ? ` ${String(query["path"])}` : "";
  return `${method} ${decodeURIComponent(path)}${of}`;
}

/** What a request is about; of a change of the workspace's folders only its body says which it is of. */
function thingsOf({ what }: Sent): readonly string[] {
  if (what.startsWith("GitHub ")) return ["GitHub"];
  if (/\/workspace\/(delete|mkdirs)$/.test(what)) return ["lock", "content"];
  if (what.includes("/releases")) return ["content"];
  if (what.endsWith("/ledger.json")) return ["ledger"];
  // The list of the tier's folder is read for its locks alone.
  if (/\/workspace\/list\b|\/lock\.\d+(\.released)?$/.test(what)) return ["lock"];
  return [/\/(jobs|pipelines)\b/.exec(what)?.[1] ?? "else"];
}

/** True if requests of two runs come to the same in either order: they only read, or are about different things. */
function commute(one: Sent, other: Sent): boolean {
  if (one.what === "pause" || other.what === "pause" || (!one.writes && !other.writes)) return true;
  return !thingsOf(one).some((thing) => thingsOf(other).includes(thing));
}

/** Where a run stood still, by what was sent: what others did meanwhile, and how many places later come to the same. */
interface Interruption {
  /** Without pauses. */
  readonly others: readonly Sent[];
  /** So many of the run's next requests could as well have been sent before all that. */
  readonly alike: number;
}

/** What happened when a run had sent so many requests, counted from the given one on; undefined if nobody came between. */
export function interruption(sent: readonly Sent[], run: string, place: number, from = 0): Interruption | undefined {
  const own = sent.flatMap((each, index) =>
    each.run === run && each.what !== "pause" && index >= from ? [index] : [],
  );
  const start = place === 0 ? from : (own[place - 1] ?? sent.length) + 1;
  const next = own[place] ?? sent.length;
  const others = sent.slice(start, next).filter(({ what }) => what !== "pause");
  if (others.length === 0) return undefined;
  let alike = 0;
  for (const each of sent.slice(next)) {
    if (each.run !== run || !others.every((other) => commute(each, other))) break;
    if (each.what !== "pause") alike += 1;
  }
  return { others, alike };
}

/** A search is sent as a POST. */
function isWrite({ method, path }: ApiRequest): boolean {
  return method !== "GET" && !path.endsWith("/search");
}

/**
 * Plays the runs to their ends. `after` is called behind each request that was sent. Gives how each ended and what was
 * sent, in order; throws if it does not come to an end.
 */
export async function inTurns<T>(
  schedule: Schedule,
  runs: Readonly<Record<string, (seat: Seat) => Promise<T>>>,
  after: (sent: Sent) => void = () => undefined,
): Promise<{ readonly ends: Readonly<Record<string, Ended<T>>>; readonly sent: readonly Sent[] }> {
  const chairs = Object.entries(runs).map(([name, body]) => {
    const chair = new Chair<T>(name);
    const end = (ended: Ended<T>): void => {
      if (chair.ended === undefined) chair.ended = ended;
      chair.stirred();
    };
    void body(chair.seat).then(
      (value) => end({ value }),
      (error: unknown) => end({ error }),
    );
    return chair;
  });
  const sent: Sent[] = [];
  for (;;) {
    await soon(); // what follows from the last answer
    for (const chair of chairs) await chair.ready();
    const [first, ...others] = chairs.filter(({ ended }) => ended === undefined);
    if (first === undefined) break;
    if (sent.length > MOST) throw new Error(`no end after ${MOST} requests`);
    const turn = schedule([first, ...others]);
    const chair = chairs.find(({ name }) => name === ("kill" in turn ? turn.kill : turn.next));
    if (chair === undefined) throw new Error("the schedule names nobody");
    if ("kill" in turn) {
      chair.ended = "killed";
      for (const index of turn.arriving) await chair.waiting[index]?.send(false);
      chair.waiting.splice(0);
      continue;
    }
    const [next] = chair.waiting.splice(turn.index ?? 0, 1);
    if (next === undefined) throw new Error(`${chair.name} has nothing to send`);
    if (next.what !== "pause") chair.sent += 1;
    sent.push(next);
    await next.send(true);
    after(next);
  }
  const ends = Object.fromEntries(chairs.map(({ name, ended }) => [name, ended ?? "killed"]));
  return { ends, sent };
}

const MOST = 5_000;

/** The first goes first; after that many requests of a run the other goes on, and so does it when one only waits. */
export function preempting(stops: readonly number[]): Schedule {
  const left = [...stops];
  let current: string | undefined;
  let since = 0;
  return (players) => {
    const [first, ...rest] = players;
    let now = players.find(({ name }) => name === current) ?? first;
    const other = [first, ...rest].find(({ name }) => name !== now.name);
    if (now.name !== current) [current, since] = [now.name, now.sent];
    const [stop] = left;
    const isDue = stop !== undefined && now.sent - since >= stop;
    if (isDue) left.shift();
    if (other !== undefined && (isDue || (now.pauses && !other.pauses))) {
      now = other;
      [current, since] = [other.name, other.sent];
    }
    return { next: now.name };
  };
}

/** A run that is killed when it has sent that many writes; of what is on its way then, `arriving` still takes effect. */
export function killedAfter(
  writes: number,
  arriving: (waiting: readonly Sent[]) => readonly number[] = () => [],
): Schedule {
  let sent = 0;
  return ([player]) => {
    const next = player.waiting.findIndex(({ what }) => what !== "pause");
    const [head] = player.waiting;
    if (sent === writes && (head?.writes === true || next === -1)) {
      return { kill: player.name, arriving: arriving(player.waiting) };
    }
    if (head?.writes === true) sent += 1;
    return { next: player.name };
  };
}

/** Any order at all, the same for the same seed: also what one run has on its way at the same time arrives in any order. */
export function atRandom(seed: number): Schedule {
  const random = numbers(seed);
  // Some seeds change at nearly every request, some seldom.
  const staying = random() * 0.98;
  let current: string | undefined;
  return (players) => {
    const busy = players.filter(({ pauses }) => !pauses);
    const among = busy.length > 0 && random() < 0.95 ? busy : players;
    const stay = random() < staying ? among.find(({ name }) => name === current) : undefined;
    const player = stay ?? among[Math.floor(random() * among.length)] ?? players[0];
    current = player.name;
    return { next: player.name, index: random() < 0.7 ? 0 : Math.floor(random() * player.waiting.length) };
  };
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
