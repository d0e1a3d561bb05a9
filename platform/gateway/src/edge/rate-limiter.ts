import type { RateLimit } from "../limits.ts";

interface Bucket {
  /** Requests left when `at` was; grows with time up to the limit's count. */
  left: number;
  at: number;
}

/** What is left to a caller after its request. */
export interface Allowance {
  readonly isAllowed: boolean;
  /** Whole requests left at this moment. */
  readonly left: number;
  /** Until one more is there; 0 where one is. */
  readonly waitMs: number;
}

/**
 * Token buckets: each caller may make `count` requests at once and earns them back evenly over `windowMs`. It remembers
 * at most `callersMax` callers, in two generations: when the younger is full it becomes the older, whose callers are
 * taken over as they come back and forgotten if they do not. A forgotten caller starts with a full bucket.
 */
export class RateLimiter {
  /** The `RateLimit-Policy` header (draft-ietf-httpapi-ratelimit-headers-10, section 3). */
  readonly policy: string;
  readonly halfCount: number;
  private readonly name: string;
  private readonly count: number;
  private readonly perMs: number;
  private readonly generationMax: number;
  private younger = new Map<string, Bucket>();
  private older = new Map<string, Bucket>();

  constructor(name: string, { count, windowMs }: RateLimit, callersMax: number) {
    this.name = name;
    this.count = count;
    this.halfCount = count / 2;
    this.perMs = count / windowMs;
    this.generationMax = Math.ceil(callersMax / 2);
    this.policy = `"${name}";q=${count};w=${Math.ceil(windowMs / 1_000)}`;
  }

  /** Takes one request from the caller's bucket at `now`, in milliseconds of a monotonic clock. */
  take(caller: string, now: number): Allowance {
    const bucket = this.bucketOf(caller, now);
    const earned = bucket.left + (now - bucket.at) * this.perMs;
    bucket.left = earned < this.count ? earned : this.count;
    bucket.at = now;
    const isAllowed = bucket.left >= 1;
    if (isAllowed) bucket.left -= 1;
    const { left } = bucket;
    return { isAllowed, left: Math.floor(left), waitMs: left >= 1 ? 0 : (1 - left) / this.perMs };
  }

  /** The `RateLimit` header: what is left, and the seconds until there is more. */
  describe({ left, waitMs }: Allowance): string {
    return `"${this.name}";r=${left};t=${Math.ceil(waitMs / 1_000)}`;
  }

  private bucketOf(caller: string, now: number): Bucket {
    const known = this.younger.get(caller);
    if (known !== undefined) return known;
    const bucket = this.older.get(caller) ?? { left: this.count, at: now };
    if (this.younger.size >= this.generationMax) {
      this.older = this.younger;
      this.younger = new Map();
    }
    this.younger.set(caller, bucket);
    return bucket;
  }
}
