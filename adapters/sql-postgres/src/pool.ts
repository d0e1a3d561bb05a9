import type { Budget } from "@banyan/kernel/store";
import { storeFaults } from "@banyan/kernel/store";
import { budgetOf, sendWithin } from "./budget.ts";
import { type ConnectOptions, connect, type SqlConnection } from "./connection.ts";
import { pause } from "./pause.ts";

export interface PoolOptions extends ConnectOptions {
  /**
   * Measured on two cores with 16 callers. Where a flush to disk takes 0.15 ms: 8 are as fast as 16, 4 lose 20 %, 64 are slower.
   * Where it takes 3 ms, those that wait for it share it, and 16 are 7 % faster than 10. Default 16.
   */
  readonly connectionsMax?: number;
  /** More waiters than this are refused at once: they would wait longer than their callers. Default 1,000. */
  readonly waitersMax?: number;
  /** How long a caller waits for a server that refuses connections, since a restart takes a second or two. Default 2,000. */
  readonly patienceMs?: number;
}

/** A bounded number of connections, opened when first needed and again after they break. */
export interface Pool {
  /**
   * Hands out a connection that is in no transaction; the caller gives it back by `release`. Waiters are served in order.
   * Raises `store.overloaded` (queue full), `store.unavailable` (no connection within `patienceMs`), `store.deadline`.
   */
  acquire(budget: Budget): SqlConnection | Promise<SqlConnection>;
  /** Takes a connection back; one left in a transaction is rolled back first, a broken one is forgotten. */
  release(connection: SqlConnection): void;
  /** Waits until all connections are back or the budget is spent, then closes. `acquire` raises `store.unavailable` from now on. */
  close(budget: Budget): Promise<void>;
  readonly state: PoolState;
}

export interface PoolState {
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
}

interface Waiter {
  readonly budget: Budget;
  /** How long it waits for a server that refuses connections, on the clock of `performance`. */
  readonly patientUntil: number;
  resolve(connection: SqlConnection): void;
  reject(error: unknown): void;
}

/** Reconnecting starts at once and slows down; the jitter keeps processes from returning in step. */
const BACKOFF_MIN_MS = 25;
const BACKOFF_MAX_MS = 1_000;
/** A rollback takes no time; a connection that does not manage one is not worth more of it. */
const ROLLBACK_MS = 2_000;

/** Who waits is looked at this often: one timer for all, where timers and a listener for each took 2-3 us of CPU. */
const LOOK_EVERY_MS = 20;

/** Connects nothing before the first `acquire`. */
export function createPool(options: PoolOptions): Pool {
  return new BoundedPool(options);
}

/**
 * P1  open + opening <= connectionsMax.
 * P2  A waiter exists only while no connection is idle.
 * P3  Every connection is idle, lent, or on its way to one of both.
 */
class BoundedPool implements Pool {
  readonly #options: PoolOptions;
  readonly #connectionsMax: number;
  readonly #waitersMax: number;
  readonly #idle: SqlConnection[] = [];
  readonly #all = new Set<SqlConnection>();
  readonly #waiters = new Set<Waiter>();
  #looking = false;
  #opening = 0;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #lastFailure: unknown;
  #failures = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#connectionsMax = options.connectionsMax ?? 16;
    this.#waitersMax = options.waitersMax ?? 1_000;
  }

  get state(): PoolState {
    return { open: this.#all.size, idle: this.#idle.length, waiting: this.#waiters.size };
  }

  acquire(budget: Budget): SqlConnection | Promise<SqlConnection> {
    if (this.#closing !== undefined) throw closedFault();
    // The one used last: its plans and the server's caches are warm, and the others may idle.
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#waiters.size >= this.#waitersMax) throw storeFaults.overloaded();
    const waiting = this.#wait(budget);
    if (this.#all.size + this.#opening < this.#connectionsMax) void this.#open();
    return waiting;
  }

  #wait(budget: Budget): Promise<SqlConnection> {
    const remainingMs = budget.remainingMs();
    if (remainingMs <= 0) throw storeFaults.deadline();
    // Half of what is left at most: a caller who learns that the server is away must have time to say so.
    const patienceMs = Math.min(this.#options.patienceMs ?? 2_000, remainingMs / 2);
    return new Promise((resolve, reject) => {
      this.#waiters.add({ budget, patientUntil: performance.now() + patienceMs, resolve, reject });
      if (!this.#looking) this.#lookLater();
    });
  }

  #lookLater(): void {
    this.#looking = true;
    setTimeout(() => {
      this.#looking = false;
      this.#look(this.#lastFailure);
      if (this.#waiters.size > 0) this.#lookLater();
    }, LOOK_EVERY_MS);
  }

  /** Sends away whose time is up, and who has lost patience with a server that fails to open a connection. */
  #look(failure: unknown): void {
    const now = performance.now();
    for (const waiter of this.#waiters) {
      const { budget, patientUntil } = waiter;
      const isSpent = budget.remainingMs() <= 0 || budget.signal.aborted;
      const isLost = failure !== undefined && (now >= patientUntil || isFinal(failure));
      if (!isSpent && !isLost) continue;
      this.#waiters.delete(waiter);
      waiter.reject(
        isLost
          ? storeFaults.unavailable(undefined, { cause: failure })
          : storeFaults.deadline(undefined, { cause: budget.signal.reason }),
      );
    }
  }

  release(connection: SqlConnection): void {
    if (connection.broken || !connection.inTransaction) this.#take(connection);
    else void this.#rollBack(connection);
  }

  async #rollBack(connection: SqlConnection): Promise<void> {
    const { failure } = await sendWithin(budgetOf(ROLLBACK_MS), connection, connection.undoing);
    if (failure === undefined) this.#take(connection);
    else this.#discard(connection);
  }

  #take(connection: SqlConnection): void {
    const [waiter] = this.#waiters;
    if (connection.broken || this.#closing !== undefined) this.#discard(connection);
    else if (waiter === undefined) this.#idle.push(connection);
    else {
      this.#waiters.delete(waiter);
      waiter.resolve(connection);
    }
  }

  #discard(connection: SqlConnection): void {
    this.#all.delete(connection);
    void connection.close();
    if (this.#closing !== undefined && this.#all.size === 0) this.#drained?.();
    else if (this.#waiters.size > 0) void this.#open();
  }

  /** Opens one connection, trying as long as somebody waits. */
  async #open(): Promise<void> {
    this.#opening++;
    while (this.#closing === undefined) {
      try {
        const connection = await connect(this.#options, { onLost: () => this.#forget(connection) });
        this.#opening--;
        this.#all.add(connection);
        this.#lastFailure = undefined;
        this.#failures = 0;
        return this.#take(connection);
      } catch (error) {
        this.#lastFailure = error;
        this.#look(error);
      }
      if (this.#waiters.size === 0) break;
      await pause(
        Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(this.#failures++, 10)) * (0.5 + Math.random() / 2),
      );
    }
    this.#opening--;
  }

  /** An idle connection that breaks leaves at once; a lent one when its borrower gives it back. */
  #forget(connection: SqlConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index === -1) return;
    this.#idle.splice(index, 1);
    this.#discard(connection);
  }

  close(budget: Budget): Promise<void> {
    this.#closing ??= this.#close(budget);
    return this.#closing;
  }

  async #close(budget: Budget): Promise<void> {
    for (const waiter of this.#waiters) waiter.reject(closedFault());
    this.#waiters.clear();
    for (const connection of this.#idle.splice(0)) this.#discard(connection);
    if (this.#all.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      const timer = setTimeout(resolve, Math.max(0, budget.remainingMs()));
      await promise;
      clearTimeout(timer);
    }
    await Promise.all([...this.#all].map((connection) => connection.close()));
    this.#all.clear();
  }
}

function closedFault(): Error {
  return storeFaults.unavailable(undefined, { cause: new Error("the pool is closed") });
}

/** Refused credentials and a missing database stay so: waiting for them would only hide them. */
function isFinal(error: unknown): boolean {
  const code = String((error as { code?: unknown } | undefined)?.code ?? "");
  return code.startsWith("28") || code === "3D000";
}
