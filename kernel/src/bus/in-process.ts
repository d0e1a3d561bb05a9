import type { Bus, BusReceiver, BusTraits, NodeRef, Outgoing } from "./bus.ts";
import { busFaults } from "./bus-faults.ts";

/** How a network in one process treats those on it. */
export interface InProcessOptions {
  readonly traits?: Partial<BusTraits>;
  /** Asked for each batch, where batches are not kept: into how many pieces it is cut. Default: one. */
  readonly piecesOf?: (frames: Uint8Array) => number;
  /** Asked for each batch: whether it arrives a second time, which no bus should do and everybody must bear. Default: never. */
  readonly isDoubled?: () => boolean;
}

type TopicListener = (from: NodeRef, message: Uint8Array) => void;

/** Something under way; `from` and `to` are empty for what is no batch. */
interface Step {
  readonly from: string;
  readonly to: string;
  readonly arrive: () => void;
  readonly drop: () => void;
}

/**
 * A network within this process: the bytes are real, the wire is not. It runs services as if they were apart, and shows what
 * must hold on any bus. What is sent arrives in a later turn of the event loop, in the order of sending.
 */
export class InProcessNetwork {
  readonly traits: BusTraits;
  readonly nodes = new Map<string, InProcessBus>();
  readonly topics = new Map<string, Set<TopicListener>>();
  /** The one whose turn it is stands first. */
  readonly groups = new Map<string, InProcessBus[]>();
  readonly piecesOf: (frames: Uint8Array) => number;
  readonly isDoubled: () => boolean;
  private steps: Step[] = [];

  constructor({ traits, piecesOf = () => 1, isDoubled = () => false }: InProcessOptions = {}) {
    this.traits = { path: "direct", batchBytesMax: 1_048_576, keepsBatches: true, groups: true, ...traits };
    this.piecesOf = piecesOf;
    this.isDoubled = isDoubled;
  }

  /** Another node's. */
  createBus(): Bus {
    return new InProcessBus(this);
  }

  /** Breaks the way between two nodes once: what is under way between them is gone, and both hear of it. */
  interrupt(one: string, other: string): void {
    const isBetween = ({ from, to }: Step) => (from === one && to === other) || (from === other && to === one);
    for (const step of this.steps.filter(isBetween)) step.drop();
    this.steps = this.steps.filter((step) => !isBetween(step));
    const reason = new Error("the way was interrupted");
    this.nodes.get(one)?.receiver.lost({ id: other, address: "" }, reason);
    this.nodes.get(other)?.receiver.lost({ id: one, address: "" }, reason);
  }

  later(step: Step): void {
    if (this.steps.push(step) === 1) setImmediate(this.arriveAll);
  }

  private readonly arriveAll = () => {
    const steps = this.steps;
    this.steps = [];
    for (const { arrive } of steps) arrive();
  };
}

const noReceiver: BusReceiver = { received() {}, lost() {}, writable() {}, refused() {} };
const nothing = () => {};

class InProcessBus implements Bus {
  readonly address = "";
  readonly traits: BusTraits;
  receiver = noReceiver;
  private node: NodeRef = { id: "", address: "" };
  private readonly network: InProcessNetwork;
  private readonly endings = new Set<() => void>();

  constructor(network: InProcessNetwork) {
    this.network = network;
    this.traits = network.traits;
  }

  async open({ id, receiver }: Parameters<Bus["open"]>[0]): Promise<void> {
    if (this.network.nodes.has(id))
      throw busFaults.unavailable(undefined, { cause: new Error(`${id} is here already`) });
    this.node = { id, address: "" };
    this.receiver = receiver;
    this.network.nodes.set(id, this);
  }

  send(to: NodeRef, batch: Outgoing): boolean {
    return this.deliver(this.network.nodes.get(to.id), batch);
  }

  sendToGroup(group: string, batch: Outgoing): boolean {
    const members = this.network.groups.get(group) ?? [];
    const member = members.shift();
    if (member !== undefined) members.push(member);
    return this.deliver(member, batch);
  }

  join(group: string): () => void {
    const { groups } = this.network;
    groups.set(group, [...(groups.get(group) ?? []), this]);
    return this.ending(() =>
      groups.set(
        group,
        (groups.get(group) ?? []).filter((member) => member !== this),
      ),
    );
  }

  publish(topic: string, message: Uint8Array, unheard = nothing): void {
    const copy = message.slice();
    const listeners = this.network.topics.get(topic) ?? new Set();
    for (const listener of listeners) {
      this.network.later({ from: "", to: "", arrive: () => listener(this.node, copy), drop: nothing });
    }
    if (listeners.size === 0) this.network.later({ from: "", to: "", arrive: unheard, drop: nothing });
  }

  subscribe(topic: string, listener: TopicListener): () => void {
    const { topics } = this.network;
    // One of its own, so that a listener can hear two topics and leave one of them.
    const own: TopicListener = (from, message) => listener(from, message);
    const listeners = topics.get(topic) ?? new Set();
    topics.set(topic, listeners.add(own));
    return this.ending(() => listeners.delete(own));
  }

  forget(node: NodeRef): void {
    const { id } = this.node;
    const reason = new Error(`${id} closed the way`);
    const other = this.network.nodes.get(node.id);
    // Behind what was sent before.
    this.network.later({ from: id, to: node.id, arrive: () => other?.receiver.lost(this.node, reason), drop: nothing });
  }

  async close(): Promise<void> {
    if (this.network.nodes.get(this.node.id) !== this) return;
    await new Promise<void>((resolve) => this.network.later({ from: "", to: "", arrive: resolve, drop: resolve }));
    for (const end of this.endings) end();
    this.receiver = noReceiver;
    this.network.nodes.delete(this.node.id);
    for (const other of this.network.nodes.values()) other.receiver.lost(this.node, new Error("it closed"));
  }

  private deliver(to: InProcessBus | undefined, batch: Outgoing): boolean {
    if (to === undefined) {
      this.network.later({ from: "", to: "", arrive: () => batch.failed(new Error("no such node")), drop: nothing });
      return true;
    }
    const arrive = () => {
      this.hand(to, batch.frames);
      if (this.network.isDoubled()) this.hand(to, batch.frames);
      batch.sent();
    };
    this.network.later({ from: this.node.id, to: to.node.id, arrive, drop: () => batch.sent() });
    return true;
  }

  private hand({ receiver }: InProcessBus, frames: Uint8Array): void {
    const pieces = this.traits.keepsBatches ? 1 : this.network.piecesOf(frames);
    const pieceBytes = Math.ceil(frames.length / pieces);
    for (let at = 0; at < frames.length; at += pieceBytes) {
      receiver.received(this.node, frames.subarray(at, at + pieceBytes));
    }
  }

  private ending(end: () => void): () => void {
    this.endings.add(end);
    return () => {
      this.endings.delete(end);
      end();
    };
  }
}
