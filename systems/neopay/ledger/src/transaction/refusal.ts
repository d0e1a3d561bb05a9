import type { Sql } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import type { Refusal, Verdict } from "./books.ts";
import { findTransactions, hasSameContent, type NewTransaction } from "./transaction.ts";

type Refused = Exclude<Verdict, { readonly kind: "posted" | "notPosted" }>;
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

export type RefusalFault = ReturnType<typeof refusalFault>;

/** The fault that says why a transaction was refused. */
export function refusalFault(given: NewTransaction, refused: Refused, duplicates: Duplicates) {
  if (refused.kind !== "duplicateReference") return faultOf(refused);
  return ledger.faults.duplicateReference({
    reference: given.reference,
    existingId: refused.existingId,
    sameContent: duplicates.get(given)?.sameContent ?? false,
  });
}

/** The fault of a refusal that has nothing to do with earlier transactions. */
export function faultOf(refusal: Refusal) {
  if (refusal.kind !== "insufficientFunds") return ledger.faults[refusal.kind]({ account: refusal.account });
  return ledger.faults.insufficientFunds({ account: refusal.account, availableMinor: refusal.availableMinor });
}
