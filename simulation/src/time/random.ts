/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state. Equal seeds give equal numbers on every
 * machine; it guards nothing.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** `stream` keeps several sequences of one seed apart, so that a draw more in one does not change the others. */
  constructor(seed: number, stream: string) {
    let hash = 0x811c9dc5;
    for (const character of stream) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
    this.a = seed >>> 0;
    this.b = Math.floor(seed / 2 ** 32) >>> 0;
    this.c = hash >>> 0;
    for (let round = 0; round < 12; round++) this.next();
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** From 0 up to, not including, 1. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  between(least: number, most: number): number {
    return least + this.fraction() * (most - least);
  }

  /** A whole number, `least` and `most` included. */
  whole(least: number, most: number): number {
    return least + (this.next() % (most - least + 1));
  }

  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T {
    return from[this.next() % from.length] as T;
  }
}
