import type { Clock } from "../call/clock.ts";
import type { ClaimedJob, JobQueue, NewJob } from "../store/jobs.ts";
import { aheadMs, endingMax, type Follower, type Runs } from "./runs.ts";
import type { JobSource, SourceOptions } from "./source.ts";

const pollLongestMs = 2_000;
const aheadMax = 400;
/** Claims that found something follow at this distance: what gathers meanwhile costs the store one statement. */
const gatherMs = 5;

/** Leases jobs from the store itself, as many as this process will soon begin. */
export class Claims implements JobSource, Follower {
  private readonly clock: Clock;
  private readonly queue: JobQueue;
  private readonly runs: Runs;
  private readonly options: SourceOptions;
  private timer: NodeJS.Timeout | null = null;
  private claiming: Promise<void> | null = null;
  private claimedAt = Number.NEGATIVE_INFINITY;
  /** There may be more than the last claim took. */
  private again = false;
  private stopped = false;

  constructor(
    runs: Runs,
    { queue, clock }: { readonly queue: JobQueue; readonly clock: Clock },
    options: SourceOptions,
  ) {
    this.clock = clock;
    this.queue = queue;
    this.runs = runs;
    this.options = options;
  }

  get isIdle(): boolean {
    return this.claiming === null;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.claiming;
  }

  /** What is due later than the next look is found by it. */
  offer(jobs: readonly NewJob[]): void {
    if (jobs.some(({ delayMs }) => delayMs < pollLongestMs)) this.wake();
  }

  wake(): void {
    this.again = true;
    this.claimSoon(0);
  }

  private claimSoon(waitMs: number): void {
    if (this.stopped || this.claiming !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    const delayMs = Math.max(waitMs, this.claimedAt + gatherMs - this.clock.monotonic());
    if (delayMs > 0) {
      this.timer = setTimeout(() => this.claimSoon(0), delayMs);
      return;
    }
    this.timer = null;
    this.claiming = this.claim()
      .catch(() => pollLongestMs)
      .then((nextMs) => {
        this.claiming = null;
        this.claimSoon(this.again && this.room > 0 ? 0 : nextMs);
      });
  }

  /** How many more may be claimed. Half of what is ahead may be used up before: claims that take many are cheap. */
  private get room(): number {
    const { free, waiting, ending, tookMs } = this.runs;
    const ahead = Math.min(aheadMax, Math.floor((this.options.concurrency * aheadMs) / Math.max(tookMs, 0.1)));
    return waiting > ahead / 2 || ending > endingMax ? 0 : free + ahead - waiting;
  }

  /** Answers when to look again, in milliseconds, unless something is heard before. */
  private async claim(): Promise<number> {
    const { room, queue } = this;
    const { types, lease } = this.options;
    if (room <= 0) return pollLongestMs;
    this.again = false;
    const jobs = await queue.claim(types, room, lease);
    if (jobs.length > 0) this.claimedAt = this.clock.monotonic();
    this.again ||= jobs.length === room;
    this.runs.add(jobs, this);
    if (jobs.length > 0) return gatherMs;
    return Math.min(pollLongestMs, Math.max(gatherMs, (await queue.nextDueMs(types)) ?? pollLongestMs));
  }

  left(): void {
    if (this.again && this.room > 0) this.claimSoon(0);
  }

  /** Its end may have made room for the next of its type. */
  ended({ type }: ClaimedJob): void {
    if (this.options.limited.has(type)) this.wake();
    else this.left();
  }
}
