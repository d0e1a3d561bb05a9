import { type Fault, isFault, type Received, type Sql } from "@banyan/kernel";
import { ledger } from "../contract.ts";
import type { Crossing } from "../monitor/crossing.ts";
import type { Books } from "../transaction/books.ts";
import { openBooks, recordBooks } from "../transaction/posting-batch.ts";
import { findDuplicates, refusalFault } from "../transaction/refusal.ts";
import type { Posting, Transaction } from "../transaction/schemas.ts";
import { type NewTransaction, transactionOf } from "../transaction/transaction.ts";
import { duplicateOf, refuseDuplicate } from "./enter-hold.ts";
import { endOf, type HoldRow, holdOf, lockHolds } from "./hold.ts";
import type { Hold } from "./schemas.ts";

type Wish = Received<typeof ledger.commitHold>;

/** A hold that was committed: what that posted, and the hold that keeps the rest, where it is kept. */
export interface Commitment {
  readonly committed: Hold;
  readonly posted: Transaction;
  readonly rest: Hold | undefined;
  readonly crossings: readonly Crossing[];
}

interface Surroundings {
  readonly sql: Sql;
  now(): number;
  newId(): string;
}

/**
 * Commits holds of one tenant in order, each as if it were alone, with its commitment or the fault that refuses it (H2, H3). Two round
 * trips; what is written is not awaited, and travels with the commit, which fails with it.
 */
export async function commitHolds(
  ctx: Surroundings,
  tenant: string,
  wishes: readonly Wish[],
): Promise<readonly (Commitment | Fault)[]> {
  const { sql } = ctx;
  const ids = [...new Set(wishes.map(({ id }) => id))];
  const holds = await lockHolds(sql, tenant, ids);
  const rests = wishes.flatMap(({ rest }) => (rest === undefined ? [] : [rest.reference]));
  const rows = [...holds.values()];
  const [{ books, numbers }, taken] = await Promise.all([
    openBooks(sql, tenant, {
      addresses: addressesOf(rows, wishes),
      references: [...rows.map(({ reference }) => reference), ...rests],
      count: wishes.length,
    }),
    sql<{
      reference: string;
    }>`SELECT reference FROM ledger.hold WHERE tenant = ${tenant} AND reference = ANY (${rests})`,
  ]);
  const page = new Page(ctx, tenant, { holds, books, taken: new Set(taken.map(({ reference }) => reference)) });
  const commitments: (Commitment | Fault)[] = [];
  for (const [index, wish] of wishes.entries()) {
    commitments.push(await page.commit(wish, numbers[index] ?? 0));
  }
  page.write();
  return commitments;
}

/** What a batch of commitments holds locked, and what it has come to. */
class Page {
  readonly #ctx: Surroundings;
  readonly #tenant: string;
  readonly #at: number;
  readonly #holds: Map<string, HoldRow>;
  readonly #books: Books;
  /** References of holds that there are. */
  readonly #taken: ReadonlySet<string>;
  /** Holds that this batch placed, by reference. */
  readonly #rests = new Map<string, Hold>();
  readonly #committed: HoldRow[] = [];

  constructor(
    ctx: Surroundings,
    tenant: string,
    { holds, books, taken }: { holds: Map<string, HoldRow>; books: Books; taken: ReadonlySet<string> },
  ) {
    this.#ctx = ctx;
    this.#tenant = tenant;
    this.#at = ctx.now();
    this.#holds = holds;
    this.#books = books;
    this.#taken = taken;
  }

  async commit(wish: Wish, seq: number): Promise<Commitment | Fault> {
    const hold = this.#holds.get(wish.id);
    if (hold === undefined) return ledger.faults.holdNotFound({ hold: wish.id });
    const status = endOf(hold, this.#at);
    if (status !== undefined) return ledger.faults.holdNotActive({ hold: hold.id, status });
    const postings = postingsOf(hold, wish);
    const capturedMinor = postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
    const restMinor = hold.amount_minor - capturedMinor;
    if (restMinor < 0) return ledger.faults.holdExceeded({ hold: hold.id, heldMinor: hold.amount_minor });
    const rest = wish.rest === undefined || restMinor === 0 ? undefined : this.#restOf(hold, wish.rest, restMinor);
    const clash = rest === undefined ? undefined : await this.#clashOf(rest);
    if (clash !== undefined) return clash;
    const { reference, metadata } = hold;
    const id = this.#ctx.newId();
    const transaction = { id, reference, postings, effectiveAt: undefined, metadata, revertsId: null };
    const crossings = await this.#enter(hold, transaction, seq);
    if (isFault(crossings)) return crossings;
    if (rest !== undefined) this.#books.hold(rest);
    return this.#settled(hold, { transaction, seq, capturedMinor, rest, crossings });
  }

  /** Not awaited by anybody: it goes with the commit. */
  write(): void {
    const { sql } = this.#ctx;
    const rows = this.#committed;
    if (rows.length === 0) return;
    const accounts = [...this.#books.held];
    const referenceOf = new Map([...this.#rests.values()].map(({ id, reference }) => [id, reference]));
    void sql`
      SELECT ledger.commit_holds(${this.#tenant}, ${new Date(this.#at)},
        ${rows.map(({ id }) => id)}, ${rows.map((row) => row.captured_minor)}, ${rows.map((row) => row.transaction_id)},
        ${rows.map((row) => row.rest_id)}, ${rows.map((row) => referenceOf.get(row.rest_id ?? "") ?? null)},
        ${accounts.map(({ id }) => id)}, ${accounts.map((account) => account.pending_debit_minor)},
        ${accounts.map((account) => account.pending_credit_minor)})`;
    // Later: an account's bound must not count what is posted and what was held for it.
    void recordBooks(sql, { tenant: this.#tenant, at: this.#at, isLast: true }, this.#books);
  }

  #restOf(hold: HoldRow, { reference }: { readonly reference: string }, amountMinor: number): Hold {
    const created_at = new Date(this.#at);
    return holdOf({ ...hold, id: this.#ctx.newId(), reference, amount_minor: amountMinor, created_at });
  }

  /** Why the rest cannot have its reference. */
  async #clashOf({ reference, source, destination, amountMinor, currency, expiresAt, metadata }: Hold) {
    const asked = { reference, source, destination, amountMinor, currency, expiresAt, metadata };
    const placed = this.#rests.get(reference);
    if (placed !== undefined) return duplicateOf(placed, asked);
    if (!this.#taken.has(reference) && !this.#books.isTaken(reference)) return undefined;
    const { sql } = this.#ctx;
    try {
      await refuseDuplicate({ sql, tenant: this.#tenant }, asked);
      return undefined;
    } catch (error) {
      if (ledger.faults.duplicateReference.is(error)) return error;
      throw error;
    }
  }

  /** Answers what it crosses. Released first: the floor must see the money that was set aside for exactly this. */
  async #enter(hold: HoldRow, transaction: NewTransaction, seq: number) {
    const { source, destination, amount_minor: amountMinor } = hold;
    this.#books.hold({ source, destination, amountMinor: -amountMinor });
    const verdict = this.#books.enter(transaction, seq);
    if (verdict.kind === "posted") return verdict.crossings;
    this.#books.hold({ source, destination, amountMinor });
    if (verdict.kind === "notPosted") throw new Error("the books left a transaction open that stands for itself");
    const duplicates = await findDuplicates(this.#ctx.sql, this.#tenant, [[transaction, verdict]]);
    return refusalFault(transaction, verdict, duplicates);
  }

  #settled(
    hold: HoldRow,
    {
      transaction,
      seq,
      capturedMinor,
      rest,
      crossings,
    }: Pick<Commitment, "rest" | "crossings"> & {
      readonly transaction: NewTransaction;
      readonly seq: number;
      readonly capturedMinor: number;
    },
  ): Commitment {
    const settled: HoldRow = {
      ...hold,
      status: "committed",
      captured_minor: capturedMinor,
      transaction_id: transaction.id,
      rest_id: rest?.id ?? null,
      settled_at: new Date(this.#at),
    };
    this.#holds.set(hold.id, settled);
    this.#committed.push(settled);
    if (rest !== undefined) this.#rests.set(rest.reference, rest);
    const posted = transactionOf(transaction, seq, new Date(this.#at).toISOString());
    return { committed: holdOf(settled), posted, rest, crossings };
  }
}

/** Where the captured money goes: to the parts, or all of it to the hold's destination. */
function postingsOf(hold: HoldRow, { amountMinor, parts }: Wish): Posting[] {
  const whole = [{ destination: hold.destination, amountMinor: amountMinor ?? hold.amount_minor }];
  return (parts ?? whole).map((part) => ({ source: hold.source, ...part, currency: hold.currency }));
}

/** Every account that a commitment may move. */
function addressesOf(holds: readonly HoldRow[], wishes: readonly Wish[]): string[] {
  const held = holds.flatMap(({ source, destination }) => [source, destination]);
  const parts = wishes.flatMap((wish) => (wish.parts ?? []).map(({ destination }) => destination));
  return [...new Set([...held, ...parts])];
}
