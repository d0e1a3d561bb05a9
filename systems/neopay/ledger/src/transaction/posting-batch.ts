import type { Sql } from "@banyan/kernel";
import type { Posting } from "./schemas.ts";

/** A transaction that is to be posted. */
export interface NewTransaction {
  readonly id: string;
  readonly reference: string;
  readonly postings: readonly Posting[];
  readonly effectiveAt: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly revertsId: string | null;
}

/** What became of one transaction of a batch. */
export type Verdict =
  | { readonly kind: "posted"; readonly seq: number }
  /** Nothing wrong with it; another one of its all-or-none batch was refused, or it was only asked. */
  | { readonly kind: "notPosted" }
  | { readonly kind: "duplicateReference"; readonly existingId: string }
  | { readonly kind: "insufficientFunds"; readonly account: string; readonly availableMinor: number }
  | { readonly kind: RefusalOfAccount; readonly account: string };
type RefusalOfAccount = "accountNotFound" | "accountClosed" | "currencyMismatch" | "selfTransfer" | "amountOverflow";

interface VerdictRow {
  readonly seq: number | null;
  readonly verdict: Exclude<Verdict["kind"], "posted"> | null;
  readonly account: string | null;
  readonly available_minor: number | null;
  readonly existing_id: string | null;
}

interface Manner {
  readonly tenant: string;
  /** When it is recorded, in milliseconds since 1970. */
  readonly at: number;
  readonly allOrNone: boolean;
  /** Judges only; nothing is posted. */
  readonly dryRun?: boolean;
}

/**
 * Posts the transactions of one tenant in order, in one round trip: a verdict for each, where later ones see the effects of
 * earlier ones. With `allOrNone` a single refusal leaves nothing posted. The rules are those of the SQL function ledger.post.
 */
export async function postBatch(
  sql: Sql,
  { tenant, at, allOrNone, dryRun = false }: Manner,
  transactions: readonly NewTransaction[],
): Promise<readonly Verdict[]> {
  const items = itemColumns(transactions);
  const legs = legColumns(transactions);
  const rows = await sql<VerdictRow>`
    SELECT * FROM ledger.post(${tenant}, ${new Date(at)}, ${allOrNone}, ${dryRun}, ${legs.addresses},
      ${items.ids}, ${items.references}, ${items.earlier}, ${items.effectiveAts}, ${items.metadata}, ${items.revertsIds},
      ${legs.items}, ${legs.sources}, ${legs.destinations}, ${legs.amounts}, ${legs.currencies})`;
  return rows.map(verdictOf);
}

function itemColumns(transactions: readonly NewTransaction[]) {
  const places = new Map<string, number>();
  const earlier = transactions.map(({ reference }, index) => {
    const place = places.get(reference) ?? 0;
    places.set(reference, index + 1);
    return place;
  });
  return {
    earlier,
    ids: transactions.map(({ id }) => id),
    references: transactions.map(({ reference }) => reference),
    effectiveAts: transactions.map(({ effectiveAt }) => effectiveAt ?? null),
    metadata: transactions.map(({ metadata }) => metadata),
    revertsIds: transactions.map(({ revertsId }) => revertsId),
  };
}

/** Each address once, in byte order as the locks are taken; legs name them by place, counted from 1 as SQL does. */
function legColumns(transactions: readonly NewTransaction[]) {
  const columns = {
    addresses: [
      ...new Set(transactions.flatMap(({ postings }) => postings.flatMap((leg) => [leg.source, leg.destination]))),
    ],
    items: [] as number[],
    sources: [] as number[],
    destinations: [] as number[],
    amounts: [] as number[],
    currencies: [] as string[],
  };
  const places = new Map(columns.addresses.map((address, index) => [address, index + 1]));
  for (const [index, { postings }] of transactions.entries()) {
    for (const { source, destination, amountMinor, currency } of postings) {
      columns.items.push(index + 1);
      columns.sources.push(places.get(source) as number);
      columns.destinations.push(places.get(destination) as number);
      columns.amounts.push(amountMinor);
      columns.currencies.push(currency);
    }
  }
  return columns;
}

function verdictOf({ seq, verdict, account, available_minor, existing_id }: VerdictRow): Verdict {
  if (seq !== null) return { kind: "posted", seq };
  switch (verdict) {
    case "duplicateReference":
      return { kind: verdict, existingId: existing_id as string };
    case "insufficientFunds":
      return { kind: verdict, account: account as string, availableMinor: available_minor as number };
    case "notPosted":
      return { kind: verdict };
    case null:
      throw new Error("ledger.post answered neither a seq nor a verdict");
    default:
      return { kind: verdict, account: account as string };
  }
}
