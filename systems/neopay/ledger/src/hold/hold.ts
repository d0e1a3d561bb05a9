import type { Sql } from "@banyan/kernel";
import type { AccountRow } from "../account/account.ts";
import { legOf, refusalOfSums } from "../transaction/books.ts";
import { faultOf } from "../transaction/refusal.ts";
import type { Posting } from "../transaction/schemas.ts";
import type { Hold } from "./schemas.ts";

/*
 * A hold, in numbered rules:
 * H1  Placing it raises the source's pending debit and the destination's pending credit; no balance moves.
 * H2  It is committed, voided or expired, once: none of them leads anywhere else.
 * H3  Committing posts 1 … amountMinor and releases all that was pending. It needs now < expiresAt.
 *     Where it is to be held on, the rest becomes a hold of its own before anybody else can see it free.
 * H4  Until it is settled it counts as pending, past its expiry too: the job that releases it may be late.
 */

export interface HoldRow {
  readonly tenant: string;
  readonly id: string;
  readonly reference: string;
  readonly source: string;
  readonly source_id: number;
  readonly destination: string;
  readonly destination_id: number;
  readonly amount_minor: number;
  readonly captured_minor: number;
  readonly currency: string;
  readonly status: Hold["status"];
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly settled_at: Date | null;
  readonly transaction_id: string | null;
  readonly rest_id: string | null;
  readonly metadata: Record<string, string>;
}

export function holdOf(row: HoldRow): Hold {
  return {
    id: row.id,
    reference: row.reference,
    source: row.source,
    destination: row.destination,
    amountMinor: row.amount_minor,
    capturedMinor: row.captured_minor,
    currency: row.currency,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    settledAt: row.settled_at?.toISOString() ?? null,
    transactionId: row.transaction_id,
    restId: row.rest_id,
    metadata: row.metadata,
  };
}

/** Why an amount cannot be set aside: what would refuse posting it, in the same order; undefined where it can. */
export function refusalOfHold(leg: Posting, accounts: ReadonlyMap<string, AccountRow>): Error | undefined {
  const placed = legOf(leg, accounts);
  const refusal = "kind" in placed ? placed : refusalOfSums([placed]);
  return refusal === undefined ? undefined : faultOf(refusal);
}

/** H2, H3: how a hold has ended at `now`, in milliseconds since 1970; undefined while it can be committed. */
export function endOf({ status, expires_at }: HoldRow, now: number): Exclude<Hold["status"], "active"> | undefined {
  if (status !== "active") return status;
  return expires_at !== null && expires_at.getTime() <= now ? "expired" : undefined;
}

/** The hold, locked until the end of the transaction. */
export async function lockHold(sql: Sql, tenant: string, id: string): Promise<HoldRow | undefined> {
  return (await lockHolds(sql, tenant, [id])).get(id);
}

/** Those of the holds that there are, by id, locked in the order of their ids until the end of the transaction. */
export async function lockHolds(sql: Sql, tenant: string, ids: readonly string[]): Promise<Map<string, HoldRow>> {
  const rows = await sql<HoldRow>`
    SELECT h.*, s.address AS source, d.address AS destination
    FROM ledger.hold AS h JOIN ledger.account AS s ON s.id = h.source_id JOIN ledger.account AS d ON d.id = h.destination_id
    WHERE h.id = ANY (${ids}) AND h.tenant = ${tenant} ORDER BY h.id FOR UPDATE OF h`;
  return new Map(rows.map((row) => [row.id, row]));
}

interface Release {
  readonly status: "voided" | "expired";
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Ends a locked, active hold that nothing was captured of, and releases what it kept pending. */
export async function releaseHold(sql: Sql, hold: HoldRow, { status, at }: Release): Promise<Hold> {
  const settledAt = new Date(at);
  await sql`
    WITH settled AS (
      UPDATE ledger.hold SET status = ${status}, settled_at = ${settledAt} WHERE id = ${hold.id} AND tenant = ${hold.tenant}
      RETURNING source_id, destination_id, amount_minor
    ), locked AS MATERIALIZED (
      SELECT a.id FROM ledger.account AS a WHERE a.tenant = ${hold.tenant} AND a.address = ANY (${[hold.source, hold.destination]})
      ORDER BY a.address FOR NO KEY UPDATE
    )
    UPDATE ledger.account AS a
    SET pending_debit_minor = a.pending_debit_minor - CASE WHEN a.id = settled.source_id THEN settled.amount_minor ELSE 0 END,
      pending_credit_minor = a.pending_credit_minor - CASE WHEN a.id = settled.destination_id THEN settled.amount_minor ELSE 0 END
    FROM settled, locked WHERE a.id = locked.id`;
  return holdOf({ ...hold, status, settled_at: settledAt });
}
