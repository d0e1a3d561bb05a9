import type { StatementEntry } from "@banyan/neopay-bank-files";
import type { Item } from "./matching.ts";

/** An item and where it stands within its day, so that the order of matching never depends on the order of events. */
export type PlacedItem = Item & { readonly place: string };

const REFERENCES_MAX = 20;
const REFERENCE_CHARS_MAX = 140;

/** At most 20 distinct references of at most 140 characters (Max140Text of ISO 20022); longer ones identify nothing. */
export function referencesOf(candidates: readonly (string | null | undefined)[]): string[] {
  const usable = candidates.filter((text): text is string => !!text && text.length <= REFERENCE_CHARS_MAX);
  return [...new Set(usable)].slice(0, REFERENCES_MAX);
}

/**
 * The movements of a statement entry: one, or one per payment of a batch whose payments make up the entry's amount.
 * Entries that are not booked, or of no amount, move nothing.
 */
export function bankItems(statement: string, entry: StatementEntry, defaultDay: string): PlacedItem[] {
  if (entry.status !== "booked" || entry.amountMinor === 0) return [];
  const day = entry.bookedOn ?? entry.valueOn ?? defaultDay;
  const { direction, currency } = entry;
  const parts = batchParts(entry) ?? [
    { amountMinor: entry.amountMinor, references: [entry.reference, ...entry.details.flatMap(detailReferences)] },
  ];
  return parts.map(({ amountMinor, references }, at) => ({
    id: `${statement}:${entry.index}:${at + 1}`,
    place: `${statement}:${String(entry.index).padStart(8, "0")}:${String(at + 1).padStart(6, "0")}`,
    direction,
    amountMinor,
    currency,
    day,
    references: referencesOf(references),
  }));
}

type Part = { amountMinor: number; references: (string | null)[] };

function batchParts(entry: StatementEntry): Part[] | null {
  if (entry.details.length < 2) return null;
  const parts = entry.details.flatMap((detail) =>
    detail.amountMinor && detail.currency === entry.currency && detail.direction === entry.direction
      ? [{ amountMinor: detail.amountMinor, references: detailReferences(detail) }]
      : [],
  );
  const total = parts.reduce((sum, part) => sum + BigInt(part.amountMinor), 0n);
  return parts.length === entry.details.length && total === BigInt(entry.amountMinor) ? parts : null;
}

function detailReferences(detail: StatementEntry["details"][number]): (string | null)[] {
  return [detail.endToEndId, detail.uetr, detail.instructionId, detail.transactionId, ...detail.remittance];
}
