import type { Asker } from "../../call/asker.ts";
import { faultFromRecord } from "../../contract/fault.ts";
import { kernelFaults } from "../../contract/kernel-faults.ts";
import { busFaults } from "../bus-faults.ts";
import { Assembly } from "../flow/assembly.ts";
import { type ByteStream, StreamEnd } from "../flow/byte-stream.ts";
import { flowKey, flowKind } from "../flow/flow-name.ts";
import { FlowOut } from "../flow/flow-out.ts";
import { dropFlows } from "../flow/flows.ts";
import type { BatchWriter } from "../frame/batch.ts";
import { type Frame, flag, frameType, RefusedFrame, replyFlag } from "../frame/frame.ts";
import type { ExchangeLimits } from "../limits.ts";
import { faultOfPayload } from "../link/fault-payload.ts";
import type { Link } from "../link/link.ts";
import type { GroupWay } from "./group-way.ts";
import type { OutgoingCall } from "./outgoing-call.ts";
import { SlotTable } from "./slot-table.ts";
import { writeCall } from "./write-call.ts";

/** A call that waits for its answer. */
class PendingCall {
  /** Of a call to a group: whoever answers; null before. */
  link: Link | null;
  readonly call: OutgoingCall;
  readonly asker: Asker;
  id = -1;
  /** Of a call to a group. */
  way: GroupWay | null = null;
  /** The batch that it left with; -1: it has not left. */
  batch = -1;
  /** Gets the stream once the call has left; null for a call without one. */
  opened: ((stream: ByteStream) => void) | null = null;
  private readonly caller: Caller;

  constructor(
    caller: Caller,
    link: Link | null,
    { call, asker }: { readonly call: OutgoingCall; readonly asker: Asker },
  ) {
    this.caller = caller;
    this.link = link;
    this.call = call;
    this.asker = asker;
  }

  /** Its scope ended. */
  end(reason: Error): void {
    this.caller.cancel(this, reason);
  }
}

/**
 * The calls that this process has out, whatever node they are at.
 *
 * C1 A pending call has one slot, and is in its scope, until it is settled; then it is in neither, and no flow of it is left.
 * C2 An answer settles a call only when it comes over the link that the call went out by.
 * C3 A call whose scope has ended is never sent.
 */
export class Caller {
  whenIdle: (() => void) | null = null;
  private readonly pending: SlotTable<PendingCall>;
  private readonly limits: ExchangeLimits;

  constructor(limits: ExchangeLimits) {
    this.limits = limits;
    this.pending = new SlotTable(limits.pendingMax);
  }

  get count(): number {
    return this.pending.count;
  }

  /** A one-way call counts as answered when it is on its way. */
  begin(link: Link, call: OutgoingCall, asker: Asker): void {
    const refusal = this.refusal(link.writer, call);
    if (refusal === null) this.add(new PendingCall(this, link, { call, asker }));
    else asker.failed(refusal);
  }

  /** A request with a stream, which is answered once the call has left. */
  beginStream(
    link: Link,
    call: OutgoingCall,
  ): Promise<{ readonly stream: ByteStream; readonly answer: Promise<unknown> }> {
    const refusal = this.refusal(link.writer, call);
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const { promise: answer, resolve: answered, reject: failed } = Promise.withResolvers();
      const pending = new PendingCall(this, link, { call, asker: { answered, failed } });
      pending.opened = (stream) => resolve({ stream, answer });
      // Where it never leaves; later it is for whoever has the answer.
      answer.catch(reject);
      this.add(pending);
    });
  }

  /** To whichever member of a group gets it. */
  beginGroup(way: GroupWay, call: OutgoingCall, asker: Asker): void {
    const refusal = this.refusal(way.writer, call);
    if (refusal !== null) {
      asker.failed(refusal);
      return;
    }
    const pending = new PendingCall(this, null, { call, asker });
    this.add(pending);
    const { id } = pending;
    try {
      writeCall(way, call, { id, hasStream: false, isNamed: true, payloadBytesMax: 0 });
      pending.way = way;
      pending.batch = way.writer.number;
      way.writer.flush();
    } catch (error) {
      this.settle(pending, null);
      asker.failed(error);
    }
  }

  /** A group has no member, or no broker to ask. */
  notCarried(way: GroupWay, batch: number, reason: Error): void {
    for (const pending of this.pending.values()) {
      if (pending.way !== way || pending.batch !== batch) continue;
      this.settle(pending, reason);
      pending.asker.failed(busFaults.unavailable(undefined, { cause: reason }));
    }
  }

  /** Sends what waited for the peer's hello. */
  up(link: Link): void {
    for (const pending of this.pending.values())
      if (pending.link === link && pending.batch < 0) this.send(pending, link);
  }

  interrupted(link: Link, reason: Error, batch: number | undefined): void {
    for (const pending of this.pending.values()) {
      if (pending.link !== link) continue;
      const isUnsent = pending.batch < 0 || pending.batch === batch;
      this.settle(pending, reason);
      pending.asker.failed((isUnsent ? busFaults.unavailable : busFaults.uncertain)(undefined, { cause: reason }));
    }
  }

  /** Gives up on all: the process ends. */
  abandon(reason: Error): void {
    for (const pending of this.pending.values()) this.cancel(pending, reason);
  }

  /** Cancels those calls over the link that `isLeft` says, as if the way had been lost. */
  giveUp(link: Link, isLeft: (call: OutgoingCall) => boolean): void {
    for (const pending of this.pending.values()) {
      if (pending.link === link && isLeft(pending.call)) this.cancel(pending, busFaults.uncertain(undefined));
    }
  }

  cancel(pending: PendingCall, reason: Error): void {
    const { link, batch, id } = pending;
    this.settle(pending, reason);
    pending.asker.failed(reason);
    if (batch < 0 || link?.state !== "up") return;
    link.writer.begin(frameType.cancel, 0, id);
    link.writer.end();
  }

  replied(link: Link, frame: Frame): void {
    const { bytes, bodyAt, end, flags, call } = frame;
    const isChunked = (flags & flag.chunked) !== 0;
    // Read even when nobody waits any more: the codec learns from it what later answers build on.
    const value = isChunked ? undefined : link.decoder.decode(bytes, bodyAt, { flags, end });
    const pending = this.find(link, call);
    if (pending === undefined) return;
    note(pending.call, flags);
    if (isChunked) {
      this.assemble(pending, link);
    } else {
      this.settle(pending, null);
      pending.asker.answered(value);
    }
  }

  faulted(link: Link, frame: Frame): void {
    const fault = faultFromRecord(faultOfPayload(frame));
    const pending = this.find(link, frame.call);
    if (pending === undefined) return;
    note(pending.call, frame.flags);
    this.settle(pending, fault);
    pending.asker.failed(fault);
  }

  private refusal(writer: BatchWriter, { scope, name }: OutgoingCall): Error | null {
    if (scope.ended !== null) return scope.ended;
    if (scope.remainingMs() <= 0) return scope.expired();
    const { queuedBytesMax, pendingMax } = this.limits;
    if (this.pending.count < pendingMax && writer.queuedBytes <= queuedBytesMax) return null;
    return kernelFaults.overloaded({ action: name, inFlightMax: pendingMax });
  }

  private add(pending: PendingCall): void {
    pending.id = this.pending.take(pending);
    pending.call.scope.add(pending);
    if (pending.link !== null) pending.link.pendingCount++;
    if (pending.link?.state === "up") this.send(pending, pending.link);
  }

  /** Undefined where the caller had given up: the answer and the cancellation crossed. */
  private find(link: Link, id: number): PendingCall | undefined {
    const pending = this.pending.get(id);
    if (pending === undefined) return undefined;
    if (pending.link === null) {
      pending.link = link;
      link.pendingCount++;
    }
    if (pending.link !== link || pending.batch < 0) throw new RefusedFrame("unexpected");
    return pending;
  }

  private send(pending: PendingCall, link: Link): void {
    const { call, id, opened } = pending;
    const { payloadBytesMax, creditBytes } = this.limits;
    try {
      const payload = writeCall(link, call, { id, hasStream: opened !== null, isNamed: false, payloadBytesMax });
      pending.batch = link.writer.number;
      opened?.(new StreamEnd(link, id, { side: "caller", pace: link.pace, creditBytes }));
      if (payload !== null) this.sendChunks(pending, link, payload);
      else if (call.isOneWay) this.sent(pending);
    } catch (error) {
      this.settle(pending, null);
      pending.asker.failed(error);
    }
  }

  private sendChunks(pending: PendingCall, link: Link, payload: Buffer): void {
    const { id, call } = pending;
    const flow = new FlowOut(link, { call: id, kind: flowKind.callerPayload }, link.pace);
    flow.write(payload).catch(() => {}); // fails with the call
    flow.end();
    if (call.isOneWay) flow.finished.then(() => this.sent(pending)).catch(() => {});
  }

  /** A one-way call has left. */
  private sent(pending: PendingCall): void {
    this.settle(pending, null);
    pending.asker.answered(undefined);
  }

  /** Puts an answer together that comes in chunks. */
  private assemble(pending: PendingCall, link: Link): void {
    const { id, call } = pending;
    const name = { call: id, kind: flowKind.calleePayload };
    if (link.flowsIn.has(flowKey(name))) return; // delivered twice
    const { payloadBytesMax } = this.limits;
    const done = (result: Buffer | Error) => {
      if (result instanceof RangeError)
        this.cancel(pending, busFaults.tooLarge({ action: call.name, payloadBytesMax }));
      if (result instanceof Error) return; // settled by whoever dropped the flow
      const value = link.decoder.decodeApart(result);
      this.settle(pending, null);
      pending.asker.answered(value);
    };
    new Assembly(link, name, { limits: this.limits, done });
  }

  /** Takes it out of everywhere; whoever calls it answers the promise. */
  private settle(pending: PendingCall, reason: Error | null): void {
    this.pending.release(pending.id);
    pending.call.scope.forget(pending);
    const { link } = pending;
    if (link !== null) {
      dropFlows(link, pending.id, reason ?? over);
      if (--link.pendingCount === 0 && link.isUnwanted) process.nextTick(() => link.closeIfUnwanted());
    }
    if (this.pending.count === 0) this.whenIdle?.();
  }
}

const over = new Error("the call is over");

/** What the answer said of itself, for whoever asked to know. */
function note({ notes }: OutgoingCall, flags: number): void {
  if (notes === undefined) return;
  notes.replayed = (flags & replyFlag.replayed) !== 0;
  notes.cached = (flags & replyFlag.cached) !== 0;
}
