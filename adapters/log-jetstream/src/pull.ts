import { randomUUID } from "node:crypto";
import { AckPolicy, type ConsumerConfig, type JetStreamManager } from "@nats-io/jetstream";
import { createInbox, type Msg, type MsgHdrs, type Subscription } from "@nats-io/transport-node";
import type { Link } from "./link.ts";
import type { Names } from "./names.ts";

const requestMs = 30_000;
const heartbeatMs = 5_000;
const nanosOf = (ms: number) => ms * 1_000_000;

/** What every message of ours fits into: the largest body, its headers, its subject, and that of its acknowledgement. */
const largestBytes = 1024 * 1024 + 4_096;
/** More than any server passes at once. */
const anyBytes = 1024 ** 3;

/** Statuses of the server that are no end: it lives; a request is over, since its time, its messages or its bytes are. */
const idle = 100;
const timeIsUp = 408;
const batchCompleted = "Batch Completed";
const tooLarge = "Message Size Exceeds MaxBytes";

/** What is read, where it stands in the stream, and how much of the same types is behind it. */
export interface Pulled {
  readonly subject: string;
  readonly message: Msg;
  readonly sequence: number;
  readonly behind: number;
}

export interface PullOptions {
  readonly link: Link;
  readonly manager: JetStreamManager;
  readonly names: Names;
  /** Begins the name of the server's consumer, for those who look at its list. */
  readonly name: string;
  readonly types: readonly string[];
  readonly start: Pick<ConsumerConfig, "deliver_policy" | "opt_start_seq" | "opt_start_time">;
  readonly inboxPrefix: string | undefined;
  /** What came with one chunk of the connection's bytes; nothing where a request is over before all of it came. */
  readonly received: (pulled: readonly Pulled[]) => void;
  /** A request is over, all of it came, and what it left of its bytes can be asked for. */
  readonly spared?: () => void;
  /** Up to this place of the stream everything of the types was handed over: what is of others moves the place of a quiet reader, too. */
  readonly passed?: (sequence: number) => void;
  /** Nothing comes any more. Called once. */
  readonly ended: (reason: Error) => void;
}

/**
 * Reads the stream from a place on, as far as it is asked to. The server's consumer behind it keeps nothing on disk and knows of
 * no acknowledgements: where a group stands is ours to know, so nothing is delivered twice in an order of the server's.
 *
 * 1. Never more comes than was asked for, in messages and in bytes; where the largest of ours would not fit into the bytes, it is one
 *    message. A stranger's that is larger still comes alone as well.
 * 2. What comes is without a gap: a missing message, a missing heartbeat, or any word against it ends the pull.
 */
export class Pull {
  /** Of its types, from its start, as the server counted when it began. */
  readonly total: number;
  private readonly options: PullOptions;
  private readonly name: string;
  private readonly inbox: string;
  private readonly subscription: Subscription;
  private readonly watch: NodeJS.Timeout;
  private readonly unwatch: () => void;
  private asked = 0;
  /** What the server may still send for it, as both count it: bodies, headers, subjects. All of it used up ends every request. */
  private askedBytes = 0;
  private delivered = 0;
  /** The last place of the stream that is known to be read. */
  private reached = 0;
  private heardAtMs = performance.now();
  private batch: Pulled[] = [];
  private isOver = false;

  private constructor(options: PullOptions, name: string, total: number) {
    this.options = options;
    this.name = name;
    this.total = total;
    this.inbox = createInbox(options.inboxPrefix);
    this.subscription = options.link.connection.subscribe(this.inbox, {
      callback: (error, message) => {
        if (this.isOver) return;
        if (error !== null) this.end(error);
        else this.heard(message);
      },
    });
    this.watch = setInterval(() => this.check(), heartbeatMs);
    this.unwatch = options.link.onGone((reason) => this.end(reason));
  }

  static async open(options: PullOptions): Promise<Pull> {
    const { manager, names, types, start, link } = options;
    const name = `${options.name}-${randomUUID().slice(0, 8)}`;
    const config: Partial<ConsumerConfig> = {
      ...start,
      name,
      ack_policy: AckPolicy.None,
      filter_subjects: types.map((type) => names.subject(type)),
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanosOf(requestMs),
    };
    const { num_pending } = await link.whileUp(() => manager.consumers.add(names.stream, config));
    return new Pull(options, name, num_pending);
  }

  /** How many more are asked for. */
  get wanted(): number {
    return this.asked;
  }

  /** How many bytes more those may have. */
  get wantedBytes(): number {
    return this.askedBytes;
  }

  /** Asks for so many more, of so many bytes together. */
  ask(messages: number, bytes: number): void {
    if (this.isOver || !this.options.link.isUp) return;
    const { link, names } = this.options;
    const batch = bytes < largestBytes ? 1 : messages;
    const max_bytes = Math.max(bytes, largestBytes);
    const request = { batch, max_bytes, expires: nanosOf(requestMs), idle_heartbeat: nanosOf(heartbeatMs) };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${names.stream}.${this.name}`;
    if (this.asked === 0) this.heardAtMs = performance.now();
    this.asked += batch;
    this.askedBytes += max_bytes;
    link.connection.publish(subject, JSON.stringify(request), { reply: this.inbox });
  }

  /** Takes it from the server. Idempotent. */
  close(): void {
    if (this.isOver) return;
    this.stop();
    const { manager, names, link } = this.options;
    if (link.isUp) manager.consumers.delete(names.stream, this.name).catch(() => {});
  }

  private stop(): void {
    this.isOver = true;
    this.batch = [];
    clearInterval(this.watch);
    this.unwatch();
    this.subscription.unsubscribe();
  }

  private end(reason: Error): void {
    if (this.isOver) return;
    this.stop();
    this.options.ended(reason);
  }

  private heard(message: Msg): void {
    this.heardAtMs = performance.now();
    const { reply = "", headers, subject } = message;
    const { sequence, delivery, behind } = deliveryOf(reply);
    if (headers !== undefined && headers.code !== 0) this.status(headers);
    else if (delivery !== this.delivered + 1) this.end(new Error("a message was lost on its way"));
    else {
      this.delivered = delivery;
      this.reached = sequence;
      this.take(1, sizeOf(message));
      // The client calls this for each message of a chunk, in one turn.
      if (this.batch.push({ subject, message, sequence, behind }) === 1) queueMicrotask(() => this.handOver());
    }
  }

  private handOver(): void {
    const { batch } = this;
    if (this.isOver || batch.length === 0) return;
    this.batch = [];
    this.options.received(batch);
  }

  private status(headers: MsgHdrs): void {
    const { code, description } = headers;
    if (code === idle) {
      // What came before it in the same chunk.
      this.handOver();
      this.reach(Number(headers.get("Nats-Last-Stream")));
    } else if (code === timeIsUp || description === batchCompleted || description === tooLarge) {
      // What came before it in the same chunk has to count as waiting before more is asked for.
      this.handOver();
      this.requestIsOver(headers);
    } else this.end(new Error(`JetStream: ${code} ${description}`));
  }

  private requestIsOver(headers: MsgHdrs): void {
    const left = Number(headers.get("Nats-Pending-Bytes"));
    this.take(Number(headers.get("Nats-Pending-Messages")), left);
    if (this.asked === 0) this.askedBytes = 0;
    if (this.isOver) return;
    if (headers.description === batchCompleted) this.options.spared?.();
    else if (headers.description !== tooLarge || left < largestBytes) this.options.received([]);
    else if (this.asked === 0) this.ask(1, anyBytes);
  }

  private take(messages: number, bytes: number): void {
    this.asked = Math.max(0, this.asked - messages);
    this.askedBytes = Math.max(0, this.askedBytes - bytes);
    // A request whose bytes are used up exactly ends without a word, whatever is left of its messages.
    if (this.askedBytes === 0) this.asked = 0;
  }

  private reach(sequence: number): void {
    if (this.isOver || !(sequence > this.reached)) return;
    this.reached = sequence;
    this.options.passed?.(sequence);
  }

  private check(): void {
    if (this.asked > 0 && performance.now() - this.heardAtMs > 2.5 * heartbeatMs)
      this.end(new Error("JetStream sends no heartbeats"));
  }
}

/** As the server counts it against a request's bytes; the client's declarations leave it out. */
const sizeOf = (message: Msg) => (message as Msg & { size(): number }).size();

/**
 * What the server says of a delivery by the subject for its acknowledgement: `$JS.ACK.<stream>.<consumer>.` or
 * `$JS.ACK.<domain>.<account>.<stream>.<consumer>.`, then times delivered, place in the stream, number of the delivery, time, and
 * how many are behind it. https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md
 */
function deliveryOf(reply: string) {
  const tokens = reply.split(".");
  const [, sequence, delivery, , behind] = tokens.slice(tokens.length === 9 ? 4 : 6).map(Number);
  return { sequence: sequence ?? Number.NaN, delivery: delivery ?? Number.NaN, behind: behind ?? 0 };
}
