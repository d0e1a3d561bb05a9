import type { Offer } from "./messages.ts";
import type { RemoteNode } from "./remote-node.ts";
import { beatMs, pauseMsMax } from "./timing.ts";

/** The nodes that offer one service, as this process sees them. Changes in place; `generation` tells that it did. */
export class ServiceView {
  readonly service: string;
  /** All that offer it, however they are. */
  readonly nodes: RemoteNode[] = [];
  /** Those to choose from: who is up, or else who is damped. */
  available: readonly RemoteNode[] = [];
  generation = 0;
  /** Whether anybody ever offered it, as far as this process heard. */
  isKnown: boolean;
  /** The last question for it certainly reached nobody who could offer it. */
  isUnheard = false;
  /** When to ask for it again, on the monotonic clock. */
  askAt = 0;
  private askPauseMs = beatMs;
  private questionsLeft = 0;
  /** Somebody went away without it since the last question. */
  private isMissed = false;
  private waiting: (() => void)[] = [];

  constructor(service: string, isKnown: boolean) {
    this.service = service;
    this.isKnown = isKnown;
  }

  offerOf(node: RemoteNode): Offer | undefined {
    return node.offers.get(this.service);
  }

  add(node: RemoteNode): void {
    this.isKnown = true;
    this.isUnheard = false;
    if (!this.nodes.includes(node)) this.nodes.push(node);
    this.refresh();
  }

  remove(node: RemoteNode): void {
    const index = this.nodes.indexOf(node);
    if (index >= 0) this.nodes.splice(index, 1);
    this.refresh();
  }

  /** Something about one of the nodes is different. */
  refresh(): void {
    const up = this.nodes.filter(({ health }) => health.state === "up");
    this.available = up.length > 0 ? up : this.nodes.filter(({ health }) => health.state === "damped");
    this.generation++;
    const waiting = this.waiting;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at the next change, for who found nobody; see `stopWaiting`. */
  changed(wake: () => void): void {
    this.waiting.push(wake);
  }

  stopWaiting(wake: () => void): void {
    this.waiting = this.waiting.filter((other) => other !== wake);
  }

  /** Nobody listens to questions for it: who offers it later says so. */
  unheard(): void {
    this.isUnheard = true;
    this.refresh();
  }

  /** A call failed for want of it, and waits no more: another question is worth it all the same. */
  missed(): void {
    this.isMissed = true;
  }

  /** Asks at the next beats, twice: one question, or one answer of many, may be lost. */
  askAgain(now: number): void {
    this.questionsLeft = 2;
    this.askAt = now;
    this.askPauseMs = 2 * beatMs;
  }

  /** Whether to ask now: a question is left, or somebody waits or went away in vain, and the last one is long enough ago. */
  isAskDue(now: number): boolean {
    return (this.questionsLeft > 0 || this.isMissed || this.waiting.length > 0) && now >= this.askAt;
  }

  asked(now: number): void {
    this.isMissed = false;
    if (this.questionsLeft > 0) this.questionsLeft--;
    this.askAt = now + this.askPauseMs;
    this.askPauseMs = Math.min(pauseMsMax, this.askPauseMs * 2);
  }
}
