import { setTimeout as delay } from "node:timers/promises";
import { type Bus, type BusReceiver, busFaults, type NodeRef, type Outgoing } from "@banyan/kernel/bus";
import { parseAddress } from "./address.ts";
import { type CertificateFiles, Certificates } from "./certificates.ts";
import { dial, type Met } from "./dial.ts";
import { Door, type Visitor } from "./door.ts";
import { Peer } from "./peer.ts";
import type { Hello } from "./preamble.ts";
import { Refused } from "./refusal.ts";
import { Topics } from "./topics/topics.ts";
import { Wakefulness } from "./wakefulness.ts";

/** Where a node is reached, whom it asks for others, and whom it trusts. */
export interface TcpBusOptions {
  /**
   * Where other nodes come in: "0.0.0.0:4100", port 0 for any, or "unix:/run/banyan/ledger.sock" where all nodes share a machine.
   * Without it this node only dials: it can call, and be answered, and offers nothing.
   */
  readonly listen?: string;
  /** What others are told, where it differs from what this machine knows of itself, as behind a NAT. */
  readonly advertise?: string;
  /** Addresses of nodes that relay topics; the same on every node. Any node that listens can be one, so name two or three. */
  readonly seeds?: readonly string[];
  /** Mutual TLS 1.3. Without it whoever reaches the port is one of us: keep that to one machine or a closed network. */
  readonly tls?: CertificateFiles;
  /** How often the certificates' files are looked at for a change. Default 10,000. */
  readonly certificateCheckMs?: number;
  /** From the connection to the end of the preambles. Default 5,000. */
  readonly handshakeTimeoutMs?: number;
  /** Connections that have not said who they are; beyond it the oldest is cut. Default 256. */
  readonly unknownMax?: number;
  /**
   * Keeps the core awake for so many microseconds after each write, or until an answer comes: a lone call takes less than half as
   * long, for a core that others cannot use meanwhile. 100 is enough for a fast network. Default 0: it sleeps.
   */
  readonly stayAwakeUs?: number;
}

/** So that a batch is never the reason why others wait for long. */
const BATCH_BYTES_MAX = 1_024 * 1_024;

/**
 * Carries frames from node to node over TCP, or TLS, without a broker: one connection for each pair that talks, made by the first
 * batch and made again by the first one after it broke. Topics go through seeds. `close` ends everything that it opened.
 */
export function createTcpBus(options: TcpBusOptions = {}): Bus {
  return new TcpBus(options);
}

interface Opened {
  readonly id: string;
  readonly receiver: BusReceiver;
  readonly topics: Topics;
}

class TcpBus implements Bus {
  readonly traits = { path: "direct", batchBytesMax: BATCH_BYTES_MAX, keepsBatches: false, groups: false } as const;
  address: string;
  readonly #options: TcpBusOptions;
  readonly #wakefulness: Wakefulness;
  readonly #peers = new Map<string, Peer>();
  #certificates: Certificates | undefined;
  #door: Door | undefined;
  #opened: Opened | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TcpBusOptions) {
    this.#options = options;
    this.#wakefulness = new Wakefulness(options.stayAwakeUs ?? 0);
    this.address = options.advertise ?? "";
    for (const address of [options.listen, options.advertise, ...(options.seeds ?? [])]) {
      if (address !== undefined) parseAddress(address);
    }
  }

  async open({ id, receiver, signal }: Parameters<Bus["open"]>[0]): Promise<void> {
    signal.throwIfAborted();
    const { listen, advertise, tls, seeds = [], certificateCheckMs = 10_000 } = this.#options;
    const topics = new Topics({
      self: () => ({ id, address: this.address }),
      seeds,
      dial: (seed, stop) => this.#dial(seed, { purpose: "topics", to: "", insists: false }, stop),
      refused: ({ reason, message }, detail) => receiver.refused(reason, `${detail}: ${message}`),
    });
    this.#opened = { id, receiver, topics };
    try {
      if (tls !== undefined) this.#certificates = await Certificates.load(tls);
      if (listen !== undefined) {
        this.#door = this.#createDoor(id, receiver);
        const address = await this.#door.open(parseAddress(listen));
        this.address = advertise ?? address;
      }
    } catch (cause) {
      throw busFaults.unavailable(undefined, { cause });
    }
    this.#certificates?.watch(certificateCheckMs, {
      renewed: () => this.#certificates && this.#door?.renew(this.#certificates),
      failed: (error) => receiver.refused("certificate_unreadable", `the old certificate stays: ${String(error)}`),
    });
    await topics.start();
    signal.throwIfAborted();
  }

  #createDoor(id: string, receiver: BusReceiver): Door {
    const { handshakeTimeoutMs = 5_000, unknownMax = 256 } = this.#options;
    return new Door({
      id,
      certificates: this.#certificates,
      handshakeTimeoutMs,
      unknownMax,
      admit: (visitor) => this.#admit(visitor),
      refused: (reason, detail) => receiver.refused(reason, detail),
    });
  }

  #admit(visitor: Visitor): void {
    const { hello } = visitor;
    if (this.#opened === undefined || this.#closing !== undefined) visitor.refuse("closing");
    else if (hello.purpose === "topics") this.#opened.topics.meet(visitor);
    else this.#peer(hello, this.#opened).meet(visitor);
  }

  #peer({ id, address }: NodeRef, { id: self, receiver }: Opened): Peer {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    const peer = new Peer(
      { id, address },
      {
        id: self,
        receiver,
        wakefulness: this.#wakefulness,
        dial: (node, insists, signal) => this.#dialNode(node, insists, signal),
        done: () => this.#peers.delete(id),
      },
    );
    this.#peers.set(id, peer);
    return peer;
  }

  async #dialNode(node: NodeRef, insists: boolean, signal: AbortSignal): Promise<Met> {
    if (node.address === "") throw new Error("it listens nowhere, and its own connection is gone");
    try {
      return await this.#dial(node.address, { purpose: "frames", to: node.id, insists }, signal);
    } catch (error) {
      if (error instanceof Refused && error.reason !== "crossed") {
        this.#opened?.receiver.refused(error.reason, `${node.id} at ${node.address}: ${error.message}`);
      }
      throw error;
    }
  }

  #dial(address: string, hello: Pick<Hello, "purpose" | "to" | "insists">, signal: AbortSignal): Promise<Met> {
    const introduction: Hello = { ...hello, id: this.#opened?.id ?? "", address: this.address };
    const { handshakeTimeoutMs = 5_000 } = this.#options;
    return dial(parseAddress(address), introduction, { certificates: this.#certificates, handshakeTimeoutMs, signal });
  }

  send(to: NodeRef, batch: Outgoing): boolean {
    if (this.#opened !== undefined && this.#closing === undefined) {
      const peer = this.#peer(to, this.#opened);
      peer.hearOf(to);
      return peer.send(batch);
    }
    process.nextTick(() => batch.failed(busFaults.unavailable(undefined, { cause: new Error("the bus is not open") })));
    return false;
  }

  sendToGroup(group: string): boolean {
    return this.join(group);
  }

  join(group: string): never {
    throw new Error(`group ${group}: nobody stands between nodes here who could choose a member`);
  }

  publish(topic: string, message: Uint8Array, unheard?: () => void): void {
    this.#opened?.topics.publish(topic, message, unheard);
  }

  subscribe(topic: string, listener: (from: NodeRef, message: Uint8Array) => void): () => void {
    if (this.#opened === undefined) throw busFaults.unavailable(undefined, { cause: new Error("the bus is not open") });
    return this.#opened.topics.subscribe(topic, listener);
  }

  forget({ id }: NodeRef): void {
    this.#peers.get(id)?.destroy();
    this.#peers.delete(id);
  }

  close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#door?.close();
    this.#certificates?.close();
    const ended = Promise.all([this.#opened?.topics.end(), ...[...this.#peers.values()].map((peer) => peer.end())]);
    const late = new AbortController();
    await Promise.race([ended, delay(deadlineMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    this.#opened?.topics.destroy();
    for (const peer of this.#peers.values()) peer.destroy();
    await ended;
  }
}
