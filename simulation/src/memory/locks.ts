import { storeFaults } from "@banyan/kernel/store";

/** Many may hold a lock shared, one exclusive. */
export type LockMode = "shared" | "exclusive";

/** Who takes locks, and gives all back at once: a transaction. */
export interface LockHolder {
  readonly held: Set<Lock>;
  /** What it waits for, if it does. */
  waitsFor: Lock | null;
}

interface Waiting {
  readonly holder: LockHolder;
  readonly mode: LockMode;
  readonly granted: () => void;
}

interface Lock {
  readonly name: string;
  readonly holders: Map<LockHolder, LockMode>;
  readonly queue: Waiting[];
}

/**
 * Named locks, first come first served. Whoever would wait in a circle is refused with `store.contended` at once, where
 * Postgres takes its `deadlock_timeout` to find out.
 */
export class Locks {
  private readonly byName = new Map<string, Lock>();

  /** Takes the lock if that needs no wait. */
  tryTake(holder: LockHolder, name: string, mode: LockMode): boolean {
    const lock = this.lockOf(name);
    if (lock.holders.get(holder) === "exclusive" || lock.holders.get(holder) === mode) return true;
    if (lock.queue.length > 0 || !isFree(lock, holder, mode)) return false;
    grant(lock, holder, mode);
    return true;
  }

  /** Waits for the lock; `giveUp` leaves the queue. */
  wait(holder: LockHolder, name: string, mode: LockMode): { readonly granted: Promise<void>; giveUp(): void } {
    const lock = this.lockOf(name);
    if (closesCircle(lock, holder)) throw storeFaults.contended(undefined, { cause: new Error(`deadlock at ${name}`) });
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { holder, mode, granted: resolve };
    lock.queue.push(waiting);
    holder.waitsFor = lock;
    const giveUp = () => {
      holder.waitsFor = null;
      const place = lock.queue.indexOf(waiting);
      if (place < 0) return this.releaseOne(holder, name);
      lock.queue.splice(place, 1);
      this.serve(lock);
    };
    return { granted: promise, giveUp };
  }

  releaseOne(holder: LockHolder, name: string): void {
    const lock = this.lockOf(name);
    lock.holders.delete(holder);
    holder.held.delete(lock);
    this.serve(lock);
  }

  releaseAll(holder: LockHolder): void {
    for (const lock of holder.held) {
      lock.holders.delete(holder);
      this.serve(lock);
    }
    holder.held.clear();
  }

  private serve(lock: Lock): void {
    for (let next = lock.queue[0]; next !== undefined && isFree(lock, next.holder, next.mode); next = lock.queue[0]) {
      lock.queue.shift();
      next.holder.waitsFor = null;
      grant(lock, next.holder, next.mode);
      next.granted();
    }
    if (lock.holders.size === 0 && lock.queue.length === 0) this.byName.delete(lock.name);
  }

  private lockOf(name: string): Lock {
    let lock = this.byName.get(name);
    if (lock === undefined) {
      lock = { name, holders: new Map(), queue: [] };
      this.byName.set(name, lock);
    }
    return lock;
  }
}

function grant(lock: Lock, holder: LockHolder, mode: LockMode): void {
  lock.holders.set(holder, mode);
  holder.held.add(lock);
}

function isFree(lock: Lock, holder: LockHolder, mode: LockMode): boolean {
  for (const [other, held] of lock.holders) {
    if (other !== holder && (mode === "exclusive" || held === "exclusive")) return false;
  }
  return true;
}

/** Whether somebody whom `holder` would wait for at the lock waits, however indirectly, for what it holds. */
function closesCircle(lock: Lock, holder: LockHolder, seen = new Set([lock])): boolean {
  for (const other of [...lock.holders.keys(), ...lock.queue.map((waiting) => waiting.holder)]) {
    const next = other.waitsFor;
    if (other === holder || next === null) continue;
    if (next.holders.has(holder)) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    if (closesCircle(next, holder, seen)) return true;
  }
  return false;
}
