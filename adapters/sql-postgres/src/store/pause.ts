import { setTimeout as delay } from "node:timers/promises";

/** Waits `ms`, less where `signal` aborts before. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
