import type { App, CallRecord } from "@banyan/kernel/app";

/** What became of one action, subscriber or job here since the start. */
export interface ActionStats {
  /** "ledger.post", "ledger.posted -> statements.collect" */
  readonly id: string;
  readonly kind: CallRecord["kind"];
  readonly count: number;
  readonly faultCount: number;
  readonly errorCount: number;
  /** How many took up to `bucketMs(index)`. */
  readonly buckets: readonly number[];
}

/** Four buckets to each doubling, from 0.01 ms to 10 minutes: a percentile is at most 19 % too high. */
const perDoubling = 4;
const firstMs = 0.01;
const bucketCount = 104;

/** The longest time of a bucket, in milliseconds. */
function bucketMs(index: number): number {
  return firstMs * 2 ** (index / perDoubling);
}

function bucketOf(tookMs: number): number {
  const index = Math.ceil(Math.log2(tookMs / firstMs) * perDoubling);
  return Math.min(Math.max(index, 0), bucketCount - 1);
}

/** In milliseconds: at most this for the share `p` of what the buckets count; 0 where they are empty. */
export function percentile(buckets: readonly number[], p: number): number {
  const wanted = Math.ceil(buckets.reduce((sum, count) => sum + count, 0) * p);
  if (wanted === 0) return 0;
  let seen = 0;
  const index = buckets.findIndex((count) => {
    seen += count;
    return seen >= wanted;
  });
  return bucketMs(index);
}

interface Counted {
  kind: CallRecord["kind"];
  count: number;
  faultCount: number;
  errorCount: number;
  buckets: Uint32Array;
}

/** Counts calls, deliveries and runs of jobs. Names come from contracts, so their number is bounded. */
export class CallStats {
  readonly #counted = new Map<string, Counted>();
  readonly stop: () => void;

  constructor(app: App) {
    this.stop = app.inspect((record) => this.#count(record as CallRecord), ["call", "delivery", "job"]);
  }

  #count({ id, kind, subscriber, outcome, tookMs }: CallRecord): void {
    const name = subscriber === undefined ? id : `${id} -> ${subscriber}`;
    let counted = this.#counted.get(name);
    if (counted === undefined) {
      counted = { kind, count: 0, faultCount: 0, errorCount: 0, buckets: new Uint32Array(bucketCount) };
      this.#counted.set(name, counted);
    }
    counted.count++;
    if (outcome === "fault") counted.faultCount++;
    if (outcome === "error") counted.errorCount++;
    const bucket = bucketOf(tookMs);
    counted.buckets[bucket] = (counted.buckets[bucket] ?? 0) + 1;
  }

  all(): ActionStats[] {
    return [...this.#counted].map(([id, counted]) => ({ id, ...counted, buckets: [...counted.buckets] }));
  }
}
