import type { Runtime } from "../call/runtime.ts";
import type { Hearing, OutboxEvent, Store } from "../store/store.ts";
import { type Feed, inFlightCharsMax, inFlightMax, keyOf, type Taker } from "./feed.ts";
import { Leadership } from "./term.ts";

/*
 * Brings committed events from the outbox to one who takes them.
 * D1  The outbox is the truth: an event is brought until it is marked sent. Memory only makes it quick.
 * D2  Within a key, events are brought in version order: one that overtook its predecessor on the way here is held,
 *     and a predecessor that does not come is fetched from the outbox.
 * D3  What is in flight is bounded; more waits in the outbox, where it costs nothing.
 * D4  Only the process that holds the lead brings. Two that believe to lead cannot double an effect: the inbox.
 * D5  An event that was marked sent and waits again, since it is to be sent again, is brought again.
 */

const markMs = 50;
const markMax = 1_000;
/** Of a backlog, this much is read at a time, when less than `refillAt` is left to do. */
const pageCount = 2_000;
/** A page has to fit into memory, however long its events are. */
const pageBytes = 8_000_000;
/** At most, in UTF-8. */
const bytesPerChar = 3;
const refillAt = 2_000;
const pollIdleMs = 2_000;
const pollSoonMs = 5;
const positionsMax = 100_000;

export class OutboxFeed implements Feed {
  private readonly runtime: Runtime;
  private readonly store: Store;
  private readonly hearing: Hearing;
  private readonly taker: Taker;
  /** Events that were taken and are not marked sent, with their numbers and how long their data is. */
  private readonly tracked = new Map<string, { readonly seq: number; readonly chars: number }>();
  private trackedChars = 0;
  /** The last version that was brought, per key; the least lately used go first, and are found again by polling. */
  private readonly positions = new Map<string, number>();
  /** Events that came before their predecessors. */
  private readonly held = new Map<string, Map<number, OutboxEvent>>();
  /** What the last poll found unsent though it had been brought. */
  private doubted = new Set<string>();
  private sent: Pick<OutboxEvent, "id" | "seq">[] = [];
  private marking: Promise<void> | null = null;
  private markTimer: NodeJS.Timeout | null = null;
  private pollTimer: NodeJS.Timeout | null = null;
  private polling: Promise<void> | null = null;
  private pollAt = Number.POSITIVE_INFINITY;
  /** More waits in the outbox, as far as is known: the last poll came back full, or an event had no room here. */
  private behind = false;
  private isLeading = false;
  private readonly leadership: Leadership;

  constructor(
    runtime: Runtime,
    store: Store,
    { hearing, taker }: { readonly hearing: Hearing; readonly taker: Taker },
  ) {
    this.runtime = runtime;
    this.store = store;
    this.hearing = hearing;
    this.taker = taker;
    this.leadership = new Leadership(store.outbox, hearing.service, {
      open: () => this.open(),
      close: () => this.close(),
    });
  }

  get leading(): boolean {
    return this.isLeading;
  }

  start(): void {
    this.store.outbox.onAnnounced(() => this.pollWithin(0));
    this.leadership.start();
  }

  stop(): Promise<void> {
    return this.leadership.stop();
  }

  offer(events: readonly OutboxEvent[]): void {
    if (!this.isLeading) return;
    const { types } = this.hearing;
    for (const event of events) {
      const key = keyOf(event);
      const last = this.positions.get(key);
      if (event.version === (last ?? 0) + 1) this.enter(key, event);
      // Nobody here waits for it, so no poll would find it.
      else if (types !== "all" && !types.includes(event.type)) continue;
      else if (last === undefined) this.pollWithin(pollSoonMs);
      else if (event.version > last) this.hold(key, event);
    }
  }

  backlog(): ReturnType<Feed["backlog"]> {
    return this.store.outbox.backlog(this.hearing);
  }

  async isSettled(): Promise<boolean> {
    if (this.tracked.size > 0 || this.sent.length > 0 || this.marking !== null) return false;
    const { count } = await this.backlog();
    if (count > 0) this.pollWithin(0);
    return count === 0;
  }

  private open(): void {
    this.taker.open((event) => this.done(event.id));
    this.isLeading = true;
    this.pollWithin(0);
  }

  private async close(): Promise<void> {
    this.isLeading = false;
    if (this.pollTimer !== null) clearTimeout(this.pollTimer);
    this.pollTimer = null;
    this.pollAt = Number.POSITIVE_INFINITY;
    await this.polling;
    await this.taker.close();
    await this.mark();
    for (const table of [this.tracked, this.positions, this.held, this.doubted]) table.clear();
    this.trackedChars = 0;
  }

  private enter(key: string, event: OutboxEvent): void {
    if (this.room() <= 0) {
      this.behind = true;
      return;
    }
    this.positions.delete(key);
    this.positions.set(key, event.version);
    if (this.positions.size > positionsMax) this.positions.delete(this.positions.keys().next().value as string);
    if (this.taker.take(event, key)) {
      this.tracked.set(event.id, { seq: event.seq, chars: event.data.length });
      this.trackedChars += event.data.length;
    }
    const waiting = this.held.get(key);
    const next = waiting?.get(event.version + 1);
    if (waiting === undefined || next === undefined) return;
    waiting.delete(next.version);
    if (waiting.size === 0) this.held.delete(key);
    this.enter(key, next);
  }

  private hold(key: string, event: OutboxEvent): void {
    // Dropping one that is held is safe (D1); the poll that follows finds it.
    if (this.held.size < inFlightMax) {
      const waiting = this.held.get(key) ?? new Map<number, OutboxEvent>();
      this.held.set(key, waiting.set(event.version, event));
    }
    this.pollWithin(pollSoonMs);
  }

  private done(id: string): void {
    const tracked = this.tracked.get(id);
    if (tracked === undefined) return;
    this.sent.push({ id, seq: tracked.seq });
    if (this.sent.length >= markMax) void this.mark();
    else this.markTimer ??= setTimeout(() => void this.mark(), markMs);
  }

  /** Marks in bulk. An event stays tracked until its mark has committed, so that no poll delivers it again meanwhile. */
  private async mark(): Promise<void> {
    if (this.markTimer !== null) clearTimeout(this.markTimer);
    this.markTimer = null;
    while (this.marking !== null) await this.marking;
    const events = this.sent;
    if (events.length === 0) return;
    this.sent = [];
    this.marking = this.store.outbox
      .markSent(
        this.hearing.service,
        events.map(({ seq }) => seq),
      )
      .then(
        () => {
          for (const { id } of events) this.untrack(id);
          if (this.behind && this.tracked.size - this.taker.blockedCount() < refillAt) this.pollWithin(0);
        },
        () => {
          // Unmarked events are delivered again, and skipped by the inbox; so try later, and forget nothing.
          this.sent.push(...events);
          this.markTimer ??= setTimeout(() => void this.mark(), pollIdleMs).unref();
        },
      )
      .finally(() => {
        this.marking = null;
      });
    await this.marking;
  }

  /** How many events more may be in flight. */
  private room(): number {
    return this.trackedChars < inFlightCharsMax ? inFlightMax - this.tracked.size : 0;
  }

  private untrack(id: string): void {
    this.trackedChars -= this.tracked.get(id)?.chars ?? 0;
    this.tracked.delete(id);
  }

  private pollWithin(waitMs: number): void {
    if (!this.isLeading) return;
    const at = this.runtime.clock.monotonic() + waitMs;
    if (at >= this.pollAt) return;
    this.pollAt = at;
    // One under way may not see what this one is for: the next begins when it has ended.
    if (this.polling !== null) return;
    if (this.pollTimer !== null) clearTimeout(this.pollTimer);
    if (waitMs <= 0) this.pollNow();
    else this.pollTimer = setTimeout(() => this.pollNow(), waitMs);
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
    const count = Math.min(this.room(), pageCount);
    if (count <= 0) return;
    try {
      const events = await this.store.outbox.unsent(
        this.hearing,
        { count, bytes: pageBytes },
        [...this.tracked.values()].map(({ seq }) => seq),
      );
      const chars = events.reduce((sum, { data }) => sum + data.length, 0);
      this.behind = events.length === count || chars * bytesPerChar >= pageBytes;
      const doubted = new Set<string>();
      for (const event of events) {
        const key = keyOf(event);
        const last = this.positions.get(key);
        if (!this.isLeading || this.tracked.has(event.id)) continue;
        // The mark may have been committed after the outbox was read. Twice running it was not: the event is sent again.
        if (last === undefined || event.version > last || this.doubted.has(event.id)) this.enter(key, event);
        else doubted.add(event.id);
      }
      this.doubted = doubted;
      if (doubted.size > 0) this.pollWithin(pollSoonMs);
    } catch {
      // The database does not answer; the next poll comes anyway.
    }
  }
}
