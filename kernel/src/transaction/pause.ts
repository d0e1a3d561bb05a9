import type { Scope } from "../call/scope.ts";

const firstMs = 20;
const longestMs = 1_000;

/**
 * Waits before try `attempt + 1`: "full jitter" (Marc Brooker, "Exponential Backoff And Jitter", 2015), from 20 ms, doubling up to a
 * second. Throws `error`, which the last try ended in, where no time is left for another: it says more than that time is up.
 */
export async function pause(attempt: number, scope: Scope, error: unknown): Promise<void> {
  const waitMs = Math.random() * Math.min(longestMs, firstMs * 2 ** attempt);
  if (waitMs >= scope.remainingMs()) throw scope.ended ?? error;
  await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
  scope.check();
}
