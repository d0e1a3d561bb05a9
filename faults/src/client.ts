import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { History } from "./history.ts";
import type { Random } from "./random.ts";
import { Gone, type Subject } from "./subject/subject.ts";

const inFlight = 16;
const counters = 40;
/** One operation in so many is on a counter whose events cannot be handled yet. */
const poisonEvery = 150;
export const poisonedCounter = "poisoned";

/** Adds to counters without end; an operation whose outcome is unknown is asked for again with the same key, until it is known. */
export class Client {
  /** Operations that were acknowledged. */
  acknowledged = 0;
  /** Answers that said that something is out, or full, or too slow: what was asked for was asked for again. */
  refused = 0;
  private sent = 0;
  private isStopped = false;
  private readonly history: History;
  private readonly random: Random;
  private readonly subjects: () => readonly Subject[];
  private readonly running: Promise<unknown>;

  constructor(history: History, random: Random, subjects: () => readonly Subject[]) {
    this.history = history;
    this.random = random;
    this.subjects = subjects;
    this.running = Promise.all(Array.from({ length: inFlight }, () => this.run()));
  }

  /** Resolves when every operation that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const isPoison = ++this.sent % poisonEvery === 0;
      const counter = isPoison ? poisonedCounter : `counter-${Math.floor(this.random() * counters)}`;
      const operation = { id: randomUUID(), counter, amount: 1 + Math.floor(this.random() * 9) };
      await this.history.record({ op: "invoked", id: operation.id });
      await this.untilKnown(operation);
      await this.history.record({ op: "ok", id: operation.id });
      this.acknowledged++;
    }
  }

  private async untilKnown(operation: Parameters<Subject["add"]>[0]): Promise<void> {
    for (;;) {
      const alive = this.subjects().filter(({ isAlive }) => isAlive);
      const subject = alive[Math.floor(this.random() * alive.length)];
      try {
        const answer = await subject?.add(operation);
        if (answer?.value !== undefined) return;
        if (answer !== undefined) this.refused++;
        if (answer?.fault === "no") throw new Error(`an operation was refused: ${answer.text}`);
      } catch (error) {
        if (!(error instanceof Gone)) throw error;
      }
      await pause(20);
    }
  }
}
