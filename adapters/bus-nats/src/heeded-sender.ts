import type { Outgoing } from "@banyan/kernel/bus";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Subjects } from "./subjects.ts";

/**
 * Sends and learns whether anybody was there. The server answers a message without a subscriber by a 503 to its
 * reply subject, before it answers a PING that came behind it: what the PONG finds unrefused has reached a member's queue.
 */
export class HeededSender {
  private readonly connection: NatsConnection;
  private readonly subjects: Subjects;
  private readonly id: string;
  private readonly pending = new Map<number, Outgoing>();
  private unasked: number[] = [];
  private sequence = 0;

  constructor(options: { readonly connection: NatsConnection; readonly subjects: Subjects; readonly id: string }) {
    this.connection = options.connection;
    this.subjects = options.subjects;
    this.id = options.id;
  }

  /** What to subscribe to, and `unheard` is to hear of. */
  get replies(): string {
    return this.subjects.of("unheard", this.id, "*");
  }

  send(subject: string, batch: Outgoing): void {
    const sequence = ++this.sequence;
    const reply = this.subjects.of("unheard", this.id, String(sequence));
    this.connection.publish(subject, batch.frames, { reply });
    this.pending.set(sequence, batch);
    if (this.unasked.push(sequence) === 1) queueMicrotask(() => this.ask());
  }

  /** A reply came, and only the server replies: nobody is there. */
  unheard(subject: string, reason: Error): void {
    const sequence = Number(subject.slice(subject.lastIndexOf(".") + 1));
    const batch = this.pending.get(sequence);
    this.pending.delete(sequence);
    batch?.failed(reason);
  }

  private ask(): void {
    const asked = this.unasked;
    this.unasked = [];
    // Where the connection broke, it may have arrived: that is "sent", which promises no more.
    const settle = () => {
      for (const sequence of asked) {
        const batch = this.pending.get(sequence);
        this.pending.delete(sequence);
        batch?.sent();
      }
    };
    this.connection.flush().then(settle, settle);
  }
}
