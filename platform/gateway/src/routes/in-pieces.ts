import type { IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { isFault } from "@banyan/kernel";
import { linePieces } from "../body/read-lines.ts";

/** Folds the answers to two pieces into one; made by who knows what they are. */
type Fold = (sum: never, next: never) => unknown;

/** How a body without end is taken. */
export interface Pieces {
  readonly bytesMax: number;
  /** How long a piece may take to come, and how long it may be refused with the advice to come again. */
  readonly patienceMs: number;
  readonly fold: Fold;
}

/**
 * Calls with one piece of a body of lines after the other, and answers what the calls answered, folded into one; an empty body is one
 * empty piece. While a call runs nothing is read, so that a client who sends faster than its lines are taken waits. A fault that says
 * when to come again is waited for; any other ends it, and what came before stays.
 */
export async function callInPieces(
  request: IncomingMessage,
  { bytesMax, patienceMs, fold }: Pieces,
  call: (text: string, number: number) => Promise<unknown>,
): Promise<unknown> {
  const { connection } = request.arrival;
  let number = 0;
  let sum: unknown;
  const take = async (text: string) => {
    const answer = await patiently(patienceMs, connection.closed, () => call(text, number));
    sum = number === 0 ? answer : fold(sum as never, answer as never);
    number += 1;
  };
  connection.isEndless = true;
  try {
    for await (const piece of linePieces(request, { bytesMax, pieceMsMax: patienceMs })) await take(piece);
    if (number === 0) await take("");
    return sum;
  } finally {
    connection.isEndless = false;
  }
}

async function patiently<T>(patienceMs: number, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const waitMs = isFault(error) && error.retry === "yes" ? error.retryAfterMs : undefined;
      if (waitMs === undefined || performance.now() + waitMs > until) throw error;
      await pause(waitMs, undefined, { signal });
    }
  }
}
