import type { Runtime } from "../call/runtime.ts";
import type { Hearing, Store, StoredEvent } from "../store/store.ts";
import { Lane } from "./lane.ts";
import type { Subscriber } from "./subscriber.ts";

/*
 * Brings committed events to the subscribers of one service.
 * D1  The outbox is the truth: an event is delivered until it is marked sent. Memory only makes it quick.
 * D2  Within a key, events enter the lanes in version order: one that overtook its predecessor on the way here is held,
 *     and a predecessor that does not come is fetched from the outbox.
 * D3  What is in flight is bounded; more waits in the outbox, where it costs nothing.
 * D4  Only the process that holds the service's lead delivers. Two that believe to lead cannot double an effect: the inbox.
 */

const inFlightMax = 10_000;
/** A fold's rows are rarely one per key: several lanes would wait for each other's rows, crosswise. */
const lanesPer = { subscription: 4, projection: 1 };
const markMs = 50;
const markMax = 1_000;
/** Of a backlog, this much is read at a time, when less than `refillAt` is left to do; what is left is read again with it. */
const pageCount = 2_000;
const refillAt = 2_000;
const pollIdleMs = 2_000;
const pollSoonMs = 5;
const positionsMax = 100_000;

/** How far deliveries are behind. */
export interface Lag {
  /** Events that some subscriber of a service here has yet to get, and the age of the oldest. */
  readonly unsentCount: number;
  readonly oldestMs: number;
  /** Whether this process delivers to all of its services; the counts below are its own. */
  readonly leading: boolean;
  /** What waits in memory for its turn, and of that what waits for another try. */
  readonly subscribers: readonly {
    readonly subscriber: string;
    readonly queuedCount: number;
    readonly blockedCount: number;
  }[];
}

export class Dispatcher {
  private readonly runtime: Runtime;
  private readonly store: Store;
  private readonly lanes = new Map<string, { readonly subscriber: Subscriber; readonly lanes: readonly Lane[] }[]>();
  private readonly lanesOf = new Map<string, readonly Lane[]>();
  /** Events on their way, each with the number of subscribers that have not got it. */
  private readonly tracked = new Map<string, number>();
  /** The last version that entered the lanes, per key; the least lately used go first, and are found again by polling. */
  private readonly positions = new Map<string, number>();
  /** Events that came before their predecessors. */
  private readonly held = new Map<string, Map<number, StoredEvent>>();
  private sent: string[] = [];
  private marking: Promise<void> | null = null;
  private markTimer: NodeJS.Timeout | null = null;
  private pollTimer: NodeJS.Timeout | null = null;
  private polling: Promise<void> | null = null;
  private pollAt = Number.POSITIVE_INFINITY;
  /** More waits in the outbox: the last poll came back full, or an event had no room here. */
  private behind = false;
  private leading = false;
  private readonly stopping = new AbortController();
  private leader: Promise<void> = Promise.resolve();
  private readonly subscribers: readonly Subscriber[];
  private readonly hearing: Hearing;

  /** The subscribers are all of one service, and at least one. */
  constructor(runtime: Runtime, store: Store, subscribers: readonly [Subscriber, ...Subscriber[]]) {
    this.runtime = runtime;
    this.store = store;
    this.subscribers = subscribers;
    this.hearing = { service: subscribers[0].service, types: typesOf(subscribers) };
  }

  start(): void {
    this.store.outbox.onAnnounced(() => this.pollWithin(0));
    this.leader = this.lead();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.leader;
  }

  /** Takes events that this process has just committed. */
  offer(events: readonly StoredEvent[]): void {
    if (!this.leading) return;
    for (const event of events) {
      const key = keyOf(event);
      const last = this.positions.get(key);
      if (event.version === (last ?? 0) + 1) this.enter(key, event);
      // Nobody here waits for it, so no poll would find it.
      else if (!this.lanes.has(event.type)) continue;
      else if (last === undefined) this.pollWithin(pollSoonMs);
      else if (event.version > last) this.hold(key, event);
    }
  }

  async lag(): Promise<Lag> {
    const { count, oldestMs } = await this.store.outbox.backlog(this.hearing);
    const subscribers = this.subscribers.map(({ id }) => {
      const waits = (this.lanesOf.get(id) ?? []).map((lane) => lane.waiting());
      const sum = (of: "queued" | "blocked") => waits.reduce((total, wait) => total + wait[of], 0);
      return { subscriber: id, queuedCount: sum("queued"), blockedCount: sum("blocked") };
    });
    return { unsentCount: count, oldestMs, leading: this.leading, subscribers };
  }

  /** Whether nothing is on its way and nothing waits. */
  async isSettled(): Promise<boolean> {
    if (this.tracked.size > 0 || this.sent.length > 0 || this.marking !== null) return false;
    const { count } = await this.store.outbox.backlog(this.hearing);
    if (count > 0) this.pollWithin(0);
    return count === 0;
  }

  private async lead(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        const lead = await this.store.outbox.lead(this.hearing.service, signal);
        this.open();
        await ended(AbortSignal.any([lead.lost, signal]));
        await this.close();
        await lead.release();
      } catch {
        // The database does not answer, or we stop; the loop's head tells which.
        await this.close();
        if (!signal.aborted) await ended(AbortSignal.any([signal, AbortSignal.timeout(500)]));
      }
    }
  }

  private open(): void {
    const done = (event: StoredEvent) => this.done(event.id);
    for (const subscriber of this.subscribers) {
      const lanes = Array.from({ length: lanesPer[subscriber.kind] }, () => new Lane(this.store, subscriber, done));
      this.lanesOf.set(subscriber.id, lanes);
      for (const type of subscriber.byType.keys()) {
        const taking = this.lanes.get(type) ?? [];
        taking.push({ subscriber, lanes });
        this.lanes.set(type, taking);
      }
    }
    this.leading = true;
    this.pollWithin(0);
  }

  private async close(): Promise<void> {
    this.leading = false;
    if (this.pollTimer !== null) clearTimeout(this.pollTimer);
    this.pollTimer = null;
    this.pollAt = Number.POSITIVE_INFINITY;
    await this.polling;
    await Promise.all([...this.lanesOf.values()].flat().map((lane) => lane.stop()));
    await this.mark();
    for (const table of [this.lanes, this.lanesOf, this.tracked, this.positions, this.held]) table.clear();
  }

  private enter(key: string, event: StoredEvent): void {
    if (this.tracked.size >= inFlightMax) {
      this.behind = true;
      return;
    }
    this.positions.delete(key);
    this.positions.set(key, event.version);
    if (this.positions.size > positionsMax) this.positions.delete(this.positions.keys().next().value as string);
    const subscribers = this.lanes.get(event.type) ?? [];
    if (subscribers.length > 0) this.tracked.set(event.id, subscribers.length);
    for (const { lanes } of subscribers) lanes[hash(key) % lanes.length]?.push(event, key);
    const waiting = this.held.get(key);
    const next = waiting?.get(event.version + 1);
    if (waiting === undefined || next === undefined) return;
    waiting.delete(next.version);
    if (waiting.size === 0) this.held.delete(key);
    this.enter(key, next);
  }

  private hold(key: string, event: StoredEvent): void {
    // Dropping one that is held is safe (D1); the poll that follows finds it.
    if (this.held.size < inFlightMax) {
      const waiting = this.held.get(key) ?? new Map<number, StoredEvent>();
      this.held.set(key, waiting.set(event.version, event));
    }
    this.pollWithin(pollSoonMs);
  }

  private done(id: string): void {
    const left = (this.tracked.get(id) ?? 0) - 1;
    if (left > 0) {
      this.tracked.set(id, left);
      return;
    }
    this.sent.push(id);
    if (this.sent.length >= markMax) void this.mark();
    else this.markTimer ??= setTimeout(() => void this.mark(), markMs);
  }

  /** Marks in bulk. An event stays tracked until its mark has committed, so that no poll delivers it again meanwhile. */
  private async mark(): Promise<void> {
    if (this.markTimer !== null) clearTimeout(this.markTimer);
    this.markTimer = null;
    while (this.marking !== null) await this.marking;
    const ids = this.sent;
    if (ids.length === 0) return;
    this.sent = [];
    this.marking = this.store.outbox
      .markSent(this.hearing.service, ids)
      .then(
        () => {
          for (const id of ids) this.tracked.delete(id);
          if (this.behind && this.tracked.size - this.blockedCount() < refillAt) this.pollWithin(0);
        },
        () => {
          // Unmarked events are delivered again, and skipped by the inbox; so try later, and forget nothing.
          this.sent.push(...ids);
          this.markTimer ??= setTimeout(() => void this.mark(), pollIdleMs).unref();
        },
      )
      .finally(() => {
        this.marking = null;
      });
    await this.marking;
  }

  /** What waits for another try. It may wait long, and must not keep others from being read. */
  private blockedCount(): number {
    let count = 0;
    for (const lanes of this.lanesOf.values()) for (const lane of lanes) count += lane.waiting().blocked;
    return count;
  }

  private pollWithin(waitMs: number): void {
    if (!this.leading) return;
    const at = this.runtime.clock.monotonic() + waitMs;
    if (at >= this.pollAt) return;
    this.pollAt = at;
    // One under way may not see what this one is for: the next begins when it has ended.
    if (this.polling !== null) return;
    if (this.pollTimer !== null) clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(() => this.pollNow(), waitMs);
  }

  private pollNow(): void {
    this.pollTimer = null;
    this.pollAt = Number.POSITIVE_INFINITY;
    this.polling = this.poll().finally(() => {
      this.polling = null;
      const askedFor = this.pollAt;
      this.pollAt = Number.POSITIVE_INFINITY;
      this.pollWithin(Math.min(pollIdleMs, Math.max(0, askedFor - this.runtime.clock.monotonic())));
    });
  }

  private async poll(): Promise<void> {
    const limit = Math.min(inFlightMax, this.tracked.size + pageCount);
    if (limit <= this.tracked.size) return;
    try {
      const events = await this.store.outbox.unsent(this.hearing, limit);
      this.behind = events.length === limit;
      for (const event of events) {
        const key = keyOf(event);
        const last = this.positions.get(key);
        if (!this.leading || this.tracked.has(event.id) || (last !== undefined && event.version <= last)) continue;
        this.enter(key, event);
      }
    } catch {
      // The database does not answer; the next poll comes anyway.
    }
  }
}

/** One for each service among the subscribers'. */
export function dispatchersOf(runtime: Runtime, store: Store, subscribers: readonly Subscriber[]): Dispatcher[] {
  const byService = Map.groupBy(subscribers, ({ service }) => service);
  return [...byService.values()].map((all) => new Dispatcher(runtime, store, all as [Subscriber, ...Subscriber[]]));
}

/** Of several services together. */
export function sumOf(lags: readonly Lag[]): Lag {
  return {
    unsentCount: lags.reduce((sum, { unsentCount }) => sum + unsentCount, 0),
    oldestMs: Math.max(0, ...lags.map(({ oldestMs }) => oldestMs)),
    leading: lags.every(({ leading }) => leading),
    subscribers: lags.flatMap(({ subscribers }) => subscribers),
  };
}

/** The types of the events that they take, each once. */
export function typesOf(subscribers: readonly Subscriber[]): string[] {
  return [...new Set(subscribers.flatMap(({ byType }) => [...byType.keys()]))];
}

function keyOf({ tenant, key }: StoredEvent): string {
  return `${tenant}\0${key}`;
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo): spreads keys over lanes. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
