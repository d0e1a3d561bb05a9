import { storeFaults } from "../store/store-faults.ts";

/** Each holds a connection; fewer would leave the server idle while Node reads an answer. */
const transactionsMax = 2;
const groupMax = 200;

interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Asks the store for many runs together: those that come while an answer is awaited go together with the next, so that a run costs what
 * its rows cost, and not what a round trip costs. One that comes alone does not wait.
 */
export class Gathered<Asked, Answer> {
  private readonly work: (asked: readonly Asked[]) => Promise<readonly Answer[]>;
  private waiting: Waiting<Asked, Answer>[] = [];
  private transactions = 0;
  private isScheduled = false;

  /** `work` answers for each, in order. */
  constructor(work: (asked: readonly Asked[]) => Promise<readonly Answer[]>) {
    this.work = work;
  }

  add(asked: Asked): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.waiting.push({ asked, resolve, reject });
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
    await this.answer(this.waiting.splice(0, groupMax));
    this.transactions--;
    this.schedule();
  }

  /** Never rejects: where a group fails, each of it has its own answer. */
  private async answer(group: readonly Waiting<Asked, Answer>[]): Promise<void> {
    try {
      const answers = await this.work(group.map(({ asked }) => asked));
      for (const [index, { resolve }] of group.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      if (group.length === 1 || storeFaults.uncertain.is(error)) for (const { reject } of group) reject(error);
      else for (const one of group) await this.answer([one]);
    }
  }
}
