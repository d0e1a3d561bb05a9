import type { CallNotes } from "../../call/context.ts";
import { newTraceId } from "../../call/ids.ts";
import type { Scope } from "../../call/scope.ts";
import { type Fault, isFault } from "../../contract/fault.ts";
import { kernelFaults } from "../../contract/kernel-faults.ts";
import type { NodeRef } from "../bus.ts";
import { busFaults } from "../bus-faults.ts";
import { Assembly } from "../flow/assembly.ts";
import { type ByteStream, StreamEnd } from "../flow/byte-stream.ts";
import { flowKind } from "../flow/flow-name.ts";
import { FlowOut } from "../flow/flow-out.ts";
import { dropFlows } from "../flow/flows.ts";
import { flag, frameType, replyFlag } from "../frame/frame.ts";
import type { CallFields } from "../frame/request-frame.ts";
import type { ExchangeLimits } from "../limits.ts";
import { writeFault } from "../link/fault-payload.ts";
import type { Link } from "../link/link.ts";

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
  /** Bytes beside the call, in both directions; undefined for most. The answer ends them. */
  readonly stream: ByteStream | undefined;
  /** What is to be said of the answer; set before it is given. */
  notes: CallNotes | undefined;
}

/** What a call runs under. */
export interface ExecutionHost {
  readonly limits: ExchangeLimits;
  readonly serve: (incoming: Incoming) => Promise<unknown>;
  readonly report: (error: unknown, about: { readonly correlationId: string; readonly action: string }) => void;
  finished(execution: Execution): void;
}

/** Before its input and its stream are there. */
export type Accepted = { -readonly [Field in keyof Incoming]: Incoming[Field] };

/**
 * One call of another node, from its first frame to its last.
 *
 * A3 It is answered once, unless its caller cancelled or cannot be reached; then `isSilent`.
 * A4 What a handler threw leaves as a fault or as `kernel.internal`, never as text.
 * A5 It is finished once, when nothing of it is under way any more: its handler and its answer's last chunk.
 */
export class Execution {
  readonly link: Link;
  readonly call: number;
  readonly incoming: Accepted;
  private readonly host: ExecutionHost;
  private isSilent: boolean;
  private stream: StreamEnd | undefined;

  constructor(
    host: ExecutionHost,
    link: Link,
    { call, incoming }: { readonly call: number; readonly incoming: Accepted },
  ) {
    this.host = host;
    this.link = link;
    this.call = call;
    this.incoming = incoming;
    this.isSilent = incoming.isOneWay;
  }

  /** Waits for an input that comes in chunks. */
  assemble(): void {
    const { link, call, host } = this;
    const { scope } = this.incoming;
    const name = { call, kind: flowKind.callerPayload };
    scope.onEnd = (reason) => dropFlows(link, call, reason);
    const done = (result: Buffer | Error) => {
      scope.onEnd = null;
      if (result instanceof RangeError) this.fail(this.tooMuch());
      else if (result instanceof Error)
        this.fail(scope.ended ?? kernelFaults.cancelled({ action: this.incoming.name }));
      else this.runWith(result);
    };
    new Assembly(link, name, { limits: host.limits, done });
  }

  private runWith(payload: Buffer): void {
    let input: unknown;
    try {
      input = this.link.decoder.decodeApart(payload);
    } catch (error) {
      this.fail(kernelFaults.invalidInput({ action: this.incoming.name, issues: [] }));
      throw error; // closes the link
    }
    this.run(input);
  }

  openStream(): void {
    const { creditBytes } = this.host.limits;
    this.stream = this.incoming.stream = new StreamEnd(this.link, this.call, {
      side: "callee",
      pace: this.link.pace,
      creditBytes,
    });
  }

  run(input: unknown): void {
    const { incoming } = this;
    incoming.input = input;
    this.served(incoming).then(
      (value) => (this.stream === undefined ? this.answer(value) : this.answerBehind(this.stream, value)),
      (error: unknown) => this.fail(error),
    );
  }

  /** The caller has gone. */
  silence(): void {
    this.isSilent = true;
    const reason = kernelFaults.cancelled({ action: this.incoming.name });
    dropFlows(this.link, this.call, reason);
    this.incoming.scope.end(reason);
  }

  private served(incoming: Incoming): Promise<unknown> {
    try {
      return this.host.serve(incoming);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What was written before the answer arrives before it. */
  private answerBehind({ outgoing }: StreamEnd, value: unknown): void {
    outgoing.end();
    outgoing.finished.then(
      () => this.answer(value),
      (reason: unknown) => this.fail(this.incoming.scope.ended ?? reason),
    );
  }

  private answer(value: unknown): void {
    if (this.isSilent) {
      this.finish();
      return;
    }
    try {
      const payload = this.writeAnswer(value);
      if (payload === null) this.finish();
      else this.sendChunks(payload);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Answers the payload where it is too large for a frame. */
  private writeAnswer(value: unknown): Buffer | null {
    const { link, call, incoming } = this;
    const { writer, encoder, frameBytesMax } = link;
    const said = this.said();
    writer.begin(frameType.reply, said | encoder.flags, call);
    const payload = encoder.close(writer, { value, frameBytesMax });
    if (payload === null) return null;
    if (payload.length > this.host.limits.payloadBytesMax) {
      throw new RangeError(`the answer of ${incoming.name} has ${payload.length} bytes: too many for a call`);
    }
    writer.begin(frameType.reply, said | flag.chunked, call);
    writer.end();
    return payload;
  }

  /** Reply flags: what there is to say of the answer, which may be a fault. */
  private said(): number {
    const { notes } = this.incoming;
    if (notes === undefined) return 0;
    return (notes.replayed ? replyFlag.replayed : 0) | (notes.cached ? replyFlag.cached : 0);
  }

  private sendChunks(payload: Buffer): void {
    const { link, call } = this;
    this.incoming.scope.onEnd = (reason) => dropFlows(link, call, reason);
    const flow = new FlowOut(link, { call, kind: flowKind.calleePayload }, link.pace);
    const finish = () => this.finish();
    flow.finished.then(finish, finish);
    flow.write(payload).catch(() => {}); // `finished` tells as well
    flow.end();
  }

  private fail(error: unknown): void {
    // Reported even where nobody waits for it.
    const fault = this.translated(error);
    if (!this.isSilent) writeFault(this.link, this.call, { fault, said: this.said() });
    this.finish();
  }

  private finish(): void {
    if (this.stream !== undefined) dropFlows(this.link, this.call, new Error("the call is over"));
    this.host.finished(this);
  }

  private tooMuch(): Fault {
    const { payloadBytesMax } = this.host.limits;
    return busFaults.tooLarge({ action: this.incoming.name, payloadBytesMax });
  }

  private translated(error: unknown): Fault {
    if (isFault(error)) return error;
    const { name, trace } = this.incoming;
    const correlationId = trace?.toString() ?? newTraceId();
    this.host.report(error, { correlationId, action: name });
    return kernelFaults.internal({ correlationId });
  }
}
