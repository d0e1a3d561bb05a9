import type { NodeState } from "../../src/call/inspector.ts";
import { Announcer } from "../../src/registry/announcer.ts";
import { topics } from "../../src/registry/messages.ts";
import { Registry, type RegistryWire } from "../../src/registry/registry.ts";
import { beatMs } from "../../src/registry/timing.ts";
import { Schedule } from "./schedule.ts";
import { seeded } from "./seeded.ts";

export interface FleetOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Nodes that offer one service, and services that each node calls: what the cost of a node depends on. */
  readonly providersEach: number;
  readonly callsEach: number;
  /** Share of the messages that never arrive, and of those that arrive twice. */
  readonly lossShare?: number;
}

/** One simulated process. Pings count as frames; calls themselves carry none here, which is harder than the truth. */
class FleetNode {
  readonly id: string;
  readonly service: string;
  readonly registry: Registry;
  readonly announcer: Announcer;
  readonly called: readonly string[];
  /** The side of a partition. */
  side = 0;
  isAlive = true;
  isPaused = false;
  readonly heardAt = new Map<string, number>();
  readonly count = { sent: 0, heard: 0, entered: { up: 0, damped: 0, suspect: 0, lost: 0, left: 0 } };
  readonly calls = { right: 0, wrong: 0 };

  constructor(fleet: Fleet, place: { id: string; service: string; called: readonly string[] }) {
    this.id = place.id;
    this.service = place.service;
    this.called = place.called;
    const wire: RegistryWire = {
      subscribe: (topic, listener) => fleet.subscribe(this, topic, listener),
      publish: (topic, message) => fleet.publish(this, topic, message),
      ping: (node) => fleet.ping(this, node.id),
      heardAt: (id) => {
        const at = this.heardAt.get(id) ?? -1;
        return at <= fleet.schedule.now ? at : -1;
      },
      loadOf: () => 0,
      refuse: () => {},
      forget: (node) => this.heardAt.delete(node.id),
      random: fleet.random,
      entered: (_, state: NodeState) => this.count.entered[state]++,
    };
    this.registry = new Registry(this.id, wire, fleet.schedule.now);
    const offered = [{ service: this.service, actions: [{ name: "do", number: 0, schemas: "s" }], instances: null }];
    this.announcer = new Announcer(offered, "host", wire);
  }
}

type Listener = { node: FleetNode; listener: (from: { id: string; address: string }, message: unknown) => void };

/** Many nodes with real registries and announcers, on a simulated network under a seeded schedule. */
export class Fleet {
  readonly schedule = new Schedule();
  readonly random: () => number;
  readonly nodes = new Map<string, FleetNode>();
  private readonly options: FleetOptions;
  private readonly topics = new Map<string, Set<Listener>>();
  private started = 0;

  constructor(options: FleetOptions) {
    this.options = options;
    this.random = seeded(options.seed);
    for (let index = 0; index < options.nodes; index++) this.start(index);
  }

  get serviceCount(): number {
    return this.options.nodes / this.options.providersEach;
  }

  /** Starts a process at one of the places; each has its own service, and calls the next ones. */
  start(place: number): void {
    const service = (offset: number) => `s${(place + offset) % this.serviceCount}`;
    const called = Array.from({ length: this.options.callsEach }, (_, index) => service(1 + index));
    const node = new FleetNode(this, { id: `n${this.started++}`, service: service(0), called });
    this.nodes.set(node.id, node);
    this.subscribe(node, topics.questions(node.service), (from) => node.announcer.asked(node.service, from.id));
    this.schedule.after(this.random() * 1_000, () => {
      node.announcer.begin(this.schedule.now);
      for (const name of node.called) node.registry.need(name, this.schedule.now);
      this.beat(node);
    });
  }

  private beat(node: FleetNode): void {
    if (!node.isAlive) return;
    if (!node.isPaused) {
      const { now } = this.schedule;
      node.announcer.beat(now);
      node.registry.beat(now);
      for (const name of node.called) this.call(node, name);
    }
    this.schedule.after(beatMs, () => this.beat(node));
  }

  /** A call to each available node of the service within some beats; it goes wrong where that does not answer. */
  private call(caller: FleetNode, service: string): void {
    const { available } = caller.registry.need(service, this.schedule.now);
    if (available.length === 0) return;
    const node = available[Math.floor(this.random() * available.length)] as (typeof available)[number];
    node.health.use();
    const callee = this.nodes.get(node.ref.id);
    if (callee !== undefined && this.reaches(caller, callee)) caller.calls.right++;
    else caller.calls.wrong++;
  }

  private reaches(from: FleetNode, to: FleetNode): boolean {
    return to.isAlive && !to.isPaused && from.side === to.side;
  }

  private latencyMs(): number {
    return 0.2 + this.random() * 5;
  }

  subscribe(node: FleetNode, topic: string, listener: Listener["listener"]): () => void {
    const entry = { node, listener };
    const listeners = this.topics.get(topic) ?? new Set();
    this.topics.set(topic, listeners.add(entry));
    return () => listeners.delete(entry);
  }

  publish(from: FleetNode, topic: string, message: unknown): void {
    from.count.sent++;
    for (const entry of this.topics.get(topic) ?? []) {
      if (!this.reaches(from, entry.node) || this.random() < (this.options.lossShare ?? 0.01)) continue;
      const copies = this.random() < (this.options.lossShare ?? 0.01) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        this.schedule.after(this.latencyMs(), () => this.deliver(entry, from, message));
      }
    }
  }

  private deliver({ node, listener }: Listener, from: FleetNode, message: unknown): void {
    if (!node.isAlive || node.isPaused) return;
    node.count.heard++;
    listener({ id: from.id, address: "" }, message);
  }

  ping(from: FleetNode, to: string): void {
    from.count.sent++;
    const target = this.nodes.get(to);
    if (target === undefined || !this.reaches(from, target) || this.random() < (this.options.lossShare ?? 0.01)) return;
    target.count.heard++;
    target.count.sent++;
    from.count.heard++;
    from.heardAt.set(to, this.schedule.now + this.latencyMs());
  }

  /** kill -9: nobody hears a goodbye. */
  kill(node: FleetNode): void {
    node.isAlive = false;
    this.forgetTopics(node);
    this.nodes.delete(node.id);
  }

  leave(node: FleetNode): void {
    node.announcer.leave();
    this.schedule.after(100, () => this.kill(node));
  }

  private forgetTopics(node: FleetNode): void {
    for (const listeners of this.topics.values())
      for (const entry of listeners) if (entry.node === node) listeners.delete(entry);
  }

  run(ms: number): void {
    this.schedule.runUntil(this.schedule.now + ms);
  }

  /** Whether every node sees exactly those nodes of its services that it reaches. */
  isConverged(): boolean {
    const offering = new Map<string, Map<string, FleetNode>>();
    for (const node of this.nodes.values()) {
      const nodes = offering.get(node.service) ?? new Map<string, FleetNode>();
      offering.set(node.service, nodes.set(node.id, node));
    }
    for (const caller of this.nodes.values()) {
      if (caller.isPaused) continue;
      for (const service of caller.called) if (!this.sees(caller, service, offering.get(service))) return false;
    }
    return true;
  }

  private sees(caller: FleetNode, service: string, nodes: ReadonlyMap<string, FleetNode> = new Map()): boolean {
    let missing = 0;
    for (const node of nodes.values()) if (this.reaches(caller, node)) missing++;
    for (const { ref } of caller.registry.views.get(service)?.available ?? []) {
      const node = nodes.get(ref.id);
      if (node === undefined || !this.reaches(caller, node)) return false;
      missing--;
    }
    return missing === 0;
  }

  /** Milliseconds until all see the truth, looking every 200; `limitMs` where they do not. */
  convergenceMs(limitMs: number): number {
    const began = this.schedule.now;
    while (!this.isConverged() && this.schedule.now - began < limitMs) this.run(200);
    return this.schedule.now - began;
  }

  /** Messages sent and heard per node and second while `during` runs. */
  costOf(during: () => void): number {
    const total = () => [...this.nodes.values()].reduce((sum, { count }) => sum + count.sent + count.heard, 0);
    const began = this.schedule.now;
    const before = total();
    during();
    return ((total() - before) / this.nodes.size / (this.schedule.now - began)) * 1_000;
  }

  pick(): FleetNode {
    const all = [...this.nodes.values()];
    return all[Math.floor(this.random() * all.length)] as FleetNode;
  }
}
