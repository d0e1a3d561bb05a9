import type { CallRecord } from "@banyan/kernel/app";

/** What ADR-32 tells of an endpoint's use. Times are nanoseconds. */
export interface Tally {
  readonly num_requests: number;
  readonly num_errors: number;
  /** The code of the last fault; "error" for a bug, whose text stays here. "" without any. */
  readonly last_error: string;
  readonly processing_time: number;
  readonly average_processing_time: number;
}

/** Counts the calls of each action since it was made. */
export class Tallies {
  private readonly counts = new Map<string, { requests: number; errors: number; lastError: string; tookMs: number }>();

  add({ id, outcome, fault, tookMs }: Pick<CallRecord, "id" | "outcome" | "fault" | "tookMs">): void {
    const count = this.counts.get(id) ?? { requests: 0, errors: 0, lastError: "", tookMs: 0 };
    this.counts.set(id, count);
    count.requests++;
    count.tookMs += tookMs;
    if (outcome === "ok") return;
    count.errors++;
    count.lastError = fault ?? "error";
  }

  of(id: string): Tally {
    const { requests = 0, errors = 0, lastError = "", tookMs = 0 } = this.counts.get(id) ?? {};
    const nanoseconds = Math.round(tookMs * 1e6);
    return {
      num_requests: requests,
      num_errors: errors,
      last_error: lastError,
      processing_time: nanoseconds,
      average_processing_time: requests === 0 ? 0 : Math.trunc(nanoseconds / requests),
    };
  }
}
