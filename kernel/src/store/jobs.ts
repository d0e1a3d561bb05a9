import type { JobPriority, RateLimit } from "../contract/action.ts";

/** What holds for all jobs of a type, in every process. */
export interface JobType {
  /** "ledger.seal" */
  readonly type: string;
  readonly rateLimit: RateLimit | undefined;
  /** The most runs at a time. */
  readonly concurrency: number | undefined;
  /** The text of its schedule: another text is another schedule, which missed nothing. */
  readonly schedule: string | undefined;
}

/** A job that a transaction enqueues. */
export interface NewJob {
  readonly id: string;
  /** "ledger.seal" */
  readonly type: string;
  readonly tenant: string;
  /** JSON text. */
  readonly input: string;
  readonly delayMs: number;
  readonly priority: JobPriority;
  /** While a job of this type with this key is stored and not dead, another is not. */
  readonly dedupeKey: string | undefined;
  /** Ids of jobs that must be done first. One that is not stored counts as done; one that is dead holds this one back until it is retried. */
  readonly after: readonly string[];
  readonly traceId: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A job under the lease of the worker that holds this value. */
export interface ClaimedJob extends Omit<NewJob, "after"> {
  /** Grows with every claim of the job: the fencing token. */
  readonly token: number;
  /** 1 for the first run. */
  readonly attempt: number;
  /** How long it had been due. */
  readonly waitedMs: number;
}

/** "waiting" for a worker; "blocked" by a job that it comes after; "paused" with its type; "delayed" until it is due. */
export type JobState = "waiting" | "running" | "delayed" | "blocked" | "paused" | "dead";

/** A stored job, for an operator. */
export interface JobReport {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  readonly state: JobState;
  readonly priority: JobPriority;
  /** JSON text. */
  readonly input: string;
  /** Runs so far, the current one included. */
  readonly attempts: number;
  /** When it may run or, while it runs, when its lease ends; in milliseconds since 1970. */
  readonly dueAt: number;
  /** The process that runs it. */
  readonly owner: string | undefined;
  /** Of the last run that failed. */
  readonly error: string | undefined;
  /** Ids of the jobs that it still waits for. */
  readonly after: readonly string[];
}

/** Which stored jobs an operator wants to see. */
export interface JobFilter {
  readonly type?: string | undefined;
  readonly state?: JobState | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

/** The jobs of a type that could begin now. */
export interface JobBacklog {
  readonly type: string;
  readonly count: number;
  /** How long the oldest has been due. */
  readonly oldestMs: number;
}

/**
 * Jobs that wait, run, or are dead; one that is done is gone. A job is free when it is due, not dead, not paused, and all that it
 * comes after is done.
 */
export interface JobQueue {
  /** Says once per start what holds for the types; the last word counts. Answers the store's clock, in milliseconds since 1970. */
  declare(types: readonly JobType[]): Promise<number>;
  /**
   * Leases up to `limit` free jobs to `owner`, also those whose lease ran out: by priority, then oldest due first; of each type no
   * more than its limits leave room for.
   */
  claim(
    types: readonly string[],
    limit: number,
    lease: { readonly ms: number; readonly owner: string },
  ): Promise<ClaimedJob[]>;
  /** Up to `limit` free jobs in the order in which `claim` would lease them, limits of types apart, without a lease. */
  free(
    types: readonly string[],
    limit: number,
  ): Promise<readonly { readonly id: string; readonly type: string; readonly priority: JobPriority }[]>;
  /** Leases those of the jobs that are free, limits of types apart. */
  lease(ids: readonly string[], lease: { readonly ms: number; readonly owner: string }): Promise<ClaimedJob[]>;
  /** Lengthens the leases; answers the ids still held. */
  renew(jobs: readonly ClaimedJob[], leaseMs: number): Promise<ReadonlySet<string>>;
  /** Gives the job back: due again in `retryInMs`, or dead where that is undefined. Nothing where the token is stale. */
  fail(job: ClaimedJob, error: string, retryInMs: number | undefined): Promise<void>;
  /** Hands jobs back as if they had not been claimed. Nothing where a token is stale. */
  release(jobs: readonly ClaimedJob[]): Promise<void>;
  /**
   * Milliseconds until the next job of the types is free, as far as time alone decides it, leases apart: that one has run out is
   * found by looking. Undefined where none is stored but those that are leased.
   */
  nextDueMs(types: readonly string[]): Promise<number | undefined>;
  /**
   * Stores the job of a turn of its type's schedule, at most once however often and from wherever it is asked: only where the
   * turn has come by the store's clock, and is later than the last one stored and than the schedule's declaration.
   * Answers the store's clock.
   */
  fire(job: NewJob, turnAt: number): Promise<number>;
  /** From now on no process begins a job of the type, or all do again; runs that have begun go on. Known or not, the type is kept in mind. */
  setPaused(type: string, paused: boolean): Promise<void>;
  /** The dead newest first, all others in the order in which they become free. */
  list(filter: JobFilter): Promise<readonly JobReport[]>;
  /** For each of the types, 0 where nothing waits: due jobs that nobody has claimed, paused ones included. */
  backlog(types: readonly string[]): Promise<readonly JobBacklog[]>;
  /** Gives a dead job its attempts back, due now; false where there is none, or a living one has taken its dedupe key. */
  retry(id: string): Promise<boolean>;
}
