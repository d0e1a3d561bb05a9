import type { Sql } from "@banyan/kernel";
import type { Attempt, Delivery } from "./schemas.ts";

interface DeliveryRow {
  readonly id: string;
  readonly number: number;
  readonly endpoint: string;
  readonly message: string;
  readonly type: string;
  readonly status: Delivery["status"];
  readonly turn: number;
  readonly attempt_count: number;
  readonly next_at: Date | null;
  readonly settled_at: Date | null;
  readonly created_at: Date;
}

/** What is told, once per event. */
export interface Message {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  readonly at: Date;
}

/** The enabled endpoints of a tenant that hear of events of a type: those of the merchants, and those for all of them. */
export async function selectListeners(
  sql: Sql,
  { tenant, type }: { readonly tenant: string; readonly type: string },
  merchants: readonly string[],
): Promise<readonly { readonly id: string; readonly merchant: string | null }[]> {
  return await sql<{ id: string; merchant: string | null }>`
    SELECT id, merchant FROM webhooks.endpoint
    WHERE tenant = ${tenant} AND status = 'enabled' AND (merchant IS NULL OR merchant = ANY (${merchants}))
      AND (types = '{}' OR ${type} = ANY (types))
    ORDER BY number`;
}

interface NewDelivery {
  readonly id: string;
  readonly endpoint: string;
  readonly message: Message;
}

/** Stores messages of a tenant and their deliveries, due now. */
export async function insertDeliveries(
  sql: Sql,
  tenant: string,
  { messages, deliveries }: { readonly messages: readonly Message[]; readonly deliveries: readonly NewDelivery[] },
): Promise<void> {
  await sql`
    WITH message AS (
      INSERT INTO webhooks.message (id, tenant, type, body, created_at)
      SELECT id, ${tenant}, type, body, at FROM unnest(${messages.map(({ id }) => id)}::uuid[], ${messages.map(({ type }) => type)}::text[],
        ${messages.map(({ body }) => body)}::text[], ${messages.map(({ at }) => at)}::timestamptz[]) AS given (id, type, body, at)
    )
    INSERT INTO webhooks.delivery (id, tenant, endpoint, message, next_at, created_at)
    SELECT id, ${tenant}, endpoint, message, at, at FROM unnest(${deliveries.map(({ id }) => id)}::uuid[],
      ${deliveries.map(({ endpoint }) => endpoint)}::uuid[], ${deliveries.map(({ message }) => message.id)}::uuid[],
      ${deliveries.map(({ message }) => message.at)}::timestamptz[]) AS given (id, endpoint, message, at)`;
}

/** Up to `limit` deliveries after a number, in the order of their making. */
export async function selectDeliveries(
  sql: Sql,
  {
    tenant,
    endpoint,
    status,
    after,
    limit,
  }: {
    readonly tenant: string;
    readonly endpoint: string | null;
    readonly status: Delivery["status"] | null;
    readonly after: number;
    readonly limit: number;
  },
): Promise<(Delivery & { number: number })[]> {
  const rows = await sql<DeliveryRow>`
    SELECT d.*, m.type FROM webhooks.delivery AS d JOIN webhooks.message AS m ON m.id = d.message
    WHERE d.tenant = ${tenant} AND (${endpoint}::uuid IS NULL OR d.endpoint = ${endpoint})
      AND (${status}::text IS NULL OR d.status = ${status}) AND d.number > ${after}
    ORDER BY d.number LIMIT ${limit}`;
  return rows.map((row) => ({ ...deliveryOf(row), number: row.number }));
}

/** A delivery with its body and its attempts, or null. */
export async function selectDelivery(
  sql: Sql,
  tenant: string,
  id: string,
): Promise<{ delivery: Delivery; body: string; attempts: Attempt[] } | null> {
  const [[row], attempts] = await Promise.all([
    sql<DeliveryRow & { body: string }>`
      SELECT d.*, m.type, m.body FROM webhooks.delivery AS d JOIN webhooks.message AS m ON m.id = d.message
      WHERE d.id = ${id} AND d.tenant = ${tenant}`,
    sql<Omit<Attempt, "at"> & { at: Date }>`
      SELECT number, at, took_ms AS "tookMs", status, error FROM webhooks.attempt WHERE delivery = ${id} ORDER BY number`,
  ]);
  if (row === undefined) return null;
  const told = attempts.map((attempt) => ({ ...attempt, at: attempt.at.toISOString() }));
  return { delivery: deliveryOf(row), body: row.body, attempts: told };
}

/** Makes a delivery pending again, in its next turn. Null where there is none, or its endpoint is disabled. */
export async function beginTurn(
  sql: Sql,
  { tenant, id }: { readonly tenant: string; readonly id: string },
  at: Date,
): Promise<{ delivery: Delivery; turn: number } | null> {
  const [row] = await sql<DeliveryRow>`
    UPDATE webhooks.delivery AS d SET status = 'pending', turn = turn + 1, next_at = ${at}, settled_at = NULL
    FROM webhooks.message AS m, webhooks.endpoint AS e
    WHERE d.id = ${id} AND d.tenant = ${tenant} AND m.id = d.message AND e.id = d.endpoint AND e.status = 'enabled'
    RETURNING d.*, m.type`;
  return row ? { delivery: deliveryOf(row), turn: row.turn } : null;
}

/** Notes an attempt and what follows from it, unless the turn is over. Answers whether it was noted. */
export async function noteAttempt(
  sql: Sql,
  { id, turn }: { readonly id: string; readonly turn: number },
  outcome: Omit<Attempt, "number" | "at"> & {
    readonly at: Date;
    readonly status: number | null;
    readonly becomes: Delivery["status"];
    readonly nextAt: Date | null;
  },
): Promise<boolean> {
  const { at, tookMs, status, error, becomes, nextAt } = outcome;
  const noted = await sql`
    WITH noted AS (
      UPDATE webhooks.delivery SET attempt_count = attempt_count + 1, status = ${becomes}, next_at = ${nextAt},
        settled_at = CASE WHEN ${becomes} = 'pending' THEN NULL ELSE ${at}::timestamptz END
      WHERE id = ${id} AND turn = ${turn} AND status = 'pending'
      RETURNING id, attempt_count
    )
    INSERT INTO webhooks.attempt (delivery, number, at, took_ms, status, error)
    SELECT id, attempt_count, ${at}, ${tookMs}, ${status}, ${error} FROM noted
    RETURNING delivery`;
  return noted.length > 0;
}

/** Gives a delivery up without an attempt. */
export async function giveUp(
  sql: Sql,
  { id, turn }: { readonly id: string; readonly turn: number },
  at: Date,
): Promise<void> {
  await sql`
    UPDATE webhooks.delivery SET status = 'failed', next_at = NULL, settled_at = ${at}
    WHERE id = ${id} AND turn = ${turn} AND status = 'pending'`;
}

function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    endpoint: row.endpoint,
    message: row.message,
    type: row.type,
    status: row.status,
    attemptCount: row.attempt_count,
    nextAt: row.next_at?.toISOString() ?? null,
    settledAt: row.settled_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
