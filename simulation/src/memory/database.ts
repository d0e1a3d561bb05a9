import type { Budget } from "@banyan/kernel/store";
import { storeFaults } from "@banyan/kernel/store";
import { type LockHolder, type LockMode, Locks } from "./locks.ts";

/** A statement that the database refused; `code` is the SQLSTATE that PostgreSQL gives. */
export class SqlError extends Error {
  readonly code: string;
  readonly constraint: string | undefined;
  constructor(message: string, code: string, constraint?: string) {
    super(message);
    this.name = "SqlError";
    this.code = code;
    this.constraint = constraint;
  }
}

declare const rowOf: unique symbol;

/** Names a table and the type of its rows. */
export interface Table<Row> {
  readonly name: string;
  readonly [rowOf]?: Row;
}

export function defineTable<Row>(name: string): Table<Row> {
  return { name };
}

type Rows = Map<string, unknown>;
type Writes = Map<string, Rows>;
/** Rows that were written, by table and key; undefined where one was deleted. */
export type Written = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/**
 * What all processes of a simulated world share, and what survives them. Rows lie by table and primary key; who writes one
 * holds its lock until the transaction ends, so that READ COMMITTED is what PostgreSQL makes of it: a statement sees what
 * was committed when it reads, and a write waits for whoever writes the row.
 */
export class Database {
  readonly locks = new Locks();
  /** Milliseconds since 1970 by the database's own clock. */
  readonly now: () => number;
  /** Told of each transaction that ends, before its rows are seen, with those that it wrote; none where it was rolled back. */
  readonly hearers: ((writes: Written) => void)[] = [];
  private readonly tables = new Map<string, Rows>();
  private readonly sequences = new Map<string, number>();
  private readonly open = new Set<DatabaseTransaction>();
  /** What undoes the commits that are not on disk yet, the oldest first: all since the last one that waited for the disk. */
  private readonly unflushed: Writes[] = [];

  constructor(now: () => number) {
    this.now = now;
  }

  /** The next number; one that was drawn is gone, whatever becomes of the transaction. */
  next(sequence: string): number {
    const value = (this.sequences.get(sequence) ?? 0) + 1;
    this.sequences.set(sequence, value);
    return value;
  }

  /** Committed rows, in the order in which each was first committed. */
  rows<Row>(table: Table<Row>): ReadonlyMap<string, Row> {
    return this.rowsOf(table.name) as ReadonlyMap<string, Row>;
  }

  begin(): DatabaseTransaction {
    const transaction = new DatabaseTransaction(this);
    this.open.add(transaction);
    return transaction;
  }

  /**
   * Every open transaction ends, as when the server dies and comes back, and the last commits are forgotten: `lose` says how many of so many
   * that were not on disk.
   */
  crash(lose: (most: number) => number): void {
    for (const transaction of [...this.open]) transaction.rollback(storeFaults.unavailable());
    const lost = lose(this.unflushed.length);
    for (const before of this.unflushed.splice(this.unflushed.length - lost).reverse()) this.put(before);
    this.unflushed.length = 0;
  }

  end(transaction: DatabaseTransaction, writes: Writes): void {
    this.open.delete(transaction);
    for (const hear of this.hearers) hear(writes);
    if (writes.size > 0) {
      if (transaction.isUnflushed) this.unflushed.push(this.before(writes));
      else this.unflushed.length = 0;
    }
    this.put(writes);
    this.locks.releaseAll(transaction);
  }

  private put(writes: Writes): void {
    for (const [name, changed] of writes) {
      const rows = this.rowsOf(name);
      for (const [key, row] of changed) {
        if (row === undefined) rows.delete(key);
        else rows.set(key, row);
      }
    }
  }

  /** The rows as they are, of those that `writes` changes. */
  private before(writes: Writes): Writes {
    const rowsBefore = (name: string, changed: Rows): Rows =>
      new Map([...changed.keys()].map((key) => [key, this.rowsOf(name).get(key)]));
    return new Map([...writes].map(([name, changed]) => [name, rowsBefore(name, changed)]));
  }

  private rowsOf(name: string): Rows {
    return entryOf(this.tables, name);
  }
}

const noWrites: Writes = new Map();
/** As often as the PostgreSQL adapter looks whether what is under way should be cancelled. */
const lookMs = 20;

/** The server's side of one transaction. */
export class DatabaseTransaction implements LockHolder {
  readonly held: LockHolder["held"] = new Set();
  waitsFor: LockHolder["waitsFor"] = null;
  readonly database: Database;
  isReadOnly = false;
  /** Its commit does not wait until it is on disk, nor until what was committed before it is: a crash may take it back. */
  isUnflushed = false;
  /** Whose time the statement under way spends. */
  budget: Budget | null = null;
  private writes: Writes = new Map();
  private readonly savepoints = new Map<string, Writes>();
  private isEnded = false;
  /** What it was ended by, where not by whoever used it. */
  private reason: Error | null = null;
  /** Ends the wait under way. */
  private interrupt: ((reason: Error) => void) | null = null;

  constructor(database: Database) {
    this.database = database;
  }

  get isOpen(): boolean {
    return !this.isEnded;
  }

  get<Row>(table: Table<Row>, key: string): Row | undefined {
    const own = this.writes.get(table.name);
    return (own?.has(key) ? own.get(key) : this.database.rows(table).get(key)) as Row | undefined;
  }

  /** What it would see of a table: the committed rows and its own. */
  rows<Row>(table: Table<Row>): ReadonlyMap<string, Row> {
    const own = this.writes.get(table.name) as ReadonlyMap<string, Row | undefined> | undefined;
    if (own === undefined) return this.database.rows(table);
    const all = new Map(this.database.rows(table));
    for (const [key, row] of own) {
      if (row === undefined) all.delete(key);
      else all.set(key, row);
    }
    return all;
  }

  /** Raises SQLSTATE 23505 where the key is taken, once whoever takes it has committed. */
  async insert<Row>(table: Table<Row>, key: string, row: Row): Promise<void> {
    if (!(await this.insertNew(table, key, row))) {
      throw new SqlError(`${key} is taken`, "23505", `${table.name}_pkey`);
    }
  }

  /** False where the key is taken: ON CONFLICT DO NOTHING. */
  async insertNew<Row>(table: Table<Row>, key: string, row: Row): Promise<boolean> {
    const name = lockOf(table, key);
    await this.lock(name, "exclusive");
    if (this.get(table, key) === undefined) {
      this.write(table, key, row);
      return true;
    }
    if (!this.writes.get(table.name)?.has(key)) this.database.locks.releaseOne(this, name);
    return false;
  }

  /** Locks the row, reads it as it is then, and writes what `change` makes of it; undefined deletes it. */
  async update<Row>(table: Table<Row>, key: string, change: (row: Row | undefined) => Row | undefined): Promise<void> {
    await this.lock(lockOf(table, key), "exclusive");
    this.write(table, key, change(this.get(table, key)));
  }

  /** FOR UPDATE SKIP LOCKED. */
  tryLockRow<Row>(table: Table<Row>, key: string): boolean {
    return this.tryLock(lockOf(table, key));
  }

  /** Takes the lock if nobody has it. */
  tryLock(name: string): boolean {
    this.assertOpen();
    return this.database.locks.tryTake(this, name, "exclusive");
  }

  async lock(name: string, mode: LockMode): Promise<void> {
    this.assertOpen();
    if (this.database.locks.tryTake(this, name, mode)) return;
    const { granted, giveUp } = this.database.locks.wait(this, name, mode);
    try {
      await this.interruptible(granted);
    } catch (error) {
      giveUp();
      throw error;
    }
  }

  sleep(ms: number): Promise<void> {
    return this.interruptible(new Promise((resolve) => setTimeout(resolve, ms)));
  }

  savepoint(name: string): void {
    this.savepoints.set(name, copyOf(this.writes));
  }

  rollbackTo(name: string): void {
    this.writes = copyOf(this.savepoints.get(name) ?? noWrites);
  }

  commit(): void {
    this.assertOpen();
    this.finish(null, this.writes);
  }

  /** Undoes everything; what still runs in it fails with `reason`. */
  rollback(reason: Error | null = null): void {
    if (!this.isEnded) this.finish(reason, noWrites);
  }

  private finish(reason: Error | null, writes: Writes): void {
    this.isEnded = true;
    this.reason = reason;
    if (this.interrupt !== null) this.interrupt(this.failure());
    this.database.end(this, writes);
  }

  private write<Row>(table: Table<Row>, key: string, row: Row | undefined): void {
    this.assertOpen();
    if (this.isReadOnly) throw new SqlError("a query may only read", "25006");
    entryOf(this.writes, table.name).set(key, row);
  }

  /** Waits until the budget is spent, its caller gives up, or the transaction ends under it. */
  private async interruptible(done: Promise<void>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.interrupt = reject;
    const { budget } = this;
    const look = () => {
      if (budget !== null && (budget.signal.aborted || budget.remainingMs() <= 0)) reject(storeFaults.deadline());
      else timer = setTimeout(look, lookMs);
    };
    let timer = setTimeout(look, lookMs);
    try {
      await Promise.race([done, promise]);
    } finally {
      clearTimeout(timer);
      this.interrupt = null;
    }
  }

  private assertOpen(): void {
    if (this.isEnded) throw this.failure();
  }

  private failure(): Error {
    return this.reason ?? new SqlError("the transaction has ended", "25P01");
  }
}

function entryOf(tables: Writes, name: string): Rows {
  const rows = tables.get(name) ?? new Map();
  tables.set(name, rows);
  return rows;
}

function lockOf({ name }: Table<unknown>, key: string): string {
  return `${name} ${key}`;
}

function copyOf(writes: Writes): Writes {
  return new Map([...writes].map(([name, rows]) => [name, new Map(rows)]));
}
