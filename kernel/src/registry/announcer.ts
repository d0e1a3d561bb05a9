import { type Offer, topics } from "./messages.ts";
import { announceEveryMs, announceFirstMs } from "./timing.ts";

/** What an announcer needs of the bus. */
export interface Saying {
  publish(topic: string, message: unknown): void;
  /** Between 0 and 1. */
  random(): number;
}

/** One service of this node, as it is offered; what the announcer itself knows is left out. */
export type Offered = Pick<Offer, "service" | "actions" | "instances">;

/**
 * Says what this node offers: when it begins, when it leaves, to who asks, and every now and then, less and less often. Answers go to the asker
 * alone: of a thousand callers that start together each hears what it asked for and not the answers of the others.
 */
export class Announcer {
  private readonly offered: readonly Offered[];
  private readonly host: string;
  private readonly saying: Saying;
  private sequence = 1;
  private leaving = false;
  private nextAt = Number.POSITIVE_INFINITY;
  private pauseMs = announceFirstMs;

  constructor(offered: readonly Offered[], host: string, saying: Saying) {
    this.offered = offered;
    this.host = host;
    this.saying = saying;
  }

  /** From now on this node takes calls. */
  begin(now: number): void {
    this.sayAll(now);
  }

  /** `service` was asked for by the node with the id `by`. */
  asked(service: string, by: string): void {
    const offered = this.offered.find((one) => one.service === service);
    if (offered !== undefined && this.nextAt < Number.POSITIVE_INFINITY) {
      this.saying.publish(topics.node(by), this.offer(offered));
    }
  }

  beat(now: number): void {
    if (now >= this.nextAt) this.sayAll(now);
  }

  /** This node takes no more calls. */
  leave(): void {
    this.leaving = true;
    this.sequence++;
    this.sayAll(Number.POSITIVE_INFINITY);
  }

  private sayAll(now: number): void {
    for (const offered of this.offered) this.saying.publish(topics.offers(offered.service), this.offer(offered));
    this.nextAt = now + this.pauseMs * (0.5 + this.saying.random());
    this.pauseMs = Math.min(announceEveryMs, this.pauseMs * 2);
  }

  private offer(offered: Offered): Offer {
    const { sequence, host, leaving } = this;
    return { kind: "offer", ...offered, sequence, host, leaving };
  }
}
