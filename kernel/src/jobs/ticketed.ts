import type { Clock } from "../call/clock.ts";
import type { ClaimedJob, JobQueue, NewJob } from "../store/jobs.ts";
import type { Runs } from "./runs.ts";
import type { JobSource, SourceOptions } from "./source.ts";
import type { Ticket, TicketQueue } from "./tickets.ts";

const pollLongestMs = 2_000;
const pollShortestMs = 100;
const pageMax = 500;
/** For so long a ticket counts as waiting after this process offered it; then it may have been lost. */
const offeredMs = 5_000;
const offeredMax = 10_000;

/**
 * Takes tickets, and leases the jobs that they name from the store.
 * Jobs that were committed here are offered at once; what is free besides (delayed, failed, of a schedule, of a crash, or because
 * its ticket was lost) is looked for. Every process looks, and offers what it has not just offered: two tickets of one id are one.
 */
export class Ticketed implements JobSource {
  private readonly runs: Runs;
  private readonly queue: JobQueue;
  private readonly tickets: TicketQueue;
  private readonly clock: Clock;
  private readonly options: SourceOptions;
  /** Committed in this turn of the event loop: many tickets are one message to the queue. */
  private gathered: Ticket[] = [];
  /** When each was offered last, the oldest first. */
  private readonly offeredAt = new Map<string, number>();
  private readonly asked = new Map<string, (job: ClaimedJob | undefined) => void>();
  private leasing = false;
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];
  private looking: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(
    runs: Runs,
    { queue, tickets, clock }: { readonly queue: JobQueue; readonly tickets: TicketQueue; readonly clock: Clock },
    options: SourceOptions,
  ) {
    this.runs = runs;
    this.queue = queue;
    this.tickets = tickets;
    this.clock = clock;
    this.options = options;
    const { concurrency, lease } = options;
    tickets.work({ concurrency, leaseMs: lease.ms }, (ticket) => this.use(ticket));
  }

  get isIdle(): boolean {
    return this.underWay === 0 && this.looking === null;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    // Settles once the runs under way do, which whoever stops this waits for next.
    void this.tickets.close();
    await this.looking;
  }

  offer(jobs: readonly NewJob[]): void {
    const free = jobs.filter(({ delayMs, after }) => delayMs <= 0 && after.length === 0);
    if (free.length > 0) {
      if (this.gathered.length === 0) setImmediate(() => this.offerGathered());
      this.gathered.push(...free);
    }
    if (free.length < jobs.length) this.wake();
  }

  private offerGathered(): void {
    const tickets = this.gathered;
    this.gathered = [];
    // Where it fails the next look finds them.
    this.offerAll(tickets).catch(() => {});
  }

  private async offerAll(tickets: readonly Ticket[]): Promise<void> {
    await this.tickets.offer(tickets);
    const now = this.clock.monotonic();
    for (const { id } of tickets) this.offeredAt.set(id, now);
    for (const [id, at] of this.offeredAt) {
      if (this.offeredAt.size <= offeredMax && now - at < offeredMs) break;
      this.offeredAt.delete(id);
    }
  }

  wake(): void {
    if (this.stopped || this.looking !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.looking = this.look()
      .catch(() => pollLongestMs)
      .then((nextMs) => {
        this.looking = null;
        if (!this.stopped) this.timer = setTimeout(() => this.wake(), nextMs);
      });
  }

  /** Answers when to look again, in milliseconds. */
  private async look(): Promise<number> {
    const { types } = this.options;
    const free = await this.queue.free(types, pageMax);
    const since = this.clock.monotonic() - offeredMs;
    const missing = free.filter(({ id }) => (this.offeredAt.get(id) ?? since) <= since);
    if (missing.length > 0) await this.offerAll(missing);
    if (missing.length > 0 && free.length === pageMax) return pollShortestMs;
    const dueInMs = free.length > 0 ? pollLongestMs : ((await this.queue.nextDueMs(types)) ?? pollLongestMs);
    return Math.min(pollLongestMs, Math.max(pollShortestMs, dueInMs));
  }

  /** Never rejects. A ticket waits for its turn among all types before its job is leased. */
  private async use({ id }: Ticket): Promise<void> {
    if (this.underWay === this.options.concurrency) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.underWay++;
    this.offeredAt.delete(id);
    const job = await this.lease(id);
    if (job !== undefined) await this.runs.run(job, () => {});
    const next = this.waiting.shift();
    if (next !== undefined) next();
    else this.underWay--;
  }

  /** Those that are asked for while a lease is under way go together as the next. */
  private lease(id: string): Promise<ClaimedJob | undefined> {
    const { promise, resolve } = Promise.withResolvers<ClaimedJob | undefined>();
    this.asked.set(id, resolve);
    if (!this.leasing) {
      this.leasing = true;
      setImmediate(() => void this.leaseAll());
    }
    return promise;
  }

  private async leaseAll(): Promise<void> {
    while (this.asked.size > 0) {
      const asked = new Map(this.asked);
      this.asked.clear();
      const jobs = await this.queue.lease([...asked.keys()], this.options.lease).catch(() => []);
      for (const job of jobs) asked.get(job.id)?.(job);
      for (const resolve of asked.values()) resolve(undefined);
    }
    this.leasing = false;
  }
}
