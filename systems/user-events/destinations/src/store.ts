import type { Sql } from "@banyan/kernel";
import { deleteLines, insertLines } from "./file-store.ts";
import type { At, Definition, FilePlace, Filter, Note, Place, Plan } from "./schemas.ts";

/** Answers false where there is one already. It begins behind `places`. */
export async function insertDestination(
  sql: Sql,
  { tenant, id }: At,
  {
    definition,
    secret,
    places,
  }: { readonly definition: Definition; readonly secret: Uint8Array; readonly places: readonly Place[] },
): Promise<boolean> {
  const created = await sql`
    WITH created AS (
      INSERT INTO destinations.destination (tenant, id, definition, secret)
      VALUES (${tenant}, ${id}, ${JSON.stringify(definition)}, ${secret}) ON CONFLICT DO NOTHING RETURNING id
    )
    INSERT INTO destinations.reader (tenant, destination, id, filter, places)
    SELECT ${tenant}, id, 'main', '{}', ${JSON.stringify(places)} FROM created RETURNING id`;
  return created.length > 0;
}

/** Answers false where there is none. */
export async function updatePaused(sql: Sql, { tenant, id }: At, isPaused: boolean): Promise<boolean> {
  const updated = await sql`
    UPDATE destinations.destination SET is_paused = ${isPaused}, next_at = NULL WHERE tenant = ${tenant} AND id = ${id} RETURNING id`;
  return updated.length > 0;
}

/** Reads up to where the main reader is. Answers false where there is no such destination. */
export async function insertReplay(
  sql: Sql,
  { tenant, id }: At,
  { replay, filter }: { readonly replay: string; readonly filter: Filter },
): Promise<boolean> {
  const created = await sql`
    INSERT INTO destinations.reader (tenant, destination, id, filter, places, until)
    SELECT tenant, destination, ${replay}, ${JSON.stringify(filter)}, '[]', places FROM destinations.reader
    WHERE tenant = ${tenant} AND destination = ${id} AND id = 'main' RETURNING id`;
  return created.length > 0;
}

/** A reader of a destination that may send at `now`, the main one first. */
export interface DueReader extends Omit<Plan, "filters" | "reader"> {
  readonly id: string;
  readonly filter: Filter | Record<string, never>;
}

export function selectReaders(sql: Sql, { tenant, id }: At, now: Date): Promise<DueReader[]> {
  return sql<DueReader>`
    SELECT reader.id, turn, places, until, filter, definition, encode(secret, 'base64') AS secret
    FROM destinations.destination JOIN destinations.reader ON reader.tenant = destination.tenant AND reader.destination = destination.id
    WHERE destination.tenant = ${tenant} AND destination.id = ${id} AND NOT is_paused AND NOT is_done AND (next_at IS NULL OR next_at <= ${now})
    ORDER BY until IS NOT NULL, reader.id`;
}

/** Numbers of a partition that share a row of what was delivered. */
const blockSize = 1_024;

/** Which of the places were delivered. */
export function selectDelivered(sql: Sql, { tenant, id }: At, places: readonly Place[]): Promise<Place[]> {
  return sql<Place>`
    SELECT place.partition, number FROM jsonb_to_recordset(${JSON.stringify(places)}::jsonb) AS place (partition smallint, number bigint)
    JOIN destinations.delivered_block AS had ON had.partition = place.partition AND block = number / ${blockSize}::bigint AND numbers @> number
    WHERE tenant = ${tenant} AND destination = ${id}`;
}

const longestWaitMs = 300_000;
/** No receiver is left in peace for longer, whatever it asks for. */
const retryAfterMaxMs = 3_600_000;

interface Tries {
  readonly failures: number;
  readonly retry: Definition["retry"];
}

/** Undefined where there is no such destination. Nobody else notes anything of it until the transaction ends. */
async function lockTries(sql: Sql, { tenant, id }: At): Promise<Tries | undefined> {
  const [tries] = await sql<Tries>`
    SELECT failures, definition -> 'retry' AS retry FROM destinations.destination WHERE tenant = ${tenant} AND id = ${id} FOR UPDATE`;
  return tries;
}

interface Tried extends Tries {
  readonly now: Date;
  readonly error: string | null;
  readonly askedMs: number;
}

/** After a failure it is tried again in a while, and not before what the receiver has asked for. */
async function updateTries(
  sql: Sql,
  { tenant, id }: At,
  { now, failures, error, askedMs, retry }: Tried,
): Promise<void> {
  const ownMs = Math.min(retry.firstMs * 2 ** (failures - 1), longestWaitMs);
  const nextAt = new Date(now.getTime() + Math.max(ownMs, Math.min(askedMs, retryAfterMaxMs)));
  await sql`
    UPDATE destinations.destination SET failures = ${failures}, last_error = ${failures === 0 ? null : error},
      next_at = ${failures === 0 ? null : nextAt} WHERE tenant = ${tenant} AND id = ${id}`;
}

/** Lines are in their files, or cannot be written now. */
export async function noteWritten(
  sql: Sql,
  { tenant, at: now }: { readonly tenant: string; readonly at: Date },
  { id, places, error }: { readonly id: string; readonly places: readonly FilePlace[]; readonly error: string | null },
): Promise<void> {
  const state = await lockTries(sql, { tenant, id });
  if (state === undefined) return;
  await deleteLines(sql, { tenant, id }, places);
  const failures = error === null ? 0 : state.failures + 1;
  await updateTries(sql, { tenant, id }, { ...state, now, failures, error, askedMs: 0 });
}

/** Moves a reader on, unless it is no longer where it was. What failed too often or for good becomes a dead letter, and is passed. */
export async function noteSent(
  sql: Sql,
  { tenant, at: now }: { readonly tenant: string; readonly at: Date },
  { id, reader, turn, places, delivered, files, failure, isDone }: Note,
): Promise<boolean> {
  const state = await lockTries(sql, { tenant, id });
  if (state === undefined) return false;
  const failures = failure === null ? 0 : (delivered.length > 0 ? 0 : state.failures) + 1;
  const isDead = failure !== null && !failure.isOutage && (failure.isFinal || failures >= state.retry.attemptsMax);
  const reached = isDead
    ? [
        ...places.filter(({ partition }) => partition !== failure.partition),
        { partition: failure.partition, number: failure.number },
      ]
    : places;
  const moved = await sql`
    UPDATE destinations.reader SET places = ${JSON.stringify(reached)}, turn = turn + 1, is_done = ${isDone}
    WHERE tenant = ${tenant} AND destination = ${id} AND id = ${reader} AND turn = ${turn} RETURNING id`;
  if (moved.length === 0) return false;
  const tried = {
    now,
    failures: isDead ? 0 : failures,
    error: failure?.error ?? null,
    askedMs: failure?.retryAfterMs ?? 0,
  };
  await updateTries(sql, { tenant, id }, { ...state, ...tried });
  await sql`
    WITH given AS (SELECT * FROM jsonb_to_recordset(${JSON.stringify(delivered)}::jsonb) AS given (partition smallint, number bigint)), mended AS (
      DELETE FROM destinations.dead_letter AS letter USING given
      WHERE tenant = ${tenant} AND destination = ${id} AND letter.partition = given.partition AND letter.number = given.number
    )
    INSERT INTO destinations.delivered_block AS had (tenant, destination, partition, block, numbers, at)
    SELECT ${tenant}, ${id}, partition, number / ${blockSize}::bigint AS block, range_agg(int8range(number, number + 1)), ${now}
    FROM given GROUP BY partition, block
    ON CONFLICT (tenant, destination, partition, block) DO UPDATE SET numbers = had.numbers + excluded.numbers, at = excluded.at`;
  if (files.length > 0) await insertLines(sql, { tenant, id }, files);
  if (isDead) {
    const { partition, number, source, eventId, error } = failure;
    await sql`
      INSERT INTO destinations.dead_letter AS letter (tenant, destination, partition, number, source, event_id, error, attempts, at)
      VALUES (${tenant}, ${id}, ${partition}, ${number}, ${source}, ${eventId}, ${error}, ${failures}, ${now})
      ON CONFLICT (tenant, destination, partition, number) DO UPDATE SET error = excluded.error, at = excluded.at,
        attempts = letter.attempts + excluded.attempts`;
  }
  return true;
}

/** Forgets what was delivered, or could not be, before an instant (milliseconds since 1970), and nothing since beside it. */
export async function deleteBefore(sql: Sql, before: number): Promise<void> {
  const at = new Date(before);
  await sql`DELETE FROM destinations.delivered_block WHERE at < ${at}`;
  await sql`DELETE FROM destinations.dead_letter WHERE at < ${at}`;
}
