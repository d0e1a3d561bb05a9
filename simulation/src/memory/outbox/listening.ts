import type { StoredSubscriptions } from "@banyan/kernel/store";
import type { DatabaseTransaction } from "../database.ts";
import { events, subscriptions, unsent, unsentKey } from "../tables.ts";

/** What waits for `service`, and would wait for it from now on, waits for `by` instead; or for nobody. Answers how many events that were. */
export async function handOver(transaction: DatabaseTransaction, service: string, by?: string): Promise<number> {
  for (const [key, row] of transaction.rows(subscriptions)) {
    if (row.service === service) await transaction.update(subscriptions, key, () => undefined);
  }
  let count = 0;
  for (const [key, row] of transaction.rows(unsent)) {
    if (row.service !== service) continue;
    count++;
    await transaction.update(unsent, key, () => undefined);
    if (by !== undefined) await transaction.insertNew(unsent, unsentKey(by, row.seq), { ...row, service: by });
  }
  return count;
}

/** Every service that hears of events, or that events wait for, by name. */
export function storedSubscriptions(transaction: DatabaseTransaction): StoredSubscriptions[] {
  const now = transaction.database.now();
  const heard = [...transaction.rows(subscriptions).values()];
  const waiting = [...transaction.rows(unsent).values()];
  return [...new Set([...heard, ...waiting].map(({ service }) => service))].sort().map((service) => {
    const types = heard.filter((row) => row.service === service).map(({ type }) => type);
    const own = waiting.filter((row) => row.service === service);
    const ages = own.map(({ event }) => now - (transaction.get(events, event)?.at ?? now));
    return { service, types: types.sort(), unsentCount: own.length, oldestMs: Math.max(0, ...ages) };
  });
}
