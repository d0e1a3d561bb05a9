import { isFault } from "../contract/fault.ts";
import type { Store, StoredEvent } from "../store/store.ts";
import { storeFaults } from "../store/store-faults.ts";
import { type Entry, type Group, handleAtOnce, handleInTurn, Interleaved } from "./group.ts";
import { fillsLanes, type Subscriber } from "./subscriber.ts";

/*
 * One of a subscriber's lanes: a queue of events, those of a key that are on their way all in one (see Lanes).
 * L1  Events of one key are handled in the order they came.
 * L2  A group is one transaction with its inbox rows: what was handled before is skipped, never handled twice.
 * L3  A failed group is rolled back and run again without the event whose handler failed, so that one cannot fail its
 *     neighbours; where it was the commit that failed, or a handler of several, by halves.
 * L4  An event that fails waits with backoff, and with it only the later ones of its key. After attemptsMax it is buried.
 * L5  A dependency that is out is no poison: the lane pauses and no attempt is spent.
 */

/**
 * A fold takes its events in one statement and pays for the rows that it changes: of a thousand accounts, 28 us of the server for each of
 * a thousand events, and 10 of five thousand (measured).
 */
const groupMax = { subscription: 100, projection: 5_000 };
/** Of the data of a group's events together, past which none is added: what is parsed at once has to fit into memory. */
const groupCharsMax = 2_000_000;
/** From this many events at once a lane counts as busy, and waits for more. One that gets them singly never waits. */
const busyCount = 8;
/**
 * What a subscriber's effects are late by under load. Measured, 16 clients posting to the ledger: at 25 ms in place of 10 a post costs Postgres
 * and Node together an eighth less CPU, and 0.13 flushes to disk in place of 0.19.
 */
const gatherMs = 25;
/**
 * The same for a lane that is filled before the others, whose groups are of eight events and more at any load. Measured, 50 clients that send
 * User Events one event each: at 6 ms in place of none 5,220 are stored a second in place of 4,290, of batches 17,200 in place of 13,100, as
 * storing keeps up with intake; at 12 no more than that. At 1,000 a second an event can be read 3 ms later in the median.
 */
const gatherFilledMs = 6;
const backoffFirstMs = 50;
const backoffLongestMs = 30_000;
const outageLongestMs = 5_000;

export class Lane {
  private readonly store: Store;
  private readonly subscriber: Subscriber;
  private readonly fills: boolean;
  private readonly done: (event: StoredEvent) => void;
  private queue: Entry[] = [];
  /** Keys that wait for another try, each with its events in order. */
  private readonly blocked = new Map<string, Entry[]>();
  /** Those of them whose wait is over. They come back between two groups: within one, later events of theirs would overtake them. */
  private readonly ripe: string[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private running: Promise<void> | null = null;
  private stopped = false;
  private outages = 0;
  /** Handlers may run at once, as far as is known. */
  private overlaps = true;
  /** Ends the wait under way. */
  private wake: (() => void) | null = null;

  constructor(store: Store, subscriber: Subscriber, done: (event: StoredEvent) => void) {
    this.store = store;
    this.subscriber = subscriber;
    this.fills = fillsLanes(subscriber);
    this.done = done;
  }

  /** `key` is what events are ordered by. */
  push(event: StoredEvent, key: string): void {
    this.queue.push({ event, key, attempt: 1 });
    this.start();
  }

  /** Events that wait here for their turn, and those of them whose key waits for another try. */
  waiting(): { readonly queued: number; readonly blocked: number } {
    const blocked = [...this.blocked.values()].reduce((sum, entries) => sum + entries.length, 0);
    return { queued: this.queue.length + blocked, blocked };
  }

  /** Finishes the group under way, drops the rest: it is stored, and another process will find it. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.wake?.();
    await this.running;
  }

  private start(): void {
    if (this.running !== null || this.stopped) return;
    // A microtask later, so that the events of one commit are one group.
    this.running = Promise.resolve()
      .then(() => this.run())
      .finally(() => {
        this.running = null;
        if (this.queue.length + this.ripe.length > 0) this.start();
      });
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const group = this.take();
      if (group.length === 0) return;
      const left = await this.deliver(group);
      if (left.length > 0) await this.outage(left);
      // Under load a group costs its transaction, whatever its size: a moment's wait makes few large ones of many small.
      else if (group.length >= busyCount && this.queue.length < groupMax[this.subscriber.kind])
        await this.rest(this.fills ? gatherFilledMs : gatherMs);
    }
  }

  private take(): Entry[] {
    for (const key of this.ripe.splice(0)) {
      this.queue.unshift(...(this.blocked.get(key) ?? []));
      this.blocked.delete(key);
    }
    const most = groupMax[this.subscriber.kind];
    const group: Entry[] = [];
    let [taken, chars] = [0, 0];
    for (const entry of this.queue) {
      if (group.length === most || chars > groupCharsMax) break;
      taken++;
      const waiting = this.blocked.get(entry.key);
      if (waiting !== undefined) waiting.push(entry);
      else {
        group.push(entry);
        chars += entry.event.data.length;
      }
    }
    this.queue.splice(0, taken);
    return group;
  }

  /** Answers, in order, what an outage has left undone: nothing after it may go first. */
  private async deliver(group: readonly Entry[]): Promise<readonly Entry[]> {
    if (await this.deliverAtOnce(group)) return this.finished(group);
    let handling: Entry | undefined;
    try {
      await handleInTurn(this.together(group), (entry) => {
        handling = entry;
      });
      return this.finished(group);
    } catch (error) {
      if (storeFaults.handled.is(error) && group.length === 1) return this.finished(group);
      if (isOutage(error)) return group;
      const guilty = handling ?? (group.length === 1 ? group[0] : undefined);
      // Nobody's alone: the commit failed, or a handler of several. Only alone will it show whose effect was refused.
      if (guilty === undefined) return this.deliverHalves(group);
      const at = group.indexOf(guilty);
      // Those before it first: of its own key they must be done before it is blocked, or they would come after it.
      const before = at > 0 ? await this.deliver(group.slice(0, at)) : [];
      if (before.length > 0) return [...before, ...group.slice(at)];
      if (this.stopped) return [];
      const waiting = this.blocked.get(guilty.key);
      if (waiting === undefined) await this.failed(guilty, error);
      else waiting.push(guilty);
      return this.deliverRest(group.slice(at + 1));
    }
  }

  /** Decides nothing: whatever it fails with, the group is handled in turn. */
  private async deliverAtOnce(group: readonly Entry[]): Promise<boolean> {
    // Of one that has failed before it must show that it failed again.
    if (!this.overlaps || group.length === 1 || group.some(({ attempt }) => attempt > 1)) return false;
    try {
      await handleAtOnce(this.together(group));
      return true;
    } catch (error) {
      if (error instanceof Interleaved) this.overlaps = false;
      return false;
    }
  }

  private together(entries: readonly Entry[]): Group {
    return { store: this.store, subscriber: this.subscriber, entries };
  }

  private finished(group: readonly Entry[]): readonly Entry[] {
    this.outages = 0;
    for (const { event } of group) this.done(event);
    return [];
  }

  private async deliverHalves(group: readonly Entry[]): Promise<readonly Entry[]> {
    const middle = Math.ceil(group.length / 2);
    const left = await this.deliver(group.slice(0, middle));
    return left.length > 0 ? [...left, ...group.slice(middle)] : this.deliverRest(group.slice(middle));
  }

  /** What shared a transaction with a failure, but for what must wait behind it. */
  private async deliverRest(rest: readonly Entry[]): Promise<readonly Entry[]> {
    if (this.stopped) return [];
    const free: Entry[] = [];
    for (const entry of rest) {
      const waiting = this.blocked.get(entry.key);
      if (waiting === undefined) free.push(entry);
      else waiting.push(entry);
    }
    return free.length > 0 ? this.deliver(free) : [];
  }

  private async failed(entry: Entry, error: unknown): Promise<void> {
    const { event } = entry;
    const subscription = this.subscriber.byType.get(event.type);
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (entry.attempt < (subscription?.attemptsMax ?? 1)) {
      this.block(entry, backoffMs(entry.attempt++));
      return;
    }
    try {
      await this.store.deadLetters.bury(this.subscriber.id, event, entry.attempt, text);
      this.done(event);
    } catch {
      this.block(entry, backoffLongestMs);
    }
  }

  private block(entry: Entry, waitMs: number): void {
    const key = entry.key;
    this.blocked.set(key, [entry]);
    this.after(waitMs, () => this.ripe.push(key));
  }

  private outage(left: readonly Entry[]): Promise<void> {
    this.queue.unshift(...left);
    return this.rest(Math.min(outageLongestMs, backoffFirstMs * 2 ** this.outages++) * (0.5 + Math.random() / 2));
  }

  /** Waits between two groups; a stop ends it, so that an outage does not hold up a drain. */
  private rest(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, waitMs).unref();
    });
  }

  private after(waitMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
      this.start();
    }, waitMs);
    timer.unref();
    this.timers.add(timer);
  }
}

/** A statement that takes longer than a whole delivery may is the handler's own doing, and spends an attempt. */
function isOutage(error: unknown): boolean {
  if (!isFault(error) || storeFaults.deadline.is(error)) return false;
  return error.kind === "unavailable" || error.kind === "exhausted" || error.code.startsWith("store.");
}

/** Half fixed, half random, so that events that failed together do not come back together. */
function backoffMs(attempt: number): number {
  const longest = Math.min(backoffLongestMs, backoffFirstMs * 4 ** (attempt - 1));
  return longest / 2 + (Math.random() * longest) / 2;
}
