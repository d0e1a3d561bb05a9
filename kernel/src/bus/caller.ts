import type { CallNotes } from "../call/context.ts";
import type { Scope } from "../call/scope.ts";
import { faultFromRecord } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { busFaults } from "./bus-faults.ts";
import { faultOfPayload } from "./fault-payload.ts";
import { type Frame, frameType, RefusedFrame, replyFlag } from "./frame/frame.ts";
import { type CallFields, fieldFlags, writeFields } from "./frame/request-frame.ts";
import type { ExchangeLimits } from "./limits.ts";
import type { Link } from "./link.ts";
import { sentDeadline } from "./peer-clock.ts";
import { SlotTable } from "./slot-table.ts";

/** A call on its way out. */
export interface OutgoingCall extends CallFields {
  /** Its number in the list of actions that the callee announced. */
  readonly action: number;
  /** "ledger.post", for what is said of it. */
  readonly name: string;
  /** What JSON can say. */
  readonly input: unknown;
  /** Ends the call when it ends. Whoever made it watches it. */
  readonly scope: Scope;
  /** Filled before the answer is given. */
  readonly notes?: CallNotes | undefined;
}

/** Answered, or not. */
export type CallType = typeof frameType.request | typeof frameType.oneWay;

/** A call that waits for its answer. */
class PendingCall {
  readonly promise: Promise<unknown>;
  readonly link: Link;
  readonly call: OutgoingCall;
  readonly id: number;
  readonly type: CallType;
  /** The batch that it left with; -1: it has not left. */
  batch = -1;
  resolve!: (value: unknown) => void;
  reject!: (reason: unknown) => void;
  private readonly caller: Caller;

  constructor(
    caller: Caller,
    link: Link,
    { id, type, call }: { readonly id: number; readonly type: CallType; readonly call: OutgoingCall },
  ) {
    this.caller = caller;
    this.link = link;
    this.id = id;
    this.type = type;
    this.call = call;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Its scope ended. */
  end(reason: Error): void {
    this.caller.cancel(this, reason);
  }
}

/**
 * The calls that this process has out, whatever node they are at.
 *
 * C1 A pending call has one slot, and is in its scope, until it is settled; then it is in neither.
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

  /** Settles when it is answered; a one-way call when it is on its way. */
  begin(link: Link, type: CallType, call: OutgoingCall): Promise<unknown> {
    const { scope } = call;
    if (scope.ended !== null) return Promise.reject(scope.ended);
    if (scope.remainingMs() <= 0) return Promise.reject(scope.expired());
    if (link.writer.queuedBytes > this.limits.queuedBytesMax) return Promise.reject(this.overloaded(call));
    const id = this.pending.take();
    if (id < 0) return Promise.reject(this.overloaded(call));
    const pending = new PendingCall(this, link, { id, type, call });
    this.pending.put(id, pending);
    scope.add(pending);
    if (link.state === "up") this.send(pending);
    return pending.promise;
  }

  /** Sends what waited for the peer's hello. */
  up(link: Link): void {
    for (const pending of this.pending.values()) if (pending.link === link && pending.batch < 0) this.send(pending);
  }

  interrupted(link: Link, reason: Error, batch: number | undefined): void {
    for (const pending of this.pending.values()) {
      if (pending.link !== link) continue;
      const isUnsent = pending.batch < 0 || pending.batch === batch;
      this.forget(pending);
      pending.reject((isUnsent ? busFaults.unavailable : busFaults.uncertain)(undefined, { cause: reason }));
    }
  }

  /** Gives up on all: the process ends. */
  abandon(reason: Error): void {
    for (const pending of this.pending.values()) this.cancel(pending, reason);
  }

  cancel(pending: PendingCall, reason: Error): void {
    const { link, batch, id } = pending;
    this.forget(pending);
    pending.reject(reason);
    if (batch < 0 || link.state !== "up") return;
    link.writer.begin(frameType.cancel, 0, id);
    link.writer.end();
  }

  replied(link: Link, frame: Frame): void {
    const { bytes, bodyAt, end, flags } = frame;
    // Read even when nobody waits any more: the codec learns from it what later answers build on.
    const value = link.decoder.decode(bytes, { at: bodyAt, end, flags });
    const pending = this.answered(link, frame.call);
    if (pending === undefined) return;
    const { notes } = pending.call;
    if (notes !== undefined) {
      notes.replayed = (flags & replyFlag.replayed) !== 0;
      notes.cached = (flags & replyFlag.cached) !== 0;
    }
    pending.resolve(value);
  }

  faulted(link: Link, frame: Frame): void {
    const fault = faultFromRecord(faultOfPayload(frame));
    this.answered(link, frame.call)?.reject(fault);
  }

  /** Undefined where the caller had given up: the answer and the cancellation crossed. */
  private answered(link: Link, id: number): PendingCall | undefined {
    const pending = this.pending.get(id);
    if (pending === undefined) return undefined;
    if (pending.link !== link || pending.batch < 0) throw new RefusedFrame("unexpected");
    this.forget(pending);
    return pending;
  }

  private send(pending: PendingCall): void {
    const { link, call, type, id } = pending;
    try {
      writeRequest(link, call, { type, id });
      pending.batch = link.writer.number;
      if (type === frameType.request) return;
      this.forget(pending);
      pending.resolve(undefined);
    } catch (error) {
      this.forget(pending);
      pending.reject(error);
    }
  }

  private forget(pending: PendingCall): void {
    this.pending.release(pending.id);
    pending.call.scope.forget(pending);
    if (this.pending.count === 0) this.whenIdle?.();
  }

  private overloaded({ name }: OutgoingCall): Error {
    return kernelFaults.overloaded({ action: name, inFlightMax: this.limits.pendingMax });
  }
}

/** Writes a request or a one-way call. Throws what the codec says of an input that is none, and takes back what was written. */
function writeRequest(
  link: Link,
  call: OutgoingCall,
  { type, id }: { readonly type: number; readonly id: number },
): void {
  const { writer, encoder } = link;
  const { deadline, clock } = call.scope;
  const flags = fieldFlags(call) | encoder.begin();
  writer.begin(type, flags, id);
  try {
    writeFields(writer, call, {
      flags,
      action: call.action,
      name: call.name,
      deadline: sentDeadline(deadline, clock.monotonic()),
    });
    encoder.encode(call.input, writer);
    if (writer.frameBytes > link.frameBytesMax)
      throw busFaults.tooLarge({ action: call.name, payloadBytesMax: link.frameBytesMax });
  } catch (error) {
    writer.abandon();
    encoder.restart();
    throw error;
  }
  writer.end();
}
