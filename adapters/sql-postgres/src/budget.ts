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

/**
 * A statement is watched once it has run this long: most end before, and then cost a timer of a duration that all share, and no
 * AbortController. A signal that aborts is heeded that much later.
 */
const WATCH_AFTER_MS = 20;

/**
 * Sends statements, and cancels them at the server when the budget is spent or its signal aborts. Resolves only when a cancel that
 * was begun has ended, so that it cannot hit what the connection does next.
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
  if (remainingMs <= 0) return { results: [], failure: storeFaults.deadline() };
  let cancelled: Promise<void> | undefined;
  let unwatch: (() => void) | undefined;
  const watch = (): void => {
    unwatch = whenSpent(budget, () => {
      cancelled ??= connection.cancel();
    });
  };
  const timer = setTimeout(watch, WATCH_AFTER_MS);
  try {
    const outcome = await connection.send(statements);
    await cancelled;
    return outcome;
  } finally {
    clearTimeout(timer);
    unwatch?.();
  }
}

function whenSpent(budget: Budget, act: () => void): () => void {
  const { signal } = budget;
  const timer = setTimeout(act, Math.max(0, budget.remainingMs()));
  signal.addEventListener("abort", act, { once: true });
  if (signal.aborted) act();
  return () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", act);
  };
}
