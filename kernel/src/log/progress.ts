import type { Receipt } from "./log.ts";

/** Where a consumer begins, and how its group's place is stored. */
export interface ProgressOptions<Place> {
  /** Where the group stands: everything up to here is acknowledged. */
  readonly floor: Place;
  /** Stores the floor with the engine; `beyond` is how many are acknowledged above it. One call at a time; a failed one is repeated. */
  readonly write: (floor: Place, beyond: number) => Promise<unknown>;
  /** At most one write in so many milliseconds. Default 25: what a crash brings again is at most that old. */
  readonly writeEveryMs?: number;
}

/** A message that waits for its acknowledgement, in the order of their arrival. */
interface Waiting<Place> {
  readonly progress: Progress<Place>;
  previous: Waiting<Place> | undefined;
  next: Waiting<Place> | undefined;
  readonly bytes: number;
  /** The last place before the next one that waits. */
  reach: Place;
  /** How many of those up to `reach` are acknowledged. */
  acknowledged: number;
}

/**
 * One consumer's progress, for engines that know a group by one place in their order.
 *
 * 1. The floor is the place before the first message that waits, or the last place of all.
 * 2. What is acknowledged above the floor is only counted: memory is bounded by what waits, however long the first of it does.
 * 3. Receipts of an earlier progress mean nothing to this one.
 */
export class Progress<Place> {
  private readonly options: ProgressOptions<Place>;
  private floor: Place;
  private first: Waiting<Place> | undefined;
  private last: Waiting<Place> | undefined;
  private waitingCount = 0;
  private bytes = 0;
  private beyond = 0;
  private isDirty = false;
  private isOver = false;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(options: ProgressOptions<Place>) {
    this.options = options;
    this.floor = options.floor;
  }

  /** How many wait for their acknowledgement. */
  get waiting(): number {
    return this.waitingCount;
  }

  /** How many bytes those have together. */
  get waitingBytes(): number {
    return this.bytes;
  }

  /** Takes note of a message of so many bytes at its place; the receipt is for `acknowledge`. */
  add(place: Place, bytes: number): unknown {
    const waiting = { progress: this, previous: this.last, next: undefined, bytes, reach: place, acknowledged: 0 };
    if (this.last === undefined) this.first = waiting;
    else this.last.next = waiting;
    this.last = waiting;
    this.waitingCount++;
    this.bytes += bytes;
    return waiting;
  }

  /** Goes past what is at a place and needs no acknowledgement. */
  pass(place: Place): void {
    if (this.last !== undefined) this.last.reach = place;
    else this.floor = place;
    this.schedule();
  }

  acknowledge(messages: readonly Receipt[]): void {
    for (const { receipt } of messages) this.remove(receipt as Waiting<Place>);
    this.schedule();
  }

  /** Forgets what waits, and writes no more. */
  abandon(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  /** Writes what is still to be written. */
  async close(): Promise<void> {
    this.abandon();
    await this.writing;
    if (this.isDirty) await this.options.write(this.floor, this.beyond).catch(() => {});
  }

  private remove(waiting: Waiting<Place>): void {
    const { progress, previous, next, bytes, reach, acknowledged } = waiting;
    if (progress !== this || (previous === undefined && this.first !== waiting)) return;
    if (previous === undefined) {
      this.floor = reach;
      this.first = next;
      this.beyond -= acknowledged;
    } else {
      previous.reach = reach;
      previous.acknowledged += acknowledged + 1;
      previous.next = next;
      this.beyond++;
    }
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    waiting.previous = undefined;
    this.waitingCount--;
    this.bytes -= bytes;
  }

  private schedule(): void {
    this.isDirty = true;
    if (this.isOver || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.writing = this.write();
    }, this.options.writeEveryMs ?? 25);
  }

  private async write(): Promise<void> {
    this.isDirty = false;
    try {
      await this.options.write(this.floor, this.beyond);
    } catch {
      this.isDirty = true;
    }
    this.timer = undefined;
    if (this.isDirty) this.schedule();
  }
}
