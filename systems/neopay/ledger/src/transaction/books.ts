import { amountMinorMax } from "@banyan/neopay-money";
import { type AccountRow, availableMinor, balanceMinor } from "../account/account.ts";
import { type Crossing, crossingsOf } from "../monitor/crossing.ts";
import type { Posting } from "./schemas.ts";
import type { NewTransaction } from "./transaction.ts";

/** Why a transaction is refused. `availableMinor` is what the account had before it. */
export type Refusal =
  | { readonly kind: "insufficientFunds"; readonly account: string; readonly availableMinor: number }
  | {
      readonly kind: "accountNotFound" | "accountClosed" | "currencyMismatch" | "selfTransfer" | "amountOverflow";
      readonly account: string;
    };

/** What became of one transaction of a batch. */
export type Verdict =
  | Refusal
  | { readonly kind: "posted"; readonly seq: number; readonly crossings: readonly Crossing[] }
  /** Nothing wrong with it; another one of its all-or-none batch was refused, or it was only asked. */
  | { readonly kind: "notPosted" }
  | { readonly kind: "duplicateReference"; readonly existingId: string };

/** An account that the transaction holds locked; its sums move with every leg that is entered. */
export interface LockedAccount extends Omit<AccountRow, "opened_at"> {
  entry_count: number;
  debits_minor: number;
  credits_minor: number;
  pending_debit_minor: number;
  pending_credit_minor: number;
}

interface Leg {
  readonly from: LockedAccount;
  readonly to: LockedAccount;
  readonly amountMinor: number;
}

/** What was entered, in the columns in which it is recorded. */
export class Entered {
  /** Of each transaction. */
  readonly items = {
    seqs: [] as number[],
    ids: [] as string[],
    references: [] as string[],
    effectiveAts: [] as (string | null)[],
    revertsIds: [] as (string | null)[],
    metadata: [] as (NewTransaction["metadata"] | null)[],
  };
  /** Of each of their legs. */
  readonly legs = {
    seqs: [] as number[],
    numbers: [] as number[],
    sources: [] as number[],
    destinations: [] as number[],
    amounts: [] as number[],
    currencies: [] as string[],
    effectiveAts: [] as (string | null)[],
    sourceEntries: [] as number[],
    sourceAfters: [] as number[],
    destinationEntries: [] as number[],
    destinationAfters: [] as number[],
  };
}

/**
 * The accounts of one tenant that a batch moves, while it holds them locked: transactions are entered in order, and each sees the
 * effects of those before it.
 *
 * Verdicts, first match wins: duplicateReference, then leg by leg accountNotFound, accountClosed, currencyMismatch,
 * selfTransfer, then leg by leg insufficientFunds, amountOverflow. Floors and bounds hold for a transaction's net effect: the order
 * of its legs does not matter. Sums are exact: none that is kept exceeds 2^53-1.
 */
export class Books {
  readonly moved = new Set<LockedAccount>();
  /** Accounts of which more, or less, is held than before. */
  readonly held = new Set<LockedAccount>();
  readonly #accounts: ReadonlyMap<string, LockedAccount>;
  readonly #hasMonitors: boolean;
  readonly #holders: Map<string, string>;
  #entered = new Entered();

  /** `holders` has the id of the transaction behind each reference that is taken; those entered are added. */
  constructor(accounts: readonly LockedAccount[], holders: Map<string, string>) {
    this.#accounts = new Map(accounts.map((account) => [account.address, account]));
    this.#hasMonitors = accounts.some(({ monitors }) => monitors !== null);
    this.#holders = holders;
  }

  /** Sets money of the source aside for the destination, or releases it where the amount is negative. */
  hold({ source, destination, amountMinor }: Omit<Posting, "currency">): void {
    const [from, to] = [this.#accounts.get(source), this.#accounts.get(destination)];
    if (from === undefined || to === undefined) throw new Error("a hold between accounts that are not locked");
    from.pending_debit_minor += amountMinor;
    to.pending_credit_minor += amountMinor;
    this.held.add(from).add(to);
  }

  /** Whether a transaction has the reference, one that was entered or one before. */
  isTaken(reference: string): boolean {
    return this.#holders.has(reference);
  }

  /** How many transactions were entered since they were last taken. */
  get enteredCount(): number {
    return this.#entered.items.seqs.length;
  }

  /** What was entered since it was last taken: whoever takes it records it. */
  takeEntered(): Entered {
    const entered = this.#entered;
    this.#entered = new Entered();
    return entered;
  }

  enter(transaction: NewTransaction, seq: number): Verdict {
    const { id, reference, postings } = transaction;
    const existingId = this.#holders.get(reference);
    if (existingId !== undefined) return { kind: "duplicateReference", existingId };
    const legs: Leg[] = [];
    for (const posting of postings) {
      const leg = legOf(posting, this.#accounts);
      if ("kind" in leg) return leg;
      legs.push(leg);
    }
    const refusal = refusalOfSums(legs);
    if (refusal !== undefined) return refusal;
    this.#holders.set(reference, id);
    const before = this.#hasMonitors ? monitoredBalances(legs) : [];
    this.#enter(transaction, legs, seq);
    const crossings = before.flatMap(([account, beforeMinor]) =>
      crossingsOf(account, beforeMinor, balanceMinor(account)),
    );
    return { kind: "posted", seq, crossings };
  }

  #enter({ id, reference, effectiveAt, revertsId, metadata }: NewTransaction, taken: readonly Leg[], seq: number) {
    const { moved } = this;
    const { items, legs } = this.#entered;
    items.seqs.push(seq);
    items.ids.push(id);
    items.references.push(reference);
    items.effectiveAts.push(effectiveAt ?? null);
    items.revertsIds.push(revertsId);
    items.metadata.push(Object.keys(metadata).length === 0 ? null : metadata);
    for (const [index, { from, to, amountMinor }] of taken.entries()) {
      from.debits_minor += amountMinor;
      to.credits_minor += amountMinor;
      legs.seqs.push(seq);
      legs.numbers.push(index + 1);
      legs.sources.push(from.id);
      legs.destinations.push(to.id);
      legs.amounts.push(amountMinor);
      legs.currencies.push(from.currency);
      legs.effectiveAts.push(effectiveAt ?? null);
      legs.sourceEntries.push(++from.entry_count);
      legs.sourceAfters.push(balanceMinor(from));
      legs.destinationEntries.push(++to.entry_count);
      legs.destinationAfters.push(balanceMinor(to));
      moved.add(from).add(to);
    }
  }
}

/** The balances of those accounts of the legs that have monitors. */
function monitoredBalances(legs: readonly Leg[]): (readonly [LockedAccount, number])[] {
  const accounts = new Set(legs.flatMap(({ from, to }) => [from, to]));
  return [...accounts]
    .filter(({ monitors }) => monitors !== null)
    .map((account) => [account, balanceMinor(account)] as const);
}

/** A posting between the accounts that it names, or what is wrong with it before any sum is looked at. */
export function legOf(
  { source, destination, amountMinor, currency }: Posting,
  accounts: ReadonlyMap<string, LockedAccount>,
): Leg | Refusal {
  const from = accounts.get(source);
  const to = accounts.get(destination);
  if (from === undefined) return { kind: "accountNotFound", account: source };
  if (to === undefined) return { kind: "accountNotFound", account: destination };
  if (from.status === "closed") return { kind: "accountClosed", account: source };
  if (to.status === "closed") return { kind: "accountClosed", account: destination };
  if (from.currency !== currency) return { kind: "currencyMismatch", account: source };
  if (to.currency !== currency) return { kind: "currencyMismatch", account: destination };
  if (from === to) return { kind: "selfTransfer", account: source };
  return { from, to, amountMinor };
}

/** The first floor or bound that the legs together break. */
export function refusalOfSums(legs: readonly Leg[]): Refusal | undefined {
  // Enough for nearly all: they fit even if each leg moved the same accounts. Beyond 2^53 a sum is inexact and too large in any case.
  const totalMinor = legs.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  const surelyFit = legs.every(
    ({ from, to }) =>
      (from.floor_minor === null || totalMinor <= availableMinor(from) - from.floor_minor) &&
      totalMinor <= amountMinorMax - from.debits_minor - from.pending_debit_minor &&
      totalMinor <= amountMinorMax - to.credits_minor - to.pending_credit_minor,
  );
  return surelyFit ? undefined : exactRefusalOfSums(legs);
}

function exactRefusalOfSums(legs: readonly Leg[]): Refusal | undefined {
  const debits = new Map<LockedAccount, bigint>();
  const credits = new Map<LockedAccount, bigint>();
  const add = (sums: typeof debits, account: LockedAccount, amountMinor: number) =>
    sums.set(account, (sums.get(account) ?? 0n) + BigInt(amountMinor));
  for (const { from, to, amountMinor } of legs) {
    add(debits, from, amountMinor);
    add(credits, to, amountMinor);
  }
  for (const { from, to } of legs) {
    const debit = debits.get(from) ?? 0n;
    const available = BigInt(availableMinor(from)) + (credits.get(from) ?? 0n) - debit;
    if (from.floor_minor !== null && available < from.floor_minor) {
      return { kind: "insufficientFunds", account: from.address, availableMinor: availableMinor(from) };
    }
    if (BigInt(from.debits_minor + from.pending_debit_minor) + debit > amountMinorMax) {
      return { kind: "amountOverflow", account: from.address };
    }
    if (BigInt(to.credits_minor + to.pending_credit_minor) + (credits.get(to) ?? 0n) > amountMinorMax) {
      return { kind: "amountOverflow", account: to.address };
    }
  }
  return undefined;
}
