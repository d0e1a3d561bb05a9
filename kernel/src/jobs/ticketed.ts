import type { Clock } from "../call/clock.ts";
import type { ClaimedJob, JobQueue, NewJob } from "../store/jobs.ts";
import { aheadMs, endingMax, type Follower, type Runs } from "./runs.ts";
import type { JobSource, SourceOptions } from "./source.ts";
import type { Ticket, TicketQueue } from "./tickets.ts";

const pollLongestMs = 2_000;
const pollShortestMs = 100;
const pageMax = 500;
/** For so long a ticket counts as waiting after this process offered it; then it may have been lost. */
const offeredMs = 5_000;
const offeredMax = 10_000;
/** The most jobs of one ticket. */
const togetherMax = 100;

interface TicketedOptions extends SourceOptions {
  /** Those of which no more begin in a time than their limit says. */
  readonly rated: ReadonlySet<string>;
}

/**
 * Takes tickets, and leases the jobs that they name from the store. A ticket is used up when the handlers of its jobs have ended: should
 * their ends not commit, the leases do, and the jobs are found.
 * Jobs that were committed here are offered at once; what is free besides (delayed, failed, of a schedule, of a crash, or because
 * its ticket was lost) is looked for. Every process looks, and offers what it has not just offered: two tickets of one job alone are one,
 * and whose job is leased already is used up at once.
 */
export class Ticketed implements JobSource, Follower {
  private readonly runs: Runs;
  private readonly queue: JobQueue;
  private readonly tickets: TicketQueue;
  private readonly clock: Clock;
  private readonly options: TicketedOptions;
  /** Committed in this turn of the event loop: many tickets are one message to the queue. */
  private gathered: NewJob[] = [];
  /** When each was offered last, the oldest first. */
  private readonly offeredAt = new Map<string, number>();
  /** Of handlers, by type, smoothed. */
  private readonly tookMs = new Map<string, number>();
  /** What resolves when a job needs its ticket no more, by the job's id. */
  private readonly held = new Map<string, () => void>();
  private asked: string[] = [];
  private leasing: Promise<void> | null = null;
  private looking: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(
    runs: Runs,
    { queue, tickets, clock }: { readonly queue: JobQueue; readonly tickets: TicketQueue; readonly clock: Clock },
    options: TicketedOptions,
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
    return this.held.size === 0 && this.looking === null;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    // Settles once the runs under way do, which whoever stops this waits for next.
    void this.tickets.close();
    await this.leasing;
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
    const tickets = [...Map.groupBy(this.gathered, ({ type, priority }) => `${type} ${priority}`).values()].flatMap(
      (jobs) => this.ticketsOf(jobs),
    );
    this.gathered = [];
    // Where it fails the next look finds them.
    this.offerAll(tickets).catch(() => {});
  }

  /** Of jobs of one type and priority: as many in one as a handler does in a moment, but what its type limits is counted in tickets. */
  private ticketsOf(jobs: readonly NewJob[]): Ticket[] {
    const [{ type, priority }] = jobs as [NewJob];
    const { limited, rated } = this.options;
    const tookMs = this.tookMs.get(type) ?? aheadMs;
    const together = limited.has(type) || rated.has(type) ? 1 : Math.max(1, Math.min(togetherMax, aheadMs / tookMs));
    const tickets: Ticket[] = [];
    for (let from = 0; from < jobs.length; from += Math.floor(together)) {
      const [first, ...others] = jobs.slice(from, from + Math.floor(together)).map(({ id }) => id) as [string];
      tickets.push({ ids: [first, ...others], type, priority });
    }
    return tickets;
  }

  private async offerAll(tickets: readonly Ticket[]): Promise<void> {
    await this.tickets.offer(tickets);
    const now = this.clock.monotonic();
    for (const { ids } of tickets) for (const id of ids) this.offeredAt.set(id, now);
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
    if (missing.length > 0)
      await this.offerAll(missing.map(({ id, type, priority }) => ({ ids: [id], type, priority })));
    if (missing.length > 0 && free.length === pageMax) return pollShortestMs;
    const dueInMs = free.length > 0 ? pollLongestMs : ((await this.queue.nextDueMs(types)) ?? pollLongestMs);
    return Math.min(pollLongestMs, Math.max(pollShortestMs, dueInMs));
  }

  /** Never rejects. */
  private async use({ ids }: Ticket): Promise<void> {
    await Promise.all(ids.map((id) => this.hold(id)));
  }

  /** Those that are asked for while a lease is under way go together as the next. A second ticket of what is held here is used up. */
  private hold(id: string): Promise<void> | undefined {
    this.offeredAt.delete(id);
    if (this.held.has(id)) return undefined;
    this.asked.push(id);
    this.leasing ??= new Promise(setImmediate).then(() => this.leaseAll());
    return new Promise((resolve) => this.held.set(id, resolve));
  }

  private async leaseAll(): Promise<void> {
    while (this.asked.length > 0) {
      const { asked } = this;
      this.asked = [];
      const jobs = this.stopped ? [] : await this.queue.lease(asked, this.options.lease).catch(() => []);
      const leased = new Set(jobs.map(({ id }) => id));
      for (const id of asked) if (!leased.has(id)) this.letGo(id);
      this.runs.add(jobs, this);
    }
    this.leasing = null;
  }

  left({ id, type }: ClaimedJob, tookMs: number | undefined): void {
    if (tookMs !== undefined) {
      const before = this.tookMs.get(type) ?? tookMs;
      this.tookMs.set(type, before + (tookMs - before) / 8);
    }
    // What its type allows to run at a time counts until the end; where many ends are awaited, no more tickets are taken.
    const isHeld = tookMs !== undefined && (this.options.limited.has(type) || this.runs.ending > endingMax);
    if (!isHeld) this.letGo(id);
  }

  ended({ id }: ClaimedJob): void {
    this.letGo(id);
  }

  private letGo(id: string): void {
    this.held.get(id)?.();
    this.held.delete(id);
  }
}
