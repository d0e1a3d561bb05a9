import {
  type Collection,
  type DocumentSet,
  type Documents,
  type DocumentsScope,
  type DocumentsTraits,
  dayOf,
  documentsAnswerMs,
  shownUrl,
} from "@banyan/kernel/documents";
import { MongoClient, type MongoClientOptions } from "mongodb";
import { asked, faultOf } from "./asked.ts";
import { indexesOf, MongoSet, type Record } from "./mongo-set.ts";

/** How to reach MongoDB, and where in it the documents lie. */
export interface MongoDocumentsOptions {
  /** "mongodb://user:password@host:27017/database", "mongodb+srv://…". Without a database it is "banyan". */
  readonly url: string;
  /** The first part of every collection's name. Applications that share a database must differ in it. Default "banyan". */
  readonly namespace?: string;
  /** Anything else that the driver takes. */
  readonly engine?: MongoClientOptions;
}

/** Documents in MongoDB, with the driver's client beneath them. */
export interface MongoDocuments extends Documents {
  unwrap(): MongoClient;
}

const keepEveryMs = 3_600_000;
const indexMs = 600_000;
/** So many documents are taken away at once, which takes a fraction of the time that the engine has to answer. */
const goneAtOnce = 1_000;
const defaultDatabase = "banyan";

/**
 * Keeps documents in one collection of MongoDB for each of ours, written to the journals of most of a replica set before an insertion
 * resolves. Connects at `open`, and again by itself. Throws where the options make no sense.
 */
export function createMongoDocuments(options: MongoDocumentsOptions): MongoDocuments {
  return new Mongo(options);
}

class Mongo implements MongoDocuments {
  readonly server = { name: "MongoDB", ping: () => this.client.db("admin").command({ ping: 1 }) };
  readonly traits: DocumentsTraits = {
    transactional: false,
    durable: "disk",
    dropsDays: false,
    // MongoDB's 16 MiB with room for what stands beside the document, and for BSON, which can be larger than JSON.
    documentBytesMax: 8_000_000,
  };
  private readonly client: MongoClient;
  private readonly namespace: string;
  private readonly database: string;
  private readonly collections: Collection[] = [];
  private keeping: NodeJS.Timeout | undefined;
  private closing: Promise<void> | null = null;

  constructor({ url, namespace = "banyan", engine }: MongoDocumentsOptions) {
    if (!/^mongodb(\+srv)?:\/\/./.test(url)) {
      const shown = shownUrl(url);
      throw new Error(`"${shown}" is no address of MongoDB; write mongodb://host:27017/database`);
    }
    this.namespace = namespace;
    this.client = new MongoClient(url, {
      appName: "banyan documents",
      connectTimeoutMS: documentsAnswerMs,
      serverSelectionTimeoutMS: documentsAnswerMs,
      // For an index of documents that are there already; of a server that is away the driver's monitor tells.
      socketTimeoutMS: indexMs,
      waitQueueTimeoutMS: documentsAnswerMs,
      ignoreUndefined: true,
      ...engine,
      writeConcern: { w: "majority", journal: true },
    });
    // The driver's own default is "test", which nobody means.
    const { dbName } = this.client.options;
    this.database = dbName === "test" && !/\/test(\?|$)/.test(url) ? defaultDatabase : dbName;
  }

  unwrap(): MongoClient {
    return this.client;
  }

  async open({ collections, signal }: Parameters<Documents["open"]>[0]): Promise<void> {
    signal.throwIfAborted();
    try {
      await asked(() => this.client.connect().then(() => this.server.ping()));
      for (const one of collections) await this.collectionOf(one).createIndexes(indexesOf(one));
    } catch (cause) {
      await this.client.close().catch(() => {});
      throw faultOf(cause);
    }
    this.collections.push(...collections);
    const keepNow = () =>
      void this.keep(Date.now()).catch((error: Error) => {
        if (this.closing === null)
          process.emitWarning(`documents are kept for longer than their days: ${String(error.cause)}`);
      });
    keepNow();
    this.keeping = setInterval(keepNow, keepEveryMs).unref();
  }

  of<D extends object>(collection: Collection<D>, { tenant }: DocumentsScope): DocumentSet<D> {
    return new MongoSet({ collection, traits: this.traits, tenant }, this.collectionOf(collection));
  }

  /** What goes leaves its key behind. */
  async keep(now: number): Promise<void> {
    for (const one of this.collections) {
      const engine = this.collectionOf(one);
      const over = engine
        .find({ day: { $lte: dayOf(now) - one.keepDays } }, { projection: { _id: 1 } })
        .limit(goneAtOnce);
      for (let gone = goneAtOnce; gone === goneAtOnce; ) {
        gone = await asked(async () => {
          const ids = (await over.clone().toArray()).map(({ _id }) => _id);
          await engine.updateMany({ _id: { $in: ids } }, { $unset: { document: 1, day: 1 } });
          return ids.length;
        });
      }
    }
  }

  close(): Promise<void> {
    clearInterval(this.keeping);
    this.closing ??= this.client.close();
    return this.closing;
  }

  private collectionOf({ name }: Collection) {
    return this.client.db(this.database).collection<Record>(`${this.namespace}.${name}`);
  }
}
