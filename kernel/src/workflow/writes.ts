import { storeFaults } from "../store/store-faults.ts";
import type { RunChange, RunStore, RunVerdict } from "../store/workflows.ts";

/** Each holds a connection; fewer would leave the server idle while Node reads an answer. */
const transactionsMax = 2;
const groupMax = 200;

interface Waiting {
  readonly change: RunChange;
  resolve(verdict: RunVerdict): void;
  reject(error: unknown): void;
}

/**
 * Stores changes of many runs, those that come while a transaction is under way together in the next: a run costs what its rows cost,
 * and not what a commit costs. One that comes alone does not wait.
 */
export class Writes {
  private readonly runs: RunStore;
  private waiting: Waiting[] = [];
  private transactions = 0;
  private isScheduled = false;

  constructor(runs: RunStore) {
    this.runs = runs;
  }

  write(change: RunChange): Promise<RunVerdict> {
    const { promise, resolve, reject } = Promise.withResolvers<RunVerdict>();
    this.waiting.push({ change, resolve, reject });
    this.schedule();
    return promise;
  }

  /** After a turn of the event loop, which gathers what one read of the sockets brought. */
  private schedule(): void {
    if (this.isScheduled || this.waiting.length === 0 || this.transactions === transactionsMax) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      void this.next();
    });
  }

  private async next(): Promise<void> {
    this.transactions++;
    await this.store(this.waiting.splice(0, groupMax));
    this.transactions--;
    this.schedule();
  }

  /** Never rejects: where a group fails, each of it has its own answer. */
  private async store(group: readonly Waiting[]): Promise<void> {
    try {
      const verdicts = await this.runs.write(group.map(({ change }) => change));
      for (const [index, { resolve }] of group.entries()) resolve(verdicts[index] as RunVerdict);
    } catch (error) {
      if (group.length === 1 || storeFaults.uncertain.is(error)) for (const { reject } of group) reject(error);
      else for (const one of group) await this.store([one]);
    }
  }
}
