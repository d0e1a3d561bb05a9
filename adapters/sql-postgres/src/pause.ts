import { setTimeout as delay } from "node:timers/promises";

/** Waits `ms`, or less where `signal` aborts. Never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal && { signal }).catch(() => {});
}
