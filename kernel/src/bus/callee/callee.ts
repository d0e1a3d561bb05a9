import type { Clock } from "../../call/clock.ts";
import { Deadlines, Scope } from "../../call/scope.ts";
import type { Fault } from "../../contract/fault.ts";
import { kernelFaults } from "../../contract/kernel-faults.ts";
import { jsonCodec } from "../frame/codec.ts";
import { type Frame, flag, frameType } from "../frame/frame.ts";
import { readFields } from "../frame/request-frame.ts";
import type { ExchangeLimits } from "../limits.ts";
import { writeFault } from "../link/fault-payload.ts";
import type { Link } from "../link/link.ts";
import { PayloadDecoder } from "../link/payload.ts";
import { Execution, type ExecutionHost } from "./execution.ts";

/** What runs the calls of others. */
export interface CalleeOptions extends Pick<ExecutionHost, "serve" | "report"> {
  readonly clock: Clock;
  readonly limits: ExchangeLimits;
  readonly actions: readonly string[];
}

/**
 * The calls of other nodes: which of them run here.
 *
 * A1 A call whose deadline has passed on our clock does not start.
 * A2 A name that is in use by a call of the same link starts nothing: it is the same call, delivered twice.
 */
export class Callee implements ExecutionHost {
  readonly limits: ExchangeLimits;
  readonly serve: ExecutionHost["serve"];
  readonly report: ExecutionHost["report"];
  /** Those that somebody waits for, of all peers. */
  count = 0;
  expiredCount = 0;
  isDraining = false;
  whenIdle: (() => void) | null = null;
  private readonly clock: Clock;
  private readonly actions: readonly string[];
  private readonly deadlines: Deadlines;

  constructor({ clock, limits, actions, serve, report }: CalleeOptions) {
    this.clock = clock;
    this.limits = limits;
    this.actions = actions;
    this.serve = serve;
    this.report = report;
    this.deadlines = new Deadlines(clock);
  }

  requested(link: Link, frame: Frame): void {
    const { bytes, flags, call, end } = frame;
    const fields = readFields(frame);
    const isChunked = (flags & flag.chunked) !== 0;
    // Before anything is refused: the codec learns from this input what later ones build on.
    const decoder = fields.name === undefined ? link.decoder : jsonDecoder;
    const input = isChunked ? undefined : decoder.decode(bytes, fields.payloadAt, { flags, end });
    if (link.running.has(call)) return;
    const action = fields.name === undefined ? fields.action : this.actions.indexOf(fields.name);
    const isOneWay = frame.type === frameType.oneWay;
    const name = fields.name ?? this.actions[action] ?? `#${action}`;
    const remainingMs = link.peerClock.remainingMs(fields.deadline, this.clock.monotonic());
    const isFlowing = (flags & (flag.chunked | flag.stream)) !== 0;
    const refusal = this.refusal(link, name, { remainingMs, isKnown: this.actions[action] !== undefined, isFlowing });
    if (refusal !== undefined) {
      if (!isOneWay) writeFault(link, call, { fault: refusal });
      return;
    }
    const scope = new Scope(this.clock, remainingMs, name);
    const execution = new Execution(this, link, { call, action, name, scope, isOneWay, fields });
    link.running.set(call, execution);
    this.count++;
    this.deadlines.watch(scope);
    if ((flags & flag.stream) !== 0) execution.openStream();
    if (isChunked) execution.assemble();
    else execution.run(input);
  }

  cancelled(link: Link, frame: Frame): void {
    frame.expectBody(0);
    link.running.get(frame.call)?.silence();
  }

  /** Nobody can be answered over this link any more. */
  interrupted(link: Link): void {
    const running = [...link.running.values()];
    link.running.clear();
    for (const execution of running) execution.silence();
  }

  finished(execution: Execution): void {
    const { link, call, scope } = execution;
    this.deadlines.unwatch(scope);
    if (link.running.get(call) === execution) link.running.delete(call);
    if (--this.count === 0) this.whenIdle?.();
  }

  private refusal(link: Link, action: string, about: Admission): Fault | undefined {
    const { inFlightMax, streamsMax } = this.limits;
    if (this.isDraining) return kernelFaults.notRunning({ state: "draining" });
    if (!about.isKnown) return kernelFaults.unknownAction({ action, nearest: [] });
    if (link.running.size >= inFlightMax) return kernelFaults.overloaded({ action, inFlightMax });
    if (about.isFlowing && link.flowsIn.size >= streamsMax) {
      return kernelFaults.overloaded({ action, inFlightMax: streamsMax });
    }
    if (about.remainingMs > 0) return undefined;
    this.expiredCount++;
    return kernelFaults.deadline({ action, budgetMs: 0 });
  }
}

/** Calls to a group are JSON, whatever the link speaks. */
const jsonDecoder = new PayloadDecoder(jsonCodec);

interface Admission {
  readonly remainingMs: number;
  readonly isKnown: boolean;
  /** Its input comes in chunks, or streams come with it. */
  readonly isFlowing: boolean;
}
