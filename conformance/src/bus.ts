import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { callClauses } from "./bus/calls.ts";
import { endingClauses } from "./bus/endings.ts";
import { flowClauses } from "./bus/flows.ts";
import { groupClauses } from "./bus/groups.ts";
import { type BusFixture, Probe } from "./bus/probe.ts";
import { topicClauses } from "./bus/topics.ts";

export type { BusFixture } from "./bus/probe.ts";

/**
 * Holds an adapter to every promise of `Bus`, by what an exchange over it needs. `setUp` gives a network, and any number of nodes on
 * it, each as another process would have it.
 */
export function busConformance(name: string, setUp: () => Promise<BusFixture>): void {
  describe(`${name} is a Bus`, () => {
    let probe: Probe;
    let fixture: BusFixture;
    beforeAll(async () => {
      fixture = await setUp();
      probe = new Probe(fixture);
    });
    afterEach(() => probe.clear());
    afterAll(() => fixture.close());

    const current = (): Probe => probe;
    callClauses(current);
    endingClauses(current);
    flowClauses(current);
    topicClauses(current);
    groupClauses(current);
  });
}
