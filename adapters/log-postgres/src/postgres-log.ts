import { setTimeout as delay } from "node:timers/promises";
import type {
  ConsumeOptions,
  Log,
  LogConsumer,
  LogGroup,
  LogMessage,
  LogReceiver,
  LogTraits,
  ReadOptions,
} from "@banyan/kernel/log";
import { logFaults, shownUrl } from "@banyan/kernel/log";
import { Pool, type PoolConfig } from "pg";
import { type MessageRow, messageOf, pageOf, Reader } from "./reader.ts";
import { schemaLock, schemaOf } from "./schema.ts";

/** How to reach the database that holds the log, and under which name it is there. */
export interface PostgresLogOptions {
  /** "postgres://user:password@host:5432/database" */
  readonly url: string;
  /** Logs that share a database must differ in it: letters, digits, "-" and "_", 40 at most. The schema is `<namespace>_log`. Default "banyan". */
  readonly namespace?: string;
  /** How long messages are kept that every group is done with, in milliseconds. Default 7 days. */
  readonly keepMs?: number;
  /** How often it is looked for what may go, in milliseconds. Default one minute. */
  readonly pruneEveryMs?: number;
  /** Anything else that the pool of `pg` takes, and the connections that consumers have beside it, one each. */
  readonly engine?: Omit<PoolConfig, "connectionString">;
}

/** A log on PostgreSQL, with the pool beneath it. */
export interface PostgresLog extends Log {
  unwrap(): Pool;
}

const answerMs = 10_000;
const pageCount = 1_000;
const pruneCount = 10_000;

/**
 * Keeps messages in a table, in commit order: one appends at a time. Groups are positions in it; consumers are woken by NOTIFY, and look
 * every second. Throws where the options make no sense.
 */
export function createPostgresLog(options: PostgresLogOptions): PostgresLog {
  return new TableLog(options);
}

class TableLog implements PostgresLog {
  readonly server = { name: "PostgreSQL", ping: () => this.pool.query("SELECT 1") };
  readonly traits: LogTraits = {
    durable: "disk",
    replayable: true,
    partitioned: false,
    delayed: false,
    messageBytesMax: 1_048_576,
  };
  private readonly pool: Pool;
  private readonly connection: PoolConfig;
  private readonly schema: string;
  private readonly keepMs: number;
  private readonly pruneEveryMs: number;
  private readonly readers = new Set<Reader>();
  /** Calls are one behind the other: on several connections they would overtake each other. */
  private appending: Promise<void> = Promise.resolve();
  private pruning: NodeJS.Timeout | null = null;
  private closing: Promise<void> | null = null;

  constructor(options: PostgresLogOptions) {
    const { url, namespace = "banyan", keepMs = 7 * 24 * 3_600_000, pruneEveryMs = 60_000, engine } = options;
    if (!/^postgres(ql)?:\/\//.test(url)) {
      throw new Error(`"${shownUrl(url)}" is no address of PostgreSQL; write postgres://host/database`);
    }
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(namespace)) {
      throw new Error(`"${namespace}" is no namespace for a log: letters, digits, "-" and "_", 40 at most`);
    }
    this.schema = `"${namespace}_log"`;
    this.keepMs = keepMs;
    this.pruneEveryMs = pruneEveryMs;
    this.connection = {
      application_name: "banyan log",
      connectionTimeoutMillis: answerMs,
      query_timeout: answerMs,
      statement_timeout: answerMs,
      keepAlive: true,
      ...engine,
      connectionString: url,
    };
    this.pool = new Pool({ max: 4, ...this.connection });
    // An idle connection that breaks is replaced when the next is needed.
    this.pool.on("error", () => {});
  }

  unwrap(): Pool {
    return this.pool;
  }

  async open({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    const client = await this.pool.connect().catch((cause: unknown) => {
      throw faultOf(cause, this.schema);
    });
    try {
      await client.query("BEGIN");
      await client.query(schemaLock);
      await client.query(schemaOf(this.schema));
      await client.query("COMMIT");
      client.release();
    } catch (cause) {
      client.release(true);
      throw faultOf(cause, this.schema);
    }
    this.pruning = setInterval(() => void this.prune().catch(() => {}), this.pruneEveryMs).unref();
  }

  append(messages: readonly LogMessage[]): Promise<void> {
    const appended = this.appending.then(() => this.keep(messages));
    this.appending = appended.catch(() => {});
    return appended;
  }

  private async keep(messages: readonly LogMessage[]): Promise<void> {
    const { messageBytesMax } = this.traits;
    const large = messages.findIndex(({ body }) => body.length > messageBytesMax);
    const kept = large < 0 ? messages : messages.slice(0, large);
    if (kept.length > 0) {
      const columns = [
        kept.map(({ id }) => id),
        kept.map(({ type }) => type),
        kept.map(({ key }) => key),
        kept.map(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.length)),
      ];
      await this.query(`SELECT ${this.schema}.append($1, $2, $3, $4)`, columns, "append");
    }
    const refused = messages[large];
    if (refused) throw logFaults.refused({ id: refused.id, reason: `it has more than ${messageBytesMax} bytes` });
  }

  async consume(options: ConsumeOptions, receiver: LogReceiver): Promise<LogConsumer> {
    const begin = options.from === "earliest" ? "0" : `(SELECT coalesce(max(position), 0) FROM ${this.schema}.message)`;
    await this.query(`INSERT INTO ${this.schema}.reader VALUES ($1, ${begin}) ON CONFLICT DO NOTHING`, [options.name]);
    const { connection, schema, readers } = this;
    const onClose = () => void readers.delete(reader);
    const reader: Reader = new Reader({ ...options, receiver, connection, schema, onClose });
    readers.add(reader);
    reader.start();
    return reader;
  }

  async *read({ types, since, signal }: ReadOptions): AsyncGenerator<readonly LogMessage[]> {
    const [last] = await this.query<{ position: string }>(
      `SELECT coalesce(max(position), 0) AS position FROM ${this.schema}.message`,
    );
    let position = "0";
    for (;;) {
      signal.throwIfAborted();
      const rows = await this.query<MessageRow>(
        `${pageOf(`SELECT position, id, type, key, body FROM ${this.schema}.message
           WHERE position > $1 AND position <= $2 AND type = ANY ($3) AND at >= $4 ORDER BY position LIMIT $5`)} ORDER BY position`,
        [position, last?.position, types, new Date(Math.min(since, dateMax)), pageCount],
      );
      if (rows.length === 0) return;
      position = rows.at(-1)?.position as string;
      yield rows.map(messageOf);
    }
  }

  async lag({ name, types }: LogGroup): Promise<number> {
    const [row] = await this.query<{ count: string }>(
      `SELECT count(*) AS count FROM ${this.schema}.message
       WHERE type = ANY ($2) AND position > coalesce((SELECT position FROM ${this.schema}.reader WHERE name = $1), 0)`,
      [name, types],
    );
    return Number(row?.count);
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.end(deadlineMs);
    return this.closing;
  }

  private async end(deadlineMs: number): Promise<void> {
    if (this.pruning !== null) clearInterval(this.pruning);
    const late = new AbortController();
    const ended = Promise.all([...this.readers].map((reader) => reader.close())).then(() => this.pool.end());
    await Promise.race([ended, delay(deadlineMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
  }

  /** What every group is done with, and older than is kept; some at a time, so that nobody waits for it. */
  private async prune(): Promise<void> {
    const { schema, keepMs } = this;
    for (;;) {
      const { rowCount } = await this.pool.query(
        `DELETE FROM ${schema}.message WHERE position IN (SELECT position FROM ${schema}.message
           WHERE at < clock_timestamp() - $1 * interval '1 ms'
             AND position <= coalesce((SELECT min(position) FROM ${schema}.reader), 9223372036854775807)
           ORDER BY position LIMIT $2 FOR UPDATE SKIP LOCKED)`,
        [keepMs, pruneCount],
      );
      if ((rowCount ?? 0) < pruneCount) return;
    }
  }

  private async query<Row extends object>(text: string, values: unknown[] = [], name?: string): Promise<Row[]> {
    try {
      return (await this.pool.query<Row>({ text, values, ...(name && { name }) })).rows;
    } catch (cause) {
      throw faultOf(cause, this.schema);
    }
  }
}

/** The last instant that JavaScript and PostgreSQL both know: the year 275760. */
const dateMax = 8.64e15;

/** A user who may not, a database that is not there, tables that are somebody else's: that will not pass by itself. */
function faultOf(cause: unknown, schema: string): Error {
  const { code = "", message } = cause as { code?: string; message: string };
  if (!/^(28|3D|42)/.test(code)) return logFaults.unavailable(undefined, { cause });
  return logFaults.misconfigured({ reason: `the schema ${schema} cannot hold a log: ${message}` }, { cause });
}
