import type { Sql } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import type { NewTransaction, Verdict } from "./posting-batch.ts";
import { findTransactions, hasSameContent } from "./transaction.ts";

type Refusal = Exclude<Verdict, { readonly kind: "posted" | "notPosted" }>;
type Duplicates = ReadonlyMap<NewTransaction, { readonly seq: number; readonly sameContent: boolean }>;

/** Looks at what was posted under the references that are taken, in one round trip, and in none where none is. */
export async function findDuplicates(
  sql: Sql,
  tenant: string,
  judged: readonly (readonly [NewTransaction, Verdict])[],
): Promise<Duplicates> {
  const taken = judged.flatMap(([given, verdict]) =>
    verdict.kind === "duplicateReference" ? [{ given, id: verdict.existingId }] : [],
  );
  if (taken.length === 0) return new Map();
  const stored = await findTransactions(sql, tenant, [...new Set(taken.map(({ id }) => id))]);
  const byId = new Map(stored.map((transaction) => [transaction.id, transaction]));
  return new Map(
    taken.flatMap(({ given, id }) => {
      const earlier = byId.get(id);
      return earlier === undefined
        ? []
        : [[given, { seq: earlier.seq, sameContent: hasSameContent(earlier, given) }] as const];
    }),
  );
}

/** The fault that says why a transaction was refused. */
export function refusalFault(given: NewTransaction, refusal: Refusal, duplicates: Duplicates) {
  switch (refusal.kind) {
    case "duplicateReference":
      return ledger.faults.duplicateReference({
        reference: given.reference,
        existingId: refusal.existingId,
        sameContent: duplicates.get(given)?.sameContent ?? false,
      });
    case "insufficientFunds":
      return ledger.faults.insufficientFunds({ account: refusal.account, availableMinor: refusal.availableMinor });
    default:
      return ledger.faults[refusal.kind]({ account: refusal.account });
  }
}
