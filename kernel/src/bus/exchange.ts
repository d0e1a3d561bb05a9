import type { Asker } from "../call/asker.ts";
import { type Clock, systemClock } from "../call/clock.ts";
import { newTraceId } from "../call/ids.ts";
import { Inspector } from "../call/inspector.ts";
import { Scope } from "../call/scope.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { Bus, NodeRef } from "./bus.ts";
import { Callee } from "./callee/callee.ts";
import type { Incoming } from "./callee/execution.ts";
import { Caller } from "./caller/caller.ts";
import type { OutgoingCall } from "./caller/outgoing-call.ts";
import type { ByteStream } from "./flow/byte-stream.ts";
import { type Codec, jsonCodec } from "./frame/codec.ts";
import { defaultLimits, type ExchangeLimits } from "./limits.ts";
import type { Link } from "./link/link.ts";
import { type PeerListener, Peers } from "./peers.ts";
import { recordsCodec } from "./records/records-codec.ts";
import { Topics } from "./topics.ts";

/** What an exchange stands on. */
export interface ExchangeOptions {
  readonly bus: Bus;
  /** This node's name, new with each start of the process. */
  readonly id: string;
  readonly clock?: Clock;
  /** Preferred to records and to JSON, which every node speaks; the best first. */
  readonly codecs?: readonly Codec[];
  /** The actions that are answered here; the index of each is its number. May grow. */
  readonly actions: readonly string[];
  /** Answers a call, or throws a fault. Anything else that it throws is reported, and leaves as `kernel.internal`. */
  readonly serve: (incoming: Incoming) => Promise<unknown>;
  readonly inspector?: Inspector;
  readonly report?: (error: unknown, about: { readonly correlationId: string; readonly action: string }) => void;
  /** 0 to 255: how busy this node is, told to whoever pings it. */
  readonly load?: () => number;
  readonly limits?: Partial<ExchangeLimits>;
}

/** What goes on, and what has been counted since the start. */
export interface ExchangeCounts {
  /** Calls of this process that wait for an answer. */
  readonly pending: number;
  /** Calls of others that run here. */
  readonly running: number;
  /** Calls of others that came after their deadline. */
  readonly expired: number;
  /** What arrived and was not taken, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Calls and topics between nodes, over any bus. It chooses nobody and tries nothing twice: that is for whoever knows the
 * services. The way to a node is opened by the first call and kept.
 */
export class Exchange {
  private readonly bus: Bus;
  private readonly id: string;
  private readonly clock: Clock;
  private readonly caller: Caller;
  private readonly callee: Callee;
  private readonly peers: Peers;
  private readonly topics: Topics;
  private readonly peersMax: number;
  private closing: Promise<void> | null = null;

  constructor(options: ExchangeOptions) {
    const { bus, id, clock = systemClock, actions, serve, report = reportToConsole } = options;
    const { codecs = [], inspector = new Inspector(), load = idle } = options;
    const limits = { ...defaultLimits, ...options.limits };
    this.bus = bus;
    this.id = id;
    this.clock = clock;
    this.peersMax = limits.peersMax;
    this.caller = new Caller(limits);
    this.callee = new Callee({ clock, limits, actions, serve, report });
    const { caller, callee } = this;
    const failed = (error: unknown, action = "bus") => report(error, { correlationId: newTraceId(), action });
    this.peers = new Peers({
      bus,
      clock,
      codecs: [...codecs, recordsCodec, jsonCodec],
      limits,
      inspector,
      load,
      failed,
      caller,
      callee,
    });
    const { peers } = this;
    const undecodable = (from: NodeRef, topic: string) => peers.topicRefused(from, topic);
    this.topics = new Topics({ bus, undecodable, report: failed });
  }

  /** Takes part under its name. Raises `bus.unavailable`. */
  open(signal: AbortSignal): Promise<void> {
    return this.bus.open({ id: this.id, receiver: this.peers, signal });
  }

  /**
   * The answer of one node, as JSON delivers it. Raises the faults of the action; the scope's own end; `bus.unavailable` (retry
   * "yes") where the call never left, and `bus.uncertain` (retry "unknown") where the way was lost before the answer;
   * `kernel.overloaded` where too much is under way already. An input that JSON cannot say throws what its encoder says.
   */
  request(node: NodeRef, call: OutgoingCall): Promise<unknown> {
    return new Promise((answered, failed) => this.ask(node, call, { answered, failed }));
  }

  /** As `request`, for who needs no promise. */
  ask(node: NodeRef, call: OutgoingCall, asker: Asker): void {
    const link = this.linkTo(node);
    if (link === undefined) asker.failed(this.crowded(call));
    else this.caller.begin(link, call, asker);
  }

  /** A call that nobody answers. Settles when it is on its way, which does not say that it arrives. */
  async tell(node: NodeRef, call: OutgoingCall): Promise<void> {
    await this.request(node, { ...call, isOneWay: true });
  }

  /** Asks one member of a group, by the broker's choice; see `request`. Only where the bus has groups. */
  askGroup(group: string, call: OutgoingCall, asker: Asker): void {
    this.caller.beginGroup(this.peers.groupWay(group), call, asker);
  }

  /** Takes part in a group until the answered function is called. Only where the bus has groups. */
  join(group: string): () => void {
    return this.bus.join(group);
  }

  /**
   * A request with bytes beside it, in both directions; it is answered once it has left. The answer comes when the callee has
   * given it, behind all that it wrote; it ends both streams.
   */
  stream(
    node: NodeRef,
    call: OutgoingCall,
  ): Promise<{ readonly stream: ByteStream; readonly answer: Promise<unknown> }> {
    const link = this.linkTo(node);
    return link === undefined ? Promise.reject(this.crowded(call)) : this.caller.beginStream(link, call);
  }

  /**
   * Tells every subscriber of the topic that there is now, this node's own included: small and rare, such as announcements. At
   * most once; nobody hears whether it arrived, but `unheard` is called where there certainly was no subscriber.
   */
  publish(topic: string, value: unknown, unheard?: () => void): void {
    this.topics.publish(topic, value, unheard);
  }

  /** Until the answered function is called. The value is as JSON delivers it, and not validated. */
  subscribe(topic: string, listener: (from: NodeRef, value: unknown) => void): () => void {
    return this.topics.subscribe(topic, listener);
  }

  /** Asks for a sign of life and for the load; see `heardAt`. Nothing comes of it where the node cannot be reached. */
  ping(node: NodeRef): void {
    const link = this.peers.link(node);
    if (link?.state === "up") link.ping();
    else link?.greet();
  }

  /** Ends calls to a node that is silent, those that `isLeft` says, by `bus.uncertain`: whoever made them can ask another. */
  giveUp(id: string, isLeft: (call: OutgoingCall) => boolean): void {
    const link = this.peers.find(id);
    if (link !== undefined) this.caller.giveUp(link, isLeft);
  }

  /** When anything of this node was last heard, on the monotonic clock; -1: not since the way to it was opened. */
  heardAt(id: string): number {
    return this.peers.find(id)?.heardAt ?? -1;
  }

  /** 0 to 255, as the node said in its last pong; 0 before. */
  loadOf(id: string): number {
    return this.peers.find(id)?.load ?? 0;
  }

  /** Closes the way to a node that is not needed any more, when nothing is under way on it. */
  forget(node: NodeRef): void {
    this.peers.forget(node);
  }

  /** Closes the way to a node at once. Calls to it end with `bus.uncertain`, calls of it are cancelled. */
  cutOff(node: NodeRef): void {
    this.peers.cutOff(node);
  }

  /** Answers the function that ends the listening. */
  onPeer(listener: PeerListener): () => void {
    this.peers.listeners.add(listener);
    return () => this.peers.listeners.delete(listener);
  }

  get counts(): ExchangeCounts {
    return {
      pending: this.caller.count,
      running: this.callee.count,
      expired: this.callee.expiredCount,
      refused: Object.fromEntries(this.peers.refusedCounts),
    };
  }

  /**
   * Says goodbye, refuses new calls of others, lets what runs and what waits finish until `deadlineMs` have passed, ends the rest,
   * and closes the bus. Idempotent.
   */
  close(options: { readonly deadlineMs: number }): Promise<void> {
    this.closing ??= this.drain(new Scope(this.clock, options.deadlineMs, "close"));
    return this.closing;
  }

  private async drain(budget: Scope): Promise<void> {
    const { caller, callee, peers } = this;
    callee.isDraining = true;
    peers.goodbye(true);
    await Promise.race([this.idle(), new Promise((resolve) => setTimeout(resolve, budget.remainingMs()).unref())]);
    caller.abandon(kernelFaults.notRunning({ state: "stopped" }));
    peers.goodbye(false);
    peers.end();
    await this.bus.close({ deadlineMs: Math.max(closeMsMin, budget.remainingMs()) });
  }

  /** No call waits and none runs. */
  private idle(): Promise<void> {
    const { caller, callee } = this;
    return new Promise((resolve) => {
      const settled = () => {
        if (caller.count + callee.count === 0) resolve();
      };
      caller.whenIdle = settled;
      callee.whenIdle = settled;
      settled();
    });
  }

  private linkTo(node: NodeRef): Link | undefined {
    const link = this.peers.link(node);
    if (link === undefined) return undefined;
    link.isUnwanted = false;
    link.greet();
    return link;
  }

  private crowded({ name }: OutgoingCall): Error {
    return kernelFaults.overloaded({ action: name, inFlightMax: this.peersMax });
  }
}

/** The last answers and the goodbyes need a moment to leave, however late it is. */
const closeMsMin = 100;

const idle = () => 0;

function reportToConsole(error: unknown, { correlationId, action }: { correlationId: string; action: string }): void {
  console.error(`${action} failed (${correlationId}):`, error);
}
