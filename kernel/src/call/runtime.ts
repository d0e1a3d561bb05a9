import { isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { Documents } from "../documents/documents.ts";
import type { Kv } from "../kv/kv.ts";
import type { NewJob } from "../store/jobs.ts";
import type { Committed, OutboxEvent, Store } from "../store/store.ts";
import { runCommand } from "../transaction/command.ts";
import type { Work } from "../transaction/work.ts";
import { type Asker, told } from "./asker.ts";
import { mayPass, validated } from "./binding.ts";
import { QueryCache } from "./cache.ts";
import type { Clock } from "./clock.ts";
import { type AnyFallback, type Binding, type Calls, Context, type ValidCall } from "./context.ts";
import { newSpanId, newTraceId } from "./ids.ts";
import { type CallRecord, Inspector } from "./inspector.ts";
import { around } from "./middleware.ts";
import { nearest } from "./nearest.ts";
import { Deadlines, leaveGroup, Scope } from "./scope.ts";

export interface RuntimeOptions {
  readonly store: Store | undefined;
  readonly documents: Documents | undefined;
  readonly kv: Kv | undefined;
  readonly clock: Clock;
  readonly validateOutput: boolean;
  readonly report: (error: unknown, about: { readonly correlationId: string; readonly action: string }) => void;
}

/** Runs calls. The application above it has the lifecycle, deliveries and jobs. */
export class Runtime implements Calls {
  /** By the action's slot. */
  readonly bindings: (Binding | undefined)[] = [];
  readonly clock: Clock;
  readonly validateOutput: boolean;
  readonly deadlines: Deadlines;
  readonly inspector = new Inspector();
  readonly cache: QueryCache;
  /** Delivers at once what else would wait for the next poll; set by the application. */
  offer: (events: readonly OutboxEvent[]) => void = () => {};
  offerJobs: (jobs: readonly NewJob[]) => void = () => {};
  wakeJobs: () => void = () => {};
  callWorkflow: Calls["callWorkflow"] = () => Promise.reject(new Error("this application has no workflows"));
  elsewhere: Calls["elsewhere"] = () => undefined;
  /** Root calls that run, those whose caller has gone included; and who waits for none to. */
  inFlight = 0;
  whenIdle: (() => void) | null = null;
  private readonly store: Store | undefined;
  private readonly documents: Documents | undefined;
  private readonly kv: Kv | undefined;
  private readonly report: RuntimeOptions["report"];

  constructor({ store, documents, kv, clock, validateOutput, report }: RuntimeOptions) {
    this.store = store;
    this.documents = documents;
    this.kv = kv;
    this.clock = clock;
    this.validateOutput = validateOutput;
    this.report = report;
    this.deadlines = new Deadlines(clock);
    this.cache = new QueryCache(clock);
  }

  storeFor(service: string): Store {
    if (this.store === undefined) throw new Error(`${service} needs a database; pass a store to createApp`);
    return this.store;
  }

  documentsFor(service: string): Documents {
    if (this.documents === undefined) throw new Error(`${service} keeps documents; pass documents to createApp`);
    return this.documents;
  }

  kvFor(service: string): Kv {
    if (this.kv === undefined) throw new Error(`${service} uses keys and values; pass kv to createApp`);
    return this.kv;
  }

  invoke(binding: Binding, context: Context, input: unknown): Promise<unknown> {
    if (this.inspector.emitCall !== null || binding.middleware.length > 0)
      return this.observed(binding, context, input);
    return this.execute(binding, context, input);
  }

  /**
   * Validates and runs. Not an async function, and closures once per binding instead of once per call: together 100 ns of
   * the 190 that a local query takes. The handler's own promise is what keeps the async stack trace.
   */
  private execute(binding: Binding, context: Context, input: unknown): Promise<unknown> {
    let value: unknown;
    try {
      value = validated(binding, input);
    } catch (error) {
      return Promise.reject(error);
    }
    if (value instanceof Promise) return value.then((settled) => this.run(binding, context, settled));
    return this.run(binding, context, value);
  }

  private run(binding: Binding, context: Context, value: unknown): Promise<unknown> {
    const { group, leaving } = binding;
    if (leaving !== null) {
      return new Promise((answered, failed) => leaving({ binding, context, value }, { answered, failed }));
    }
    if (group !== null) return group.add({ binding, context, value });
    if (binding.kind === "command") return runCommand({ binding, context, value });
    if (binding.cache === undefined) return this.query(binding, context, value);
    return this.cache.answer({ binding, context, value }, (loader) => {
      const loading = new Context(binding, this.loadScope(binding), loader);
      loading.spanId = context.spanId;
      return this.query(binding, loading, value);
    });
  }

  private query(binding: Binding, context: Context, value: unknown): Promise<unknown> {
    const answer = handled(binding, context, value);
    if (binding.checkOutput === null) return answer.then(undefined, binding.rethrow);
    return answer.then(binding.checkOutput).then(undefined, binding.rethrow);
  }

  /** A cached answer is loaded on nobody's budget but its own: who asked first may give up, others wait for it too. */
  private loadScope(binding: Binding): Scope {
    return new Scope(this.clock, binding.deadlineMs ?? 5_000, binding.action.id);
  }

  /**
   * A call from outside, until it is done or its scope ends. Every request comes through here, so a plain query has a path of
   * its own: `watched`'s closure, a promise for counting and one for translating made a root call 1.6 times as slow.
   */
  root(binding: Binding, context: Context, input: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { scope } = context;
      scope.onEnd = reject;
      this.deadlines.watch(scope);
      this.inFlight++;
      const answered = (value: unknown) => {
        this.rootEnded(scope);
        resolve(value);
      };
      const failed = (error: unknown) => {
        this.rootEnded(scope);
        reject(error);
      };
      if (!binding.isPlain || this.inspector.emitCall !== null) {
        this.begin({ binding, context, value: input }, { answered, failed });
        return;
      }
      try {
        const value = validated(binding, input);
        if (value instanceof Promise)
          value.then((settled) => this.run(binding, context, settled)).then(answered, failed);
        else {
          const translated = (error: unknown) => failed(this.translated(binding.action.id, binding.codes, error));
          handled(binding, context, value).then(answered, translated);
        }
      } catch (error) {
        failed(error);
      }
    });
  }

  private begin(call: ValidCall, asker: Asker): void {
    const { binding, context, value } = call;
    try {
      if (binding.leaving === null || this.inspector.emitCall !== null)
        told(asker, this.invoke(binding, context, value));
      else binding.leaving(call, asker);
    } catch (error) {
      asker.failed(error);
    }
  }

  private rootEnded(scope: Scope): void {
    this.deadlines.unwatch(scope);
    if (scope.group !== null) leaveGroup(scope);
    this.ended();
  }

  /** A call of another process. Whoever received it watches its scope, and answers where that ends before the handler does. */
  received(binding: Binding, context: Context, input: unknown): Promise<unknown> {
    this.inFlight++;
    return this.invoke(binding, context, input).then(
      (value) => {
        this.ended();
        return value;
      },
      (error: unknown) => {
        this.ended();
        throw error;
      },
    );
  }

  private ended(): void {
    if (--this.inFlight === 0) this.whenIdle?.();
  }

  watched<T>(scope: Scope, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (scope.ended !== null) return reject(scope.ended);
      scope.onEnd = reject;
      this.deadlines.watch(scope);
      work()
        .finally(() => this.deadlines.unwatch(scope))
        .then(resolve, reject);
    });
  }

  afterCommit(service: string, works: readonly Work[], { events, releasedJobs = 0 }: Committed): void {
    for (const { tags, tenant } of works) if (tags.length > 0) this.cache.invalidate(service, tenant, tags);
    if (events.length > 0) this.offer(events);
    if (works.some(({ jobs }) => jobs.length > 0)) this.offerJobs(works.flatMap(({ jobs }) => jobs));
    if (releasedJobs > 0) this.wakeJobs();
    if (this.inspector.emit === null) return;
    for (const { type, key, version, at, traceId, tenant } of events) {
      this.inspector.emit({ kind: "event", id: type, key, version, at, traceId, tenant });
    }
  }

  private async observed(binding: Binding, context: Context, input: unknown): Promise<unknown> {
    const { action, middleware } = binding;
    const { identity, metadata } = context.origin;
    context.spanId = newSpanId();
    context.notes ??= { replayed: false, cached: false };
    const emit = this.recorder(binding, context);
    try {
      const run = () => this.execute(binding, context, input);
      const { traceId } = context.origin;
      const answer =
        middleware.length === 0
          ? await run()
          : await around(middleware, { action, input, identity, traceId, metadata }, run);
      emit("ok");
      return answer;
    } catch (error) {
      if (isFault(error)) emit(error.kind === "internal" ? "error" : "fault", error.code);
      else emit("error");
      throw error;
    }
  }

  /** Begins a call's record now, and hands it out when called. */
  private recorder(binding: Binding, context: Context): (outcome: CallRecord["outcome"], fault?: string) => void {
    const at = this.clock.now();
    const began = this.clock.monotonic();
    const { notes, origin, parentSpanId } = context;
    return (outcome, fault) =>
      this.inspector.emitCall?.({
        kind: "call",
        id: binding.action.id,
        of: binding.kind,
        at,
        tookMs: this.clock.monotonic() - began,
        outcome,
        ...(fault !== undefined && { fault }),
        ...(notes?.replayed && { replayed: true }),
        ...(notes?.cached && { cached: true }),
        ...(notes?.node !== undefined && { node: notes.node }),
        traceId: origin.traceId,
        spanId: context.spanId ?? "",
        ...(parentSpanId !== undefined && { parentSpanId }),
        tenant: origin.identity.tenant,
        subject: origin.identity.subject,
      });
  }

  translated(action: string, codes: ReadonlySet<string>, error: unknown): Error {
    if (mayPass(codes, error)) return error as Error;
    const correlationId = newTraceId();
    const cause =
      isFault(error) && error.kind !== "internal"
        ? kernelFaults.undeclaredFault({ action, code: error.code }, { cause: error })
        : error;
    this.report(cause, { correlationId, action });
    return kernelFaults.internal({ correlationId }, { cause });
  }

  /** Says what went wrong where no caller waits for it. */
  reportFailure(action: string, error: unknown, traceId: string): void {
    this.report(error, { correlationId: traceId, action });
  }

  answeredBy(fallback: AnyFallback, { action, codes }: Binding, error: unknown): unknown {
    const isAnswered = isFault(error) && !codes.has(error.code) && substituted.has(error.kind);
    if (fallback === undefined || !isAnswered) throw error;
    this.inspector.emit?.({ kind: "fallback", id: action.id, fault: error.code, at: this.clock.now() });
    return fallback(error);
  }

  unknownAction(id: string): Error {
    const ids = this.bindings.flatMap((binding) => (binding === undefined ? [] : [binding.action.id]));
    return kernelFaults.unknownAction({ action: id, nearest: nearest(id, ids) });
  }
}

/** Kinds of faults that a fallback stands in for. */
const substituted = new Set<string>(["unavailable", "exhausted", "deadline"]);

/** What the handler answers. One that throws before its first await fails as one that throws after it. */
function handled(binding: Binding, context: Context, value: unknown): Promise<unknown> {
  const handler = binding.handler as NonNullable<Binding["handler"]>;
  try {
    const answer = handler(context, value);
    return answer instanceof Promise ? answer : Promise.resolve(answer);
  } catch (error) {
    return Promise.reject(error);
  }
}
