import type { OutboxEvent, StoredEvent } from "../store/store.ts";

/** Who is brought the events of a feed, those of one key in order. */
export interface Taker {
  /** All that comes from here on is new to it. `done` is to be called once for each event that it took. */
  open(done: (event: StoredEvent) => void): void;
  /** False: nobody here wants it, and `done` will not be called. `key` is what it is ordered by. */
  take(event: StoredEvent, key: string): boolean;
  /** How many of those that it took wait for another try. They may wait long, and must not keep others from coming. */
  blockedCount(): number;
  /** Finishes what is under way and drops the rest: it is stored, and comes again. */
  close(): Promise<void>;
}

/** Where events come from, for as long as this process leads. */
export interface Feed {
  readonly leading: boolean;
  start(): void;
  stop(): Promise<void>;
  /** Takes events that this process has just committed. */
  offer(events: readonly OutboxEvent[]): void;
  /** What waits, and the age in milliseconds of the oldest. */
  backlog(): Promise<{ readonly count: number; readonly oldestMs: number }>;
  /** Whether nothing is on its way and nothing waits. */
  isSettled(): Promise<boolean>;
}

/** Of these, more wait where they are stored, where it costs nothing. */
export const inFlightMax = 10_000;
/** The same, of their data together. */
export const inFlightCharsMax = 50_000_000;

/** What events are ordered by. */
export function keyOf({ tenant, key }: StoredEvent): string {
  return `${tenant}\0${key}`;
}
