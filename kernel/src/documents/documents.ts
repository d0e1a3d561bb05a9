import type { OutsideServer } from "../call/health-check.ts";
import type { Sql } from "../store/sql.ts";
import type { Collection } from "./collection.ts";

/**
 * Where documents without tables lie, many of them: kept by the day, found by few fields, dropped by age. Numbers: G1 … are what the
 * conformance suite holds.
 *
 * G1  What `insert` has resolved for is there for every client, and survives the engine's process as far as `traits.durable` says.
 * G2  Of a tenant's insertions under one key one is kept, the first; all others are duplicates, however they race.
 * G3  An insertion that is repeated has the verdict that it had: so what was kept and not heard of is kept once, and counted once.
 * G4  A key that was inserted stays taken when its document is deleted or too old.
 * G5  Pages in the collection's order miss nothing and show nothing twice, whatever is inserted behind the cursor.
 * G6  Tenants do not see each other's documents.
 * G7  `keep` takes away whole days that are over, and nothing else.
 * G8  A client that lost its engine goes on by itself; meanwhile everything raises `documents.unavailable`, in time.
 */
export interface Documents {
  readonly traits: DocumentsTraits;
  /** The engine; absent where it is the store's own. To be asked once it is open. */
  readonly server?: OutsideServer;
  /** Connects, and creates what the collections need where it may. Raises `documents.unavailable`, `documents.misconfigured`. */
  open(options: { readonly collections: readonly Collection[]; readonly signal: AbortSignal }): Promise<void>;
  /** One tenant's documents of a collection that was named at `open`. */
  of<D extends object>(collection: Collection<D>, scope: DocumentsScope): DocumentSet<D>;
  /** Makes room for the days to come, and takes away those that are over at `now` (milliseconds since 1970). Every hour it does so by itself. */
  keep(now: number): Promise<void>;
  /** Closes everything it opened. Idempotent. */
  close(options: { readonly deadlineMs: number }): Promise<void>;
}

/** What an engine promises beyond the port. */
export interface DocumentsTraits {
  /** What is inserted commits with the handler's transaction, or not at all. Else it is kept when `insert` resolves, whatever comes after. */
  readonly transactional: boolean;
  /** "server": what was inserted survives the server's process; "disk": the machine's power too; "no": neither. */
  readonly durable: "no" | "server" | "disk";
  /** A day goes at once, whatever it holds; else document by document. */
  readonly dropsDays: boolean;
  /** The largest document as JSON, in bytes. */
  readonly documentBytesMax: number;
}

/** For whom, and in whose transaction where the engine takes part in it. */
export interface DocumentsScope {
  readonly tenant: string;
  readonly sql: () => Sql;
}

/** A document to insert. */
export interface NewDocument<D> {
  readonly document: D;
  /** Names the insertion, such as a place in a log: the same again is the same insertion. 200 characters at most. */
  readonly insertion: string;
}

/** "inserted": by this insertion, now or before; "duplicate": the key was taken by another. */
export type InsertVerdict = "inserted" | "duplicate";

/** What documents are asked by: all that is given holds. */
export interface DocumentQuery<D> {
  /** Fields that hold a text, and which, or null for none; one that is given a text should be an index. */
  readonly where?: {
    readonly [F in keyof D & string as D[F] extends string | null ? F : never]?:
      | string
      | (null extends D[F] ? null : never)
      | undefined;
  };
  /** Of the first field of the order: inclusive. */
  readonly from?: number | undefined;
  /** Exclusive. */
  readonly to?: number | undefined;
  /** Behind the document with these values in the fields of the order. */
  readonly after?: readonly number[] | undefined;
  readonly limit: number;
}

/** One tenant's documents of one collection. All of it raises `documents.unavailable`, or faults of the store where it takes part there. */
export interface DocumentSet<D extends object> {
  /** A verdict for each, in order. Raises `documents.refused`. */
  insert(documents: readonly NewDocument<D>[]): Promise<InsertVerdict[]>;
  /** By the values of the key's fields. */
  get(...key: readonly string[]): Promise<D | undefined>;
  /** In the order of the collection. */
  find(query: DocumentQuery<D>): Promise<D[]>;
  /** Deletes what `find` finds by these fields; answers how many those were. */
  delete(where: NonNullable<DocumentQuery<D>["where"]>): Promise<number>;
  /** How many keys were ever inserted. */
  known(): Promise<number>;
}
