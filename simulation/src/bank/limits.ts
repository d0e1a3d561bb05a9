import type { Database } from "../memory/database.ts";
import { type JobRow, jobs } from "../memory/tables.ts";
import { desk } from "./contract.ts";

type Changed = ReadonlyMap<string, JobRow | undefined>;

const limited = [desk.send, desk.stamp];

/** Reads along what the database commits, and notes where more jobs of a type began than its limits allow, in all processes together. */
export class LimitWatch {
  readonly problems = new Set<string>();
  private readonly database: Database;
  /** Of runs that have not ended. One that ran out is not counted again, should its process wake up and renew it. */
  private readonly leases = new Map<
    string,
    { readonly type: string; readonly token: number; readonly until: number }
  >();
  /** What is left of a rate, by type. */
  private readonly buckets = new Map<string, { readonly left: number; readonly at: number }>();

  constructor(database: Database) {
    this.database = database;
    database.hearers.push((writes) => this.heard(writes.get(jobs.name) as Changed | undefined));
  }

  private heard(changed: Changed = new Map()): void {
    const began: JobRow[] = [];
    for (const [id, row] of changed) {
      const before = this.leases.get(id);
      if (row?.owner === undefined || row.deadAt !== undefined) this.leases.delete(id);
      else if (before?.token !== row.token) {
        this.leases.set(id, { type: row.type, token: row.token, until: row.dueAt });
        began.push(row);
      } else if (before.until > this.database.now()) this.leases.set(id, { ...before, until: row.dueAt });
    }
    for (const { id: type, definition } of limited) {
      const rows = began.filter((row) => row.type === type);
      if (rows.length === 0) continue;
      if (definition.concurrency !== undefined) this.countRunning(type, definition.concurrency);
      for (const { dueAt } of rows)
        if (definition.rateLimit !== undefined) this.spend(type, definition.rateLimit, dueAt);
    }
  }

  private countRunning(type: string, most: number): void {
    const now = this.database.now();
    const running = [...this.leases.values()].filter((lease) => lease.type === type && lease.until > now).length;
    if (running > most) this.problems.add(`${running} of ${type} ran at a time, and its limit is ${most}`);
  }

  /** All leases are equally long, so their ends are as far apart as their beginnings, which the database counts by. */
  private spend(type: string, { runs, perMs }: { readonly runs: number; readonly perMs: number }, at: number): void {
    const bucket = this.buckets.get(type) ?? { left: runs, at };
    const left = Math.min(runs, bucket.left + ((at - bucket.at) * runs) / perMs) - 1;
    if (left < -1e-6) this.problems.add(`${type} began once more than ${runs} in ${perMs} ms`);
    this.buckets.set(type, { left, at });
  }
}
