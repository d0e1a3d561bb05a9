import type { Database, Table } from "../memory/database.ts";
import { deadLetters, events } from "../memory/tables.ts";
import type { History, Operation } from "./history.ts";
import { accounts, confirmations, type Effect, entries, notes, totals } from "./rows.ts";

/*
 * What must hold once the world is calm and has settled. Everything is counted from what clients know and what the tables
 * hold; nothing that the kernel says of itself is believed.
 */

/** Every command that was accepted has all of its legs once; what was refused has none; nobody else has any. */
export function checkCommands({ operations, contradictions }: History, database: Database): string[] {
  const legs = Map.groupBy(valuesOf(database, entries), ({ reference }) => reference);
  const problems = [...contradictions];
  for (const operation of operations) {
    const found = legs.get(operation.reference) ?? [];
    legs.delete(operation.reference);
    const [least, most] = expectedTimes(operation);
    const times = found.length / operation.legs.length;
    const isWhole = operation.legs.every(
      (leg) => found.filter((each) => each.account === leg.account && each.amount === leg.amount).length === times,
    );
    if (times < least) problems.push(`lost: ${operation.reference} was answered ok and has ${found.length} legs`);
    else if (times > most)
      problems.push(`duplicated: ${operation.reference} (${operation.outcome}) has ${found.length} legs`);
    else if (!isWhole) problems.push(`torn: ${operation.reference} has ${JSON.stringify(found)}`);
  }
  for (const reference of legs.keys()) problems.push(`phantom: nobody asked for ${reference}`);
  const sums = sumsOf(valuesOf(database, entries));
  for (const [account, balance] of database.rows(accounts)) {
    if (balance !== (sums.get(account) ?? 0))
      problems.push(`${account} has ${balance}, and its legs say ${sums.get(account)}`);
  }
  return problems;
}

function expectedTimes({ outcome }: Operation): readonly [least: number, most: number] {
  if (outcome === "ok") return [1, 1];
  return outcome === "refused" ? [0, 0] : [0, 1];
}

/** Every leg has its event, in the order of the legs; versions count 1, 2, 3 …; so do those of what was said next. */
export function checkEvents(database: Database): string[] {
  const problems: string[] = [];
  const noted = valuesOf(database, notes);
  for (const [type, causes] of [
    ["bank.moved", valuesOf(database, entries)],
    ["desk.noted", noted],
  ] as const) {
    const said = eventsOf(database, type);
    const expected = Map.groupBy(causes, ({ account }) => account);
    const byKey = Map.groupBy(said, ({ account }) => account);
    for (const account of new Set([...expected.keys(), ...byKey.keys()])) {
      const [want, got] = [expected.get(account) ?? [], byKey.get(account) ?? []];
      const [wanted, given] = [want, got].map((all) => all.map(({ reference, amount }) => `${reference} ${amount}`));
      if (String(wanted) !== String(given)) problems.push(`${type} of ${account}: expected ${wanted}, said ${given}`);
      const versions = got.map(({ version }) => version);
      // Both types share their keys' versions, so the versions of one have gaps, and both together none.
      if (versions.some((version, at) => version <= (versions[at - 1] ?? 0)))
        problems.push(`versions of ${type} of ${account}: ${versions}`);
    }
  }
  const all = Map.groupBy(database.rows(events).values(), ({ key }) => key);
  for (const [key, ofKey] of all) {
    const versions = ofKey.map(({ version }) => version).sort((a, b) => a - b);
    if (versions.some((version, at) => version !== at + 1))
      problems.push(`versions of key ${key} have gaps: ${versions}`);
  }
  return problems;
}

/** Subscribers, what they hear of, and where their effects lie. */
const subscribers = [
  ["desk.note", "bank.moved", notes],
  ["bank.confirm", "desk.noted", confirmations],
] as const;

/** accepted = applied + dead-lettered, each once, and in order per key. */
export function checkDeliveries(database: Database): string[] {
  const problems: string[] = [];
  const letters = [...database.rows(deadLetters).values()];
  for (const [subscriber, type, table] of subscribers) {
    const accepted = new Set(eventsOf(database, type).map(({ cause }) => cause));
    const applied = valuesOf(database, table);
    const buried = new Set(letters.filter((row) => row.subscriber === subscriber).map(({ event }) => event));
    for (const id of accepted) {
      const times = applied.filter(({ cause }) => cause === id).length;
      const dead = buried.has(id) ? 1 : 0;
      if (times + dead === 0) problems.push(`lost: ${subscriber} has neither handled nor buried ${id}`);
      if (times + dead > 1) problems.push(`duplicated: ${subscriber} handled ${id} ${times} times, buried it ${dead}`);
    }
    for (const { cause } of applied)
      if (!accepted.has(cause)) problems.push(`phantom: ${subscriber} handled ${cause}, which nobody said`);
    problems.push(...disorder(subscriber, applied));
  }
  return problems;
}

function disorder(subscriber: string, applied: readonly Effect[]): string[] {
  return [...Map.groupBy(applied, ({ account }) => account)].flatMap(([account, ofKey]) => {
    const versions = ofKey.map(({ version }) => version);
    const isOrdered = versions.every((version, at) => version > (versions[at - 1] ?? 0));
    return isOrdered ? [] : [`reordered: ${subscriber} handled ${account} in the order ${versions}`];
  });
}

/** The read model equals what is computed from the legs. */
export function checkProjection(database: Database, when: string): string[] {
  const expected = sumsOf(valuesOf(database, entries));
  const stored = database.rows(totals);
  return [...new Set([...expected.keys(), ...stored.keys()])].flatMap((account) =>
    expected.get(account) === stored.get(account)
      ? []
      : [`${when}, the total of ${account} is ${stored.get(account)}, and its legs say ${expected.get(account)}`],
  );
}

/** Events of a type as effects, in the order of their versions within their keys. */
function eventsOf(database: Database, type: string): Effect[] {
  return [...database.rows(events).values()]
    .filter((event) => event.type === type)
    .sort((a, b) => a.version - b.version)
    .map(({ data, id, version }) => ({ ...JSON.parse(data), cause: id, version }));
}

function sumsOf(effects: readonly Effect[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { account, amount } of effects) sums.set(account, (sums.get(account) ?? 0) + amount);
  return sums;
}

function valuesOf<Row>(database: Database, table: Table<Row>): Row[] {
  return [...database.rows(table).values()];
}
