const slotsPossible = 65_536;
/** 15 bits of generation above 16 of slot stay within V8's small integers. */
const generations = 32_768;
/** So many slots are used in turn, the longest free first, so a name comes again after 33 million others at the earliest. */
const slotsMin = 1_024;

/**
 * Things by a 32-bit name: the slot below, the slot's generation above it, so that the name of one that is gone does not hit its
 * successor.
 */
export class SlotTable<T> {
  count = 0;
  private readonly slotsMax: number;
  private readonly names: number[] = [];
  private readonly things: (T | undefined)[] = [];
  private readonly free = new Uint16Array(slotsPossible);
  private freed = 0;
  private reused = 0;

  constructor(slotsMax: number) {
    this.slotsMax = Math.min(slotsMax, slotsPossible);
  }

  /** A name for one more; -1 where the table is full. */
  take(): number {
    const freeCount = this.freed - this.reused;
    const canGrow = this.names.length < this.slotsMax;
    if (freeCount === 0 && !canGrow) return -1;
    this.count++;
    if (canGrow && freeCount < slotsMin) {
      this.things.push(undefined);
      return this.names.push(this.names.length) - 1;
    }
    const slot = this.free[this.reused++ % slotsPossible]!;
    const name = (this.names[slot]! + slotsPossible) % (slotsPossible * generations);
    this.names[slot] = name;
    return name;
  }

  put(name: number, thing: T): void {
    this.things[name % slotsPossible] = thing;
  }

  /** Undefined where the name is not in use, or was of another generation. */
  get(name: number): T | undefined {
    const slot = name % slotsPossible;
    return this.names[slot] === name ? this.things[slot] : undefined;
  }

  release(name: number): void {
    const slot = name % slotsPossible;
    this.things[slot] = undefined;
    this.free[this.freed++ % slotsPossible] = slot;
    this.count--;
  }

  values(): T[] {
    return this.things.filter((thing) => thing !== undefined);
  }
}
