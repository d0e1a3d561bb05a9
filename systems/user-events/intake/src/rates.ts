import { isFault } from "@banyan/kernel";
import type { Source } from "@banyan/user-events-sources/contract";
import type { Context } from "./append.ts";

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
  try {
    return await kv.take(`rate:${tenant}:${id}`, count, bucket);
  } catch (error) {
    // Rather too many events for a while than none.
    if (isFault(error) && error.code === "kv.unavailable") return 0;
    throw error;
  }
}
