import type { Sql } from "@banyan/kernel";
import type { Break, BreakKind } from "./contract.ts";
import type { FoundBreak } from "./found-breaks.ts";
import type { AccountKey, Span } from "./item-store.ts";

export type StoredBreak = FoundBreak & {
  readonly id: string;
  readonly number: number;
  readonly openedAt: Date;
  readonly resolvedAt: Date | null;
};
/** When, and in which run. */
export type Occasion = { readonly tenant: string; readonly number: number; readonly at: Date };

/** The open breaks of an account on the days of a span. */
export async function selectOpen(
  sql: Sql,
  { tenant, account }: AccountKey,
  { from, to }: Span,
): Promise<StoredBreak[]> {
  return await sql<StoredBreak>`
    SELECT id, number, account, kind, subject, currency, bank_minor AS "bankMinor", ledger_minor AS "ledgerMinor",
      difference_minor AS "differenceMinor", day, "references", opened_at AS "openedAt", resolved_at AS "resolvedAt"
    FROM reconciliation.break
    WHERE tenant = ${tenant} AND account = ${account} AND resolved_at IS NULL
      AND (${from}::date IS NULL OR day >= ${from}) AND (${to}::date IS NULL OR day <= ${to})`;
}

export async function insertBreaks(
  sql: Sql,
  { tenant, number, at }: Occasion,
  breaks: readonly (FoundBreak & { id: string })[],
): Promise<void> {
  if (breaks.length === 0) return;
  await sql`
    INSERT INTO reconciliation.break (id, tenant, account, kind, subject, currency, bank_minor, ledger_minor, difference_minor, day,
      "references", opened_at, opened_run)
    SELECT id, ${tenant}, account, kind, subject, currency, "bankMinor", "ledgerMinor", "differenceMinor", day, "references", ${at}, ${number}
    FROM jsonb_to_recordset(${JSON.stringify(breaks)}::jsonb) AS found (id uuid, account text, kind text, subject text, currency text,
      "bankMinor" bigint, "ledgerMinor" bigint, "differenceMinor" bigint, day date, "references" text[])`;
}

/** Breaks that persist keep their age and take the figures of today. */
export async function updateBreaks(sql: Sql, breaks: readonly (FoundBreak & { id: string })[]): Promise<void> {
  if (breaks.length === 0) return;
  await sql`
    UPDATE reconciliation.break AS b
    SET bank_minor = found."bankMinor", ledger_minor = found."ledgerMinor", difference_minor = found."differenceMinor"
    FROM jsonb_to_recordset(${JSON.stringify(breaks)}::jsonb) AS found (id uuid, "bankMinor" bigint, "ledgerMinor" bigint, "differenceMinor" bigint)
    WHERE b.id = found.id`;
}

export async function resolveBreaks(sql: Sql, { number, at }: Occasion, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`UPDATE reconciliation.break SET resolved_at = ${at}, resolved_run = ${number} WHERE id = ANY (${ids}::uuid[])`;
}

export type BreakFilter = {
  readonly tenant: string;
  readonly account: string | null;
  readonly kind: BreakKind | null;
  /** Open at the end of this run; null means open now. */
  readonly atRun: number | null;
  readonly openedBefore: Date | null;
  readonly after: number;
  readonly limit: number;
};

/** Up to `limit` breaks, oldest first. */
export async function selectBreaks(
  sql: Sql,
  { tenant, account, kind, atRun, openedBefore, after, limit }: BreakFilter,
): Promise<StoredBreak[]> {
  return await sql<StoredBreak>`
    SELECT id, number, account, kind, subject, currency, bank_minor AS "bankMinor", ledger_minor AS "ledgerMinor",
      difference_minor AS "differenceMinor", day, "references", opened_at AS "openedAt", resolved_at AS "resolvedAt"
    FROM reconciliation.break
    WHERE tenant = ${tenant} AND (${account}::text IS NULL OR account = ${account}) AND (${kind}::text IS NULL OR kind = ${kind})
      AND CASE WHEN ${atRun}::integer IS NULL THEN resolved_at IS NULL
        ELSE opened_run <= ${atRun} AND (resolved_run IS NULL OR resolved_run > ${atRun}) END
      AND (${openedBefore}::timestamptz IS NULL OR opened_at <= ${openedBefore})
      AND number > ${after}
    ORDER BY number LIMIT ${limit}`;
}

const DAY_MS = 86_400_000;

/** A break as it is told, aged by `now` or by when it was resolved. */
export function toBreak({ number: _, ...stored }: StoredBreak, now: number): Break {
  const { openedAt, resolvedAt } = stored;
  return {
    ...stored,
    references: [...stored.references],
    status: resolvedAt === null ? "open" : "resolved",
    openedAt: openedAt.toISOString(),
    resolvedAt: resolvedAt?.toISOString() ?? null,
    ageDays: Math.max(0, Math.floor(((resolvedAt?.getTime() ?? now) - openedAt.getTime()) / DAY_MS)),
  };
}
