import { setTimeout as delay } from "node:timers/promises";
import { asked, type KeyValues, type Kv, type KvTraits, kvAnswerMs, kvFaults, shownUrl } from "@banyan/kernel/kv";
import { Pool, type PoolConfig } from "pg";
import { Listening } from "./listening.ts";
import { messageBytesMax, PostgresSpace } from "./postgres-space.ts";
import { expiring, schema, schemaLock } from "./schema.ts";

/** Which database holds the keys and values. */
export interface PostgresKvOptions {
  /** "postgres://user:password@host:5432/database" */
  readonly url: string;
  /** Anything else that the pool of `pg` takes. */
  readonly engine?: Omit<PoolConfig, "connectionString">;
}

/** Keys and values in PostgreSQL, with the pool beneath them. */
export interface PostgresKv extends Kv {
  unwrap(): Pool;
}

const sweepEveryMs = 60_000;

/**
 * Keeps keys and values in unlogged tables of the schema `kv`, on connections of its own: nothing here takes part in anybody's
 * transaction. Throws where the options make no sense.
 */
export function createPostgresKv(options: PostgresKvOptions): PostgresKv {
  return new Tables(options);
}

class Tables implements PostgresKv {
  readonly server = { name: "PostgreSQL", ping: () => this.pool.query("SELECT 1") };
  readonly traits: KvTraits = { durable: "no", messageBytesMax };
  private readonly pool: Pool;
  private readonly listening: Listening;
  private sweeping: NodeJS.Timeout | undefined;
  private closing: Promise<void> | null = null;

  constructor({ url, engine }: PostgresKvOptions) {
    if (!/^postgres(ql)?:\/\//.test(url)) {
      const shown = shownUrl(url);
      throw new Error(`"${shown}" is no address of PostgreSQL; write postgres://host/database`);
    }
    const connection = {
      application_name: "banyan kv",
      connectionTimeoutMillis: kvAnswerMs,
      query_timeout: kvAnswerMs,
      statement_timeout: kvAnswerMs,
      keepAlive: true,
      // What only listens hears of a server without a trace in no other way.
      keepAliveInitialDelayMillis: 30_000,
      ...engine,
      connectionString: url,
    };
    this.pool = new Pool({ max: 4, ...connection });
    // An idle connection that breaks is replaced when the next is needed.
    this.pool.on("error", () => {});
    this.listening = new Listening(connection);
  }

  unwrap(): Pool {
    return this.pool;
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    try {
      // One text is one transaction.
      await asked(() => this.pool.query(`${schemaLock};${schema}`));
    } catch (error) {
      const { cause } = error as Error;
      const { code = "", message } = cause as { code?: string; message: string };
      if (!/^(28|3D|42)/.test(code)) throw error;
      throw kvFaults.misconfigured({ reason: `the database cannot hold keys and values: ${message}` }, { cause });
    }
    this.sweeping = setInterval(() => void this.sweep().catch(() => {}), sweepEveryMs).unref();
  }

  space(name: string): KeyValues {
    return new PostgresSpace(this.pool, this.listening, name);
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    clearInterval(this.sweeping);
    const ended = () => Promise.all([this.listening.close(), this.pool.end()]).then(() => {});
    this.closing ??= Promise.race([ended(), delay(deadlineMs, undefined, { ref: false })]);
    return this.closing;
  }

  /** What is over is seen by nobody; this only takes it away. */
  private async sweep(): Promise<void> {
    for (const table of expiring)
      await this.pool.query(`DELETE FROM kv.${table} WHERE expires_at <= clock_timestamp()`);
  }
}
