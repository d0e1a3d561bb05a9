import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { keepingClauses } from "./kv/keeping.ts";
import { outageClauses } from "./kv/outage.ts";
import { type KvFixture, KvProbe } from "./kv/probe.ts";
import { sharingClauses } from "./kv/sharing.ts";

export type { KvFixture } from "./kv/probe.ts";

/** Holds an adapter to every promise of `Kv`. `setUp` gives an engine, and any number of clients of it. */
export function kvConformance(name: string, setUp: () => Promise<KvFixture>): void {
  describe(`${name} keeps Kv`, { timeout: 60_000 }, () => {
    let probe: KvProbe;
    let fixture: KvFixture;
    beforeAll(async () => {
      fixture = await setUp();
      probe = new KvProbe(fixture);
    }, 60_000);
    afterEach(() => probe.clear());
    afterAll(() => fixture.close());

    const current = (): KvProbe => probe;
    keepingClauses(current);
    sharingClauses(current);
    outageClauses(current);
  });
}
