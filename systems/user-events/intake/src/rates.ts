import { setTimeout as pause } from "node:timers/promises";
import { isFault } from "@banyan/kernel";
import type { Source } from "@banyan/user-events-sources/contract";
import type { Context } from "./append.ts";

/** Far less than a client waits: who says nothing must not cost it its answer. */
const patienceMs = 500;

/**
 * Takes `count` events of what the source may send in a second, in all processes together; answers after how many milliseconds there is
 * room for them, 0 for now. A batch of more than a second's events may go when the bucket is full, and is paid for afterwards.
 */
export async function waitFor(
  kv: Context["kv"],
  { source: { id, eventsPerSecond }, tenant }: { readonly source: Source; readonly tenant: string },
  count: number,
): Promise<number> {
  if (eventsPerSecond === null) return 0;
  const bucket = { capacity: eventsPerSecond, perSecond: eventsPerSecond };
  const answered = new AbortController();
  try {
    // Rather too many events for a while than none.
    const unlimited = pause(patienceMs, 0, { signal: answered.signal });
    return await Promise.race([kv.take(`rate:${tenant}:${id}`, count, bucket), unlimited]);
  } catch (error) {
    if (isFault(error) && error.code === "kv.unavailable") return 0;
    throw error;
  } finally {
    answered.abort();
  }
}
