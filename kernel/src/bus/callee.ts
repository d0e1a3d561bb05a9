import type { Clock } from "../call/clock.ts";
import type { CallNotes } from "../call/context.ts";
import { newTraceId } from "../call/ids.ts";
import { Deadlines, Scope } from "../call/scope.ts";
import { type Fault, faultRecord, isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { NodeRef } from "./bus.ts";
import { writeFault } from "./fault-payload.ts";
import { type Frame, frameType, replyFlag } from "./frame/frame.ts";
import { type CallFields, readFields } from "./frame/request-frame.ts";
import type { ExchangeLimits } from "./limits.ts";
import type { Link, RunningCall } from "./link.ts";

/** A call of another node. */
export interface Incoming extends CallFields {
  readonly from: NodeRef;
  /** Its number in this node's list of actions. */
  readonly action: number;
  readonly name: string;
  /** As JSON delivers it; not validated. */
  readonly input: unknown;
  /** Ends at the caller's deadline, when the caller cancels, and when the way to it is lost. It is watched. */
  readonly scope: Scope;
  /** Nobody waits for an answer. */
  readonly isOneWay: boolean;
  /** What is to be said of the answer; set before it is given. */
  notes: CallNotes | undefined;
}

/** What runs the calls of others. */
export interface CalleeOptions {
  readonly clock: Clock;
  readonly limits: ExchangeLimits;
  readonly actions: readonly string[];
  readonly serve: (incoming: Incoming) => Promise<unknown>;
  readonly report: (error: unknown, about: { readonly correlationId: string; readonly action: string }) => void;
}

/**
 * The calls of other nodes that run here.
 *
 * A1 A call whose deadline has passed on our clock does not start.
 * A2 A name that is in use by a call of the same link starts nothing: it is the same call, delivered twice.
 * A3 Each call that started is answered once, unless its caller cancelled or cannot be reached.
 * A4 What a handler threw leaves as a declared fault or as `kernel.internal`, never as text.
 */
export class Callee {
  /** Those that run, of all peers, the cancelled ones included. */
  count = 0;
  expiredCount = 0;
  isDraining = false;
  whenIdle: (() => void) | null = null;
  private readonly options: CalleeOptions;
  private readonly deadlines: Deadlines;

  constructor(options: CalleeOptions) {
    this.options = options;
    this.deadlines = new Deadlines(options.clock);
  }

  requested(link: Link, frame: Frame): void {
    const { clock, actions } = this.options;
    const fields = readFields(frame);
    const { bytes, end, flags, call } = frame;
    // Before anything is refused: the codec learns from this input what later ones build on.
    const input = link.decoder.decode(bytes, { at: fields.payloadAt, end, flags });
    if (link.running.has(call)) return;
    const { action } = fields;
    const name = actions[action];
    const isOneWay = frame.type === frameType.oneWay;
    const remainingMs = link.peerClock.remainingMs(fields.deadline, clock.monotonic());
    const refusal = this.refusal(link, name ?? `#${action}`, remainingMs);
    if (name === undefined || refusal !== undefined) {
      const unknown = kernelFaults.unknownAction({ action: `#${action}`, nearest: [] });
      if (!isOneWay) this.sendFault(link, call, refusal ?? unknown);
      return;
    }
    const { identity, traceId, parentSpanId, idempotencyKey, instance, metadata } = fields;
    const scope = new Scope(clock, remainingMs, name);
    this.run(link, call, {
      from: link.node,
      action,
      name,
      input,
      scope,
      isOneWay,
      notes: undefined,
      identity,
      traceId,
      parentSpanId,
      idempotencyKey,
      instance,
      metadata,
    });
  }

  cancelled(link: Link, frame: Frame): void {
    frame.expectBody(0);
    const running = link.running.get(frame.call);
    if (running !== undefined) silence(running);
  }

  /** Nobody can be answered over this link any more. */
  interrupted(link: Link): void {
    for (const running of link.running.values()) silence(running);
    link.running.clear();
  }

  private refusal(link: Link, name: string, remainingMs: number): Fault | undefined {
    const { inFlightMax } = this.options.limits;
    if (this.isDraining) return kernelFaults.notRunning({ state: "draining" });
    if (link.running.size >= inFlightMax) return kernelFaults.overloaded({ action: name, inFlightMax });
    if (remainingMs > 0) return undefined;
    this.expiredCount++;
    return kernelFaults.deadline({ action: name, budgetMs: 0 });
  }

  private run(link: Link, call: number, incoming: Incoming): void {
    const { scope } = incoming;
    const running: RunningCall = { scope, isSilent: incoming.isOneWay };
    link.running.set(call, running);
    this.count++;
    this.deadlines.watch(scope);
    this.served(incoming).then(
      (value) => {
        if (this.done(link, call, running)) this.reply(link, call, { value, incoming });
      },
      (error: unknown) => {
        const isAnswered = this.done(link, call, running);
        // Reported even where nobody waits for it.
        const fault = this.translated(error, incoming);
        if (isAnswered) this.sendFault(link, call, fault);
      },
    );
  }

  private served(incoming: Incoming): Promise<unknown> {
    try {
      return this.options.serve(incoming);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Answers whether the caller is still there to be answered. */
  private done(link: Link, call: number, running: RunningCall): boolean {
    this.deadlines.unwatch(running.scope);
    if (link.running.get(call) === running) link.running.delete(call);
    if (--this.count === 0) this.whenIdle?.();
    return !running.isSilent;
  }

  private reply(
    link: Link,
    call: number,
    { value, incoming }: { readonly value: unknown; readonly incoming: Incoming },
  ): void {
    const { writer, encoder } = link;
    const { notes } = incoming;
    const said =
      notes === undefined ? 0 : (notes.replayed ? replyFlag.replayed : 0) | (notes.cached ? replyFlag.cached : 0);
    writer.begin(frameType.reply, said | encoder.begin(), call);
    try {
      encoder.encode(value, writer);
      if (writer.frameBytes > link.frameBytesMax) throw new RangeError(`the answer of ${incoming.name} is too large`);
    } catch (error) {
      writer.abandon();
      encoder.restart();
      this.sendFault(link, call, this.translated(error, incoming));
      return;
    }
    writer.end();
  }

  private sendFault(link: Link, call: number, fault: Fault): void {
    writeFault(link.writer, call, faultRecord(fault));
  }

  private translated(error: unknown, { name, traceId }: Incoming): Fault {
    if (isFault(error)) return error;
    const correlationId = traceId ?? newTraceId();
    this.options.report(error, { correlationId, action: name });
    return kernelFaults.internal({ correlationId });
  }
}

function silence(running: RunningCall): void {
  running.isSilent = true;
  running.scope.end(kernelFaults.cancelled({ action: running.scope.action }));
}
