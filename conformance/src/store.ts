import { afterAll, beforeAll, describe } from "vitest";
import { commandClauses } from "./store/commands.ts";
import { deliveryClauses } from "./store/deliveries.ts";
import { eventClauses } from "./store/events.ts";
import { jobClauses } from "./store/jobs.ts";
import { leadClauses } from "./store/lead.ts";
import { openProbe, type Probe, type StoreFixture } from "./store/probe.ts";
import { retentionClauses } from "./store/retention.ts";
import { transactionClauses } from "./store/transactions.ts";

export type { StoreFixture } from "./store/probe.ts";

/**
 * Holds an adapter to every promise of `Store`, one test per promise. `setUp` gives an empty place, and any number of stores on
 * it, each as another process would have it.
 */
export function storeConformance(name: string, setUp: () => Promise<StoreFixture>): void {
  describe(`${name} is a Store`, () => {
    let probe: Probe;
    beforeAll(async () => {
      probe = await openProbe(await setUp());
    });
    afterAll(() => probe.close());

    const current = (): Probe => probe;
    transactionClauses(current);
    commandClauses(current);
    eventClauses(current);
    deliveryClauses(current);
    jobClauses(current);
    leadClauses(current);
    retentionClauses(current);
  });
}
