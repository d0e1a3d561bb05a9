import type { Store } from "@banyan/kernel/store";
import type { Database } from "./database.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { type Dialect, sqlOf } from "./dialect.ts";
import { createJobQueue } from "./jobs/queue.ts";
import { runOnce } from "./lane.ts";
import type { Opener } from "./opener.ts";
import { createOutbox } from "./outbox.ts";
import { createRetention } from "./retention.ts";
import { keyOf, subscriptions } from "./tables.ts";
import { beginCommands, beginDelivery, beginJob } from "./transactions.ts";
import type { Wire } from "./wire.ts";
import { createRunStore } from "./workflows/runs.ts";

export interface MemoryStoreOptions {
  /** What every store of the same world shares. */
  readonly database: Database;
  readonly wire: Wire;
  readonly dialect: Dialect;
}

/** Who hears of commits, by database. */
const audiences = new WeakMap<Database, Set<() => void>>();
const windowMs = 10;
const waitMs = 5;

/**
 * A store for one simulated process, on a database in memory that other processes share. It keeps every promise of `Store`;
 * where PostgreSQL would wait, lose a connection or refuse, so does this, by way of its wire.
 */
export function createMemoryStore({ database, wire, dialect }: MemoryStoreOptions): Store {
  const listeners: Parameters<Store["outbox"]["onAnnounced"]>[0][] = [];
  const hear = everyWindow(() => {
    for (const listener of listeners) listener(false);
  });
  const onNotified = () => wire.notify(hear);
  const audience = audienceOf(database);
  const opener: Opener = {
    database,
    wire,
    dialect,
    lanes: new Set(),
    isClosed: false,
    announce() {
      for (const notified of audience) if (notified !== onNotified) notified();
    },
  };
  return {
    async start(services) {
      const wanted = services.flatMap(({ name, hears }) => hears.map((type) => ({ type, service: name })));
      await runOnce(opener, async (transaction) => {
        for (const row of wanted) await transaction.insertNew(subscriptions, keyOf(row.type, row.service), row);
      });
      audience.add(onNotified);
    },
    async stop(budget) {
      opener.isClosed = true;
      audience.delete(onNotified);
      while (opener.lanes.size > 0 && budget.remainingMs() > 0) await pause(waitMs);
      for (const lane of opener.lanes) lane.cut();
      opener.lanes.clear();
    },
    ping: (budget) => runOnce(opener, async () => {}, budget),
    read: (budget) => sqlOf(dialect, (work) => runOnce(opener, reading(work), budget)),
    beginCommands: (keys, budget) => beginCommands(opener, keys, budget),
    beginDelivery: (subscriber, eventIds, budget) => beginDelivery(opener, { subscriber, eventIds }, budget),
    beginJob: (job, budget) => beginJob(opener, job, budget),
    outbox: createOutbox(opener, (listener) => void listeners.push(listener)),
    deadLetters: createDeadLetters(opener),
    jobs: createJobQueue(opener),
    runs: createRunStore(opener),
    retention: createRetention(opener),
  };
}

function reading<T>(work: (transaction: ReturnType<Database["begin"]>) => Promise<T>): typeof work {
  return (transaction) => {
    transaction.isReadOnly = true;
    return work(transaction);
  };
}

function audienceOf(database: Database): Set<() => void> {
  const audience = audiences.get(database) ?? new Set();
  audiences.set(database, audience);
  return audience;
}

/** Calls at most once a window, at its end. */
function everyWindow(call: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      call();
    }, windowMs);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
