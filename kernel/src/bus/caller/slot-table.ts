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

  /** The name of one more. Whoever takes has seen that `count` is below the table's size. */
  take(thing: T): number {
    this.count++;
    if (this.freed - this.reused < slotsMin && this.names.length < this.slotsMax) {
      this.things.push(thing);
      return this.names.push(this.names.length) - 1;
    }
    const slot = this.free[this.reused++ % slotsPossible]!;
    const name = (this.names[slot]! + slotsPossible) % (slotsPossible * generations);
    this.names[slot] = name;
    this.things[slot] = thing;
    return name;
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
