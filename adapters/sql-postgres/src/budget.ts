import { type Budget, storeFaults } from "@banyan/kernel/store";
import type { BatchOutcome } from "./batch.ts";
import type { SqlConnection } from "./connection.ts";
import type { Statement } from "./statement.ts";

const neverAborted: AbortSignal = new AbortController().signal;

/** A budget for what nobody waits for in person: the outbox, the job queue, the dead letters. */
export function budgetOf(ms: number): Budget {
  const end = performance.now() + ms;
  return { remainingMs: () => end - performance.now(), signal: neverAborted };
}

/** Node keeps a list of timers per duration; a coarse one is shared by many. */
const TIMER_STEP_MS = 20;

/**
 * Sends statements, and cancels them at the server when the budget is spent or its signal aborts. Resolves only when a cancel that
 * was begun has been signalled, so that it cannot hit what the connection does next.
 *
 * A timer and a cancel request, not `statement_timeout`: it costs the server nothing, bounds the whole and not each
 * statement, and serves the caller's abort too.
 */
export async function sendWithin(
  budget: Budget,
  connection: SqlConnection,
  statements: readonly Statement[],
): Promise<BatchOutcome> {
  const remainingMs = budget.remainingMs();
  const { signal } = budget;
  if (remainingMs <= 0 || signal.aborted)
    return { results: [], failure: storeFaults.deadline(undefined, { cause: signal.reason }) };
  let cancelled: Promise<void> | undefined;
  const cancel = (): void => {
    cancelled ??= connection.cancel();
  };
  const timer = setTimeout(cancel, Math.ceil(remainingMs / TIMER_STEP_MS) * TIMER_STEP_MS);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const outcome = await connection.send(statements);
    await cancelled;
    return outcome;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
}
