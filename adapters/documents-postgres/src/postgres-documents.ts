import { setTimeout as delay } from "node:timers/promises";
import {
  type Collection,
  type DocumentSet,
  type Documents,
  type DocumentsScope,
  type DocumentsTraits,
  dayOf,
  documentsAnswerMs,
  documentsFaults,
  shownUrl,
  within,
} from "@banyan/kernel/documents";
import { Client, type ClientConfig, Pool, type PoolConfig } from "pg";
import { DocumentTable, type Run } from "./document-table.ts";
import { schema, schemaLock, tableOf, tablesOf } from "./tables.ts";

/** Which database holds the documents, and whether it is the store's. */
export interface PostgresDocumentsOptions {
  /** "postgres://user:password@host:5432/database" */
  readonly url: string;
  /** The database is the store's own: documents then commit with the handler that inserts them. Default false. */
  readonly inStore?: boolean;
  /** Anything else that the pool of `pg` takes. */
  readonly engine?: Omit<PoolConfig, "connectionString">;
}

/** Documents in PostgreSQL, with the pool beneath them. */
export interface PostgresDocuments extends Documents {
  unwrap(): Pool;
}

/** For what creates and drops, which may have to wait for others, or to index what is there already. */
const keepMs = 600_000;
const keepEveryMs = 3_600_000;

/**
 * Keeps documents as JSONB in tables of the schema `documents`, a partition a day, and their keys beside them. Throws where the options
 * make no sense.
 */
export function createPostgresDocuments(options: PostgresDocumentsOptions): PostgresDocuments {
  return new Tables(options);
}

class Tables implements PostgresDocuments {
  readonly server?: NonNullable<Documents["server"]>;
  readonly traits: DocumentsTraits;
  private readonly connection: ClientConfig;
  private readonly pool: Pool;
  private readonly collections: Collection[] = [];
  private keeping: NodeJS.Timeout | undefined;
  private closing: Promise<void> | null = null;

  constructor({ url, inStore = false, engine }: PostgresDocumentsOptions) {
    if (!/^postgres(ql)?:\/\//.test(url)) {
      const shown = shownUrl(url);
      throw new Error(`"${shown}" is no address of PostgreSQL; write postgres://host/database`);
    }
    this.traits = { transactional: inStore, durable: "disk", dropsDays: true, documentBytesMax: 16_000_000 };
    if (!inStore) this.server = { name: "PostgreSQL", ping: () => this.pool.query("SELECT 1") };
    this.connection = {
      application_name: "banyan documents",
      connectionTimeoutMillis: documentsAnswerMs,
      query_timeout: documentsAnswerMs,
      statement_timeout: documentsAnswerMs,
      keepAlive: true,
      ...engine,
      connectionString: url,
    };
    this.pool = new Pool({ max: 10, ...this.connection });
    // An idle connection that breaks is replaced when the next is needed.
    this.pool.on("error", () => {});
  }

  unwrap(): Pool {
    return this.pool;
  }

  async open({ collections, signal }: Parameters<Documents["open"]>[0]): Promise<void> {
    signal.throwIfAborted();
    await this.locked([schema, ...collections.map(tablesOf)]);
    this.collections.push(...collections);
    await this.keepNow();
    this.keeping = setInterval(() => void this.keepNow(), keepEveryMs).unref();
  }

  of<D extends object>(collection: Collection<D>, { tenant, sql }: DocumentsScope): DocumentSet<D> {
    const run: Run = this.traits.transactional
      ? (text, parameters) => sql()({ sql: text, parameters })
      : (text, parameters) => this.query(text, parameters);
    return new DocumentTable({ collection, traits: this.traits }, { tenant, run });
  }

  /** Room for the days to come does not wait for those that somebody still reads. */
  async keep(now: number): Promise<void> {
    const today = dayOf(now);
    const add = this.collections.map((one) => `SELECT documents.add_days('${tableOf(one)}', ${today})`);
    const drop = this.collections.map(
      (one) => `SELECT documents.drop_days('${tableOf(one)}', ${today}, ${one.keepDays})`,
    );
    const failures: unknown[] = [];
    for (const turn of [...add, ...drop]) await this.locked([turn]).catch((error) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** Documents have a place without their day; that they are kept for longer than they may be is for somebody to know. */
  private async keepNow(): Promise<void> {
    try {
      await this.keep(Date.now());
    } catch (error) {
      process.emitWarning(`days of documents were not added or dropped: ${String((error as Error).cause)}`);
    }
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    clearInterval(this.keeping);
    this.closing ??= Promise.race([this.pool.end(), delay(deadlineMs, undefined, { ref: false })]);
    return this.closing;
  }

  /** Runs statements in one transaction that has the lock of all who create and drop, on a connection of its own. */
  private async locked(statements: readonly string[]): Promise<void> {
    const client = new Client({ ...this.connection, query_timeout: keepMs, statement_timeout: keepMs });
    client.on("error", () => {});
    try {
      await client.connect();
      // One text is one transaction.
      await client.query([schemaLock, ...statements].join(";\n"));
    } catch (cause) {
      throw faultOf(cause);
    } finally {
      void client.end().catch(() => {});
    }
  }

  /** A statement is prepared under its own text, of which there are few. */
  private async query<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      const statement = { text, values: [...values], name: nameOf(text) };
      return (await within(documentsAnswerMs, () => this.pool.query(statement))).rows as Row[];
    } catch (cause) {
      throw faultOf(cause);
    }
  }
}

const names = new Map<string, string>();

function nameOf(text: string): string {
  const name = names.get(text) ?? `documents ${names.size}`;
  names.set(text, name);
  return name;
}

/** A user who may not, a database that is not there, tables that are somebody else's: that will not pass by itself. */
function faultOf(cause: unknown): Error {
  const { code = "", message } = cause as { code?: string; message: string };
  if (!/^(28|3D|42)/.test(code)) return documentsFaults.unavailable(undefined, { cause });
  return documentsFaults.misconfigured({ reason: `the database cannot hold documents: ${message}` }, { cause });
}
