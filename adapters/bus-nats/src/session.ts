import { type BusReceiver, busFaults, type NodeRef, type Outgoing } from "@banyan/kernel/bus";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { Confirmations } from "./confirmations.ts";
import { HeededSender } from "./heeded-sender.ts";
import { type Subjects, senderOf } from "./subjects.ts";
import { type Way, Ways } from "./ways.ts";

/** The server's default limit, and no more than that where a server allows more: large messages hold up the small ones. */
export const batchBytesMax = 1024 * 1024;

export interface SessionOptions {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  /** The own node's. */
  readonly id: string;
  readonly receiver: BusReceiver;
  readonly unconfirmedBytesMax: number | undefined;
}

/**
 * One node's part in the bus, from its connection to its end.
 *
 * 1. What is sent while `isUp` is false fails at once: the client would keep it and send it when nobody waits for it any more.
 * 2. The client refers to a batch's bytes until its flush, a microtask that is queued before ours: `sent` comes after it.
 * 3. No callback throws: the client's reader would end for good, with one line on the console.
 */
export class Session {
  readonly connection: NatsConnection;
  readonly batchBytesMax: number;
  readonly self: { readonly id: string; readonly subject: string };
  private readonly subjects: Subjects;
  private readonly id: string;
  private readonly receiver: BusReceiver;
  private readonly ways: Ways;
  private readonly heeded: HeededSender;
  private readonly confirmations: Confirmations;
  private isConnected = true;
  private readonly told = new Set<Way>();
  private handedOver: Outgoing[] = [];
  private denied: Error | null = null;

  constructor({ connection, subjects, id, receiver, unconfirmedBytesMax = 4 * 1024 * 1024 }: SessionOptions) {
    this.connection = connection;
    this.batchBytesMax = Math.min(connection.info?.max_payload ?? batchBytesMax, batchBytesMax);
    this.self = { id, subject: subjects.of("node", id, "*") };
    this.subjects = subjects;
    this.id = id;
    this.receiver = receiver;
    this.ways = new Ways(subjects, id);
    this.heeded = new HeededSender({ connection, subjects, id });
    const onRoom = () => this.resume();
    this.confirmations = new Confirmations({ connection, bytesMax: unconfirmedBytesMax, onRoom });
  }

  /** Subscribes, and waits until the server has agreed. Raises what it has against it. */
  async begin(): Promise<void> {
    void this.watch();
    this.hear({ subject: this.self.subject }, (message) => this.received(message));
    this.hear({ subject: this.heeded.replies }, ({ subject }) => this.heeded.unheard(subject, nobodyThere()));
    await this.connection.flush();
    if (this.denied !== null) throw this.denied;
  }

  send(to: NodeRef, batch: Outgoing): boolean {
    const way = this.ways.to(to);
    if (!this.hand(batch, () => this.connection.publish(way.subject, batch.frames, way.published))) return true;
    if (this.handedOver.push(batch) === 1) queueMicrotask(() => this.confirmHandedOver());
    if (this.confirmations.add(batch.frames.length)) return true;
    this.told.add(way);
    return false;
  }

  sendToGroup(group: string, batch: Outgoing): boolean {
    const subject = this.subjects.of("group", group, this.id);
    if (!this.hand(batch, () => this.heeded.send(subject, batch))) return true;
    return this.confirmations.add(batch.frames.length);
  }

  join(group: string): () => void {
    const subject = this.subjects.of("group", group, "*");
    const member = this.hear({ subject, queue: group }, (message) => this.received(message));
    // Draining takes what the server has already given to this member; unsubscribing would lose it.
    return () => void member.drain().catch(() => {});
  }

  publish(topic: string, message: Uint8Array, unheard?: () => void): void {
    if (!this.isUp()) return;
    const subject = this.subjects.of("topic", topic, this.id);
    const frames = message.slice();
    if (unheard === undefined) this.connection.publish(subject, frames);
    else this.heeded.send(subject, { frames, sent: () => {}, failed: unheard });
  }

  subscribe(topic: string, listener: (from: NodeRef, message: Uint8Array) => void): () => void {
    const subscription = this.hear({ subject: this.subjects.of("topic", topic, "*") }, ({ subject, data }) => {
      const id = senderOf(subject);
      if (id === null) this.receiver.refused("no_sender", subject);
      else listener({ id, address: "" }, data);
    });
    return () => subscription.unsubscribe();
  }

  forget({ id }: NodeRef): void {
    const way = this.ways.get(id);
    if (way !== undefined) this.told.delete(way);
    this.ways.forget(id);
  }

  async end(deadlineMs: number): Promise<void> {
    if (this.connection.isClosed()) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    // Without a connection there is nothing to drain into, and the client would wait for one.
    if (this.isUp()) await Promise.race([this.connection.drain().catch(() => {}), late]);
    clearTimeout(timer);
    this.isConnected = false;
    await this.connection.close();
  }

  private isUp(): boolean {
    // The client forgets `info` before it dials again, which can come before its word of the disconnect.
    return this.isConnected && this.connection.info !== undefined;
  }

  /** False: it failed, and the batch knows. */
  private hand(batch: Outgoing, publish: () => void): boolean {
    if (!this.isUp()) {
      batch.failed(busFaults.unavailable(undefined, { cause: new Error("no connection to NATS") }));
      return false;
    }
    try {
      if (batch.frames.length > this.batchBytesMax) throw new RangeError(`a batch of ${batch.frames.length} bytes`);
      publish();
      return true;
    } catch (cause) {
      batch.failed(busFaults.unavailable(undefined, { cause }));
      return false;
    }
  }

  private confirmHandedOver(): void {
    const batches = this.handedOver;
    this.handedOver = [];
    for (const batch of batches) batch.sent();
  }

  private received(message: Msg): void {
    const { data } = message;
    const id = senderOf(message.subject);
    const way = id === null ? null : this.ways.from(id);
    if (id === null) this.receiver.refused("no_sender", message.subject);
    else if (data.length === 0) this.withoutBytes(message, id);
    else if (data.length > this.batchBytesMax) this.receiver.refused("oversized", `${data.length} bytes from ${id}`);
    else if (way === null) this.receiver.refused("too_many_nodes", id);
    else this.receiver.received(way.node, data);
  }

  /** The server's "nobody subscribes to this" comes from where the answer would have come from, and a batch is never empty. */
  private withoutBytes({ headers }: Msg, id: string): void {
    const way = this.ways.get(id);
    if (headers?.code !== 503) this.receiver.refused("empty", `from ${id}`);
    else if (way !== undefined) this.receiver.lost(way.node, nobodyThere());
  }

  private hear({ subject, queue }: { subject: string; queue?: string }, handle: (message: Msg) => void) {
    return this.connection.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => {
        try {
          if (error === null) return handle(message);
          this.denied = error;
          this.receiver.refused("not_permitted", error.message);
        } catch (thrown) {
          process.emitWarning(`a listener of the bus threw: ${String(thrown)}`);
        }
      },
    });
  }

  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect" || status.type === "close") this.disconnected();
      else if (status.type === "reconnect") this.isConnected = true;
    }
  }

  private disconnected(): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    const reason = busFaults.unavailable(undefined, { cause: new Error("the connection to NATS broke") });
    for (const node of this.ways.nodes()) this.receiver.lost(node, reason);
  }

  private resume(): void {
    const ways = [...this.told];
    this.told.clear();
    for (const { node } of ways) this.receiver.writable(node);
  }
}

function nobodyThere(): Error {
  return busFaults.unavailable(undefined, { cause: new Error("nobody by that name is connected to NATS") });
}
