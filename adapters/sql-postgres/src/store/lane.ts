import { type Budget, type Sql, storeFaults } from "@banyan/kernel/store";
import { type BatchEnd, encoded, type StatementResult } from "../batch.ts";
import { budgetOf, sendWithin } from "../budget.ts";
import { BEGIN, COMMIT, type SqlConnection } from "../connection.ts";
import { SqlError } from "../failure.ts";
import type { Pool } from "../pool.ts";
import type { Statement } from "../statement.ts";
import { needsBlock, sqlOf } from "./handler-sql.ts";

const ROLLBACK_MS = 2_000;

/** What a transaction says before its first statement, in the same round trip. */
export interface Opening {
  readonly statements: readonly Statement[];
  /** Judges their results where a statement came with them: what it returns fails the transaction, whatever the statement gave. */
  refusal?(results: readonly StatementResult[]): Error | undefined;
}

interface Pending {
  readonly statement: Statement;
  resolve(result: StatementResult): void;
  reject(error: unknown): void;
}

/**
 * One transaction on one connection. Statements called in the same tick, or while a batch is under way, go together as the next.
 *
 * L1  No connection is held before the first statement, nor after `commit`, `rollback` or `rollbackAnd` settled.
 * L2  The opening travels with the first statement, and the Sync that commits with the closing. BEGIN and COMMIT are sent only
 *     where a statement needs them.
 * L3  After a failure every statement fails with the same error, and nothing is sent but what undoes the transaction.
 */
export class Lane {
  readonly #pool: Pool;
  readonly #budget: Budget;
  readonly #opening: Opening;
  readonly sql: Sql;
  #connection: SqlConnection | undefined;
  #opened = false;
  /** BEGIN was sent. */
  #inBlock = false;
  #closed = false;
  #failure: unknown;
  #pending: Pending[] = [];
  #draining: Promise<void> | undefined;

  constructor(pool: Pool, budget: Budget, opening: Opening = { statements: [] }) {
    this.#pool = pool;
    this.#budget = budget;
    this.#opening = opening;
    this.sql = sqlOf((statement) => {
      const rows = this.run(statement).then((result) => result.rows);
      // A statement that its handler forgot to await must not bring the process down: the commit raises its failure.
      rows.catch(() => {});
      return rows;
    });
  }

  /** True once anything was sent. */
  get opened(): boolean {
    return this.#opened;
  }

  run(statement: Statement): Promise<StatementResult> {
    if (this.#closed) {
      const message = "the transaction has ended: a statement was not awaited by its handler";
      return Promise.reject(new SqlError(message, { code: "25P01", statement: statement.text }));
    }
    const { promise, resolve, reject } = Promise.withResolvers<StatementResult>();
    this.#pending.push({ statement: this.#draining === undefined ? statement : readied(statement), resolve, reject });
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Ends a transaction in which no statement was called, and says whether it is one; any other goes on. */
  endSilently(): boolean {
    const silent = !this.#opened && this.#draining === undefined && this.#failure === undefined;
    if (silent) this.#closed = true;
    return silent;
  }

  /** Opens without a statement of the handler's, by `statements` in place of the opening, and returns their results. */
  async open(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    await this.#draining;
    this.#throwIfFailed();
    const results = await this.#send(statements, "flush");
    this.#throwIfFailed();
    return results;
  }

  /** Sends `closing`, with the opening where nothing else was sent, and commits. Any failure rolls back. */
  async commit(closing: readonly Statement[]): Promise<readonly StatementResult[]> {
    // While the server is at work with what was sent before: of 5,000 events it would wait for them.
    const ready = this.#draining === undefined ? closing : closing.map(encoded);
    // What nobody waited for goes with the closing, unless the opening is yet to be judged.
    const last = this.#opened || this.#opening.refusal === undefined ? this.#pending.splice(0) : [];
    await this.#settled();
    this.#closed = true;
    if (this.#failure === undefined) {
      const results = await this.#end(last, ready);
      if (this.#failure === undefined) {
        this.#release();
        return results;
      }
    }
    for (const { reject } of last) reject(this.#failure);
    await this.rollback();
    throw this.#failure;
  }

  async #end(last: readonly Pending[], closing: readonly Statement[]): Promise<readonly StatementResult[]> {
    const before = this.#before(last);
    const statements = [...before, ...last.map(({ statement }) => statement), ...closing];
    if (!this.#opened && statements.length === 0) return [];
    const results = await this.#send(this.#inBlock ? [...statements, COMMIT] : statements, "sync");
    for (const [index, { resolve }] of last.entries()) {
      const result = results[before.length + index];
      if (result !== undefined) resolve(result);
    }
    return results.slice(before.length + last.length);
  }

  /** Never rejects; a connection that cannot roll back is discarded by the pool. */
  async rollback(): Promise<void> {
    this.#closed = true;
    await this.#settled();
    const connection = this.#connection;
    // Awaited, though the pool would do it, too: whoever tries again at once must not wait for its own locks.
    if (connection?.inTransaction && !connection.broken)
      await sendWithin(budgetOf(ROLLBACK_MS), connection, connection.undoing);
    this.#release();
  }

  /** Undoes everything, and runs `statements` in a transaction of their own: one round trip. */
  async rollbackAnd(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    this.#closed = true;
    await this.#settled();
    // What failed before is undone and no longer counts.
    this.#failure = undefined;
    if (this.#connection?.broken) this.#release();
    const undoing = this.#connection?.undoing ?? [];
    this.#opened = false;
    const results = await this.#send([...undoing, ...statements], "sync");
    await this.rollback();
    this.#throwIfFailed();
    return results.slice(undoing.length);
  }

  /** Begins once all that the event loop's turn has to do is done: collects the statements of the turn, and leaves them to a commit in it. */
  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => process.nextTick(resolve));
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      const before = this.#before(batch);
      const statements = [...before, ...batch.map(({ statement }) => statement)];
      const results = this.#failure === undefined ? await this.#handlers(statements) : [];
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[before.length + index];
        if (result === undefined) reject(this.#failure);
        else resolve(result);
      }
    }
    this.#draining = undefined;
  }

  /** What goes before the handler's statements, in the same batch. */
  #before(batch: readonly Pending[]): readonly Statement[] {
    const block = !this.#inBlock && batch.some(({ statement }) => needsBlock(statement)) ? [BEGIN] : [];
    this.#inBlock ||= block.length > 0;
    return this.#opened ? block : [...block, ...this.#opening.statements];
  }

  async #handlers(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const opens = !this.#opened;
    const results = await this.#send(statements, "flush");
    if (!opens) return results;
    const first = statements[0] === BEGIN ? 1 : 0;
    const refused = this.#opening.refusal?.(results.slice(first, first + this.#opening.statements.length));
    this.#failure = refused ?? this.#failure;
    return refused === undefined ? results : [];
  }

  /** Returns the results up to the failure, which it keeps; never rejects. */
  async #send(statements: readonly Statement[], end: BatchEnd): Promise<readonly StatementResult[]> {
    try {
      // Not the next transaction's Sync, where the session was lost in between and with it what was said before.
      if (this.#opened && !this.#connection?.inTransaction) throw storeFaults.unavailable();
      this.#connection ??= await this.#pool.acquire(this.#budget);
      const { results, failure } = await sendWithin(this.#budget, this.#connection, statements, end);
      this.#opened = true;
      this.#failure = failure;
      return results;
    } catch (error) {
      this.#failure = error;
      return [];
    }
  }

  /** Statements that a handler did not await still count: they are part of the transaction. */
  async #settled(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #release(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#pool.release(connection);
  }
}

/** Encoded while the server is at work with what was sent before; what cannot be sent fails when it would be. */
function readied(statement: Statement): Statement {
  try {
    return encoded(statement);
  } catch {
    return statement;
  }
}
