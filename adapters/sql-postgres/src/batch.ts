import type { Connection } from "pg";
import { type Decoder, decoderOf } from "./column.ts";
import { type ErrorResponse, lostConnection, refusedStatement, SqlError, type SqlFailure } from "./failure.ts";
import { Frame } from "./frame.ts";
import { type EncodedParameter, encodeParameter } from "./parameter.ts";
import type { Statement } from "./statement.ts";

/** What one statement of a batch gave. */
export interface StatementResult<Row = Record<string, unknown>> {
  readonly rows: Row[];
  /** Rows returned or changed; 0 for commands that count none. */
  readonly count: number;
}

/** What a batch gave: a result for each statement up to the failed one. */
export interface BatchOutcome {
  readonly results: readonly StatementResult[];
  /** Of the statement after the last result, or of the connection. */
  readonly failure: SqlFailure | undefined;
}

/** How a statement's rows decode; known once the server described it. */
interface Plan {
  readonly name: string;
  readonly text: string;
  /** False when the server may have lost it; the next use prepares it again. */
  usable: boolean;
  columns: ReadonlyArray<{ readonly name: string; readonly decode: Decoder }>;
}

/** What a batch must know of the connection that sends it. */
export interface SessionState {
  /** Prepared statements by text. Bounded by STATEMENTS_MAX; the oldest is replaced first. */
  readonly prepared: Map<string, Plan>;
  /** In a transaction that BEGIN opened, and a Sync does not end. */
  readonly inBlock: boolean;
  /** Every transaction of the session is read-only, so that a refused write is the statement's fault. */
  readonly readOnly: boolean;
}

/** Each costs the server some 10-50 kB of plan per connection; a service has tens. */
const STATEMENTS_MAX = 500;
/** Beyond this a result is a mistake: its rows would fill the memory of everyone. */
const ROWS_MAX = 1_000_000;
/** The protocol counts parameters in 16 bits. */
const PARAMETERS_MAX = 65_535;

/** How a batch ends: Sync also ends a transaction that no BEGIN opened, Flush leaves it to the next batch. */
export type BatchEnd = "sync" | "flush";

/**
 * Sends several statements as one write; `done` resolves when the server is ready for the next batch.
 *
 * Measured: one Sync for all is what pays (1.5 x the same statements awaited), not pipelining as such. After an error the server
 * skips all up to the Sync, a COMMIT included, and so may leave the connection in a failed transaction; a batch that ended
 * with Flush sends its Sync then.
 * An Exchange hands it the messages of the server.
 */
export class Batch {
  readonly done: Promise<BatchOutcome>;
  readonly end: BatchEnd;
  readonly #statements: readonly Statement[];
  readonly #parameters: EncodedParameter[][];
  readonly #session: SessionState;
  readonly #wasInBlock: boolean;
  readonly #plans: Plan[] = [];
  readonly #firstUses: Array<readonly [index: number, plan: Plan]> = [];
  readonly #results: StatementResult[] = [];
  #rows: Record<string, unknown>[] = [];
  #rowCount = 0;
  /** Of decoding, which cannot stop the server: the rest of the batch is read to its end. */
  #failure: SqlFailure | undefined;
  #failedAt = Number.POSITIVE_INFINITY;
  #copyRefused = false;
  #settle!: (outcome: BatchOutcome) => void;

  /** Throws a SqlError when a value cannot be sent; nothing was written then. */
  constructor(statements: readonly Statement[], session: SessionState, end: BatchEnd) {
    this.#statements = statements;
    this.#session = session;
    this.end = end;
    this.#wasInBlock = session.inBlock;
    this.#parameters = statements.map(encodeAll);
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  submit(connection: Connection): void {
    const frame = new Frame();
    for (let index = 0; index < this.#statements.length; index++) {
      const { text } = this.#statements[index] as Statement;
      const known = this.#session.prepared.get(text);
      const plan = known?.usable ? known : this.#prepare(frame, index, text);
      this.#plans.push(plan);
      frame.bindAndExecute(plan.name, this.#parameters[index] as EncodedParameter[]);
    }
    (connection as unknown as Wire).stream.write(this.end === "sync" ? frame.sync() : frame.flush());
  }

  /**
   * A statement takes the name of what it replaces, so that the server never holds more than there are names. Close before Parse
   * is no error where the name is free, and right whatever an earlier batch that failed has left behind.
   */
  #prepare(frame: Frame, index: number, text: string): Plan {
    const { prepared } = this.#session;
    const former = prepared.get(text) ?? (prepared.size >= STATEMENTS_MAX ? prepared.values().next().value : undefined);
    if (former !== undefined) prepared.delete(former.text);
    const plan: Plan = { name: former?.name ?? `s${prepared.size + 1}`, text, usable: true, columns: [] };
    frame.close(plan.name);
    frame.parse(plan.name, text);
    // Described once per connection: a statement whose columns change later fails with "cached plan must not change result type".
    frame.describe(plan.name);
    prepared.set(text, plan);
    this.#firstUses.push([index, plan]);
    return plan;
  }

  handleRowDescription(message: { readonly fields: ReadonlyArray<{ name: string; dataTypeID: number }> }): void {
    const plan = this.#plans[this.#results.length] as Plan;
    plan.columns = message.fields.map((field) => ({ name: field.name, decode: decoderOf(field.dataTypeID) }));
  }

  handleDataRow(message: { readonly fields: ReadonlyArray<string | null> }): void {
    if (this.#failure !== undefined) return;
    const { columns } = this.#plans[this.#results.length] as Plan;
    const row: Record<string, unknown> = {};
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index] as Plan["columns"][number];
      const text = message.fields[index] as string | null;
      try {
        row[column.name] = text === null ? null : column.decode(text);
      } catch (error) {
        this.#fail("22003", `column "${column.name}": ${(error as Error).message}`);
        return;
      }
    }
    this.#rows.push(row);
    if (++this.#rowCount > ROWS_MAX) this.#fail("54000", `a result has more than ${ROWS_MAX} rows; read it in pages`);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    const tag = message.text;
    // A COMMIT of a transaction that failed earlier succeeds as ROLLBACK: whoever reads only errors believes it committed.
    if (tag === "ROLLBACK" && this.#text() === "COMMIT") {
      this.#fail(
        "25P02",
        "COMMIT found a failed transaction and rolled it back: a statement failed and its error was swallowed",
      );
    }
    const count = Number(tag.slice(tag.lastIndexOf(" ") + 1));
    this.#results.push({ rows: this.#rows, count: Number.isNaN(count) ? 0 : count });
    this.#rows = [];
    if (this.end === "flush" && this.#results.length === this.#statements.length) this.handleReadyForQuery();
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: "" });
  }

  handleReadyForQuery(): void {
    const results = this.#failure === undefined ? this.#results : this.#results.slice(0, this.#failedAt);
    this.#settle({ results, failure: this.#failure });
  }

  /** Called for an error response, after which `pg` forgets this batch, and for a lost connection. */
  handleError(error: ErrorResponse, connection: Connection): void {
    const completed = this.#results.length;
    for (const [index, plan] of this.#firstUses) if (index >= completed) plan.usable = false;
    if (error.severity === undefined) {
      this.#settle({ results: this.#results, failure: lostConnection(error, this.#mayHaveCommitted()) });
      return;
    }
    const failure = this.#refused(error);
    if (this.end === "flush") (connection as unknown as Wire).sync();
    // Whether the transaction is still open is known only with ReadyForQuery; a FATAL error is followed by the end instead.
    const settle = (): void => {
      connection.off("readyForQuery", settle).off("end", settle);
      this.#settle({ results: this.#results, failure });
    };
    connection.once("readyForQuery", settle).once("end", settle);
  }

  /** COPY needs a conversation: fail it, and the server answers with an error response. */
  handleCopyInResponse(connection: Connection): void {
    const wire = connection as unknown as Wire;
    wire.sendCopyFail("");
    this.#copyRefused = true;
    // While it waits for the copy's data the server ignores Sync, and so the one of this batch.
    if (this.end === "sync") wire.sync();
  }

  #refused(error: ErrorResponse): SqlFailure {
    if (this.#copyRefused) {
      return new SqlError("COPY is not supported here; insert from arrays by unnest", {
        code: "0A000",
        statement: this.#text(),
      });
    }
    if (error.code === "25006" && this.#session.readOnly) {
      return new SqlError("a query may only read; make it a command (SQLSTATE 25006)", {
        code: "25006",
        statement: this.#text(),
      });
    }
    return refusedStatement(error, this.#text(), this.#mayHaveCommitted());
  }

  #fail(code: string, message: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = new SqlError(message, { code, statement: this.#text() });
    this.#failedAt = this.#results.length;
    this.#rows = [];
  }

  #text(): string {
    return this.#statements[this.#results.length]?.text ?? "";
  }

  /** A batch that only opens or continues a transaction leaves nothing behind when the connection breaks. */
  #mayHaveCommitted(): boolean {
    if (this.end === "flush") return false;
    const stays = this.#wasInBlock || this.#statements[0]?.text === "BEGIN";
    return !stays || this.#statements.some(({ text }) => text === "COMMIT" || text === "ROLLBACK");
  }
}

/** The part of `pg`'s Connection that a batch uses; its published types lag behind its code. */
interface Wire {
  readonly stream: { write(bytes: Buffer): boolean };
  sync(): void;
  sendCopyFail(message: string): void;
}

/** The statement with its values as they are sent, so that sending it takes no time of its own. */
export function encoded(statement: Statement): Statement {
  return { text: statement.text, values: encodeAll(statement) };
}

function encodeAll({ values, text }: Statement): EncodedParameter[] {
  if (values.length > PARAMETERS_MAX) {
    const message = `${values.length} parameters are more than the protocol's ${PARAMETERS_MAX}; pass arrays and unnest them`;
    throw new SqlError(message, { code: "54000", statement: text });
  }
  return values.map((value, position) => {
    try {
      return encodeParameter(value);
    } catch (cause) {
      const message = `parameter $${position + 1}: ${(cause as Error).message}`;
      throw new SqlError(message, { code: "22023", statement: text, cause });
    }
  });
}
