import type { Handler } from "@banyan/kernel";
import type { ledger } from "../contract.ts";

interface VerificationRow {
  readonly checked_count: number;
  readonly sealed_to: number;
  readonly root: string | null;
  readonly breaks: { seq: number | null; account: string | null; rule: string }[];
}

const breaksMax = 100;

/** One statement: while postings go on, sums and rows must be of one moment. */
export const verifyLedger: Handler<typeof ledger.verify> = async (ctx) => {
  const { tenant } = ctx.identity;
  const [row] = await ctx.sql<VerificationRow>`
    SELECT
      (SELECT count(*) FROM ledger.transaction WHERE tenant = ${tenant}) AS checked_count,
      coalesce(s.to_seq, 0) AS sealed_to, encode(s.root, 'hex') AS root,
      (SELECT coalesce(jsonb_agg(b), '[]') FROM (
        SELECT seq, account, rule FROM (
          SELECT * FROM ledger.breaks(${tenant})
          UNION ALL
          SELECT NULL, address, 'account repeats other monitors than are set' FROM ledger.account
          WHERE tenant = ${tenant} AND (monitors IS NOT NULL OR id IN (SELECT account_id FROM ledger.monitor))
            AND monitors IS DISTINCT FROM ledger.monitors_of(id)
        ) AS every ORDER BY seq NULLS LAST, account, rule LIMIT ${breaksMax}
      ) AS b) AS breaks
    FROM (SELECT) AS one
    LEFT JOIN (SELECT to_seq, root FROM ledger.seal WHERE tenant = ${tenant} ORDER BY number DESC LIMIT 1) AS s ON true`;
  if (row === undefined) throw new Error("the verification answered no row");
  const { checked_count, sealed_to, root, breaks } = row;
  return {
    ok: breaks.length === 0,
    checkedCount: checked_count,
    firstBrokenSeq: breaks[0]?.seq ?? null,
    sealedTo: sealed_to,
    root,
    breaks,
  };
};
