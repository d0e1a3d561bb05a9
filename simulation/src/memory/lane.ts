import { type Budget, storeFaults } from "@banyan/kernel/store";
import { type Database, type DatabaseTransaction, SqlError } from "./database.ts";
import type { Wire } from "./wire.ts";

/** What a statement does at the server. */
export type ServerWork<T> = (transaction: DatabaseTransaction) => Promise<T>;

/** What lanes share: one process's way to the database, and whether it may still be used. */
export interface Connections {
  readonly database: Database;
  readonly wire: Wire;
  /** Open lanes; whoever closes the store cuts them. */
  readonly lanes: Set<Lane>;
  isClosed: boolean;
}

interface Pending {
  readonly work: ServerWork<unknown>;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The process's side of one transaction. Statements called in the same tick, or while a batch is under way, go together as
 * the next; `opening` goes with the first. After a failure all fail with the same error, and only `rollback` is left.
 */
export class Lane {
  private readonly connections: Connections;
  private readonly budget: Budget;
  private readonly opening: ServerWork<unknown>;
  private transaction: DatabaseTransaction | null = null;
  private isClosed = false;
  private failure: unknown;
  private pending: Pending[] = [];
  private draining: Promise<void> | null = null;

  constructor(connections: Connections, budget: Budget, opening: ServerWork<unknown> = async () => {}) {
    this.connections = connections;
    this.budget = budget;
    this.opening = opening;
  }

  get isOpened(): boolean {
    return this.transaction !== null;
  }

  run<T>(work: ServerWork<T>): Promise<T> {
    if (this.isClosed) return Promise.reject(new SqlError("the transaction has ended: is an await missing?", "25P01"));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.pending.push({ work, resolve, reject });
    this.draining ??= this.drain();
    // A statement that its handler forgot to await must not bring the process down: the commit raises its failure.
    promise.catch(() => {});
    return promise;
  }

  /** Opens by `opening` in place of the lane's own. */
  async open<T>(opening: ServerWork<T>): Promise<T> {
    await this.draining;
    return this.send(opening, false);
  }

  /** Any failure rolls back. `closing` is the last that the server does before it commits. */
  async commit<T>(closing: ServerWork<T>): Promise<T> {
    await this.draining;
    this.isClosed = true;
    try {
      return await this.send((transaction) => closeAndCommit(transaction, closing), true);
    } catch (error) {
      await this.rollback();
      throw error;
    } finally {
      this.connections.lanes.delete(this);
    }
  }

  /** Never raises: a connection that broke is rolled back by the server. */
  async rollback(): Promise<void> {
    this.isClosed = true;
    await this.draining;
    const { transaction } = this;
    if (transaction?.isOpen) {
      const undo = async () => transaction.rollback();
      await this.connections.wire.carry(transaction, undo, false).catch(() => {});
    }
    this.connections.lanes.delete(this);
  }

  cut(): void {
    this.failure ??= storeFaults.unavailable();
    this.transaction?.rollback(storeFaults.unavailable());
  }

  private async drain(): Promise<void> {
    await Promise.resolve();
    while (this.pending.length > 0) await this.sendBatch(this.pending.splice(0));
    this.draining = null;
  }

  private async sendBatch(batch: readonly Pending[]): Promise<void> {
    const answers: unknown[] = [];
    try {
      const isFirst = this.transaction === null;
      await this.send(async (transaction) => {
        if (isFirst) await this.opening(transaction);
        for (const { work } of batch) answers.push(await work(transaction));
      }, false);
    } catch (error) {
      for (const { reject } of batch.slice(answers.length)) reject(error);
    }
    for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer as never);
  }

  private async send<T>(work: ServerWork<T>, mayCommit: boolean): Promise<T> {
    if (this.failure !== undefined) throw this.failure;
    try {
      const transaction = this.opened();
      return await this.connections.wire.carry(transaction, () => within(this.budget, transaction, work), mayCommit);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  private opened(): DatabaseTransaction {
    if (this.budget.remainingMs() <= 0) throw storeFaults.deadline();
    if (this.transaction !== null) return this.transaction;
    if (this.connections.isClosed) throw storeFaults.unavailable();
    this.connections.lanes.add(this);
    this.transaction = this.connections.database.begin();
    return this.transaction;
  }
}

async function closeAndCommit<T>(transaction: DatabaseTransaction, closing: ServerWork<T>): Promise<T> {
  try {
    const result = await closing(transaction);
    transaction.commit();
    return result;
  } catch (error) {
    transaction.rollback();
    throw error;
  }
}

async function within<T>(budget: Budget, transaction: DatabaseTransaction, work: ServerWork<T>): Promise<T> {
  transaction.budget = budget;
  try {
    return await work(transaction);
  } finally {
    transaction.budget = null;
  }
}

/** Nobody waits for these in person, and none reads more than a page; what takes longer is stuck. */
const runMs = 10_000;
const neverAborted = new AbortController().signal;

/** Runs `work` in a transaction of its own. */
export function runOnce<T>(connections: Connections, work: ServerWork<T>, budget?: Budget): Promise<T> {
  const end = connections.database.now() + runMs;
  const own: Budget = { remainingMs: () => end - connections.database.now(), signal: neverAborted };
  return new Lane(connections, budget ?? own).commit(work);
}
