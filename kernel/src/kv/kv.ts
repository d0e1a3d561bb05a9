import type { OutsideServer } from "../call/health-check.ts";

/**
 * Small things that are quick to reach, that all processes share, and that may be forgotten: of everything in here the truth is
 * elsewhere, or it is no loss. Numbers: G1 … are what the conformance suite holds.
 *
 * G1  What is set is there for every client until its time is over, and not a millisecond longer by the engine's clock.
 * G2  Counters and scores lose no addition, however many add at once.
 * G3  A bucket hands out no more than it holds and what has flowed in since, to all clients together.
 * G4  Of those who hold a lock one after the other each has a higher fence than the one before, also across a restart of the engine;
 *     a holder whose time is over neither extends nor releases what is another's by now.
 * G5  Those who have subscribed hear what is published afterwards, in the order of each publisher; nothing is kept for who is away.
 * G6  Spaces do not see each other.
 * G7  A client that lost its engine goes on by itself, with its subscriptions; meanwhile everything raises `kv.unavailable`, in time.
 */
export interface Kv {
  readonly traits: KvTraits;
  /** The engine; absent where it is the store's own. To be asked once it is open. */
  readonly server?: OutsideServer;
  /** Connects, and creates what it needs where it may. Raises `kv.unavailable`, `kv.misconfigured`. */
  open(options: { readonly signal: AbortSignal }): Promise<void>;
  /** What one service has. */
  space(name: string): KeyValues;
  /** Closes everything it opened. Idempotent. */
  close(options: { readonly deadlineMs: number }): Promise<void>;
}

/** What an engine promises beyond the port. */
export interface KvTraits {
  /** "server": what was set survives the server's process; "no": it does not. */
  readonly durable: "no" | "server";
  /** The largest message that is published, in bytes. */
  readonly messageBytesMax: number;
}

/** A bucket that tokens flow into, up to its capacity. */
export interface Bucket {
  readonly capacity: number;
  readonly perSecond: number;
}

/** A lock that is held until its time is over, or it is released. */
export interface Lock {
  /** Higher than that of every holder before: who writes under the lock sends it along, and the other side refuses a lower one. */
  readonly fence: number;
  /** Holds it for so long from now on; false where it was lost. */
  extend(ttlMs: number): Promise<boolean>;
  /** False where it was lost. */
  release(): Promise<boolean>;
}

/** A member of a leaderboard. */
export interface Standing {
  readonly member: string;
  readonly score: number;
}

/** One space of keys. Values, counters, buckets, locks, boards and channels of one name are different things. All of it raises `kv.unavailable`. */
export interface KeyValues {
  get(key: string): Promise<string | undefined>;
  /** Answers whether it was set: `ifAbsent` leaves alone what is there. Without `ttlMs` it stays. */
  set(key: string, value: string, options?: { readonly ttlMs?: number; readonly ifAbsent?: boolean }): Promise<boolean>;
  /** Whether it was there. */
  delete(key: string): Promise<boolean>;
  /** Adds to a counter and answers what it is then. `ttlMs` counts from the addition that began it. */
  count(key: string, by: number, options?: { readonly ttlMs?: number }): Promise<number>;
  /**
   * Takes tokens out of a bucket, which is full at first. Where there are too few nothing is taken, and it answers after how many milliseconds
   * there will be enough; else 0. More than the capacity may be taken of a full bucket, and is owed.
   */
  take(key: string, tokens: number, bucket: Bucket): Promise<number>;
  /** Undefined where somebody else holds it. */
  lock(key: string, options: { readonly ttlMs: number }): Promise<Lock | undefined>;
  /** Adds to a member's score on a board and answers what it is then. */
  score(board: string, member: string, by: number): Promise<number>;
  /** The highest scores; of equal ones the member that sorts last comes first. */
  top(board: string, limit: number): Promise<Standing[]>;
  /** 1 for the first; undefined for who has no score. */
  rank(board: string, member: string): Promise<number | undefined>;
  /** Raises `kv.tooLarge`. */
  publish(channel: string, message: string): Promise<void>;
  /** Resolves when it hears; answers what ends it. The listener must not throw. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>;
}
