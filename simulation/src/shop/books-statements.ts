import type { DatabaseTransaction } from "../memory/database.ts";
import { type Dialect, dialectOf } from "../memory/dialect.ts";
import { accounts, type HoldRow, holds, type Leg, type Refusal, references, transactions } from "./rows.ts";

/** What the books' handlers say: a row, a refusal, or nothing. */
export const booksDialect: Dialect = dialectOf({
  "SELECT * FROM books.open(?, ?)": async (transaction, [address, floorMinor]) => {
    const row = { balanceMinor: 0, heldMinor: 0, floorMinor: floorMinor as number | null };
    const isNew = await transaction.insertNew(accounts, String(address), row);
    return isNew ? [] : [refusal("accountExists", { account: address })];
  },
  "SELECT * FROM books.post(?, ?, ?)": async (transaction, [id, reference, postings]) => [
    await post(transaction, { id: String(id), reference: String(reference), postings: postings as Leg[] }),
  ],
  "SELECT * FROM books.hold(?, ?)": async (transaction, [id, wanted]) => {
    const { expiresAt, ...leg } = wanted as Leg & { reference: string; expiresAt: string | undefined };
    return [
      await hold(transaction, {
        ...leg,
        ...open,
        id: String(id),
        expiresAt: expiresAt === undefined ? null : Date.parse(expiresAt),
      }),
    ];
  },
  "SELECT * FROM books.commit(?, ?, ?, ?, ?)": async (transaction, [id, parts, rest, ids, now]) => {
    const wanted = { parts: parts as Leg[] | undefined, rest: rest as string | undefined, now: Number(now) };
    return [await commit(transaction, String(id), { ...wanted, ...(ids as Ids) })];
  },
  "SELECT * FROM books.void(?)": async (transaction, [id]) => {
    const found = await locked(transaction, String(id));
    if ("refused" in found) return [found];
    await release(transaction, found);
    return [await change(transaction, { ...found, status: "voided" })];
  },
});

interface Ids {
  readonly transactionId: string;
  readonly restId: string;
}

const open = { status: "active", transactionId: null, restId: null } as const;

function refusal(refused: Refusal["refused"], details: object): Refusal {
  return { refused, details };
}

async function named(transaction: DatabaseTransaction, reference: string, id: string): Promise<Refusal | undefined> {
  if (await transaction.insertNew(references, reference, id)) return undefined;
  const existingId = transaction.get(references, reference);
  return refusal("duplicateReference", { reference, existingId, sameContent: false });
}

async function post(
  transaction: DatabaseTransaction,
  row: { readonly id: string; readonly reference: string; readonly postings: readonly Leg[] },
) {
  const { id, reference, postings } = row;
  for (const leg of postings) {
    const refused = await moved(transaction, leg);
    if (refused !== undefined) return refused;
  }
  const refused = await named(transaction, reference, id);
  if (refused !== undefined) return refused;
  await transaction.insert(transactions, id, row);
  return row;
}

/** In the order of the addresses, so that two of them do not deadlock. */
async function moved(transaction: DatabaseTransaction, { source, destination, amountMinor }: Leg) {
  const unknown = [source, destination].find((address) => transaction.get(accounts, address) === undefined);
  if (unknown !== undefined) return refusal("accountNotFound", { account: unknown });
  let isShort = false;
  for (const address of [source, destination].sort()) {
    await transaction.update(accounts, address, (row) => {
      if (row === undefined) return row;
      const balanceMinor = row.balanceMinor + (address === source ? -amountMinor : amountMinor);
      isShort ||= address === source && row.floorMinor !== null && balanceMinor - row.heldMinor < row.floorMinor;
      return { ...row, balanceMinor };
    });
  }
  return isShort ? refusal("insufficientFunds", { account: source, availableMinor: 0 }) : undefined;
}

async function hold(transaction: DatabaseTransaction, row: HoldRow) {
  const { id, reference, source, amountMinor } = row;
  let isShort = false;
  await transaction.update(accounts, source, (account) => {
    if (account === undefined) return account;
    const heldMinor = account.heldMinor + amountMinor;
    isShort = account.floorMinor !== null && account.balanceMinor - heldMinor < account.floorMinor;
    return { ...account, heldMinor };
  });
  if (isShort) return refusal("insufficientFunds", { account: source, availableMinor: 0 });
  const refused = await named(transaction, reference, id);
  if (refused !== undefined) return refused;
  await transaction.insert(holds, id, row);
  return row;
}

async function locked(transaction: DatabaseTransaction, id: string): Promise<HoldRow | Refusal> {
  await transaction.update(holds, id, (row) => row);
  const row = transaction.get(holds, id);
  if (row === undefined) return refusal("holdNotFound", { hold: id });
  return row.status === "active" ? row : refusal("holdNotActive", { hold: id, status: row.status });
}

async function change(transaction: DatabaseTransaction, row: HoldRow): Promise<HoldRow> {
  await transaction.update(holds, row.id, () => row);
  return row;
}

async function release(transaction: DatabaseTransaction, { source, amountMinor }: HoldRow): Promise<void> {
  await transaction.update(accounts, source, (row) => row && { ...row, heldMinor: row.heldMinor - amountMinor });
}

async function commit(
  transaction: DatabaseTransaction,
  id: string,
  { parts, rest, now, ...ids }: Ids & { parts: Leg[] | undefined; rest: string | undefined; now: number },
) {
  const found = await locked(transaction, id);
  if ("refused" in found) return found;
  const { source, destination, amountMinor, reference, expiresAt } = found;
  if (expiresAt !== null && expiresAt <= now) return refusal("holdNotActive", { hold: id, status: "expired" });
  const postings = (parts ?? [{ destination, amountMinor }]).map((part) => ({ ...part, source }));
  const capturedMinor = postings.reduce((sum, leg) => sum + leg.amountMinor, 0);
  if (capturedMinor > amountMinor) return refusal("holdExceeded", { hold: id, heldMinor: amountMinor });
  await release(transaction, found);
  // A hold's reference is its transaction's.
  const posted = await post(transaction, { id: ids.transactionId, reference: `${reference} committed`, postings });
  if ("refused" in posted) return posted;
  const restMinor = amountMinor - capturedMinor;
  const restId = rest === undefined || restMinor === 0 ? null : ids.restId;
  if (restId !== null && rest !== undefined) {
    const kept = await hold(transaction, { ...found, ...open, id: restId, reference: rest, amountMinor: restMinor });
    if ("refused" in kept) return kept;
  }
  return change(transaction, { ...found, status: "committed", transactionId: ids.transactionId, restId });
}
