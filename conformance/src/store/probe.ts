import { randomBytes, randomUUID } from "node:crypto";
import type { NewJob } from "@banyan/kernel/jobs";
import type {
  Budget,
  Closing,
  CommandRecord,
  MigratedService,
  NewEvent,
  OutboxEvent,
  Store,
  StoredEvent,
} from "@banyan/kernel/store";

/** An empty place for the suite, and as many stores on it as it wants. */
export interface StoreFixture {
  /** A store on the same place each time, not started. */
  createStore(): Store;
  /** Called when every store has stopped. */
  close(): Promise<void>;
}

/** Two stores on one place, as two processes have them, and makers of what goes into them. */
export interface Probe {
  readonly store: Store;
  readonly other: Store;
  /** One more process; whoever asked for it stops it. */
  another(service?: MigratedService): Promise<Store>;
  /** The value of an item of the probe's table, undefined where there is none. */
  item(id: string): Promise<number | undefined>;
  close(): Promise<void>;
}

const probeService: MigratedService = {
  name: "probe",
  migrations: new URL("sql/", import.meta.url),
  hears: ["probe.happened"],
};
/** What the suite delivers as, in place of a dispatcher. */
export const hearing = { service: "probe", types: probeService.hears };

export async function openProbe(fixture: StoreFixture): Promise<Probe> {
  const [store, other] = [fixture.createStore(), fixture.createStore()];
  await Promise.all([store.start([probeService]), other.start([probeService])]);
  return {
    store,
    other,
    async another(service = probeService) {
      const third = fixture.createStore();
      await third.start([service]);
      return third;
    },
    async item(id) {
      const [row] = await store.read(budget())<{ n: number }>`SELECT n FROM probe.item WHERE id = ${id}`;
      return row?.n;
    },
    async close() {
      await Promise.all([store.stop(budget()), other.stop(budget())]);
      await fixture.close();
    },
  };
}

export function budget(ms = 10_000, signal: AbortSignal = new AbortController().signal): Budget {
  const end = performance.now() + ms;
  return { remainingMs: () => end - performance.now(), signal };
}

export const nothing: Closing & { readonly commands: readonly CommandRecord[] } = {
  events: [],
  jobs: [],
  commands: [],
};

/** A name of which the place holds nothing yet: every clause has its own, since they share one place. */
export function fresh(kind: string): string {
  return `${kind}-${randomUUID()}`;
}

export function newEvent(part: Partial<NewEvent> = {}): NewEvent {
  const traceId = randomBytes(16).toString("hex");
  const data = JSON.stringify({ text: 'a "quoted" {é}' });
  return {
    id: uuidv7(),
    type: "probe.happened",
    tenant: "t",
    key: fresh("key"),
    data,
    traceId,
    metadata: { a: 'b"c' },
    ...part,
  };
}

export function newJob(part: Partial<NewJob> = {}): NewJob {
  const traceId = randomBytes(16).toString("hex");
  const job = {
    id: uuidv7(),
    type: fresh("probe.job"),
    tenant: "t",
    input: '{"n":1}',
    delayMs: 0,
    priority: "normal" as const,
    dedupeKey: undefined,
    after: [],
  };
  return { ...job, traceId, metadata: { from: "test" }, ...part };
}

export function newCommand(part: Partial<CommandRecord> = {}): CommandRecord {
  const [id, bodyHash] = [new Uint8Array(randomBytes(16)), new Uint8Array(randomBytes(32))];
  const traceId = randomBytes(16).toString("hex");
  return {
    id,
    bodyHash,
    tenant: "t",
    actor: "ann",
    action: "probe.act",
    traceId,
    outcome: { result: '{"z":1,"a":[ 2 ]}' },
    ...part,
  };
}

/** Commits events, each set in a transaction of its own, and marks them sent, so that other clauses do not meet them. */
export async function committed(store: Store, events: readonly NewEvent[]): Promise<readonly StoredEvent[]> {
  const { events: stored } = await store.beginCommands([], budget()).commit({ ...nothing, events });
  await markSent(store, stored);
  return stored.map(({ seq: _, ...event }) => event);
}

export function markSent(store: Store, events: readonly OutboxEvent[]): Promise<void> {
  return store.outbox.markSent(
    "probe",
    events.map(({ seq }) => seq),
  );
}

/** A page that ends nowhere in the suite. */
export const wholePage = { count: 10_000, bytes: Number.MAX_SAFE_INTEGER };

/** All that waits for the suite's own service. */
export function allUnsent(store: Store): Promise<OutboxEvent[]> {
  return store.outbox.unsent(hearing, wholePage, []);
}

/** RFC 9562: 48 bits of milliseconds, then random. */
function uuidv7(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Repeats `look` until it gives something, for what becomes true a little later; the test's timeout bounds it. */
export async function eventually<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
