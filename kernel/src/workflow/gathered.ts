import { storeFaults } from "../store/store-faults.ts";
import type { Gatherer, Turns } from "../transaction/turns.ts";

/** Of its own, each with a connection; fewer would leave the server idle while Node reads an answer. */
const groupsMax = 2;
const groupMax = 200;

interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Asks the store for many runs together: those that come before its turn go together, so that a run costs what its rows cost, and not
 * what a round trip costs. One that comes alone does not wait.
 */
export class Gathered<Asked, Answer> implements Gatherer {
  private readonly turns: Turns;
  private readonly work: (asked: readonly Asked[]) => Promise<readonly Answer[]>;
  private waiting: Waiting<Asked, Answer>[] = [];
  private storing = 0;
  private isScheduled = false;

  /** `work` answers for each, in order. */
  constructor(turns: Turns, work: (asked: readonly Asked[]) => Promise<readonly Answer[]>) {
    this.turns = turns;
    this.work = work;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  get isFull(): boolean {
    return this.waiting.length >= groupMax;
  }

  add(asked: Asked): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.waiting.push({ asked, resolve, reject });
    this.offer();
    return promise;
  }

  /** Where one of its groups is under way the next needs no turn, but one of the event loop, which gathers what a read of the sockets brought. */
  private offer(): void {
    if (this.waiting.length === 0) return;
    if (this.storing === 0) this.turns.ask(this);
    else if (this.storing < groupsMax && !this.isScheduled) {
      this.isScheduled = true;
      setImmediate(() => {
        this.isScheduled = false;
        void this.storeGroup();
      });
    }
  }

  async storeGroup(): Promise<number> {
    const group = this.waiting.splice(0, groupMax);
    if (group.length === 0) return 0;
    this.storing++;
    await this.answer(group);
    this.storing--;
    this.offer();
    return group.length;
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
