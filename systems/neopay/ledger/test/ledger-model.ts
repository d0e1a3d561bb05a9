import type { Posting } from "../src/transaction/schemas.ts";

/*
 * The ledger's rules once more, by folding lists and in no other way: slow, without SQL, without running sums.
 * It answers what the real one must answer, ids apart.
 */

export interface ModelTransaction {
  readonly reference: string;
  readonly postings: readonly Posting[];
  /** Milliseconds since 1970; undefined: whenever it is recorded. */
  readonly effectiveAt: number | undefined;
}

/** "ok", or the code of the fault with its details. */
export type Reply = { readonly fault: string; readonly details: Record<string, unknown> } | { readonly ok: unknown };

interface ModelAccount {
  readonly address: string;
  readonly currency: string;
  readonly floorMinor: number | null;
  open: boolean;
}

interface ModelHold {
  readonly reference: string;
  readonly leg: Posting;
  readonly expiresAt: number | undefined;
  status: "active" | "committed" | "voided";
}

interface ModelMonitor {
  readonly reference: string;
  readonly account: string;
  readonly direction: "below" | "above";
  readonly thresholdMinor: number;
}

/** Sees the transactions from one place on to before another. */
interface ModelWatch extends ModelMonitor {
  readonly from: number;
  to: number;
}

interface Recorded extends ModelTransaction {
  readonly effectiveAt: number;
  readonly reverts: string | undefined;
}

const largest = 2n ** 53n - 1n;
const ok = (value: unknown): Reply => ({ ok: value });
const refuse = (fault: string, details: Record<string, unknown>): Reply => ({ fault: `ledger.${fault}`, details });

export function createModel() {
  const accounts = new Map<string, ModelAccount>();
  let recorded: readonly Recorded[] = [];
  const holds: ModelHold[] = [];
  const watches: ModelWatch[] = [];

  const legs = () => recorded.flatMap(({ postings }) => postings);
  const pending = () => holds.filter(({ status }) => status === "active").map(({ leg }) => leg);
  const volume = (side: "source" | "destination", address: string, all: readonly Posting[]) =>
    all.reduce((sum, leg) => sum + (leg[side] === address ? BigInt(leg.amountMinor) : 0n), 0n);
  const balance = (address: string, all = legs()) =>
    volume("destination", address, all) - volume("source", address, all);
  const available = (address: string) => balance(address) - volume("source", address, pending());

  /** What is wrong with the legs before any sum is looked at. */
  const refusalOfLegs = (postings: readonly Posting[]): Reply | undefined => {
    for (const { source, destination, currency } of postings) {
      for (const address of [source, destination]) {
        if (!accounts.has(address)) return refuse("accountNotFound", { account: address });
      }
      for (const address of [source, destination]) {
        if (!accounts.get(address)?.open) return refuse("accountClosed", { account: address });
      }
      for (const address of [source, destination]) {
        if (accounts.get(address)?.currency !== currency) return refuse("currencyMismatch", { account: address });
      }
      if (source === destination) return refuse("selfTransfer", { account: source });
    }
    return undefined;
  };

  /** What is wrong with the sums once `postings` are added; `held` are the pending legs that stay. */
  const refusalOfSums = (postings: readonly Posting[], held: readonly Posting[]): Reply | undefined => {
    const after = [...legs(), ...postings];
    for (const { source, destination } of postings) {
      const floor = accounts.get(source)?.floorMinor ?? null;
      if (floor !== null && balance(source, after) - volume("source", source, held) < BigInt(floor)) {
        const availableMinor = Number(balance(source) - volume("source", source, held));
        return refuse("insufficientFunds", { account: source, availableMinor });
      }
      const all = [...after, ...held];
      if (volume("source", source, all) > largest) return refuse("amountOverflow", { account: source });
      if (volume("destination", destination, all) > largest) return refuse("amountOverflow", { account: destination });
    }
    return undefined;
  };

  const post = (transaction: ModelTransaction, now: number, reverts?: string): Reply => {
    const { reference, postings, effectiveAt } = transaction;
    const earlier = recorded.find((other) => other.reference === reference);
    if (earlier !== undefined) {
      const sameContent =
        JSON.stringify(earlier.postings) === JSON.stringify(postings) &&
        earlier.reverts === reverts &&
        (effectiveAt === undefined || earlier.effectiveAt === effectiveAt);
      return refuse("duplicateReference", { reference, sameContent });
    }
    const refusal = refusalOfLegs(postings) ?? refusalOfSums(postings, pending());
    if (refusal !== undefined) return refusal;
    recorded = [...recorded, { ...transaction, effectiveAt: effectiveAt ?? now, reverts }];
    return ok(reference);
  };

  return {
    open(address: string, currency: string, floorMinor: number | null): Reply {
      if (accounts.has(address)) return refuse("accountExists", { account: address });
      accounts.set(address, { address, currency, floorMinor, open: true });
      return ok(address);
    },
    close(address: string): Reply {
      const account = accounts.get(address);
      if (account === undefined) return refuse("accountNotFound", { account: address });
      const pendingDebitMinor = Number(volume("source", address, pending()));
      const pendingCreditMinor = Number(volume("destination", address, pending()));
      const balanceMinor = Number(balance(address));
      if (account.open && (balanceMinor !== 0 || pendingDebitMinor !== 0 || pendingCreditMinor !== 0)) {
        return refuse("accountNotEmpty", { account: address, balanceMinor, pendingDebitMinor, pendingCreditMinor });
      }
      account.open = false;
      return ok(address);
    },
    post,
    bulk(transactions: readonly ModelTransaction[], atomic: boolean, now: number): string[] {
      const before = recorded;
      const replies = transactions.map((transaction) => post(transaction, now));
      const undone = atomic && replies.some((reply) => "fault" in reply);
      if (undone) recorded = before;
      return replies.map((reply) => ("ok" in reply ? (undone ? "notPosted" : "posted") : reply.fault));
    },
    revert(reference: string, now: number, name: string): Reply {
      const original = recorded.find((other) => other.reference === reference);
      if (original === undefined) throw new Error(`nothing was posted under ${reference}`);
      if (recorded.some(({ reverts }) => reverts === reference)) return refuse("alreadyReverted", {});
      const postings = original.postings
        .map((leg) => ({ ...leg, source: leg.destination, destination: leg.source }))
        .reverse();
      return post({ reference: name, postings, effectiveAt: undefined }, now, reference);
    },
    hold(reference: string, leg: Posting, expiresAt: number | undefined): Reply {
      if (
        holds.some((hold) => hold.reference === reference) ||
        recorded.some((other) => other.reference === reference)
      ) {
        return refuse("duplicateReference", { reference });
      }
      const refusal = refusalOfLegs([leg]);
      if (refusal !== undefined) return refusal;
      const refused = refusalOfSums([leg], pending());
      if (refused !== undefined) return refused;
      holds.push({ reference, leg, expiresAt, status: "active" });
      return ok(reference);
    },
    settle(reference: string, amountMinor: number | "all" | "none", now: number): Reply {
      const hold = holds.find((other) => other.reference === reference);
      if (hold === undefined) throw new Error(`nothing is held under ${reference}`);
      const isExpired = hold.expiresAt !== undefined && hold.expiresAt <= now;
      if (hold.status !== "active") return refuse("holdNotActive", { status: hold.status });
      if (isExpired) return refuse("holdNotActive", { status: "expired" });
      if (amountMinor === "none") {
        hold.status = "voided";
        return ok(0);
      }
      const captured = amountMinor === "all" ? hold.leg.amountMinor : amountMinor;
      if (captured > hold.leg.amountMinor) return refuse("holdExceeded", { heldMinor: hold.leg.amountMinor });
      hold.status = "committed";
      const reply = post(
        { reference, postings: [{ ...hold.leg, amountMinor: captured }], effectiveAt: undefined },
        now,
      );
      if ("fault" in reply) {
        hold.status = "active";
        return reply;
      }
      return ok(captured);
    },
    monitor({ reference, account, direction, thresholdMinor }: ModelMonitor): Reply {
      if (!accounts.has(account)) return refuse("accountNotFound", { account });
      const earlier = watches.find((other) => other.reference === reference && other.to === Number.POSITIVE_INFINITY);
      if (earlier !== undefined) {
        const sameContent =
          earlier.account === account && earlier.direction === direction && earlier.thresholdMinor === thresholdMinor;
        return refuse("duplicateReference", { reference, sameContent });
      }
      if (!accounts.get(account)?.open) return refuse("accountClosed", { account });
      const from = recorded.length;
      watches.push({ reference, account, direction, thresholdMinor, from, to: Number.POSITIVE_INFINITY });
      return ok(reference);
    },
    unmonitor(reference: string): Reply {
      const watch = watches.findLast((other) => other.reference === reference);
      if (watch?.to !== Number.POSITIVE_INFINITY) return refuse("monitorNotFound", {});
      watch.to = recorded.length;
      return ok(reference);
    },
    monitorReferences: () => [...new Set(watches.map(({ reference }) => reference))],
    /** What was crossed of an account, in order: the monitor, the transaction, and the balances around it. */
    crossings(address: string) {
      return recorded.flatMap(({ reference: transaction }, place) => {
        const [before, after] = [place, place + 1].map((end) =>
          Number(
            balance(
              address,
              recorded.slice(0, end).flatMap(({ postings }) => postings),
            ),
          ),
        ) as [number, number];
        return watches
          .filter(({ account, from, to }) => account === address && from <= place && place < to)
          .filter(({ direction, thresholdMinor }) => {
            const past = (minor: number) => (direction === "below" ? minor < thresholdMinor : minor > thresholdMinor);
            return past(after) && !past(before);
          })
          .map(({ reference }) => ({ reference, transaction, before, after }));
      });
    },
    references: () => recorded.map(({ reference }) => reference),
    holdReferences: () => holds.map(({ reference }) => reference),
    addresses: () => [...accounts.keys()],
    account(address: string) {
      return {
        balanceMinor: Number(balance(address)),
        pendingDebitMinor: Number(volume("source", address, pending())),
        pendingCreditMinor: Number(volume("destination", address, pending())),
        availableMinor: Number(available(address)),
        status: accounts.get(address)?.open ? "open" : "closed",
      };
    },
    balanceAt(address: string, at: number): number {
      return Number(
        balance(
          address,
          recorded.filter(({ effectiveAt }) => effectiveAt <= at).flatMap(({ postings }) => postings),
        ),
      );
    },
    /** The account's changes in the order of recording. */
    changes(address: string): number[] {
      return legs().flatMap((leg) =>
        leg.source === address ? [-leg.amountMinor] : leg.destination === address ? [leg.amountMinor] : [],
      );
    },
  };
}
