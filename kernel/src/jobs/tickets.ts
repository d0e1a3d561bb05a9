import type { OutsideServer } from "../call/health-check.ts";
import type { JobPriority } from "../contract/action.ts";
import type { JobType } from "../store/jobs.ts";

/** Says that stored jobs are free to run: one, or some that are soon done and were stored together. */
export interface Ticket {
  /** The jobs', of one type and priority; at least one. */
  readonly ids: readonly [string, ...string[]];
  readonly type: string;
  readonly priority: JobPriority;
}

/**
 * Hands out jobs among processes in place of the store, which stays their record: a worker leases each job from the store before it
 * runs it. A ticket may therefore come twice, come for a job that is done, or be lost: jobs whose ticket is lost are offered again.
 *
 * Q1  A ticket is with one worker at a time; one of a worker that died comes to another, or is lost, within two leases.
 * Q2  A ticket of one job is dropped where one for this job alone waits or is with a worker.
 * Q3  Of a type, high goes before normal and normal before low.
 * Q4  A type's limits of rate and concurrency hold over all processes, in tickets: whoever offers those names one job in each.
 * Q5  What it is asked while its server is away fails at once, and it takes up its work again when that is back.
 */
export interface TicketQueue {
  /** What hands out; absent where it is in this process. To be asked once it is open. */
  readonly server?: OutsideServer;
  /** Connects, says what holds for the types, and raises why it cannot. */
  open(types: readonly JobType[]): Promise<void>;
  offer(tickets: readonly Ticket[]): Promise<void>;
  /** Calls `run` with tickets of the opened types; one is used up when it resolves. `run` never rejects. */
  work(
    limits: { readonly concurrency: number; readonly leaseMs: number },
    run: (ticket: Ticket) => Promise<void>,
  ): void;
  /** Takes no more tickets from now on, waits for those that are under way, and disconnects. Idempotent. */
  close(): Promise<void>;
}
