import {
  AlreadyRecorded,
  type Closing,
  type CommandKey,
  type CommandRecord,
  type OutboxEvent,
  storeFaults,
} from "@banyan/kernel/store";
import type { RunClaim } from "@banyan/kernel/workflows";
import type { DatabaseTransaction } from "./database.ts";
import { insertJobs } from "./jobs/queue.ts";
import {
  commands,
  events,
  inbox,
  keyOf,
  jobs as livingJobs,
  streams,
  subscriptions,
  unsent,
  unsentKey,
} from "./tables.ts";

/** What the server does when a transaction closes. Events come last: the locks of their keys are held for the commit alone. */
export async function close(
  transaction: DatabaseTransaction,
  { jobs, events: said }: Closing,
  records: readonly CommandRecord[],
): Promise<readonly OutboxEvent[]> {
  await insertJobs(transaction, jobs);
  for (const { under } of records) if (under !== undefined) await holdRun(transaction, under);
  await insertCommands(transaction, records);
  return insertEvents(transaction, said);
}

/** Nobody takes the run over before the commit. */
async function holdRun(transaction: DatabaseTransaction, { id, token }: RunClaim): Promise<void> {
  await transaction.lock(`${livingJobs.name} ${id}`, "shared");
  const job = transaction.get(livingJobs, id);
  if (job?.token !== token || job.deadAt !== undefined) throw storeFaults.stale();
}

/** The unique key is the judge: whoever loses to it gets the winner's record. */
export async function insertCommands(
  transaction: DatabaseTransaction,
  records: readonly CommandRecord[],
): Promise<void> {
  const byId = records.map((record) => ({ id: hex(record.id), record })).sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const { id, record } of byId) {
    if (!(await transaction.insertNew(commands, id, record)))
      throw new AlreadyRecorded(recordsOf(transaction, records));
  }
}

/** Those that have committed among the keys. */
export function recordsOf(
  { database }: DatabaseTransaction,
  keys: readonly Pick<CommandKey, "id">[],
): readonly CommandRecord[] {
  return keys.flatMap(({ id }) => database.rows(commands).get(hex(id)) ?? []);
}

/** Versions events under the locks of their keys, taken in one order everywhere, and puts them into the log and every outbox. */
async function insertEvents(
  transaction: DatabaseTransaction,
  said: Closing["events"],
): Promise<readonly OutboxEvent[]> {
  const { database } = transaction;
  const versions = new Map<string, number>();
  for (const key of [...new Set(said.map(({ tenant, key }) => keyOf(tenant, key)))].sort()) {
    await transaction.update(streams, key, (version = 0) => {
      versions.set(key, version);
      return version + said.filter((event) => keyOf(event.tenant, event.key) === key).length;
    });
  }
  const stored: OutboxEvent[] = [];
  for (const event of said) {
    const key = keyOf(event.tenant, event.key);
    const version = (versions.get(key) ?? 0) + 1;
    versions.set(key, version);
    const row = { ...event, version, at: database.now(), seq: database.next("event") };
    await transaction.insert(events, event.id, row);
    for (const { type, service } of transaction.rows(subscriptions).values()) {
      if (type === event.type)
        await transaction.insert(unsent, unsentKey(service, row.seq), { service, event: event.id, seq: row.seq });
    }
    stored.push(row);
  }
  return stored;
}

/** Enters events into an inbox, in the order of their ids, so that two deliveries of the same ones do not deadlock; answers the new ones. */
export async function enterInbox(
  transaction: DatabaseTransaction,
  subscriber: string,
  eventIds: readonly string[],
): Promise<ReadonlySet<string>> {
  await transaction.lock(gateOf(subscriber), "shared");
  const fresh = new Set<string>();
  for (const event of [...eventIds].sort()) {
    if (await transaction.insertNew(inbox, keyOf(subscriber, event), { subscriber, event })) fresh.add(event);
  }
  return fresh;
}

/** The same, where all of them must be new. */
export async function enterAll(
  transaction: DatabaseTransaction,
  subscriber: string,
  eventIds: readonly string[],
): Promise<void> {
  const fresh = await enterInbox(transaction, subscriber, eventIds);
  if (fresh.size < new Set(eventIds).size) throw storeFaults.handled();
}

/** Deliveries to a subscriber pass its gate together; a rebuild closes it. */
export function gateOf(subscriber: string): string {
  return `gate ${subscriber}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
