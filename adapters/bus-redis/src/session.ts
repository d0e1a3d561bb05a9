import { type BusReceiver, busFaults, type NodeRef, type Outgoing } from "@banyan/kernel/bus";
import { withoutCommand } from "@banyan/redis-client";
import type { Redis } from "ioredis";
import { Sealer, unseal } from "./envelope.ts";
import { Topics } from "./topics.ts";

/** As much as over NATS. The server cuts off a subscriber that is 32 MiB behind (client-output-buffer-limit). */
export const batchBytesMax = 1024 * 1024;

/** Strangers beyond so many nodes are not listened to: whoever may publish could otherwise fill this process with names. */
const nodesMax = 10_000;

export interface SessionOptions {
  readonly redis: Redis;
  /** The own node's. */
  readonly id: string;
  readonly receiver: BusReceiver;
  readonly namespace: string;
  readonly unconfirmedBytesMax: number;
  readonly pingMs: number;
}

/**
 * One node's part in the bus, from its connection to its end.
 *
 * 1. A batch is `sent` or `failed` by Redis's answer to its PUBLISH, the number of those that hear it.
 * 2. Whenever a connection ends, and when it seems dead, every known node is `lost`, once, before anything else is heard.
 * 3. What is sent while `isUp` is false fails at once.
 */
export class Session {
  readonly redis: Redis;
  /** What the client said last of its connection. */
  lastError: Error | undefined;
  private readonly options: SessionOptions;
  private readonly receiver: BusReceiver;
  private readonly inbox: string;
  private readonly sealer: Sealer;
  private readonly topics: Topics;
  private readonly nodes = new Map<string, NodeRef>();
  private isUp = false;
  private unconfirmedBytes = 0;
  /** Those whose `send` answered false. */
  private readonly told = new Set<string>();
  private heartbeat: NodeJS.Timeout | undefined;
  private isPinging = false;

  constructor(options: SessionOptions) {
    const { redis, receiver, id } = options;
    this.options = options;
    this.redis = redis;
    this.receiver = receiver;
    this.inbox = this.channel("node", id);
    this.sealer = new Sealer(id);
    this.topics = new Topics(redis);
  }

  /** Connects and subscribes. Raises what is against it. */
  async begin(): Promise<void> {
    const { redis } = this;
    redis.on("error", (error) => {
      this.lastError = withoutCommand(error);
    });
    redis.on("messageBuffer", (channel: Buffer, message: Buffer) => this.heard(channel.toString(), message));
    await redis.connect();
    await redis.subscribe(this.inbox);
    this.isUp = true;
    redis.on("ready", () => this.reconnected());
    redis.on("close", () => this.disconnected());
    this.heartbeat = setInterval(() => this.ping(), this.options.pingMs).unref();
  }

  send({ id }: NodeRef, batch: Outgoing): boolean {
    const bytes = batch.frames.length;
    if (!this.isUp) return this.fail(batch, new Error("no connection to Redis"));
    if (bytes > batchBytesMax) return this.fail(batch, new RangeError(`a batch of ${bytes} bytes`));
    if (!this.nodes.has(id)) this.nodes.set(id, { id, address: "" });
    this.unconfirmedBytes += bytes;
    this.redis.publish(this.channel("node", id), this.sealer.seal(batch.frames)).then(
      (hearers) => {
        if (hearers > 0) batch.sent();
        else this.fail(batch, new Error("nobody by that name is connected to Redis"));
        this.confirm(bytes);
      },
      (error: Error) => {
        this.notPublished(batch, error);
        this.confirm(bytes);
      },
    );
    if (this.unconfirmedBytes <= this.options.unconfirmedBytesMax) return true;
    this.told.add(id);
    return false;
  }

  publish(topic: string, message: Uint8Array, unheard?: () => void): void {
    if (!this.isUp) return;
    const told = (hearers: number) => hearers === 0 && unheard?.();
    this.redis
      .publish(this.channel("topic", topic), this.sealer.seal(message))
      .then(told, (error) => this.denied(error));
  }

  subscribe(topic: string, listener: (from: NodeRef, message: Uint8Array) => void): () => void {
    return this.topics.subscribe(this.channel("topic", topic), listener);
  }

  forget({ id }: NodeRef): void {
    this.nodes.delete(id);
    this.told.delete(id);
  }

  async end(deadlineMs: number): Promise<void> {
    clearInterval(this.heartbeat);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    // Answered behind everything that was sent before it; from then on a PUBLISH for this node finds nobody.
    if (this.isUp) await Promise.race([this.redis.unsubscribe().catch(() => {}), late]);
    clearTimeout(timer);
    this.isUp = false;
    this.redis.disconnect();
  }

  private channel(kind: "node" | "topic", name: string): string {
    return `${this.options.namespace}:${kind}:${name}`;
  }

  /** True: there is nothing to wait for. */
  private fail(batch: Outgoing, cause: Error): true {
    batch.failed(busFaults.unavailable(undefined, { cause }));
    return true;
  }

  /** Nobody heard it where Redis answered by an error. Where the connection broke, somebody may have: the node is `lost`. */
  private notPublished(batch: Outgoing, error: Error): void {
    this.denied(error);
    if (error.name === "ReplyError") this.fail(batch, withoutCommand(error));
    else batch.sent();
  }

  private denied(error: Error): void {
    if (error.name === "ReplyError") this.receiver.refused("not_permitted", error.message);
  }

  private confirm(bytes: number): void {
    this.unconfirmedBytes -= bytes;
    if (this.told.size === 0 || this.unconfirmedBytes > this.options.unconfirmedBytesMax / 2) return;
    const ids = [...this.told];
    this.told.clear();
    for (const id of ids) this.receiver.writable({ id, address: "" });
  }

  /** Called by the client's reader, which a throw would end together with the process. */
  private heard(channel: string, message: Buffer): void {
    const envelope = unseal(message);
    try {
      if (envelope === null) this.receiver.refused("no_sender", channel);
      else if (channel !== this.inbox) this.topics.heard(channel, envelope);
      else this.received(envelope.sender, envelope.content);
    } catch (thrown) {
      process.emitWarning(`a listener of the bus threw: ${String(thrown)}`);
    }
  }

  private received(id: string, frames: Buffer): void {
    const node = this.nodes.get(id) ?? { id, address: "" };
    if (frames.length === 0) this.receiver.refused("empty", `from ${id}`);
    else if (frames.length > batchBytesMax) this.receiver.refused("oversized", `${frames.length} bytes from ${id}`);
    else if (!this.nodes.has(id) && this.nodes.size >= nodesMax) this.receiver.refused("too_many_nodes", id);
    else {
      this.nodes.set(id, node);
      this.receiver.received(node, frames);
    }
  }

  private reconnected(): void {
    // First of all on the new connection, so that no answer can come before it.
    this.redis.subscribe(this.inbox, ...this.topics.channels).catch((error) => this.denied(error));
    this.isUp = true;
  }

  private disconnected(): void {
    this.isPinging = false;
    if (!this.isUp) return;
    this.isUp = false;
    const cause = this.lastError ?? new Error("the connection to Redis broke");
    const reason = busFaults.unavailable(undefined, { cause });
    for (const node of [...this.nodes.values()]) this.receiver.lost(node, reason);
  }

  /** A PING that is not answered by the next one's time: TCP alone does not tell when a machine is gone or a process is stopped. */
  private ping(): void {
    if (!this.isUp) return;
    if (this.isPinging) {
      this.lastError = new Error("Redis does not answer");
      this.disconnected();
      this.redis.disconnect(true);
      return;
    }
    this.isPinging = true;
    const answered = () => {
      this.isPinging = false;
    };
    this.redis.ping().then(answered, answered);
  }
}
