import type { ValidCall } from "../call/context.ts";
import type { InspectorRecord } from "../call/inspector.ts";
import { nearest } from "../call/nearest.ts";
import type { Scope } from "../call/scope.ts";
import { isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { ServiceView } from "../registry/service-view.ts";
import { Bulkhead } from "../resilience/bulkhead.ts";
import { healthBy, isWorthRetry, pauseMs, RetryBudget } from "../resilience/retry.ts";
import type { Route } from "./route.ts";
import { type Absence, Routes, type RoutesOptions } from "./routes.ts";

/** Sends one call to one node, and answers what comes back. */
export type Send = (route: Route, call: ValidCall) => Promise<unknown>;

/** What calls of one action need of the process they leave. */
export interface OutgoingOptions extends RoutesOptions {
  /** Of the faults that the action declares: these are answers, not failures. */
  readonly declared: ReadonlySet<string>;
  readonly send: Send;
  record(record: InspectorRecord): void;
  /** Milliseconds since 1970. */
  wallClock(): number;
  /** Names that somebody may have meant. */
  knownIds(): readonly string[];
}

/** How long a call waits for a node of a service that there is, and of one that nobody ever spoke of where the bus cannot tell whether anybody could. */
const awaitedMs = 1_000;
const unheardMs = 250;

/**
 * Calls of one action to other nodes: bulkhead, then whom to ask, then the call, then again where that is safe. A call that meets
 * no trouble goes through without an await of its own.
 */
export class Outgoing {
  private readonly options: OutgoingOptions;
  private readonly routes: Routes;
  private readonly bulkhead: Bulkhead;
  private readonly budget: RetryBudget | null;
  private readonly isTimed: boolean;
  /** Until when nobody is waited for: a service that was never heard of was waited for in vain. */
  private unheardUntil = 0;

  constructor(options: OutgoingOptions) {
    const { policy } = options;
    this.options = options;
    this.routes = new Routes(options);
    this.bulkhead = new Bulkhead(policy.bulkhead);
    this.budget = policy.retry === null ? null : new RetryBudget(policy.retry);
    this.isTimed = policy.balance === "latency";
  }

  add(call: ValidCall): Promise<unknown> {
    if (this.options.action.instanced && call.context.key === undefined) return Promise.reject(this.unnamed());
    if (!this.bulkhead.enter()) return this.queued(call);
    return this.placed(call);
  }

  private unnamed(): Error {
    const issues = [{ path: "key", message: "names the instance that the call is for: call(action, input, { key })" }];
    return kernelFaults.invalidInput({ action: this.options.action.id, issues });
  }

  /** The call has its place, and gives it back when it ends. */
  private placed(call: ValidCall): Promise<unknown> {
    this.budget?.earn();
    const route = this.find(call, null);
    if (route === null) return this.sought(call);
    return this.tried(route, call).then(
      (value) => {
        this.bulkhead.leave();
        return value;
      },
      (error: unknown) => this.again(call, route, error),
    );
  }

  private find({ context, value }: ValidCall, not: Route | null): Route | null {
    const { action } = this.options;
    const instance = action.instanced ? context.key : undefined;
    const key = context.key ?? action.definition.key?.(value as never);
    return this.routes.find({ key, instance, not });
  }

  private tried(route: Route, call: ValidCall): Promise<unknown> {
    const { node } = route;
    const began = this.isTimed ? this.options.now() : 0;
    node.health.use();
    node.inFlight++;
    return this.options.send(route, call).then(
      (value) => {
        node.inFlight--;
        route.breaker?.succeeded();
        if (this.isTimed) node.took(this.options.now() - began);
        return value;
      },
      (error: unknown) => {
        node.inFlight--;
        this.judge(route, error);
        throw error;
      },
    );
  }

  private judge({ breaker }: Route, error: unknown): void {
    const { declared, now } = this.options;
    const health = healthBy(error, declared);
    if (health === "ill") breaker?.failed(now());
    else if (health === "well") breaker?.succeeded();
    else breaker?.probeEnded(now());
  }

  /** The first run found nobody at once. */
  private async sought(call: ValidCall): Promise<unknown> {
    let route: Route;
    try {
      route = await this.awaited(call, null);
    } catch (error) {
      this.bulkhead.leave();
      throw error;
    }
    return this.tried(route, call).then(
      (value) => {
        this.bulkhead.leave();
        return value;
      },
      (error: unknown) => this.again(call, route, error),
    );
  }

  private async again(call: ValidCall, first: Route, error: unknown): Promise<unknown> {
    let failed = error;
    let route = first;
    try {
      for (let attempt = 1; ; attempt++) {
        await this.pauseBefore(call, { attempt, failed, route });
        route = await this.awaited(call, route);
        try {
          return await this.tried(route, call);
        } catch (again) {
          failed = again;
        }
      }
    } finally {
      this.bulkhead.leave();
    }
  }

  /** Throws what failed where it is not to be tried again: unsafe, useless, too often, or no time for it. */
  private async pauseBefore(
    { context, binding }: ValidCall,
    { attempt, failed, route }: { readonly attempt: number; readonly failed: unknown; readonly route: Route },
  ): Promise<void> {
    const { policy, declared, action, now, random } = this.options;
    const idempotent = binding.kind === "query" || context.idempotencyKey !== undefined;
    if (policy.retry === null || this.budget === null || attempt >= policy.retry.attemptsMax) throw failed;
    if (!isWorthRetry(failed, declared, idempotent) || !isFault(failed)) throw failed;
    const ms = Math.max(failed.retryAfterMs ?? 0, pauseMs(policy.retry, attempt, random()));
    if (context.scope.ended !== null || ms >= context.scope.remainingMs() || !this.budget.spend(now())) throw failed;
    const { id } = route.node.ref;
    this.options.record({
      kind: "retry",
      id: action.id,
      node: id,
      attempt,
      fault: failed.code,
      at: this.options.wallClock(),
    });
    await within(context.scope, ms);
  }

  /** A node to call, waited for where there is none; throws why there is none. */
  private async awaited(call: ValidCall, not: Route | null): Promise<Route> {
    const { view, now } = this.options;
    const { scope } = call.context;
    const until = now() + (view.isKnown ? awaitedMs : unheardMs);
    for (;;) {
      const route = this.find(call, not);
      if (route !== null) return route;
      const absence = this.routes.absence();
      const leftMs = Math.min(until - now(), scope.remainingMs());
      const isUnheard = !view.isKnown && (view.isUnheard || now() < this.unheardUntil);
      const isHopeless = absence === "action" || typeof absence === "object" || isUnheard;
      if (isHopeless || leftMs <= 0 || (absence === "tripped" && this.routes.probeInMs() > leftMs)) {
        if (!view.isKnown) this.unheardUntil = now() + awaitedMs;
        if (isUnheard) view.missed();
        throw this.refusal(absence, call.context.key);
      }
      await changeOf(view, scope, absence === "tripped" ? Math.min(leftMs, this.routes.probeInMs() + 1) : leftMs);
    }
  }

  private refusal(absence: Absence, key: string | undefined): Error {
    const { action, view } = this.options;
    const { id } = action;
    if (typeof absence === "object") return kernelFaults.incompatible({ action: id, ...absence });
    if (absence === "action" || (absence === "service" && !view.isKnown)) {
      return kernelFaults.unknownAction({ action: id, nearest: nearest(id, this.options.knownIds()) });
    }
    if (absence === "tripped") {
      return kernelFaults.unavailable({ action: id, why: whys.tripped }, { retryAfterMs: this.routes.probeInMs() });
    }
    return kernelFaults.unavailable({ action: id, why: absence === "instance" ? `nobody has ${key}` : whys[absence] });
  }

  private queued(call: ValidCall): Promise<unknown> {
    const { scope } = call.context;
    const { id } = this.options.action;
    const record = (state: "queued" | "refused") =>
      this.options.record({ kind: "bulkhead", id, state, at: this.options.wallClock() });
    return new Promise((resolve, reject) => {
      const entry = { end: (reason: Error) => stop(reason) };
      const stopWaiting = this.bulkhead.wait(() => {
        scope.forget(entry);
        resolve(this.placed(call));
      });
      const stop = (reason: Error) => {
        stopWaiting?.();
        reject(reason);
      };
      if (stopWaiting === null) {
        record("refused");
        return reject(kernelFaults.overloaded({ action: id, inFlightMax: this.bulkhead.inFlightMax }));
      }
      record("queued");
      scope.add(entry);
    });
  }
}

const whys = {
  service: "nobody offers it now",
  away: "nobody who offers it answers",
  tripped: "everybody who offers it fails, and is left alone for a while",
  unsure: "nobody who offers it has told its schemas",
} as const;

/** Resolves after `ms`; rejects when the scope ends before. */
function within(scope: Scope, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      scope.forget(entry);
      resolve();
    }, ms);
    const entry = {
      end: (reason: Error) => {
        clearTimeout(timer);
        reject(reason);
      },
    };
    scope.add(entry);
  });
}

/** Resolves when the view changes, or `ms` have passed; rejects when the scope ends before. */
async function changeOf(view: ServiceView, scope: Scope, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  view.changed(resolve);
  try {
    await Promise.race([promise, within(scope, ms)]);
  } finally {
    view.stopWaiting(resolve);
  }
}
