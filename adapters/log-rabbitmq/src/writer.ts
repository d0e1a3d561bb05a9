import { type LogMessage, logFaults } from "@banyan/kernel/log";
import type { ConfirmChannel } from "amqplib";
import type { Link } from "./link.ts";
import { propertiesOf } from "./message.ts";
import type { Topology } from "./topology.ts";

/** How many messages may be on their way and not confirmed: 256 reached 0.87 of this rate, 64 reached 0.63, one 0.05 (3.10, one server). */
const unconfirmedMax = 1_000;

interface Call {
  left: number;
  isOver: boolean;
  end(failure?: Error): void;
}

interface Entry {
  readonly call: Call;
  readonly message: LogMessage;
}

/**
 * Publishes with confirms, on one channel, in the order of the calls.
 *
 * 1. A call ends when all its messages are confirmed, when one is not, or when its time is up; then none of it is sent any more.
 * 2. A channel that failed in any way is left, and what was not confirmed on it fails. The next message opens another.
 * 3. A queue whose policy refuses messages (`overflow: reject-publish`) can refuse one and take the next. From the first
 *    refusal on, no two messages of one key are on their way at once.
 */
export class Writer {
  private readonly link: Link;
  private readonly topology: Topology;
  private readonly appendMs: number;
  private readonly waiting: Entry[] = [];
  private readonly unconfirmed = new Set<Entry>();
  private readonly calls = new Set<Promise<void>>();
  private channel: ConfirmChannel | null = null;
  private isOpening = false;
  private isFull = false;
  private isCareful = false;

  constructor(link: Link, topology: Topology, appendMs: number) {
    this.link = link;
    this.topology = topology;
    this.appendMs = appendMs;
  }

  /** Raises `log.unavailable`, `log.misconfigured`. */
  async open(): Promise<void> {
    const connection = await this.link.connection();
    const channel = await connection.createConfirmChannel();
    channel.on("error", () => {}).on("close", () => this.leave(channel, new Error("the channel closed")));
    await this.topology.declare(channel);
    channel.on("nack", () => {
      this.isCareful = true;
      this.pump();
    });
    channel.on("return", () =>
      this.leave(channel, new Error("the exchange has lost its alternate, or that its stream")),
    );
    channel.on("drain", () => {
      this.isFull = false;
      this.pump();
    });
    this.isFull = false;
    this.channel = channel;
  }

  append(messages: readonly LogMessage[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => this.giveUp(call), this.appendMs);
    const call: Call = {
      left: messages.length,
      isOver: false,
      end(failure) {
        clearTimeout(late);
        this.isOver = true;
        if (failure === undefined) resolve();
        else reject(failure);
      },
    };
    for (const message of messages) this.waiting.push({ call, message });
    this.pump();
    this.calls.add(promise);
    const forget = () => void this.calls.delete(promise);
    promise.then(forget, forget);
    return promise;
  }

  /** Resolves when every call is over. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.calls);
  }

  private pump(): void {
    const { waiting, unconfirmed, channel } = this;
    if (channel === null) {
      void this.reopen();
      return;
    }
    let next = 0;
    while (next < waiting.length && unconfirmed.size < unconfirmedMax && !this.isFull) {
      const entry = waiting[next] as Entry;
      if (this.isCareful && this.isUnderWay(entry.message.key)) break;
      next++;
      if (!entry.call.isOver) this.publish(channel, entry);
    }
    waiting.splice(0, next);
  }

  private publish(channel: ConfirmChannel, entry: Entry): void {
    const { message } = entry;
    const content = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength);
    this.unconfirmed.add(entry);
    const hasRoom = channel.publish(
      this.topology.names.events,
      message.type,
      content,
      propertiesOf(message),
      (refusal) => this.settle(entry, refusal as Error | null),
    );
    if (!hasRoom) this.isFull = true;
  }

  private settle(entry: Entry, refusal: Error | null): void {
    if (!this.unconfirmed.delete(entry)) return;
    const { call } = entry;
    if (refusal === null) {
      if (--call.left === 0 && !call.isOver) call.end();
      if (this.waiting.length > 0) this.pump();
    } else if (!call.isOver) call.end(logFaults.unavailable(undefined, { cause: refusal }));
  }

  private isUnderWay(key: string): boolean {
    for (const { message } of this.unconfirmed) if (message.key === key) return true;
    return false;
  }

  private async reopen(): Promise<void> {
    if (this.isOpening || this.waiting.length === 0) return;
    this.isOpening = true;
    try {
      await this.open();
    } catch (failure) {
      for (const { call } of this.waiting.splice(0)) if (!call.isOver) call.end(failure as Error);
    } finally {
      this.isOpening = false;
    }
    this.pump();
  }

  private leave(channel: ConfirmChannel, cause: Error): void {
    if (this.channel !== channel) return;
    this.channel = null;
    const failure = logFaults.unavailable(undefined, { cause });
    const failed = [...this.unconfirmed];
    this.unconfirmed.clear();
    for (const { call } of failed) if (!call.isOver) call.end(failure);
    channel.close().catch(() => {});
    this.pump();
  }

  private giveUp(call: Call): void {
    const cause = new Error(`RabbitMQ has not confirmed it within ${this.appendMs} ms`);
    if (this.channel !== null) this.leave(this.channel, cause);
    // Its messages may not have been on their way yet.
    if (!call.isOver) call.end(logFaults.unavailable(undefined, { cause }));
    this.link.abandon();
  }
}
