import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { insertingClauses } from "./documents/inserting.ts";
import { outageClauses } from "./documents/outage.ts";
import { type DocumentsFixture, DocumentsProbe } from "./documents/probe.ts";
import { readingClauses } from "./documents/reading.ts";

export type { DocumentsFixture } from "./documents/probe.ts";

/** Holds an adapter to every promise of `Documents`. `setUp` gives an engine that nobody else uses, and any number of clients of it. */
export function documentsConformance(name: string, setUp: () => Promise<DocumentsFixture>): void {
  describe(`${name} keeps Documents`, { timeout: 60_000 }, () => {
    let probe: DocumentsProbe;
    let fixture: DocumentsFixture;
    beforeAll(async () => {
      fixture = await setUp();
      probe = new DocumentsProbe(fixture);
    }, 60_000);
    afterEach(() => probe.clear());
    afterAll(() => fixture.close());

    const current = (): DocumentsProbe => probe;
    insertingClauses(current);
    readingClauses(current);
    outageClauses(current);
  });
}
