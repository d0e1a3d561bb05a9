import {
  type Collection,
  type DocumentQuery,
  type DocumentSet,
  type DocumentsTraits,
  documentsFaults,
  type InsertVerdict,
  insertBy,
  type Kept,
  keyOf,
  type NewDocument,
} from "@banyan/kernel/documents";
import { type Collection as Engine, type Filter, type IndexDescription, MongoBulkWriteError } from "mongodb";
import { asked, refuses } from "./asked.ts";

/** A document as MongoDB has it. One that was deleted, or is too old, leaves its key behind. */
export interface Record {
  /** Tenant and key, as JSON. */
  readonly _id: string;
  readonly tenant: string;
  readonly insertion: string;
  readonly day?: number;
  readonly document?: object;
}

/** What a collection is looked at by. */
export function indexesOf({ order, indexes }: Collection): IndexDescription[] {
  const ordered = order.map((field) => [`document.${field}`, 1] as const);
  return [
    { key: { day: 1 }, sparse: true },
    { key: new Map<string, 1>([["tenant", 1], ...ordered]) },
    ...indexes.map((field) => ({ key: new Map<string, 1>([["tenant", 1], [`document.${field}`, 1], ...ordered]) })),
  ];
}

/** Of MongoDB's error codes. */
const duplicateKey = 11_000;

/** One tenant's documents of one collection. */
export class MongoSet<D extends object> implements DocumentSet<D> {
  private readonly of: {
    readonly collection: Collection<D>;
    readonly traits: DocumentsTraits;
    readonly tenant: string;
  };
  private readonly engine: Engine<Record>;

  constructor(of: MongoSet<D>["of"], engine: Engine<Record>) {
    this.of = of;
    this.engine = engine;
  }

  insert(documents: readonly NewDocument<D>[]): Promise<InsertVerdict[]> {
    return insertBy(this.of, documents, (kept) => asked(() => this.keep(kept)));
  }

  /** Each by itself: the key is the record's own, so that it and its document are there together or not at all. */
  private async keep(kept: readonly Kept[]): Promise<Map<string, string>> {
    const { tenant } = this.of;
    const records = kept.map((one) => {
      const { key, insertion, day } = one;
      return { _id: this.idOf(key), tenant, insertion, day, document: storable(one) };
    });
    const holders = new Map<string, string>();
    try {
      await this.engine.insertMany(records, { ordered: false });
    } catch (error) {
      const taken = takenIn(error, kept);
      const found = await this.engine
        .find({ _id: { $in: taken.map(({ key }) => this.idOf(key)) } }, { projection: { insertion: 1 } })
        .toArray();
      const byId = new Map(found.map(({ _id, insertion }) => [_id, insertion]));
      for (const { key } of taken) holders.set(key, byId.get(this.idOf(key)) ?? "");
    }
    return holders;
  }

  get(...key: readonly string[]): Promise<D | undefined> {
    return asked(async () => (await this.engine.findOne({ _id: this.idOf(keyOf(key)) }))?.document as D | undefined);
  }

  find({ where = {}, from, to, after, limit }: DocumentQuery<D>): Promise<D[]> {
    const fields = this.of.collection.order.map((field) => `document.${field}`);
    const [first = ""] = fields;
    const bounds = { ...(from !== undefined && { $gte: from }), ...(to !== undefined && { $lt: to }) };
    const conditions: Filter<Record>[] = [this.filterOf(where), { day: { $exists: true } }];
    if (Object.keys(bounds).length > 0) conditions.push({ [first]: bounds });
    if (after !== undefined) conditions.push({ $or: behind(fields, after) });
    const found = this.engine
      .find({ $and: conditions }, { projection: { document: 1 } })
      .sort(Object.fromEntries(fields.map((field) => [field, 1])))
      .limit(limit);
    return asked(async () => (await found.toArray()).map(({ document }) => document as D));
  }

  async delete(where: NonNullable<DocumentQuery<D>["where"]>): Promise<number> {
    const filter = this.filterOf(where);
    if (Object.keys(filter).length === 1) throw new Error("say which documents are to be deleted");
    return asked(async () => {
      const { modifiedCount } = await this.engine.updateMany(filter, { $unset: { document: 1, day: 1 } });
      return modifiedCount;
    });
  }

  known(): Promise<number> {
    return asked(() => this.engine.countDocuments({ tenant: this.of.tenant }));
  }

  private idOf(key: string): string {
    return `${JSON.stringify(this.of.tenant)}${key}`;
  }

  private filterOf(where: NonNullable<DocumentQuery<D>["where"]>): Filter<Record> {
    const given = Object.entries<string | null | undefined>(where).filter(([, value]) => value !== undefined);
    return {
      tenant: this.of.tenant,
      ...Object.fromEntries(given.map(([field, value]) => [`document.${field}`, value])),
    };
  }
}

/** Which of an insertion had their key taken. Throws where anything else was wrong. */
function takenIn(error: unknown, kept: readonly Kept[]): Kept[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const errors = [error.writeErrors].flat();
  const other = errors.find(({ code }) => code !== duplicateKey);
  if (other !== undefined && refuses.has(other.code)) {
    const { key = "" } = kept[other.index] ?? {};
    throw documentsFaults.refused({ key, reason: other.errmsg ?? String(other.code) }, { cause: error });
  }
  if (errors.length === 0 || other !== undefined) throw error;
  return errors.map(({ index }) => kept[index] as Kept);
}

/** The driver takes an object that has `_bsontype` for a value of one of its own kinds, and throws. A map's fields are fields. */
function storable({ document, json }: Kept): object {
  return json.includes('"_bsontype":') ? (mapOf(document) as object) : document;
}

function mapOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapOf);
  if (typeof value !== "object" || value === null) return value;
  return new Map(Object.entries(value).map(([field, inner]) => [field, mapOf(inner)]));
}

/** Behind a place in the order of several fields: the first differs and is more, or it is equal and the next … */
function behind(fields: readonly string[], after: readonly number[]): Filter<Record>[] {
  return fields.map((field, at) => ({
    ...Object.fromEntries(fields.slice(0, at).map((equal, index) => [equal, after[index]])),
    [field]: { $gt: after[at] },
  }));
}
