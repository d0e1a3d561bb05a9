import type { Clock } from "../../call/clock.ts";
import type { Bus, NodeRef, Outgoing } from "../bus.ts";
import type { FlowIn } from "../flow/flow-in.ts";
import type { FlowOut, FlowPace } from "../flow/flow-out.ts";
import { resumeFlows } from "../flow/flows.ts";
import { Unread } from "../flow/unread.ts";
import { type BatchCarrier, type BatchPool, BatchWriter } from "../frame/batch.ts";
import { type Codec, jsonCodec } from "../frame/codec.ts";
import { Frame, flag, frameType, headerBytes, type Refusal, RefusedFrame } from "../frame/frame.ts";
import { FrameReader } from "../frame/frame-reader.ts";
import { type Hello, readHello, writeHello } from "../frame/hello.ts";
import type { ExchangeLimits } from "../limits.ts";
import { PayloadDecoder, PayloadEncoder } from "./payload.ts";
import { PeerClock } from "./peer-clock.ts";

/** What a link has of the exchange it belongs to. */
export interface LinkHost {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly codecs: readonly Codec[];
  readonly limits: ExchangeLimits;
  readonly pool: BatchPool;
  /** 0 to 255: what a pong says of this node. */
  load(): number;
  /** A request, a reply or a part of either. */
  frame(link: Link, frame: Frame): void;
  /** Frames may go now. */
  up(link: Link): void;
  /** What was under way is uncertain. `batch` is the one that certainly was not sent, if any. */
  interrupted(link: Link, reason: Error, batch?: number): void;
  /** Nothing comes of it any more; the next call makes another one. */
  over(link: Link): void;
  /** What was under way is settled. */
  lostLink(link: Link, reason: Error): void;
  left(link: Link): void;
  /** A mistake of ours, or of whoever listens to us. */
  failed(error: unknown): void;
  frameRefused(link: Link, reason: Refusal, bytes: number): void;
}

/** A call of the peer that runs here. */
export interface RunningCall {
  /** Its answer interests nobody any more. */
  silence(): void;
}

/** Calls to a group that came before the hello of their caller. */
const heldMax = 256;

let lastNumber = 0;

/**
 * The way to one peer.
 *
 * ```
 * new ──greet()──▶ greeting ──hello──▶ up ──▶ over
 *  └───────────hello────────────────▶ ▲ │hello with another number
 *                                     └─┘
 * ```
 *
 * L1 While greeting, nothing but our hello is sent and nothing but the peer's is read: the rest belongs to what was before. Calls
 *    to a group are of no link; they are held until it is up.
 * L2 The first frame after the peer's hello gives its time back, so it knows our clock before it sees a deadline of ours.
 * L3 A hello with another number means that the peer began anew: what was under way ends as if the way had been lost.
 * L4 Codecs and clock last as long as one pair of numbers.
 * L5 It is over once: the way was lost, a batch was not sent, a frame made no sense, no hello came, or the peer said goodbye.
 */
export class Link implements BatchCarrier {
  readonly node: NodeRef;
  readonly writer: BatchWriter;
  readonly pool: BatchPool;
  state: "new" | "greeting" | "up" | "over" = "new";
  /** More is queued at the bus than should be. */
  isBusFull = false;
  /** Calls to it that wait for an answer. */
  pendingCount = 0;
  /** To be closed when nothing is under way any more. */
  isUnwanted = false;
  /** It said goodbye: it answers what it has, and takes nothing new. */
  isLeaving = false;
  /** By the monotonic clock; -1: never. */
  heardAt = -1;
  /** What its last pong said. */
  load = 0;
  peerClock: PeerClock;
  encoder = new PayloadEncoder(jsonCodec);
  decoder = new PayloadDecoder(jsonCodec);
  /** The largest frame that both take. */
  frameBytesMax = 0;
  /** How much of each flow leaves at once, and before the peer has granted more. */
  pace: FlowPace = { chunkBytes: 0, creditBytes: 0 };
  /** By the peer's name for each. */
  readonly running = new Map<number, RunningCall>();
  readonly flowsIn = new Map<number, FlowIn>();
  readonly flowsOut = new Map<number, FlowOut>();
  private readonly unread = new Unread();
  private readonly held: Buffer[] = [];
  private readonly host: LinkHost;
  private readonly reader: FrameReader;
  private own = 0;
  private peer = 0;
  private patience: NodeJS.Timeout | null = null;

  constructor(host: LinkHost, node: NodeRef) {
    this.host = host;
    this.node = node;
    this.pool = host.pool;
    this.writer = new BatchWriter(host.pool, this);
    this.peerClock = new PeerClock(host.clock);
    this.reader = new FrameReader(host.limits.frameBytesMax, host.bus.traits.keepsBatches);
  }

  /** Begins, unless it has. */
  greet(): void {
    if (this.state !== "new") return;
    this.begin();
    this.hello(-1);
    const { handshakeMs } = this.host.limits;
    this.patience = setTimeout(() => this.end(new Error(`no hello within ${handshakeMs} ms`)), handshakeMs);
    this.patience.unref();
  }

  receive(bytes: Uint8Array): void {
    this.heardAt = this.host.clock.monotonic();
    try {
      this.reader.read(asBuffer(bytes), this.visit);
    } catch (error) {
      if (!(error instanceof RefusedFrame)) this.host.failed(error);
      this.refuse(error instanceof RefusedFrame ? error.reason : "malformed", bytes.length);
    }
  }

  /** Counts it, says goodbye and closes: behind a frame that makes no sense nothing can be told apart. */
  refuse(reason: Refusal, bytes: number): void {
    const isForeign =
      this.state !== "up" && (reason === "malformed" || reason === "oversized" || reason === "truncated");
    this.host.frameRefused(this, isForeign ? "foreign" : reason, bytes);
    this.close(new Error(`it sent what is ${reason}`));
  }

  /** Says goodbye, ends what is under way, and closes. */
  close(reason: Error): void {
    this.goodbye(false);
    this.writer.flush();
    this.end(reason);
    this.host.bus.forget(this.node);
  }

  /** Closes where it is not wanted any more, and nothing is under way in either direction. */
  closeIfUnwanted(): void {
    if (!this.isUnwanted || this.state === "over" || this.pendingCount + this.running.size > 0) return;
    this.close(new Error("it is not needed any more"));
  }

  ping(): void {
    const time = this.host.clock.monotonic();
    this.unread.marked(time);
    this.writer.begin(frameType.ping, 0, 0);
    this.writer.reserve(8);
    this.writer.f64(time);
    this.writer.end();
  }

  /** Streams are to wait. */
  get isCongested(): boolean {
    return this.isBusFull || this.unread.isFull;
  }

  chunkSent(bytes: number): void {
    if (this.unread.sent(bytes)) this.ping();
  }

  /** `isLeaving`: what is under way is finished; else the link is over with it. */
  goodbye(isLeaving: boolean): void {
    this.writer.begin(frameType.goodbye, isLeaving ? 1 : 0, 0);
    this.writer.end();
  }

  end(reason: Error, batch?: number): void {
    if (this.state === "over") return;
    this.stopWaiting();
    this.state = "over";
    this.writer.discard();
    // Out of the table first: what is told of its end may call the node again, and needs another link.
    this.host.over(this);
    this.host.interrupted(this, reason, batch);
    this.host.lostLink(this, reason);
  }

  carry(batch: Outgoing): void {
    try {
      if (!this.host.bus.send(this.node, batch)) this.isBusFull = true;
    } catch (error) {
      // It should not throw. Whoever flushes has other nodes' batches to send.
      batch.failed(error as Error);
    }
  }

  notCarried(batch: number, reason: Error): void {
    this.end(reason, batch);
  }

  private readonly visit = (frame: Frame): boolean => {
    if (frame.type === frameType.hello) this.helloHeard(readHello(frame));
    else if (this.state === "up") this.heard(frame);
    else if (isToGroup(frame)) this.hold(frame);
    else if (this.state === "new") this.heardOutside(frame);
    return this.state !== "over";
  };

  private heard(frame: Frame): void {
    switch (frame.type) {
      case frameType.ping:
        frame.expectBody(8);
        this.pong(frame.bytes.readDoubleLE(frame.bodyAt));
        break;
      case frameType.pong:
        this.pongHeard(frame);
        break;
      case frameType.goodbye:
        this.goodbyeHeard(frame);
        break;
      default:
        this.host.frame(this, frame);
    }
  }

  /** A broker brings calls of nodes that have not said hello; their deadlines mean nothing before. */
  private hold(frame: Frame): void {
    if (this.held.length >= heldMax) throw new RefusedFrame("overloaded");
    this.held.push(Buffer.from(frame.bytes.subarray(frame.start, frame.end)));
    this.greet();
  }

  private release(): void {
    const frame = new Frame();
    for (const bytes of this.held.splice(0)) {
      frame.moveTo(bytes, 0, bytes.length);
      if (this.state === "up") this.heard(frame);
    }
  }

  /** From a peer that we forgot; what answers a goodbye with a goodbye would never end. */
  private heardOutside({ type }: Frame): void {
    if (type !== frameType.goodbye) throw new RefusedFrame("unexpected");
    this.end(new Error("it said goodbye"));
  }

  private helloHeard(hello: Hello): void {
    if (hello.heard !== 0 && hello.heard !== this.own) return; // answers a hello of a link that is over
    const isAnew = this.state === "up" && hello.link !== this.peer;
    if (isAnew) this.host.interrupted(this, new Error("the node began anew"));
    if (isAnew || this.state === "new") this.begin();
    const isNew = this.state !== "up";
    if (isNew) this.agree(hello);
    if (hello.heard !== 0) this.peerClock.learn(hello.echo, hello.time);
    if (hello.heard === 0) this.hello(hello.time);
    else if (isNew) this.pong(hello.time);
    if (isNew) this.host.up(this);
    if (this.peerClock.isKnown) this.release();
  }

  private agree({ link, codecs, frameBytesMax, creditBytes }: Hello): void {
    const { host } = this;
    this.stopWaiting();
    this.peer = link;
    this.state = "up";
    this.frameBytesMax = Math.min(frameBytesMax, host.limits.frameBytesMax);
    const { limits } = host;
    const chunkBytes = Math.min(limits.chunkBytes, this.frameBytesMax - headerBytes - 4, creditBytes >>> 1);
    this.pace = { chunkBytes: Math.max(1, chunkBytes), creditBytes };
    this.encoder = new PayloadEncoder(host.codecs.find(({ name }) => codecs.includes(name)) ?? jsonCodec);
    const theirs = codecs.find((name) => host.codecs.some((codec) => codec.name === name));
    this.decoder = new PayloadDecoder(host.codecs.find(({ name }) => name === theirs) ?? jsonCodec);
  }

  private begin(): void {
    this.state = "greeting";
    this.own = lastNumber = (lastNumber + 1) >>> 0 || 1;
    this.peer = 0;
    this.isBusFull = false;
    this.unread.clear();
    this.isLeaving = false;
    this.peerClock = new PeerClock(this.host.clock);
  }

  private hello(echo: number): void {
    const { clock, codecs, limits } = this.host;
    writeHello(this.writer, {
      link: this.own,
      heard: this.peer,
      time: clock.monotonic(),
      echo,
      frameBytesMax: limits.frameBytesMax,
      creditBytes: limits.creditBytes,
      codecs: codecs.map(({ name }) => name),
    });
  }

  private pong(echo: number): void {
    this.writer.begin(frameType.pong, 0, 0);
    this.writer.reserve(17);
    this.writer.f64(echo);
    this.writer.f64(this.host.clock.monotonic());
    this.writer.u8(this.host.load());
    this.writer.end();
  }

  private pongHeard(frame: Frame): void {
    frame.expectBody(17);
    const { bytes, bodyAt } = frame;
    const echo = bytes.readDoubleLE(bodyAt);
    const time = bytes.readDoubleLE(bodyAt + 8);
    if (!Number.isFinite(echo) || !Number.isFinite(time)) throw new RefusedFrame("malformed");
    this.peerClock.learn(echo, time);
    this.load = bytes[bodyAt + 16]!;
    const wasFull = this.unread.isFull;
    this.unread.readUntil(echo);
    if (wasFull) resumeFlows(this);
  }

  private goodbyeHeard(frame: Frame): void {
    frame.expectBody(0);
    if ((frame.flags & 1) === 0) {
      this.end(new Error("it said goodbye"));
    } else {
      this.isLeaving = true;
      this.host.left(this);
    }
  }

  private stopWaiting(): void {
    if (this.patience !== null) clearTimeout(this.patience);
    this.patience = null;
  }
}

const isToGroup = ({ type, flags }: Frame): boolean => type === frameType.request && (flags & flag.named) !== 0;

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
