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

/** A call that may run, as it was read. */
export interface Accepted extends Pick<Incoming, "action" | "name" | "scope" | "isOneWay"> {
  /** The caller's name for it. */
  readonly call: number;
  readonly fields: CallFields;
}

/**
 * One call of another node, from its first frame to its last.
 *
 * A3 It is answered once, unless its caller cancelled or cannot be reached; then `isSilent`.
 * A4 What a handler threw leaves as a fault or as `kernel.internal`, never as text.
 * A5 It is finished once: when its scope has ended, or else with its answer's last chunk. What a handler comes to later is nobody's.
 */
export class Execution implements Incoming {
  readonly link: Link;
  readonly call: number;
  readonly action: number;
  readonly name: string;
  readonly scope: Scope;
  readonly isOneWay: boolean;
  readonly identity: CallFields["identity"];
  readonly trace: CallFields["trace"];
  readonly parentSpanId: CallFields["parentSpanId"];
  readonly idempotencyKey: CallFields["idempotencyKey"];
  readonly instance: CallFields["instance"];
  readonly metadata: CallFields["metadata"];
  input: unknown = undefined;
  notes: CallNotes | undefined = undefined;
  private readonly host: ExecutionHost;
  private isSilent: boolean;
  private isFinished = false;
  private ends: StreamEnd | undefined = undefined;

  constructor(host: ExecutionHost, link: Link, { call, action, name, scope, isOneWay, fields }: Accepted) {
    this.host = host;
    this.link = link;
    this.call = call;
    this.action = action;
    this.name = name;
    this.scope = scope;
    this.isOneWay = isOneWay;
    this.identity = fields.identity;
    this.trace = fields.trace;
    this.parentSpanId = fields.parentSpanId;
    this.idempotencyKey = fields.idempotencyKey;
    this.instance = fields.instance;
    this.metadata = fields.metadata;
    this.isSilent = isOneWay;
  }

  get from(): NodeRef {
    return this.link.node;
  }

  get stream(): ByteStream | undefined {
    return this.ends;
  }

  /** Waits for an input that comes in chunks. */
  assemble(): void {
    const { link, call, host, scope } = this;
    const name = { call, kind: flowKind.callerPayload };
    scope.onEnd = (reason) => dropFlows(link, call, reason);
    const done = (result: Buffer | Error) => {
      scope.onEnd = null;
      if (result instanceof RangeError) this.fail(this.tooMuch());
      else if (result instanceof Error) this.fail(scope.ended ?? kernelFaults.cancelled({ action: this.name }));
      else this.runWith(result);
    };
    new Assembly(link, name, { limits: host.limits, done });
  }

  private runWith(payload: Buffer): void {
    let input: unknown;
    try {
      input = this.link.decoder.decodeApart(payload);
    } catch (error) {
      this.fail(kernelFaults.invalidInput({ action: this.name, issues: [] }));
      throw error; // closes the link
    }
    this.run(input);
  }

  openStream(): void {
    const { creditBytes } = this.host.limits;
    this.ends = new StreamEnd(this.link, this.call, {
      side: "callee",
      pace: this.link.pace,
      creditBytes,
    });
  }

  run(input: unknown): void {
    const fail = (error: unknown) => this.fail(error);
    this.input = input;
    this.scope.onEnd = fail;
    this.served().then((value) => this.answer(value), fail);
  }

  /** The caller has gone. */
  silence(): void {
    this.isSilent = true;
    const reason = kernelFaults.cancelled({ action: this.name });
    dropFlows(this.link, this.call, reason);
    this.scope.end(reason);
  }

  private served(): Promise<unknown> {
    try {
      return this.host.serve(this);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private answer(value: unknown): void {
    if (this.isFinished) return;
    if (this.ends === undefined) this.send(value);
    else this.sendBehind(this.ends, value);
  }

  /** What was written before the answer arrives before it. */
  private sendBehind({ outgoing }: StreamEnd, value: unknown): void {
    outgoing.end();
    outgoing.finished.then(
      () => this.send(value),
      (reason: unknown) => this.fail(this.scope.ended ?? reason),
    );
  }

  private send(value: unknown): void {
    if (this.isFinished) return;
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
    const { link, call, name } = this;
    const { writer, encoder, frameBytesMax } = link;
    const said = this.said();
    writer.begin(frameType.reply, said | encoder.flags, call);
    const payload = encoder.close(writer, { value, frameBytesMax });
    if (payload === null) return null;
    if (payload.length > this.host.limits.payloadBytesMax) {
      throw new RangeError(`the answer of ${name} has ${payload.length} bytes: too many for a call`);
    }
    writer.begin(frameType.reply, said | flag.chunked, call);
    writer.end();
    return payload;
  }

  /** Reply flags: what there is to say of the answer, which may be a fault. */
  private said(): number {
    const { notes } = this;
    if (notes === undefined) return 0;
    return (notes.replayed ? replyFlag.replayed : 0) | (notes.cached ? replyFlag.cached : 0);
  }

  private sendChunks(payload: Buffer): void {
    const { link, call } = this;
    this.scope.onEnd = (reason) => dropFlows(link, call, reason);
    const flow = new FlowOut(link, { call, kind: flowKind.calleePayload }, link.pace);
    const finish = () => this.finish();
    flow.finished.then(finish, finish);
    flow.write(payload).catch(() => {}); // `finished` tells as well
    flow.end();
  }

  private fail(error: unknown): void {
    // Reported even where nobody waits for it.
    const fault = this.translated(error);
    if (this.isFinished) return;
    if (!this.isSilent) writeFault(this.link, this.call, { fault, said: this.said() });
    this.finish();
  }

  private finish(): void {
    this.isFinished = true;
    if (this.ends !== undefined) dropFlows(this.link, this.call, new Error("the call is over"));
    this.host.finished(this);
  }

  private tooMuch(): Fault {
    const { payloadBytesMax } = this.host.limits;
    return busFaults.tooLarge({ action: this.name, payloadBytesMax });
  }

  private translated(error: unknown): Fault {
    if (isFault(error)) return error;
    const { name, trace } = this;
    const correlationId = trace?.toString() ?? newTraceId();
    this.host.report(error, { correlationId, action: name });
    return kernelFaults.internal({ correlationId });
  }
}
