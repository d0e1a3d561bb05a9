import type { Store, StoredEvent } from "../store/store.ts";
import type { Taker } from "./feed.ts";
import { Lanes } from "./lanes.ts";
import type { Subscriber } from "./subscriber.ts";

/** Gives events to the subscribers of one service: to each in a lane of the event's key. */
export class Deliveries implements Taker {
  private readonly store: Store;
  private readonly subscribers: readonly Subscriber[];
  private readonly lanes = new Map<string, Lanes>();
  /** By the type of the event, each subscriber's. */
  private readonly lanesOf = new Map<string, Lanes[]>();
  /** Events on their way, each with the number of subscribers that have not got it. */
  private readonly left = new Map<string, number>();
  private onDone: (event: StoredEvent) => void = () => {};

  constructor(store: Store, subscribers: readonly Subscriber[]) {
    this.store = store;
    this.subscribers = subscribers;
  }

  open(done: (event: StoredEvent) => void): void {
    this.onDone = done;
    for (const subscriber of this.subscribers) {
      const lanes = new Lanes(this.store, subscriber, (event) => this.done(event));
      this.lanes.set(subscriber.id, lanes);
      for (const type of subscriber.byType.keys()) {
        this.lanesOf.set(type, [...(this.lanesOf.get(type) ?? []), lanes]);
      }
    }
  }

  take(event: StoredEvent, key: string): boolean {
    const taking = this.lanesOf.get(event.type) ?? [];
    if (taking.length === 0) return false;
    this.left.set(event.id, taking.length);
    for (const lanes of taking) lanes.push(event, key);
    return true;
  }

  blockedCount(): number {
    let count = 0;
    for (const lanes of this.lanes.values()) count += lanes.waiting().blocked;
    return count;
  }

  /** What waits in memory for its turn, and of that what waits for another try. */
  waiting(): { readonly subscriber: string; readonly queuedCount: number; readonly blockedCount: number }[] {
    return this.subscribers.map(({ id }) => {
      const { queued = 0, blocked = 0 } = this.lanes.get(id)?.waiting() ?? {};
      return { subscriber: id, queuedCount: queued, blockedCount: blocked };
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.lanes.values()].map((lanes) => lanes.stop()));
    for (const table of [this.lanes, this.lanesOf, this.left]) table.clear();
  }

  private done(event: StoredEvent): void {
    const left = (this.left.get(event.id) ?? 0) - 1;
    if (left > 0) this.left.set(event.id, left);
    else {
      this.left.delete(event.id);
      this.onDone(event);
    }
  }
}
