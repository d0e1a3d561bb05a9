import type { JobPriority, JobType, Ticket, TicketQueue } from "@banyan/kernel/jobs";
import { withoutCommand } from "@banyan/redis-client";
import { Queue, Worker } from "bullmq";

/** Which Redis, and what apart from other applications on it. */
export interface BullTicketsOptions {
  /** "redis://user:password@host:6379/0", "rediss://…" */
  readonly url: string;
  /** Keys begin with it. Default "banyan". */
  readonly namespace?: string;
  /** Told of what goes wrong with Redis, again and again until it is well. Default: nobody. */
  readonly onError?: (error: Error) => void;
}

/** Of BullMQ, where the smallest is the first, and 0 means none. */
const rankOf: Record<JobPriority, number> = { high: 1, normal: 2, low: 3 };
const connectMs = 10_000;

interface Lane {
  readonly queue: Queue<Ticket["ids"], void>;
  worker: Worker<Ticket["ids"], void> | undefined;
}

/**
 * Hands out tickets by BullMQ, a queue of its own for each type of jobs, whose limits are BullMQ's too: tools for BullMQ see them. Redis
 * may forget everything at any time: the store offers again what is not done. Strict priorities: a type's low jobs wait while
 * there are others.
 */
export function createBullTickets(options: BullTicketsOptions): TicketQueue {
  return new BullTickets(options);
}

class BullTickets implements TicketQueue {
  readonly server = {
    name: "Redis",
    // BullMQ hands out no PING; of each queue it is one question.
    ping: () => Promise.all([...this.lanes.values()].map(({ queue }) => queue.isPaused())),
  };
  private readonly options: BullTicketsOptions;
  private readonly lanes = new Map<string, Lane>();
  private closing: Promise<void> | null = null;

  constructor(options: BullTicketsOptions) {
    this.options = options;
  }

  async open(types: readonly JobType[]): Promise<void> {
    const { onError = () => {} } = this.options;
    let lastError: Error | undefined;
    for (const { type } of types) {
      // What cannot be offered now is found again later; a queue of offers in memory would only grow.
      const queue = new Queue<Ticket["ids"], void>(type, {
        prefix: this.prefix,
        connection: { ...this.connection, enableOfflineQueue: false, maxRetriesPerRequest: 1 },
        skipVersionCheck: true,
        defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      });
      queue.on("error", (error) => {
        lastError = withoutCommand(error);
        onError(lastError);
      });
      this.lanes.set(type, { queue, worker: undefined });
    }
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(lastError ?? new Error("Redis does not answer")), connectMs);
    try {
      await Promise.race([late, Promise.all(types.map((type) => this.declare(type)))]);
    } catch (error) {
      await this.close();
      const cause = withoutCommand(error as Error);
      throw new Error(`the queue of jobs cannot be reached: ${cause.message}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The last word counts, also that there is no limit any more. */
  private async declare({ type, rateLimit, concurrency }: JobType): Promise<void> {
    const { queue } = this.laneOf(type);
    await queue.waitUntilReady();
    await (concurrency === undefined ? queue.removeGlobalConcurrency() : queue.setGlobalConcurrency(concurrency));
    await (rateLimit === undefined
      ? queue.removeGlobalRateLimit()
      : queue.setGlobalRateLimit(rateLimit.runs, rateLimit.perMs));
  }

  async offer(tickets: readonly Ticket[]): Promise<void> {
    const byType = Map.groupBy(tickets, ({ type }) => type);
    const offers = [...byType].map(([type, ofType]) => {
      const jobs = ofType.map(({ ids, priority }) => ({
        name: type,
        data: ids,
        opts: { jobId: keyOf(ids), priority: rankOf[priority] },
      }));
      return this.laneOf(type).queue.addBulk(jobs);
    });
    await Promise.all(offers).catch((error) => {
      throw withoutCommand(error);
    });
  }

  work({ concurrency, leaseMs }: Parameters<TicketQueue["work"]>[0], run: (ticket: Ticket) => Promise<void>): void {
    const { onError = () => {} } = this.options;
    for (const [type, lane] of this.lanes) {
      const process = ({ data: ids, priority }: { readonly data: Ticket["ids"]; readonly priority: number }) =>
        run({ ids, type, priority: priorities[priority] ?? "normal" });
      const worker = new Worker<Ticket["ids"], void>(type, process, {
        prefix: this.prefix,
        connection: { ...this.connection, maxRetriesPerRequest: null },
        skipVersionCheck: true,
        concurrency,
        lockDuration: leaseMs,
        stalledInterval: leaseMs,
        // Whether it is given up is decided by the store.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      });
      worker.on("error", (error) => onError(withoutCommand(error)));
      lane.worker = worker;
    }
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  private async closeAll(): Promise<void> {
    const lanes = [...this.lanes.values()];
    await Promise.all(lanes.map(({ worker }) => worker?.close()));
    await Promise.all(lanes.map(({ queue }) => queue.close()));
  }

  private get prefix(): string {
    return `${this.options.namespace ?? "banyan"}:jobs`;
  }

  private get connection(): { readonly url: string } {
    return { url: this.options.url };
  }

  private laneOf(type: string): Lane {
    const lane = this.lanes.get(type);
    if (lane === undefined) throw new Error(`${type} was not named when the queue was opened`);
    return lane;
  }
}

const priorities: Readonly<Record<number, JobPriority>> = { 1: "high", 2: "normal", 3: "low" };

/** BullMQ keeps colons to itself; turns of schedules have them in their time. */
function keyOf([first, ...others]: Ticket["ids"]): string {
  const key = first.replaceAll(":", "_");
  return others.length === 0 ? key : `${key}+${others.length}`;
}
