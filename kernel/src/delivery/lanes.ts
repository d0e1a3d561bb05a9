import type { Store, StoredEvent } from "../store/store.ts";
import { keyOf } from "./feed.ts";
import { Lane } from "./lane.ts";
import { fillsLanes, type Subscriber } from "./subscriber.ts";

/** A fold's rows are rarely one per key: several lanes would wait for each other's rows, crosswise. */
const lanesPer = { subscription: 4, projection: 1 };
/** Of the data of what is on its way in a lane, past which a key that comes new goes to another. */
const charsMax = 100_000;

/** A lane, and how long the data of what is on its way in it is. */
interface Laden {
  readonly lane: Lane;
  chars: number;
}

/**
 * A subscriber's lanes. Events of one key that are on their way share one (L1 of lane.ts). Keys are spread by their hash, but for a handler
 * that takes events together: there a lane is filled before the next is used. A transaction costs what it costs, and few events would
 * be spread over four of them: measured, 50 clients that send User Events one event each, Postgres 355 us of CPU an event, and 190 so.
 */
export class Lanes {
  private readonly all: readonly Laden[];
  private readonly fills: boolean;
  /** Of who fills: the lane of each key that is on its way, and by how many events. */
  private readonly taken = new Map<string, { readonly by: Laden; count: number }>();
  private readonly done: (event: StoredEvent) => void;

  constructor(store: Store, subscriber: Subscriber, done: (event: StoredEvent) => void) {
    this.done = done;
    this.fills = fillsLanes(subscriber);
    this.all = Array.from({ length: lanesPer[subscriber.kind] }, () => ({
      lane: new Lane(store, subscriber, (event) => this.end(event)),
      chars: 0,
    }));
  }

  /** `key` is what events are ordered by. */
  push(event: StoredEvent, key: string): void {
    const by = this.fills ? this.take(event, key) : this.all[hash(key) % this.all.length];
    by?.lane.push(event, key);
  }

  /** Events that wait here for their turn, and those of them whose key waits for another try. */
  waiting(): { readonly queued: number; readonly blocked: number } {
    const waits = this.all.map(({ lane }) => lane.waiting());
    const sum = (of: "queued" | "blocked") => waits.reduce((total, wait) => total + wait[of], 0);
    return { queued: sum("queued"), blocked: sum("blocked") };
  }

  /** Finishes the groups under way, drops the rest. */
  async stop(): Promise<void> {
    await Promise.all(this.all.map(({ lane }) => lane.stop()));
  }

  private take(event: StoredEvent, key: string): Laden {
    const taken = this.taken.get(key) ?? { by: this.roomiest(), count: 0 };
    this.taken.set(key, taken);
    taken.count++;
    taken.by.chars += event.data.length;
    return taken.by;
  }

  /** The first with room; where there is none, the one with the least to do. */
  private roomiest(): Laden {
    return this.all.find(({ chars }) => chars < charsMax) ?? this.all.reduce((a, b) => (b.chars < a.chars ? b : a));
  }

  private end(event: StoredEvent): void {
    const key = keyOf(event);
    const taken = this.taken.get(key);
    if (taken !== undefined) {
      taken.by.chars -= event.data.length;
      if (--taken.count === 0) this.taken.delete(key);
    }
    this.done(event);
  }
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo): spreads keys over lanes. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
