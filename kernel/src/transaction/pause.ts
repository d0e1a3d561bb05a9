import type { Scope } from "../call/scope.ts";

const firstMs = 20;
const longestMs = 1_000;

/**
 * Waits before try `attempt + 1`: "full jitter" (Marc Brooker, "Exponential Backoff And Jitter", 2015), from 20 ms, doubling up to a
 * second. Throws the scope's end instead of outliving it.
 */
export async function pause(attempt: number, scope: Scope): Promise<void> {
  const waitMs = Math.random() * Math.min(longestMs, firstMs * 2 ** attempt);
  if (waitMs >= scope.remainingMs()) throw scope.ended ?? scope.expired();
  await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
  scope.check();
}
