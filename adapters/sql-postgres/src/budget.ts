import { type Budget, storeFaults } from "@banyan/kernel/store";
import type { BatchOutcome } from "./batch.ts";
import type { SqlConnection } from "./connection.ts";

const neverAborted: AbortSignal = new AbortController().signal;

/** A budget for what nobody waits for in person: the outbox, the job queue, the dead letters. */
export function budgetOf(ms: number): Budget {
  const end = performance.now() + ms;
  return { remainingMs: () => end - performance.now(), signal: neverAborted };
}

/** What is in flight is looked at this often: one timer for all, where one for each send took 9 us of CPU. */
const LOOK_EVERY_MS = 20;

interface Flight {
  readonly budget: Budget;
  readonly connection: SqlConnection;
  cancelled: Promise<void> | undefined;
}

const flights = new Set<Flight>();
let looking = false;

/**
 * Sends statements, and cancels them at the server soon after the budget is spent or its signal aborts. Resolves only when a cancel
 * that was begun has ended, so that it cannot hit what the connection does next.
 *
 * A look and a cancel request, not `statement_timeout`: it costs the server nothing, bounds the whole and not each statement,
 * and serves the caller's abort too.
 */
export async function sendWithin(
  budget: Budget,
  connection: SqlConnection,
  ...[statements, end]: Parameters<SqlConnection["send"]>
): Promise<BatchOutcome> {
  if (budget.remainingMs() <= 0) return { results: [], failure: storeFaults.deadline() };
  const flight: Flight = { budget, connection, cancelled: undefined };
  flights.add(flight);
  if (!looking) lookLater();
  try {
    const outcome = await connection.send(statements, end);
    if (flight.cancelled !== undefined) await flight.cancelled;
    return outcome;
  } finally {
    flights.delete(flight);
  }
}

function look(): void {
  for (const flight of flights) {
    const { budget, connection } = flight;
    if (budget.signal.aborted || budget.remainingMs() <= 0) flight.cancelled ??= connection.cancel();
  }
  looking = false;
  if (flights.size > 0) lookLater();
}

function lookLater(): void {
  looking = true;
  setTimeout(look, LOOK_EVERY_MS);
}
