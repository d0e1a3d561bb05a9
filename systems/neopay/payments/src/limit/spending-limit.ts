import type { SpendingLimit } from "../schemas.ts";

/** A row of payments.spending_limit. */
export interface LimitRow {
  readonly merchant: string;
  readonly name: string;
  readonly method: SpendingLimit["method"];
  readonly per_instrument: boolean;
  readonly day_minor_max: number | null;
  readonly count_max: number | null;
  readonly window_ms: number | null;
}

export function limitOf(row: LimitRow): SpendingLimit {
  return {
    merchant: row.merchant,
    name: row.name,
    method: row.method,
    perInstrument: row.per_instrument,
    dayMinorMax: row.day_minor_max,
    countMax: row.count_max,
    windowMs: row.window_ms,
  };
}
