import type { Schema } from "../contract/schema.ts";
import type { ClaimedJob, JobQueue, NewJob } from "./jobs.ts";
import type { Outcome } from "./outcome.ts";
import type { Sql } from "./sql.ts";
import type { RunClaim, RunStore } from "./workflows.ts";

/**
 * Where services keep state, and where what a transaction says is stored with it. The kernel decides what belongs
 * together; a store makes it one transaction. Numbers: S1 ... are what the conformance suite holds.
 *
 * S1  A transaction's rows, events, jobs and command records commit together or not at all.
 * S2  A transaction is opened by its first statement, so that a handler that says nothing costs nothing; what opens it
 *     (the look-up of command records, the inbox rows) travels with that statement, in one round trip. So does COMMIT
 *     with everything that closes it.
 * S3  Of two transactions with the same command id one commits; the other gets `AlreadyRecorded` with its record.
 * S4  The events of one (tenant, key) have the versions 1, 2, 3 … in commit order, without gaps.
 * S5  An event id enters a subscriber's inbox once.
 * S6  A job completes only under the token it was claimed with.
 * S7  Everything raised is a fault of `storeFaults`, an `AlreadyRecorded`, or an SQL error with `code` (SQLSTATE) and `constraint`.
 *     After any of them only `rollback` or `refuse` may follow.
 * S8  No statement outlives its budget: it is cancelled at the server.
 */
export interface Store {
  /**
   * Connects, creates its own tables, runs the migrations of the services, each file once, in order. From then on every event
   * of a type that a service hears of waits in its outbox.
   */
  start(services: readonly MigratedService[]): Promise<void>;
  /** Waits for open transactions until `budget` is spent, then cuts. Idempotent. */
  stop(budget: Budget): Promise<void>;
  /** One round trip; raises `store.unavailable`. */
  ping(budget: Budget): Promise<void>;

  /** Read-only SQL outside any transaction: each statement sees what was committed before it. */
  read(budget: Budget): Sql;
  /** For commands. `keys` are the idempotency keys to look up when it opens; a command without one has none. */
  beginCommands(keys: readonly CommandKey[], budget: Budget): CommandTransaction;
  /** For the events that one subscriber handles together. */
  beginDelivery(subscriber: string, eventIds: readonly string[], budget: Budget): DeliveryTransaction;
  /** For one run of a claimed job. Committing completes the job, or raises `store.stale` when the lease went to another. */
  beginJob(job: ClaimedJob, budget: Budget): Transaction;

  readonly outbox: Outbox;
  readonly deadLetters: DeadLetters;
  readonly jobs: JobQueue;
  readonly runs: RunStore;
  readonly retention: Retention;
}

/** A service as the store needs to know it. */
export interface MigratedService {
  readonly name: string;
  readonly migrations: URL | undefined;
  /** The types of the events that its subscriptions and projections take. */
  readonly hears: readonly string[];
}

/** What is left of a call's time. Stores cancel their statements by it. */
export interface Budget {
  remainingMs(): number;
  readonly signal: AbortSignal;
}

/** One transaction: opened by its first statement, ended by `commit` or `rollback`. */
export interface Transaction {
  readonly sql: Sql;
  /** Stores what closes the transaction and commits: one round trip, or one in all where `sql` was never used. */
  commit(closing: Closing): Promise<Committed>;
  /** Undoes everything. Idempotent, and never raises: a connection that cannot roll back is discarded. */
  rollback(): Promise<void>;
}

/** What a transaction says, stored with its COMMIT. */
export interface Closing {
  readonly events: readonly NewEvent[];
  readonly jobs: readonly NewJob[];
}

/** What the commit made of it. */
export interface Committed {
  /** As stored, in the order given. */
  readonly events: readonly OutboxEvent[];
  /** How many jobs are free now because the one that completed was the last that they came after. */
  readonly releasedJobs?: number;
}

/** What a command is known by when it comes again. */
export interface CommandKey {
  /** 16 bytes of a hash over (tenant, idempotency key): uniform, and half an index's size against the text. */
  readonly id: Uint8Array;
  /** SHA-256 over the action and its input. */
  readonly bodyHash: Uint8Array;
}

/** One command that took effect, or was refused for good: its idempotency record and its audit record, one row. */
export interface CommandRecord {
  /** A UUIDv7 where the caller gave no key. */
  readonly id: Uint8Array;
  /** Empty where the caller gave no key. */
  readonly bodyHash: Uint8Array;
  readonly tenant: string;
  readonly actor: string;
  readonly action: string;
  readonly traceId: string;
  readonly outcome: Outcome;
  /** The run that it is a step of. It takes effect under the run's lease, or not at all: the commit raises `store.stale`. */
  readonly under?: RunClaim | undefined;
}

/** The transaction of one command, or of a group of them. */
export interface CommandTransaction extends Transaction {
  /**
   * Opens now, and answers the stored records among `keys`. Without it the look-up travels with the first statement,
   * which then raises `AlreadyRecorded`, as `commit` does.
   */
  open(): Promise<readonly CommandRecord[]>;
  commit(closing: Closing & { readonly commands: readonly CommandRecord[] }): Promise<Committed>;
  /** Undoes everything, and stores the records (all faults) in a transaction of their own. Raises `AlreadyRecorded`. */
  refuse(commands: readonly CommandRecord[]): Promise<void>;
}

/** Raised where a command with one of the keys has committed before. */
export class AlreadyRecorded extends Error {
  readonly records: readonly CommandRecord[];
  constructor(records: readonly CommandRecord[]) {
    super("a command with this idempotency key has committed before");
    this.name = "AlreadyRecorded";
    this.records = records;
  }
}

/** The transaction of events that one subscriber handles together. */
export interface DeliveryTransaction extends Transaction {
  /**
   * Opens, enters the events into the inbox, and answers the ids that were not there before. Without it they are entered
   * with the first statement, or with the commit, which raise `store.handled` where one of them was there.
   */
  open(): Promise<ReadonlySet<string>>;
}

/** An event that a transaction emits. */
export interface NewEvent {
  /** UUIDv7. */
  readonly id: string;
  /** "ledger.posted" */
  readonly type: string;
  readonly tenant: string;
  readonly key: string;
  /** JSON text. */
  readonly data: string;
  readonly traceId: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** What validated the data in this process. Stores hand it on with what they answer of a commit, and do not keep it. */
  readonly validatedBy?: Schema;
}

/** An event that has committed. */
export interface StoredEvent extends NewEvent {
  readonly version: number;
  /** Milliseconds since 1970, by the store's clock. */
  readonly at: number;
}

/** One that services may wait for. */
export interface OutboxEvent extends StoredEvent {
  /** Its number in the log, by which it is marked sent. Within a key it grows with the version. */
  readonly seq: number;
}

/** What one process can deliver: types that a newer version of the service hears of are left to that. */
export interface Hearing {
  readonly service: string;
  readonly types: readonly string[] | "all";
}

/** Every event ever committed, and which of them still wait for which service. */
export interface Outbox {
  /**
   * One process delivers to a service, whichever holds its lead; others only announce. Resolves when leading; `lost` aborts when the
   * lead is gone (then another may have it already: the inbox is what keeps effects single).
   */
  lead(service: string, signal: AbortSignal): Promise<{ readonly lost: AbortSignal; release(): Promise<void> }>;
  /**
   * Up to `count` events that are not marked sent, oldest first, and in version order within each key, none left out but those whose
   * numbers are `known`. The page ends with the event that brings its data to `bytes`, in UTF-8.
   */
  unsent(
    hearing: Hearing,
    most: { readonly count: number; readonly bytes: number },
    known: readonly number[],
  ): Promise<OutboxEvent[]>;
  /** The events of these numbers need not be delivered to the service again. */
  markSent(service: string, seqs: readonly number[]): Promise<void>;
  /** What waits for `service`, and what would wait for it from now on, waits for `by` instead, which hears of it already. */
  adopt(service: string, by: string): Promise<void>;
  /** Every service that hears of events, or that events wait for, running or not, by name. */
  subscriptions(): Promise<readonly StoredSubscriptions[]>;
  /** The service hears of nothing more, until it starts again, and what waits for it is dropped; answers how many events that were. */
  forget(service: string): Promise<number>;
  /** Calls `listener` soon after other processes' commits with events or jobs; at most each 10 ms. `eventsAlone`: no job is free by them. */
  onAnnounced(listener: (eventsAlone: boolean) => void): void;
  /** The number of events unsent and the age in milliseconds of the oldest. */
  backlog(hearing: Hearing): Promise<{ readonly count: number; readonly oldestMs: number }>;
  /**
   * Folds everything anew for one subscriber, in one transaction: forgets its inbox and dead letters, calls `reset`, then `fold` with
   * pages of all events of `types`, those of this store and then those that `kept` has of others, in version order per key,
   * and enters each into the inbox. Where that would be less than the subscriber took it changes nothing: raises `store.forgotten` where
   * events of one of the types, or what it took of other stores, are known no more, `store.missing` where it took some that are
   * neither here nor in `kept`.
   */
  refold(subscriber: string, types: readonly string[], work: Refold): Promise<{ readonly foldedCount: number }>;
}

/** What a store remembers of a service that hears of events. */
export interface StoredSubscriptions {
  readonly service: string;
  /** In alphabetical order. */
  readonly types: readonly string[];
  /** Events that wait for it, and the age of the oldest in milliseconds; 0 where none waits. */
  readonly unsentCount: number;
  readonly oldestMs: number;
}

/** What a rebuild does to its projection. */
export interface Refold {
  reset(sql: Sql): Promise<unknown>;
  fold(sql: Sql, events: readonly StoredEvent[]): Promise<void>;
  /** What a log keeps of the types, in version order per key where each counts once; left out where none can be read again. */
  readonly kept?: (() => AsyncIterable<readonly StoredEvent[]>) | undefined;
}

/** An event that one subscriber could not handle. */
export interface DeadLetter {
  readonly id: string;
  readonly subscriber: string;
  readonly event: StoredEvent;
  readonly attempts: number;
  readonly error: string;
  readonly at: number;
  /** Its place in the list, which grows; that of a letter that fails again is a new one. */
  readonly position: number;
}

/** Events that subscribers gave up on, until they are redriven. */
export interface DeadLetters {
  /** Puts the event into the inbox and here, in one transaction; false where it was handled or buried before. */
  bury(subscriber: string, event: StoredEvent, attempts: number, error: string): Promise<boolean>;
  /** Newest first; those that come after a position, whether or not its letter is still there. */
  list(filter: {
    readonly subscriber?: string;
    readonly limit: number;
    readonly after?: number;
  }): Promise<DeadLetter[]>;
  /** Opens a transaction that takes the letter out; undefined where it is gone. A rollback puts it back. */
  beginRedrive(
    id: string,
    budget: Budget,
  ): Promise<{ readonly letter: DeadLetter; readonly transaction: Transaction } | undefined>;
  /** Puts a letter that failed again at the end, with one attempt more. */
  refused(id: string, error: string): Promise<void>;
}

/** What the store keeps of what is over, in the background and by itself, and how it is sent again. */
export interface Retention {
  /**
   * Every event stored since then (milliseconds since 1970, by the store's clock) waits again for the services that hear of its type now. Who has
   * handled it skips it, by its inbox; so `store.forgotten` is raised where that does not reach back so far.
   */
  republish(since: number): Promise<{ readonly count: number }>;
  standing(): Promise<RetentionStanding>;
}

/** Times are milliseconds since 1970, undefined where it never happened. */
export interface RetentionStanding {
  /** When what is over was last let go of; grows old where that fails. */
  readonly sweptAt: number | undefined;
  /** Up to when events were dropped. */
  readonly droppedUntil: number | undefined;
  /** Partitions that are over and still kept: something in them is unsent, or being read. */
  readonly overdueCount: number;
  readonly deadLetterCount: number;
}
