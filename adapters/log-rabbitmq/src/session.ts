import type { ReceivedMessage } from "@banyan/kernel/log";
import type { Channel, ChannelModel, ConsumeMessage } from "amqplib";
import { Acknowledgements, type Delivery } from "./acknowledgements.ts";
import { copyHistory, isFence } from "./history.ts";
import { messageOf, typeOf } from "./message.ts";
import type { Membership } from "./topology.ts";

/** The handle of a delivery, and how long its body is. */
export interface Handle extends Delivery {
  readonly session: Session;
  readonly bytes: number;
}

/**
 * A consumer's part on one channel, from its opening to its end.
 *
 * 1. A group that has a history takes it up to its fence, and then its queue. The fence is never acknowledged: the history
 *    goes, with its queue, when all before the fence is.
 * 2. RabbitMQ brings back what a dead session held before what is later, in its order, as long as the next takes as much at
 *    once: each has the same prefetch. While two queues are taken, what is more than `inFlightMax` waits here.
 * 3. RabbitMQ counts messages alone: what has come and is more than `inFlightBytesMax` waits here, too. To send it back would put it
 *    out of order, and to take less from now on as well.
 */
export class Session {
  /** Why it ended; never rejects. */
  readonly ended: Promise<Error>;
  private readonly end: (reason: Error) => void;
  private readonly channel: Channel;
  private readonly membership: Membership;
  private readonly types: ReadonlySet<string>;
  private readonly queue: string;
  private readonly history: string;
  private readonly acknowledgements: Acknowledgements;
  private readonly unbound = new Set<string>();
  private isOver = false;
  private isAtFence = false;
  /** Given out and not acknowledged, and how many of those are of the history. */
  private held = 0;
  private heldOfHistory = 0;
  private heldBytes = 0;
  private waiting: ReceivedMessage[] = [];

  private constructor(channel: Channel, membership: Membership) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.ended = promise;
    this.end = (reason) => {
      this.isOver = true;
      resolve(reason);
    };
    const { topology, group } = membership;
    this.channel = channel;
    this.membership = membership;
    this.types = new Set(group.types);
    this.queue = topology.names.queue(group.name);
    this.history = topology.names.history(group.name);
    this.acknowledgements = new Acknowledgements(channel);
  }

  /** Resolves when it receives. Raises `log.misconfigured`, and whatever the client does. */
  static async open(connection: ChannelModel, membership: Membership): Promise<Session> {
    const { topology, group } = membership;
    const channel = await connection.createChannel();
    let reason = new Error("the connection to RabbitMQ broke");
    channel.on("error", (error: Error) => {
      reason = error;
    });
    const session = new Session(channel, membership);
    channel.on("close", () => session.end(reason));
    try {
      if (await topology.join(connection, channel, group)) await copyHistory(connection, membership);
      await channel.prefetch(topology.prefetch(group));
      await session.take((await topology.hasHistory(connection, group.name)) ? session.history : session.queue);
      return session;
    } catch (error) {
      // The connection lives on, and whoever tries again takes a new one: 2,047 are all that it has.
      await session.close();
      throw error;
    }
  }

  /** How many messages have come that are not acknowledged. */
  get unacknowledged(): number {
    return this.held + this.waiting.length;
  }

  acknowledge(handles: readonly Handle[]): void {
    if (this.isOver) return;
    const fresh = this.acknowledgements.done(handles);
    this.held -= fresh.length;
    this.heldBytes = fresh.reduce((left, { bytes }) => left - bytes, this.heldBytes);
    this.heldOfHistory -= fresh.filter((handle) => this.isOfHistory(handle)).length;
    if (this.isAtFence && this.heldOfHistory === 0) this.endHistory();
    if (this.waiting.length > 0) this.flush();
  }

  async close(): Promise<void> {
    this.isOver = true;
    await this.channel.close().catch(() => {});
  }

  private async take(queue: string): Promise<void> {
    const hear = (delivery: ConsumeMessage | null) => {
      if (delivery === null) this.fail(new Error(`the queue ${queue} went away`));
      else if (!this.isOver) this.hear(delivery);
    };
    await this.channel.consume(queue, hear, { consumerTag: queue });
  }

  private isOfHistory({ fields }: Delivery): boolean {
    return fields.consumerTag === this.history;
  }

  private hear(delivery: ConsumeMessage): void {
    const type = typeOf(delivery);
    const message = this.types.has(type) ? messageOf(delivery, type) : undefined;
    if (typeof message === "object") {
      if (this.isOfHistory(delivery)) this.heldOfHistory++;
      const receipt: Handle = { session: this, fields: delivery.fields, bytes: message.body.length };
      if (this.waiting.push({ ...message, receipt }) === 1) queueMicrotask(() => this.flush());
    } else if (isFence(delivery) && this.isOfHistory(delivery)) {
      this.isAtFence = true;
      if (this.heldOfHistory === 0) this.endHistory();
      this.take(this.queue).catch((reason: Error) => this.fail(reason));
    } else {
      this.acknowledgements.done([delivery]);
      if (message === undefined) this.unbind(type);
      else this.membership.receiver.refused(message);
    }
  }

  private flush(): void {
    const { inFlightMax, inFlightBytesMax } = this.membership.group;
    if (this.isOver) return;
    let given = 0;
    for (const { body } of this.waiting) {
      if (this.held === inFlightMax || this.heldBytes >= inFlightBytesMax) break;
      given++;
      this.held++;
      this.heldBytes += body.length;
    }
    if (given > 0) this.membership.receiver.received(this.waiting.splice(0, given));
  }

  /** The group took it once. */
  private unbind(type: string): void {
    if (this.unbound.has(type)) return;
    this.unbound.add(type);
    this.channel.unbindQueue(this.queue, this.membership.topology.names.events, type).catch(() => {});
  }

  private endHistory(): void {
    this.isAtFence = false;
    // Cancelled first: else the server tells that a queue went away which is still read.
    this.channel.cancel(this.history).catch(() => {});
    this.channel.deleteQueue(this.history).catch(() => {});
  }

  private fail(reason: Error): void {
    this.end(reason);
    this.channel.close().catch(() => {});
  }
}
