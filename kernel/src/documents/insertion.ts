import type { Collection } from "./collection.ts";
import type { DocumentsTraits, InsertVerdict, NewDocument } from "./documents.ts";
import { documentsFaults } from "./documents-faults.ts";

/** A document as engines keep it. */
export interface Kept<D = object> {
  /** The values of its key, as JSON. */
  readonly key: string;
  readonly insertion: string;
  /** Days since 1970, in UTC. */
  readonly day: number;
  readonly document: D;
  readonly json: string;
}

const dayMs = 86_400_000;

/** Days since 1970 of an instant in milliseconds. */
export function dayOf(instant: number): number {
  return Math.floor(instant / dayMs);
}

/** A key's values as one text. */
export function keyOf(values: readonly string[]): string {
  return JSON.stringify(values);
}

/**
 * Inserts by `keep`, which gets each key once, sorted, and answers which insertion holds each that was taken: all others are held by the
 * given one from now on. The first of several with one key is the one that counts. Raises `documents.refused` for what is too large, with
 * nothing kept.
 */
export async function insertBy<D extends object>(
  { collection, traits }: { readonly collection: Collection<D>; readonly traits: DocumentsTraits },
  given: readonly NewDocument<D>[],
  keep: (documents: readonly Kept<D>[]) => Promise<ReadonlyMap<string, string>>,
): Promise<InsertVerdict[]> {
  const all = given.map((one) => keptOf(collection, one));
  const byKey = new Map<string, Kept<D>>();
  for (const one of all) {
    const reason = refusalOf(one.json, traits);
    if (reason !== null) throw documentsFaults.refused({ key: one.key, reason });
    if (!byKey.has(one.key)) byKey.set(one.key, one);
  }
  if (byKey.size === 0) return [];
  // In one order, so that two transactions with the same keys wait for each other and not crosswise.
  const holders = await keep([...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1)));
  return all.map(({ key, insertion }) => {
    const holder = holders.get(key) ?? byKey.get(key)?.insertion;
    return holder === insertion ? "inserted" : "duplicate";
  });
}

/** Of JSON: behind an even number of backslashes, an escape that stands for no character of a text in PostgreSQL or MongoDB. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** Why no engine takes it; null where each does. Bytes are counted only where characters leave it open. */
function refusalOf(json: string, { documentBytesMax }: DocumentsTraits): string | null {
  if (json.length * 3 > documentBytesMax && Buffer.byteLength(json) > documentBytesMax)
    return `it has more than ${documentBytesMax} bytes`;
  return json.includes("\\u") && unstorable.test(json) ? "it holds NUL, or half a surrogate pair" : null;
}

function keptOf<D extends object>({ key, day }: Collection<D>, { document, insertion }: NewDocument<D>): Kept<D> {
  const values = document as Readonly<Record<string, unknown>>;
  return {
    key: keyOf(key.map((field) => values[field] as string)),
    insertion,
    day: dayOf(values[day] as number),
    document,
    json: JSON.stringify(document),
  };
}
