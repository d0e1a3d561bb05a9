import type { NewEvent, OutboxEvent } from "@banyan/kernel/store";
import type { StatementResult } from "../../batch.ts";
import { textArray } from "../../parameter.ts";
import { type Statement, sql } from "../../statement.ts";

/** `banyan.event_seq` grows by so much: the numbers of a block belong to one transaction. */
const blockSize = 1_024;

/** The first number of the block. */
export const blockOf = (seq: number): number => seq - (seq % blockSize);

/** Events on their way into the log. */
export interface Emission {
  readonly statement: Statement;
  /** What the statement's result says. */
  stored(result: StatementResult): Emitted;
}

/** Events as they are in the log. */
export interface Emitted {
  /** In the order given. */
  readonly events: readonly OutboxEvent[];
  /** Those that some of them wait for. */
  readonly services: readonly string[];
}

/**
 * Versions the events under the locks of their keys, taken in one order everywhere, and puts them into the log and every subscriber's
 * outbox. In thousands of instructions of the server (callgrind, `postgres --single`, parsing of literals included) a row of
 * the handler's and one event take 390 (396 before there were partitions), 99 of them the row. An advisory lock on the key and a look for its last version in an index
 * of the events, in place of the row that is counted up, take 30 more; the outbox 35, also where nobody hears.
 */
export function emissionOf(events: readonly NewEvent[]): Emission {
  const [only] = events;
  return events.length === 1 && only !== undefined ? emissionOfOne(only) : emissionOfMany(events);
}

function emissionOfOne(event: NewEvent): Emission {
  const { id, type, tenant, key, data, traceId, metadata } = event;
  const statement = sql`WITH counted AS (
      INSERT INTO banyan.stream AS s (tenant, key, version) VALUES (${tenant}, ${key}, 1)
      ON CONFLICT (tenant, key) DO UPDATE SET version = s.version + 1
      RETURNING version, nextval('banyan.event_seq') AS seq),
    waiting AS (
      INSERT INTO banyan.unsent (service, block, waiting, first_id, last_id)
      SELECT service, seq, int8multirange(int8range(seq, seq + 1)), ${id}::uuid, ${id}::uuid FROM counted, banyan.subscription WHERE type = ${type}
      RETURNING service)
    INSERT INTO banyan.event (id, seq, type, tenant, key, version, data, trace_id, metadata, at)
    SELECT ${id}::uuid, seq, ${type}, ${tenant}, ${key}, version, ${data}, ${traceId}, ${metadata}, clock_timestamp()
    FROM counted RETURNING version, seq, at, ARRAY(SELECT service FROM waiting) AS services`;
  return {
    statement,
    stored({ rows }) {
      const [row] = rows as unknown as readonly [{ version: number; seq: number; at: Date; services: string[] }];
      const { version, seq, at, services } = row;
      return { events: [{ ...event, version, seq, at: at.getTime() }], services };
    },
  };
}

function emissionOfMany(events: readonly NewEvent[]): Emission {
  const { keys, places } = keysOf(events);
  const { runs, runNumbers } = runsOf(events);
  const blocks = blocksOf(events);
  const statement = sql`SELECT versions, blocks, stored_at,
      ARRAY(SELECT DISTINCT service FROM banyan.subscription WHERE type = ANY (${[...new Set(events.map(({ type }) => type))]})) AS services
    FROM banyan.emit(
    ${keys.map(({ tenant }) => tenant)}, ${keys.map(({ key }) => key)}, ${keys.map(({ count }) => count)},
    ${blocks.map(({ firstId }) => firstId)}, ${blocks.map(({ lastId }) => lastId)},
    ${runs.map(({ block }) => block)}, ${runs.map(({ from }) => from)}, ${runs.map(({ until }) => until)},
    ${runs.map(({ event }) => event.type)}, ${runs.map(({ event }) => event.traceId)}, ${runs.map(({ event }) => JSON.stringify(event.metadata))},
    ${events.map(({ id }) => id)}, ${places.map(({ key }) => key.number)}, ${places.map(({ rank }) => rank)}, ${runNumbers}, ${textArray(events.map(({ data }) => data))})`;
  return {
    statement,
    stored({ rows }) {
      const [row] = rows as unknown as readonly [EmittedRow];
      const at = row.stored_at.getTime();
      const stored = places.map(({ event, key, rank }, index) => {
        const version = (row.versions[key.number - 1] as number) - key.count + rank;
        const seq = (row.blocks[Math.floor(index / blockSize)] as number) + (index % blockSize);
        return { ...event, version, at, seq };
      });
      return { events: stored, services: row.services };
    },
  };
}

interface EmittedRow {
  /** The newest of each key. */
  readonly versions: readonly number[];
  /** The first number of each. */
  readonly blocks: readonly number[];
  readonly stored_at: Date;
  readonly services: readonly string[];
}

/** What some of the events are ordered by. */
interface Key {
  readonly tenant: string;
  readonly key: string;
  count: number;
  /** From 1, in the order in which keys are locked. */
  number: number;
}

/** The keys in the order in which they are locked, the same everywhere, and each event's key and place within it, from 1. */
function keysOf(events: readonly NewEvent[]) {
  const byText = new Map<string, Key>();
  const places = events.map((event) => {
    const { tenant, key: name } = event;
    const text = `${tenant}\0${name}`;
    const key = byText.get(text) ?? { tenant, key: name, count: 0, number: 0 };
    if (key.count === 0) byText.set(text, key);
    return { event, key, rank: ++key.count };
  });
  const keys = [...byText.keys()].sort().map((text) => byText.get(text) as Key);
  for (const [index, key] of keys.entries()) key.number = index + 1;
  return { keys, places };
}

/**
 * Events in a row within one block that differ in nothing but id, key and data. Runs of one type that follow each other are a stretch: its first
 * has the range of all of it, from the place `from` in the block to before `until`, and those that go on with it an empty one.
 */
interface Run {
  readonly event: NewEvent;
  readonly block: number;
  readonly from: number;
  until: number;
}

function runsOf(events: readonly NewEvent[]) {
  const runs: Run[] = [];
  let stretch: Run | undefined;
  const runNumbers = events.map((event, index) => {
    const [block, place] = [Math.floor(index / blockSize) + 1, index % blockSize];
    const last = runs.at(-1);
    const { type, traceId, metadata } = event;
    if (
      last?.block !== block ||
      last.event.type !== type ||
      last.event.traceId !== traceId ||
      last.event.metadata !== metadata
    ) {
      const run = { event, block, from: place, until: place };
      if (stretch?.block !== block || stretch.event.type !== type) stretch = run;
      runs.push(run);
    }
    if (stretch !== undefined) stretch.until = place + 1;
    return runs.length;
  });
  return { runs, runNumbers };
}

/** Between which ids those of each block lie. As texts in lower case they sort as the server sorts them. */
function blocksOf(events: readonly NewEvent[]) {
  return Array.from({ length: Math.ceil(events.length / blockSize) }, (_, index) => {
    const ids = events.slice(index * blockSize, (index + 1) * blockSize).map(({ id }) => id.toLowerCase());
    const [firstId, lastId] = [ids.reduce((a, b) => (a < b ? a : b)), ids.reduce((a, b) => (a > b ? a : b))];
    return { firstId, lastId };
  });
}
