import type { NodeRef } from "../bus/bus.ts";
import type { NodeState } from "../call/inspector.ts";
import { type Offer, offerFrom, topics } from "./messages.ts";
import { RemoteNode } from "./remote-node.ts";
import { ServiceView } from "./service-view.ts";
import { beatMs, forgetAfterMs } from "./timing.ts";

/** What a registry does, and what it asks of the way to other nodes. */
export interface RegistryWire {
  subscribe(topic: string, listener: (from: NodeRef, message: unknown) => void): () => void;
  /** `unheard` is called where certainly nobody subscribes to the topic. */
  publish(topic: string, message: unknown, unheard?: () => void): void;
  ping(node: NodeRef): void;
  /** When any frame of the node was last heard, on the monotonic clock; -1 for never. */
  heardAt(id: string): number;
  /** How busy the node last said it is, 0 to 255. */
  loadOf(id: string): number;
  /** It offers a service that its certificate does not name. */
  refuse(node: NodeRef, service: string): void;
  /** The node is of no interest any more. */
  forget(node: NodeRef): void;
  /** Between 0 and 1. */
  random(): number;
  /** A node entered a state. */
  entered(node: RemoteNode, state: NodeState): void;
}

/** A node that was away for less does not make the registry ask around: it was the node, not the network. */
const partitionMs = 4 * beatMs;
/** Who notices that a partition healed asks within this time, at random, so that a fleet does not ask at once. */
const askSpreadMs = 1_000;

/*
 * Who offers what and how they are, as one node hears it: a state machine without timers or sockets of its own. Inputs are
 * messages, beats each 250 ms, and what the bus says of a way; outputs go to `RegistryWire`.
 *
 * R1  Only services that this node calls are subscribed to; it hears of nobody else.
 * R2  Of one node's offers the one with the largest sequence counts, in whatever order they come.
 * R3  A node that left never comes back: ids are new with each process, so what is heard of it later was said before.
 * R4  Whoever is back after a partition makes this node ask again: within a second both sides know each other.
 * R5  A node of which nothing was heard for `forgetAfterMs` is forgotten, with what it offered.
 */
export class Registry {
  readonly views = new Map<string, ServiceView>();
  readonly nodes = new Map<string, RemoteNode>();
  private readonly self: NodeRef["id"];
  private readonly wire: RegistryWire;
  /** Nodes that left, and when to forget even that. */
  private readonly buried = new Map<string, number>();
  private readonly ends: (() => void)[] = [];
  private lastBeatAt: number;
  private askAllAt = Number.POSITIVE_INFINITY;
  private cleanAt: number;

  constructor(self: string, wire: RegistryWire, now: number) {
    this.self = self;
    this.wire = wire;
    this.lastBeatAt = now;
    this.cleanAt = now + forgetAfterMs / 4;
    this.ends.push(wire.subscribe(topics.node(self), (from, message) => this.heard(from, message)));
  }

  /** R1. The service as this process sees it, from now on. `isKnown`: somebody said that there is such a service. */
  need(service: string, now: number, isKnown = false): ServiceView {
    const existing = this.views.get(service);
    if (existing !== undefined) {
      existing.isKnown ||= isKnown;
      return existing;
    }
    const view = new ServiceView(service, isKnown);
    this.views.set(service, view);
    this.ends.push(this.wire.subscribe(topics.offers(service), (from, message) => this.heard(from, message)));
    view.askAgain(now);
    this.ask(view, now);
    return view;
  }

  private heard(from: NodeRef, message: unknown): void {
    const offer = offerFrom(message);
    const view = offer === null ? undefined : this.views.get(offer.service);
    if (offer === null || view === undefined || from.id === this.self || this.buried.has(from.id)) return;
    if (from.services?.includes(offer.service) === false) this.wire.refuse(from, offer.service);
    else this.take(from, offer, view);
  }

  private take(from: NodeRef, offer: Offer, view: ServiceView): void {
    const now = this.lastBeatAt;
    const node = this.nodes.get(from.id) ?? this.met(from, now);
    node.saidAt = now;
    node.host = offer.host;
    this.isBack(node, now);
    const known = node.offers.get(offer.service);
    if (offer.leaving) this.left(from.id, now);
    else if (known === undefined || known.sequence < offer.sequence) {
      node.offers.set(offer.service, offer);
      view.add(node);
    }
  }

  private met(ref: NodeRef, now: number): RemoteNode {
    const node = new RemoteNode(ref, now);
    this.nodes.set(ref.id, node);
    this.wire.entered(node, "up");
    return node;
  }

  /** The way to the node is gone. */
  lost(id: string, now: number): void {
    const node = this.nodes.get(id);
    if (node === undefined) return;
    const { state, since } = node.health;
    node.health.lost(now);
    this.entered(node, now, { state, since });
  }

  /** There is a way to the node again. */
  isUp(id: string, now: number): void {
    const node = this.nodes.get(id);
    if (node !== undefined) this.isBack(node, now);
  }

  private isBack(node: RemoteNode, now: number): void {
    const { state, since } = node.health;
    node.health.rise(now);
    this.entered(node, now, { state, since });
  }

  /** R3. */
  left(id: string, now: number): void {
    this.buried.set(id, now + forgetAfterMs);
    const node = this.nodes.get(id);
    if (node === undefined) return;
    const { state, since } = node.health;
    node.health.left(now);
    this.entered(node, now, { state, since });
    this.drop(node);
  }

  private drop(node: RemoteNode): void {
    this.nodes.delete(node.ref.id);
    for (const service of node.offers.keys()) this.views.get(service)?.remove(node);
    this.wire.forget(node.ref);
  }

  /** What follows where a node's state is another than it was. */
  private entered(node: RemoteNode, now: number, before: { readonly state: NodeState; readonly since: number }): void {
    const { state } = node.health;
    if (state === before.state) return;
    this.wire.entered(node, state);
    for (const service of node.offers.keys()) this.views.get(service)?.refresh();
    const wasAway = before.state === "suspect" || before.state === "lost";
    if (wasAway && now - before.since >= partitionMs) this.askAllSoon(now);
  }

  /** R4. */
  private askAllSoon(now: number): void {
    if (this.askAllAt === Number.POSITIVE_INFINITY) this.askAllAt = now + this.wire.random() * askSpreadMs;
  }

  beat(now: number): void {
    const late = now - this.lastBeatAt >= 2 * beatMs;
    this.lastBeatAt = now;
    if (late) this.askAllSoon(now);
    for (const node of this.nodes.values()) this.beatOf(node, now, late);
    if (now >= this.askAllAt) {
      this.askAllAt = Number.POSITIVE_INFINITY;
      for (const view of this.views.values()) view.askAgain(now);
    }
    for (const view of this.views.values()) if (view.isAskDue(now)) this.ask(view, now);
    if (now >= this.cleanAt) this.clean(now);
  }

  private beatOf(node: RemoteNode, now: number, late: boolean): void {
    const { health, ref } = node;
    const { state, since } = health;
    node.load = this.wire.loadOf(ref.id);
    if (health.beat(now, this.wire.heardAt(ref.id), late)) this.wire.ping(ref);
    if (health.state !== state) this.entered(node, now, { state, since });
  }

  private ask(view: ServiceView, now: number): void {
    view.asked(now);
    this.wire.publish(topics.questions(view.service), { kind: "ask" }, () => view.unheard());
  }

  /** R5. */
  private clean(now: number): void {
    this.cleanAt = now + forgetAfterMs / 4;
    for (const node of this.nodes.values()) {
      const lastAt = Math.max(node.saidAt, this.wire.heardAt(node.ref.id));
      if (now - lastAt >= forgetAfterMs) this.drop(node);
    }
    for (const [id, until] of this.buried) if (now >= until) this.buried.delete(id);
  }

  /** Hears nothing any more. */
  close(): void {
    for (const end of this.ends.splice(0)) end();
  }
}
