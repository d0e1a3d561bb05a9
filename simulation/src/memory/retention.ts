import type { Retention } from "@banyan/kernel/store";
import { runOnce } from "./lane.ts";
import type { Opener } from "./opener.ts";
import { deadLetters, events, subscriptions, unsent, unsentKey } from "./tables.ts";

/** A simulated world is over before anything of it is: everything is kept. */
export function createRetention(opener: Opener): Retention {
  return {
    async republish(since) {
      const count = await runOnce(opener, async (transaction) => {
        let added = 0;
        for (const { id, type, at, seq } of transaction.rows(events).values()) {
          if (at < since) continue;
          for (const { service, type: heard } of transaction.rows(subscriptions).values()) {
            if (heard !== type) continue;
            if (await transaction.insertNew(unsent, unsentKey(service, seq), { service, event: id, seq })) added++;
          }
        }
        return added;
      });
      opener.announce();
      return { count };
    },
    standing: () =>
      runOnce(opener, async (transaction) => ({
        sweptAt: undefined,
        droppedUntil: undefined,
        overdueCount: 0,
        deadLetterCount: transaction.rows(deadLetters).size,
      })),
  };
}
