import { cloudEventOf } from "../log/cloud-event.ts";
import type { Log } from "../log/log.ts";
import { logFaults } from "../log/log-faults.ts";
import type { Store, StoredEvent } from "../store/store.ts";
import type { Taker } from "./feed.ts";

/*
 * Moves committed events from the outbox into a log.
 * R1  An event is marked sent when the log has it, never before.
 * R2  Of one key, events are appended in version order: one call at a time, and what failed is appended again before what is later.
 * R3  What the log refuses for good goes to the dead letters, and holds nothing up.
 * R4  A relay that was cut off and goes on repeats what another has appended: the inbox is what keeps effects single.
 */

/** In dead letters and in the outbox, the relay's name among the subscribers. No service can have it. */
export const relayName = "@log";

const batchMax = 500;
const againFirstMs = 50;
const againLongestMs = 5_000;

/** Appends what it takes to a log, in the order it was taken. */
export class Relay implements Taker {
  private readonly store: Store;
  private readonly log: Log;
  private queue: StoredEvent[] = [];
  private appending: Promise<void> | null = null;
  private closed = true;
  private done: (event: StoredEvent) => void = () => {};
  private failures = 0;
  private wake: () => void = () => {};

  constructor(store: Store, log: Log) {
    this.store = store;
    this.log = log;
  }

  open(done: (event: StoredEvent) => void): void {
    this.done = done;
    this.closed = false;
  }

  take(event: StoredEvent): boolean {
    this.queue.push(event);
    if (this.appending === null) this.run();
    return true;
  }

  blockedCount(): number {
    return 0;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    await this.appending;
    this.queue = [];
  }

  /** A microtask later, so that the events of one commit are one batch. */
  private run(): void {
    this.appending = Promise.resolve()
      .then(async () => {
        while (this.queue.length > 0 && !this.closed) await this.append(this.queue.slice(0, batchMax));
      })
      .finally(() => {
        this.appending = null;
      });
  }

  private async append(batch: readonly StoredEvent[]): Promise<void> {
    try {
      await this.log.append(batch.map(cloudEventOf));
      this.failures = 0;
      this.queue.splice(0, batch.length);
      for (const event of batch) this.done(event);
    } catch (error) {
      if (!(await this.buried(batch, error))) await this.rest();
    }
  }

  private async buried(batch: readonly StoredEvent[], error: unknown): Promise<boolean> {
    if (!logFaults.refused.is(error)) return false;
    const index = batch.findIndex(({ id }) => id === error.details.id);
    const event = batch[index];
    if (event === undefined) return false;
    try {
      await this.store.deadLetters.bury(relayName, event, 1, error.message);
    } catch {
      return false;
    }
    this.queue.splice(index, 1);
    this.done(event);
    return true;
  }

  private rest(): Promise<void> {
    const waitMs = Math.min(againLongestMs, againFirstMs * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, waitMs).unref();
    });
  }
}
