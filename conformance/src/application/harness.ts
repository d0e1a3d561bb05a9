import { type App, createApp } from "@banyan/kernel/app";
import type { Log } from "@banyan/kernel/log";
import type { Store } from "@banyan/kernel/store";
import { afterEach } from "vitest";
import { type Behaviour, tally, tallyService } from "./tally.ts";

/** What the suite needs of the store that it holds to its promises. */
export interface ApplicationHarness {
  /** A new store on the same data: what a process has after a restart. */
  readonly store: () => Store;
  /** A client of the log by which events go, each with its process's life; where absent they go straight to the subscribers. */
  readonly log?: () => Log;
  /** Rows of a statement on the data, around the store. */
  readonly rows: <Row>(sql: string) => Promise<Row[]>;
  /** Empties everything. */
  readonly close: () => Promise<void>;
}

type Effect = { source: string; name: string; amount: number };

/** The suite's own application on a store, for one test after the other. */
export function openApplications(open: () => Promise<ApplicationHarness>, create = createApp) {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function harness() {
    const data = await open();
    ends.push(data.close);
    const effects = (source: string) =>
      data.rows<Effect>(
        `SELECT source, name, amount::int FROM tally.effect WHERE source = '${source}' ORDER BY position`,
      );
    return { data, effects };
  }

  async function started(data: ApplicationHarness, given: Partial<Behaviour> = {}, reported: unknown[] = []) {
    const behaviour: Behaviour = {
      onDelivery: () => {},
      onEffect: null,
      onWork: () => {},
      between: async () => {},
      batchSizes: [],
      foldSizes: [],
      ticks: 0,
      leaked: undefined,
      ...given,
    };
    const app = create({
      services: [tallyService(behaviour)],
      store: data.store(),
      ...(data.log && { log: data.log() }),
      report: (error) => reported.push(error),
    });
    ends.push(() => app.stop({ deadlineMs: 2_000 }));
    await app.start();
    return { app, behaviour };
  }

  return { harness, started };
}

/** The commands in few groups, so that their events come in groups too. */
export function addMany(app: App, many: number, input: (n: number) => { name: string; amount: number }) {
  return Promise.all(Array.from({ length: many }, (_, n) => app.call(tally.addMany, input(n))));
}
