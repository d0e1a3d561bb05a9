import { type Bus, type BusTraits, busFaults, type NodeRef, type Outgoing } from "@banyan/kernel/bus";
import { natsOptions } from "@banyan/nats-client";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { NatsBusOptions } from "./options.ts";
import { batchBytesMax, Session } from "./session.ts";
import { Subjects } from "./subjects.ts";

/** A bus over NATS, with the connection beneath it for whatever else one wants of NATS. */
export interface NatsBus extends Bus {
  /** The client's own connection. Only while the bus is open, which alone may close it. */
  unwrap(): NatsConnection;
  /** Under what name the open bus takes part, and where it hears. */
  self(): { readonly id: string; readonly subject: string };
}

/**
 * Carries frames over core NATS: at most once, in order per pair of nodes. A batch is one message on its node's subject; groups
 * are queue groups. A node that is not there is `lost` within a round trip to the server. Connects at `open`, and again by
 * itself; meanwhile sending fails at once, and every node is `lost`. Throws where the options make no sense.
 */
export function createNatsBus(options: NatsBusOptions): NatsBus {
  return new Nats(options);
}

class Nats implements NatsBus {
  readonly address = "";
  readonly server = { name: "NATS", ping: () => this.opened().connection.rtt() };
  private readonly options: NatsBusOptions;
  private readonly subjects: Subjects;
  private session: Session | null = null;
  private closing: Promise<void> | null = null;

  constructor(options: NatsBusOptions) {
    natsOptions(options);
    this.options = options;
    this.subjects = new Subjects(options.namespace ?? "banyan");
  }

  get traits(): BusTraits {
    const { session } = this;
    return {
      path: "broker",
      batchBytesMax: session?.batchBytesMax ?? batchBytesMax,
      keepsBatches: true,
      groups: true,
    };
  }

  async open({ id, receiver, signal }: Parameters<Bus["open"]>[0]): Promise<void> {
    if (this.session !== null) throw new Error("a bus is opened once");
    const connection = await this.connect(id, signal);
    const { subjects, options } = this;
    this.session = new Session({
      connection,
      subjects,
      id,
      receiver,
      unconfirmedBytesMax: options.unconfirmedBytesMax,
    });
    try {
      await this.session.begin();
    } catch (cause) {
      this.session = null;
      await connection.close();
      throw busFaults.unavailable(undefined, { cause });
    }
  }

  /** The client cannot be told to give up: what comes of it after an abort is closed. */
  private async connect(id: string, signal: AbortSignal): Promise<NatsConnection> {
    signal.throwIfAborted();
    const connecting = connect({ name: id, ...natsOptions(this.options) });
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([connecting, aborted]);
    } catch (cause) {
      connecting.then((late) => late.close()).catch(() => {});
      signal.throwIfAborted();
      throw busFaults.unavailable(undefined, { cause });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  send(to: NodeRef, batch: Outgoing): boolean {
    return this.opened().send(to, batch);
  }

  sendToGroup(group: string, batch: Outgoing): boolean {
    return this.opened().sendToGroup(group, batch);
  }

  join(group: string): () => void {
    return this.opened().join(group);
  }

  publish(topic: string, message: Uint8Array, unheard?: () => void): void {
    this.opened().publish(topic, message, unheard);
  }

  subscribe(topic: string, listener: (from: NodeRef, message: Uint8Array) => void): () => void {
    return this.opened().subscribe(topic, listener);
  }

  forget(node: NodeRef): void {
    this.opened().forget(node);
  }

  unwrap(): NatsConnection {
    return this.opened().connection;
  }

  self(): { readonly id: string; readonly subject: string } {
    return this.opened().self;
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.session?.end(deadlineMs) ?? Promise.resolve();
    return this.closing;
  }

  private opened(): Session {
    if (this.session === null) throw new Error("the bus is not open");
    return this.session;
  }
}
