import type { Source } from "@banyan/user-events-sources/contract";

interface Bucket {
  left: number;
  at: number;
}

/** Sources remembered; beyond them all begin again with a full second. */
const sourcesMax = 10_000;

/** What each source may still send: a bucket of one second, filled as time passes. Of this process alone. */
export class Rates {
  private readonly buckets = new Map<string, Bucket>();

  /** Takes `count` events at `now` (milliseconds); else answers after how many milliseconds there is room. */
  take({ writeKey, eventsPerSecond }: Source, count: number, now: number): { readonly waitMs: number } | undefined {
    if (eventsPerSecond === null) return undefined;
    if (this.buckets.size > sourcesMax) this.buckets.clear();
    const bucket = this.buckets.get(writeKey) ?? { left: eventsPerSecond, at: now };
    this.buckets.set(writeKey, bucket);
    const earned = (Math.max(0, now - bucket.at) / 1_000) * eventsPerSecond;
    bucket.left = Math.min(eventsPerSecond, bucket.left + earned);
    bucket.at = now;
    // A batch of more than a second's events may go when the bucket is full, and is paid for afterwards.
    if (bucket.left < Math.min(count, eventsPerSecond)) {
      return { waitMs: Math.ceil(((Math.min(count, eventsPerSecond) - bucket.left) / eventsPerSecond) * 1_000) };
    }
    bucket.left -= count;
    return undefined;
  }
}
