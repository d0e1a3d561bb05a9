import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { consumingClauses } from "./log/consuming.ts";
import { keepingClauses } from "./log/keeping.ts";
import { type LogFixture, LogProbe } from "./log/probe.ts";

export type { LogFixture } from "./log/probe.ts";

/** Holds an adapter to every promise of `Log`. `setUp` gives an engine that nobody else uses, and any number of clients of it. */
export function logConformance(name: string, setUp: () => Promise<LogFixture>): void {
  describe(`${name} is a Log`, { timeout: 60_000 }, () => {
    let probe: LogProbe;
    let fixture: LogFixture;
    beforeAll(async () => {
      fixture = await setUp();
      probe = new LogProbe(fixture);
    }, 60_000);
    afterEach(() => probe.clear());
    afterAll(() => fixture.close());

    const current = (): LogProbe => probe;
    keepingClauses(current);
    consumingClauses(current);
  });
}
