import type { Budget } from "@banyan/kernel/store";
import type { StatementResult } from "../batch.ts";
import { budgetOf, sendWithin } from "../budget.ts";
import type { Pool } from "../pool.ts";
import type { Statement } from "../statement.ts";

/** What the store's own reads and writes outside a handler's transaction need. */
export interface Runner {
  readonly pool: Pool;
  /** Runs one statement in a transaction of its own. What `Row` says of its columns is taken at its word. */
  run<Row = Record<string, unknown>>(statement: Statement): Promise<StatementResult<Row>>;
  /** Tells other processes that events or jobs were stored; `eventsAlone`: no job is free by it. */
  announce(eventsAlone?: boolean): void;
  /** Whether events that wait for this service are brought to it by this process. */
  leads(service: string): boolean;
}

/** One statement in a transaction of its own, cancelled when the budget is spent. */
export async function runOnce<Row = Record<string, unknown>>(
  pool: Pool,
  budget: Budget,
  statement: Statement,
): Promise<StatementResult<Row>> {
  const connection = await pool.acquire(budget);
  try {
    const { results, failure } = await sendWithin(budget, connection, [statement]);
    if (failure !== undefined) throw failure;
    return results[0] as StatementResult<Row>;
  } finally {
    pool.release(connection);
  }
}

/** Nobody waits for these in person, and none reads more than a page; what takes longer is stuck. */
const RUN_MS = 10_000;

export function createRunner(pool: Pool, ways: Pick<Runner, "announce" | "leads">): Runner {
  return { ...ways, pool, run: (statement) => runOnce(pool, budgetOf(RUN_MS), statement) };
}
