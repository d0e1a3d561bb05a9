/** One movement of one account, as the bank or as the ledger has it. `day` is YYYY-MM-DD. */
export type Item = {
  readonly id: string;
  readonly direction: "credit" | "debit";
  readonly amountMinor: number;
  readonly currency: string;
  readonly day: string;
  readonly references: readonly string[];
};

export type Rule = "reference" | "amount";
export type Pair = { readonly bank: Item; readonly ledger: Item };
export type Matching = {
  /** Agree in amount, currency and direction, within the window; `rule` is the one that found the pair. */
  matches: (Pair & { rule: Rule })[];
  /** Share a reference, but not the amount. */
  differing: Pair[];
  bankOnly: Item[];
  ledgerOnly: Item[];
};

const DAY_MS = 86_400_000;
const dayNumber = (item: Item): number => Date.parse(item.day) / DAY_MS;

/**
 * Pairs what the bank and the ledger say of the same movements. Rules are tried in order, each on what the ones before
 * left over: `reference` wants a shared reference, `amount` does without. What then still shares a reference differs in
 * amount. Within a rule the bank's items choose in their order, each the ledger's item that is nearest in days, then first
 * in order. So the result depends on the order of the items alone, and none is ever used twice.
 */
export function matchItems(
  bank: readonly Item[],
  ledger: readonly Item[],
  { rules, dateWindowDays }: { rules: readonly Rule[]; dateWindowDays: number },
): Matching {
  const left = { bank: new Set(bank), ledger: new Set(ledger) };
  const matches = rules.flatMap((rule) => {
    const keysOf = rule === "reference" ? byReferenceAndAmount : byAmount;
    return pairUp(left, keysOf, dateWindowDays).map((pair) => ({ ...pair, rule }));
  });
  const differing = rules.includes("reference") ? pairUp(left, byReference, dateWindowDays) : [];
  return { matches, differing, bankOnly: [...left.bank], ledgerOnly: [...left.ledger] };
}

/** A payment may come back as long after it was made. */
const undoneWithinDays = 31;

/**
 * Leaves out movements of the ledger that undo each other: opposite, of one amount, and under one reference. What the ledger
 * took back before the bank had done it, the bank has nothing to say of.
 */
export function withoutUndone(items: readonly Item[]): Item[] {
  const mirrored = new Map(
    items
      .filter(({ direction }) => direction === "debit")
      .map((item) => [{ ...item, direction: "credit" } as Item, item]),
  );
  const credits = new Set(items.filter(({ direction }) => direction === "credit"));
  const left = { bank: new Set(mirrored.keys()), ledger: credits };
  const undone = pairUp(left, byReferenceAndAmount, undoneWithinDays);
  const gone = new Set(undone.flatMap(({ bank, ledger }) => [mirrored.get(bank), ledger]));
  return items.filter((item) => !gone.has(item));
}

type Keys = (item: Item) => string[];
const byAmount: Keys = ({ currency, direction, amountMinor }) => [`${currency} ${direction} ${amountMinor}`];
const byReference: Keys = ({ currency, direction, references }) =>
  references.map((text) => `${currency} ${direction} ${text}`);
const byReferenceAndAmount: Keys = (item) => byReference(item).map((key) => `${item.amountMinor} ${key}`);

/** Takes pairs that share a key out of `left`. Linear in items, whatever they have in common: each looks at days only. */
function pairUp(left: { bank: Set<Item>; ledger: Set<Item> }, keysOf: Keys, dateWindowDays: number): Pair[] {
  const queues = queueByKeyAndDay(left.ledger, keysOf);
  const head = (key: string, day: number): Queued | null => {
    const queue = queues.get(key)?.get(day);
    while (queue && queue.at < queue.items.length) {
      const queued = queue.items[queue.at];
      if (queued && left.ledger.has(queued.item)) return queued;
      queue.at += 1;
    }
    return null;
  };
  const pairs: Pair[] = [];
  for (const bank of left.bank) {
    const ledger = nearest(bank, keysOf(bank), { head, dateWindowDays });
    if (!ledger) continue;
    left.bank.delete(bank);
    left.ledger.delete(ledger);
    pairs.push({ bank, ledger });
  }
  return pairs;
}

type Queued = { item: Item; order: number };
type Queue = { items: Queued[]; at: number };

function queueByKeyAndDay(items: Iterable<Item>, keysOf: Keys): Map<string, Map<number, Queue>> {
  const queues = new Map<string, Map<number, Queue>>();
  let order = 0;
  for (const item of items) {
    order += 1;
    for (const key of keysOf(item)) {
      const days = queues.get(key) ?? new Map<number, Queue>();
      queues.set(key, days);
      const queue = days.get(dayNumber(item)) ?? { items: [], at: 0 };
      days.set(dayNumber(item), queue);
      queue.items.push({ item, order });
    }
  }
  return queues;
}

function nearest(
  bank: Item,
  keys: readonly string[],
  { head, dateWindowDays }: { head: (key: string, day: number) => Queued | null; dateWindowDays: number },
): Item | null {
  const day = dayNumber(bank);
  for (let distance = 0; distance <= dateWindowDays; distance += 1) {
    const heads = keys.flatMap((key) => [head(key, day - distance), head(key, day + distance)]);
    const found = heads.filter((queued) => queued !== null).toSorted((a, b) => a.order - b.order)[0];
    if (found) return found.item;
  }
  return null;
}
