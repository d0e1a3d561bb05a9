import type { Clock } from "../call/clock.ts";
import type { Inspector } from "../call/inspector.ts";
import type { Bus, BusReceiver, NodeRef } from "./bus.ts";
import type { Callee } from "./callee/callee.ts";
import type { Caller } from "./caller/caller.ts";
import { GroupWay } from "./caller/group-way.ts";
import { dropAllFlows, flowFrame, resumeFlows } from "./flow/flows.ts";
import { BatchPool } from "./frame/batch.ts";
import type { Codec } from "./frame/codec.ts";
import { type Frame, frameType, RefusedFrame } from "./frame/frame.ts";
import type { ExchangeLimits } from "./limits.ts";
import { Link, type LinkHost } from "./link/link.ts";

/** "up": it can be talked to; "left": it answers what it has and takes nothing new; "lost": what was under way is uncertain. */
export type PeerState = "up" | "left" | "lost";

/** Hears what becomes of other nodes. */
export type PeerListener = (node: NodeRef, state: PeerState) => void;

/** What the peers of a node have to do with. */
export interface PeersOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly codecs: readonly Codec[];
  readonly limits: ExchangeLimits;
  readonly inspector: Inspector;
  readonly load: () => number;
  readonly failed: (error: unknown) => void;
  readonly caller: Caller;
  readonly callee: Callee;
}

/** The nodes that this one talks to: finds the link of each, and hands what arrives to the caller's and the callee's side. */
export class Peers implements LinkHost, BusReceiver {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly codecs: readonly Codec[];
  limits: ExchangeLimits;
  pool: BatchPool;
  readonly load: () => number;
  readonly failed: (error: unknown) => void;
  /** Of what was not taken, by reason. */
  readonly refusedCounts = new Map<string, number>();
  readonly listeners = new Set<PeerListener>();
  private isClosed = false;
  private readonly links = new Map<string, Link>();
  private readonly groupWays = new Map<string, GroupWay>();
  private readonly inspector: Inspector;
  private readonly caller: Caller;
  private readonly callee: Callee;

  constructor({ bus, clock, codecs, limits, inspector, load, failed, caller, callee }: PeersOptions) {
    this.bus = bus;
    this.clock = clock;
    this.codecs = codecs;
    this.limits = limits;
    this.inspector = inspector;
    this.load = load;
    this.failed = failed;
    this.caller = caller;
    this.callee = callee;
    this.pool = new BatchPool(limits.frameBytesMax);
  }

  find(id: string): Link | undefined {
    return this.links.get(id);
  }

  /** The way to a node, begun where there is none; undefined where too many nodes are known. */
  link(node: NodeRef): Link | undefined {
    let link = this.links.get(node.id);
    if (link === undefined) {
      if (this.links.size >= this.limits.peersMax) return undefined;
      this.fitFrames();
      link = new Link(this, node);
      this.links.set(node.id, link);
    }
    return link;
  }

  groupWay(group: string): GroupWay {
    let way = this.groupWays.get(group);
    if (way === undefined) {
      this.fitFrames();
      const { bus, pool, limits, caller } = this;
      const notCarried = caller.notCarried.bind(caller);
      way = new GroupWay({ bus, group, pool, frameBytesMax: limits.frameBytesMax, notCarried });
      this.groupWays.set(group, way);
    }
    return way;
  }

  /** To all: this node takes nothing new, or is gone. */
  goodbye(isLeaving: boolean): void {
    for (const link of this.links.values()) {
      if (link.state !== "up") continue;
      link.goodbye(isLeaving);
      link.writer.flush();
    }
  }

  forget(node: NodeRef): void {
    const link = this.links.get(node.id);
    if (link === undefined) {
      this.bus.forget(node);
    } else {
      link.isUnwanted = true;
      link.closeIfUnwanted();
    }
  }

  cutOff(node: NodeRef): void {
    this.links.get(node.id)?.end(new Error("it was cut off"));
    this.bus.forget(node);
  }

  /** Ends what is left under way. From now on nothing is heard. */
  end(): void {
    this.isClosed = true;
    for (const link of this.links.values()) link.end(new Error("this node closes"));
  }

  received(from: NodeRef, frames: Uint8Array): void {
    if (this.isClosed) return;
    const link = this.link(from);
    if (link !== undefined) {
      link.receive(frames);
      return;
    }
    this.count({ reason: "overloaded", node: from.id, detail: `${this.limits.peersMax} nodes are known already` });
    this.bus.forget(from);
  }

  lost(node: NodeRef, reason: Error): void {
    this.links.get(node.id)?.end(reason);
  }

  topicRefused(from: NodeRef, topic: string): void {
    this.count({ reason: "undecodable", node: from.id, detail: topic });
  }

  writable(node: NodeRef): void {
    const link = this.links.get(node.id);
    if (link === undefined) return;
    link.isBusFull = false;
    resumeFlows(link);
  }

  refused(reason: string, detail: string): void {
    this.count({ reason, node: "", detail });
  }

  frameRefused(link: Link, reason: string, bytes: number): void {
    this.count({ reason, node: link.node.id, detail: `${bytes} bytes` });
  }

  frame(link: Link, frame: Frame): void {
    switch (frame.type) {
      case frameType.request:
      case frameType.oneWay:
        this.callee.requested(link, frame);
        break;
      case frameType.reply:
        this.caller.replied(link, frame);
        break;
      case frameType.fault:
        this.caller.faulted(link, frame);
        break;
      case frameType.cancel:
        this.callee.cancelled(link, frame);
        break;
      case frameType.chunk:
      case frameType.credit:
      case frameType.end:
        flowFrame(link, frame);
        break;
      default:
        throw new RefusedFrame("malformed");
    }
  }

  up(link: Link): void {
    this.tell(link, "up");
    this.caller.up(link);
  }

  left(link: Link): void {
    this.tell(link, "left");
  }

  interrupted(link: Link, reason: Error, batch?: number): void {
    this.caller.interrupted(link, reason, batch);
    this.callee.interrupted(link);
    dropAllFlows(link, reason);
  }

  over({ node }: Link): void {
    this.links.delete(node.id);
  }

  lostLink(link: Link, reason: Error): void {
    if (!link.isLeaving) this.tell(link, "lost", reason.message);
  }

  /** What a broker moves at once, its bus learns when it opens, or opens again. */
  private fitFrames(): void {
    const frameBytesMax = Math.min(this.limits.frameBytesMax, this.bus.traits.batchBytesMax);
    if (frameBytesMax === this.limits.frameBytesMax) return;
    this.limits = { ...this.limits, frameBytesMax };
    this.pool = new BatchPool(frameBytesMax);
  }

  private tell({ node }: Link, state: PeerState, reason?: string): void {
    const at = this.clock.now();
    this.inspector.emit?.({ kind: "peer", node: node.id, state, at, ...(reason !== undefined && { reason }) });
    for (const listener of this.listeners) {
      try {
        listener(node, state);
      } catch (error) {
        this.failed(error);
      }
    }
  }

  private count(what: { readonly reason: string; readonly node: string; readonly detail: string }): void {
    this.refusedCounts.set(what.reason, (this.refusedCounts.get(what.reason) ?? 0) + 1);
    this.inspector.emit?.({ kind: "refused-frame", ...what, at: this.clock.now() });
  }
}
