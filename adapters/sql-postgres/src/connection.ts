import pg from "pg";
import { Batch, type BatchEnd, type BatchOutcome, type SessionState, type StatementResult } from "./batch.ts";
import { Exchange } from "./exchange.ts";
import { type ErrorResponse, isStalePlan, lostConnection, refusedStatement } from "./failure.ts";
import { pause } from "./pause.ts";
import { type Statement, statement } from "./statement.ts";

/** Opens a transaction. A batch knows it by identity of text, to tell what a lost connection leaves behind. */
export const BEGIN: Statement = statement("BEGIN");
/** Ends a transaction; where that had failed before, the batch fails. */
export const COMMIT: Statement = statement("COMMIT");
/** Undoes a transaction. */
export const ROLLBACK: Statement = statement("ROLLBACK");

/** Sent after the greeting, not as startup options: poolers refuse those, and a URL with `options=` would replace them. */
const OUTPUT_FORMATS: Statement = statement(
  `SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),
          set_config('bytea_output', 'hex', false), set_config('extra_float_digits', '1', false)`,
);
const READ_ONLY: Statement = statement("SET default_transaction_read_only = on");

/** What was cancelled ends at once; what does not is out of our reach. */
const CANCEL_TIMEOUT_MS = 2_000;
const CANCEL_AGAIN_MS = 100;
/** A server that is there closes at once. */
const GOODBYE_MS = 1_000;

export interface ConnectOptions {
  /** `postgres://user:password@host:port/database`; a socket folder as `?host=/folder`; TLS as `?sslmode=verify-full`. */
  readonly url: string;
  /** Shown in pg_stat_activity. Default "banyan". */
  readonly name?: string;
  /** Every statement is refused that would write. Default false. */
  readonly readOnly?: boolean;
  /** Longest wait for the server's greeting. Default 5,000. */
  readonly connectTimeoutMs?: number;
}

export interface ConnectionEvents {
  readonly onNotification?: (channel: string, payload: string) => void;
  /** Called once when the session ends for any reason other than `close`. */
  readonly onLost?: (cause: unknown) => void;
}

/** One session of the server, for one caller at a time. */
export interface SqlConnection {
  /** Sends the statements as one write with one Sync. Rejects with the first failure; a transaction that was open has then failed. */
  run(statements: readonly Statement[]): Promise<readonly StatementResult[]>;
  /**
   * The same, where the results before a failure are wanted: resolves in both cases. Rejects only where a value cannot be sent.
   * What is sent by "flush" is in one transaction with what is sent next; a failure ends it.
   */
  send(statements: readonly Statement[], end?: BatchEnd): Promise<BatchOutcome>;
  /** Runs the text of a file: many statements, no parameters, no results. */
  runScript(text: string): Promise<void>;
  /** True from BEGIN to the end of COMMIT or ROLLBACK, failed transactions included; and from "flush" to "sync". */
  readonly inTransaction: boolean;
  /** What undoes the transaction that is open; empty where none is. */
  readonly undoing: readonly Statement[];
  /** True once the socket is lost; nothing can be run any more. */
  readonly broken: boolean;
  /**
   * Asks the server, over a connection of its own, to cancel what runs now. Resolves when that has ended and the request can hit
   * nothing else. Where it does not end within a second, by a server or a proxy that does not listen, the connection is broken off.
   */
  cancel(): Promise<void>;
  /** Ends the session; what runs now is broken off. Never rejects. */
  close(): Promise<void>;
}

/**
 * Opens a session whose dates, times and bytes arrive in one format whatever the server's defaults: ISO, UTC, hex.
 * Rejects with `pg`'s error as it is: refused credentials, no such database, nothing that listens.
 */
export async function connect(options: ConnectOptions, events: ConnectionEvents = {}): Promise<SqlConnection> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.name ?? "banyan",
    keepAlive: true,
  });
  const session = new Session(client, options.readOnly ?? false, events);
  await session.open(options.connectTimeoutMs ?? 5_000);
  return session;
}

class Session implements SqlConnection, SessionState {
  readonly prepared: SessionState["prepared"] = new Map();
  readonly readOnly: boolean;
  broken = false;
  readonly #client: pg.Client;
  readonly #events: ConnectionEvents;
  #running: Promise<BatchOutcome> | undefined;
  #exchange: Exchange | undefined;
  /** False while it opens, when a failure is the opener's to report, and once it closes. */
  #open = false;

  constructor(client: pg.Client, readOnly: boolean, events: ConnectionEvents) {
    this.#client = client;
    this.readOnly = readOnly;
    this.#events = events;
    client.on("error", (error) => this.#lose(error));
    client.on("end", () => this.#lose(new Error("the server closed the connection")));
    client.on("notification", ({ channel, payload }) => events.onNotification?.(channel, payload ?? ""));
  }

  async open(timeoutMs: number): Promise<void> {
    const cut = this.#cutAfter(timeoutMs, "the server did not answer in time");
    try {
      await this.#client.connect();
      await this.run(this.readOnly ? [OUTPUT_FORMATS, READ_ONLY] : [OUTPUT_FORMATS]);
      this.#open = true;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(cut);
    }
  }

  get inTransaction(): boolean {
    return this.#exchange?.isOpen === true || this.#client.getTransactionStatus() !== "I";
  }

  get inBlock(): boolean {
    return this.#client.getTransactionStatus() !== "I" || (this.#exchange?.isOpen === true && this.#exchange.inBlock);
  }

  get undoing(): readonly Statement[] {
    if (!this.inTransaction) return [];
    // BEGIN makes a block of what had none; ROLLBACK alone would do it with a warning in the server's log.
    return this.inBlock ? [ROLLBACK] : [BEGIN, ROLLBACK];
  }

  async run(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const { results, failure } = await this.send(statements);
    if (failure !== undefined) throw failure;
    return results;
  }

  async send(statements: readonly Statement[], end: BatchEnd = "sync"): Promise<BatchOutcome> {
    const wasInTransaction = this.inTransaction;
    const outcome = await this.#submit(statements, end);
    if (outcome.failure === undefined || !isStalePlan(outcome.failure)) return outcome;
    // One plan is stale after DDL, all are gone after DISCARD: forget all, a Parse too many costs little.
    for (const plan of this.prepared.values()) plan.usable = false;
    const committed = statements.slice(0, outcome.results.length).some(({ text }) => text === "COMMIT");
    if (wasInTransaction || committed || this.broken) return outcome;
    if (this.inTransaction) await this.#submit([ROLLBACK], "sync");
    return await this.#submit(statements, end);
  }

  #submit(statements: readonly Statement[], end: BatchEnd): Promise<BatchOutcome> {
    const batch = new Batch(statements, this, end);
    this.#running = batch.done;
    if (this.#exchange?.isOpen) this.#exchange.next(batch, this.#client.connection);
    else this.#exchange = this.#client.query(new Exchange(batch));
    if (statements[0] === BEGIN) this.#exchange.inBlock = true;
    return batch.done;
  }

  async runScript(text: string): Promise<void> {
    try {
      await this.#client.query(text);
    } catch (error) {
      const response = error as ErrorResponse;
      if (response.severity === undefined) throw lostConnection(error, true);
      const before = text.slice(0, Number(response.position ?? 0));
      if (before !== "") response.message = `line ${before.split("\n").length}: ${response.message}`;
      throw refusedStatement(response, "", true);
    }
  }

  async cancel(): Promise<void> {
    let running = this.#running !== undefined;
    const ended = Promise.resolve(this.#running).then(() => {
      running = false;
    });
    const giveUp = new AbortController();
    const cut = setTimeout(() => {
      giveUp.abort();
      this.#client.connection.stream.destroy(new Error("the server did not heed a cancel request"));
    }, CANCEL_TIMEOUT_MS);
    // A request that arrives before its statement is ignored, so one may not do.
    while (running && !this.broken) {
      await this.#requestCancel(giveUp.signal);
      await Promise.race([ended, pause(CANCEL_AGAIN_MS, giveUp.signal)]);
    }
    await ended;
    clearTimeout(cut);
  }

  /** Resolves when the server has closed the connection of the request, which it does once it has signalled the backend. */
  async #requestCancel(signal: AbortSignal): Promise<void> {
    const { processID, secretKey } = this.#client as unknown as { processID: number; secretKey: number };
    const { host, port } = this.#client;
    const wire = new pg.Connection({}) as unknown as CancelWire;
    const abandon = (): void => wire.stream.destroy();
    signal.addEventListener("abort", abandon, { once: true });
    await new Promise<void>((resolve) => {
      wire.on("error", resolve);
      wire.on("end", resolve);
      wire.on("connect", () => wire.cancel(processID, secretKey));
      if (host.startsWith("/")) wire.connect(`${host}/.s.PGSQL.${port}`);
      else wire.connect(port, host);
    });
    signal.removeEventListener("abort", abandon);
  }

  async close(): Promise<void> {
    this.#open = false;
    const cut = this.#cutAfter(GOODBYE_MS, "the server did not say goodbye");
    await this.#client.end().catch(() => {});
    clearTimeout(cut);
  }

  #cutAfter(ms: number, reason: string): NodeJS.Timeout {
    return setTimeout(() => this.#client.connection.stream.destroy(new Error(reason)), ms);
  }

  #lose(cause: unknown): void {
    if (this.broken) return;
    this.broken = true;
    if (this.#open) this.#events.onLost?.(cause);
  }
}

/** The part of `pg`'s Connection that its types leave out. */
interface CancelWire {
  readonly stream: { destroy(): void };
  on(event: "error" | "end" | "connect", listener: () => void): void;
  connect(pathOrPort: string | number, host?: string): void;
  cancel(processId: number, secretKey: number): void;
}
