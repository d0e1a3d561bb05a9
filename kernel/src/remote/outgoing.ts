import { type Asker, told } from "../call/asker.ts";
import type { ValidCall } from "../call/context.ts";
import type { InspectorRecord } from "../call/inspector.ts";
import { nearest } from "../call/nearest.ts";
import type { Scope } from "../call/scope.ts";
import type { AnyAction } from "../contract/action.ts";
import { isFault } from "../contract/fault.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { ServiceView } from "../registry/service-view.ts";
import { Bulkhead } from "../resilience/bulkhead.ts";
import { healthBy, isWorthRetry, pauseMs, RetryBudget } from "../resilience/retry.ts";
import type { Route } from "./route.ts";
import { type Absence, Routes, type RoutesOptions } from "./routes.ts";

/** Sends one call to one node. */
export type Send = (route: Route, call: ValidCall, asker: Asker) => void;

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
 * no trouble goes through without a promise of its own.
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

  add(call: ValidCall, asker: Asker): void {
    if (this.options.action.instanced && call.context.key === undefined) asker.failed(this.unnamed());
    else if (this.bulkhead.enter()) this.begin(call, asker);
    else this.queue(call, asker);
  }

  private unnamed(): Error {
    const issues = [{ path: "key", message: "names the instance that the call is for: call(action, input, { key })" }];
    return kernelFaults.invalidInput({ action: this.options.action.id, issues });
  }

  /** The call has its place, and gives it back when it ends. */
  private begin(call: ValidCall, asker: Asker): void {
    this.budget?.earn();
    const route = this.find(call, null);
    if (route !== null) {
      this.sendFirst(route, call, asker);
      return;
    }
    this.awaitRoute(call, null).then(
      (found) => this.sendFirst(found, call, asker),
      (error: unknown) => {
        this.bulkhead.leave();
        asker.failed(error);
      },
    );
  }

  private sendFirst(route: Route, call: ValidCall, asker: Asker): void {
    this.options.send(route, call, new FirstTry(this, route, { call, asker, began: this.noteSent(route) }));
  }

  private find({ context, value }: ValidCall, not: Route | null): Route | null {
    const { action } = this.options;
    const instance = action.instanced ? context.key : undefined;
    const key = context.key ?? keyOf(action, value);
    return this.routes.find({ key, instance, not });
  }

  /** Answers when that was, where somebody wants to know. */
  private noteSent({ node }: Route): number {
    node.health.use();
    node.inFlight++;
    return this.isTimed ? this.options.now() : 0;
  }

  private noteAnswered({ node, breaker }: Route, began: number): void {
    node.inFlight--;
    breaker?.succeeded();
    if (this.isTimed) node.took(this.options.now() - began);
  }

  private noteFailed({ node, breaker }: Route, error: unknown): void {
    node.inFlight--;
    const { declared, now } = this.options;
    const health = healthBy(error, declared);
    if (health === "ill") breaker?.failed(now());
    else if (health === "well") breaker?.succeeded();
    else breaker?.probeEnded(now());
  }

  /** The first try was answered, and was all that the call needed. */
  done(route: Route, began: number): void {
    this.noteAnswered(route, began);
    this.bulkhead.leave();
  }

  private sendAgain(route: Route, call: ValidCall): Promise<unknown> {
    const began = this.noteSent(route);
    return new Promise((resolve, reject) => {
      const answered = (value: unknown) => {
        this.noteAnswered(route, began);
        resolve(value);
      };
      const failed = (error: unknown) => {
        this.noteFailed(route, error);
        reject(error);
      };
      this.options.send(route, call, { answered, failed });
    });
  }

  /** The first try failed: asks another node, or this one again, as long as that is safe; throws what failed last. */
  async retry(call: ValidCall, first: Route, error: unknown): Promise<unknown> {
    this.noteFailed(first, error);
    let failed = error;
    let route = first;
    try {
      for (let attempt = 1; ; attempt++) {
        await this.pauseBefore(call, { attempt, failed, route });
        route = await this.awaitRoute(call, route);
        try {
          return await this.sendAgain(route, call);
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
    await pause(context.scope, ms);
  }

  /** A node to call, waited for where there is none; throws why there is none. */
  private async awaitRoute(call: ValidCall, not: Route | null): Promise<Route> {
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

  private queue(call: ValidCall, asker: Asker): void {
    const { scope } = call.context;
    const { id } = this.options.action;
    const record = (state: "queued" | "refused") =>
      this.options.record({ kind: "bulkhead", id, state, at: this.options.wallClock() });
    const stopWaiting = this.bulkhead.wait(() => {
      scope.forget(entry);
      this.begin(call, asker);
    });
    if (stopWaiting === null) {
      record("refused");
      asker.failed(kernelFaults.overloaded({ action: id, inFlightMax: this.bulkhead.inFlightMax }));
      return;
    }
    record("queued");
    const entry = {
      end: (reason: Error) => {
        stopWaiting();
        asker.failed(reason);
      },
    };
    scope.add(entry);
  }
}

/** What the contract says that a call is spread by. Nothing was validated here: a wrong input has no key, and whoever gets it refuses it. */
function keyOf({ definition }: AnyAction, value: unknown): string | undefined {
  try {
    const key: unknown = definition.key?.(value as never);
    return typeof key === "string" ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The first try of a call, which nearly always is the only one: an object, in the place of a promise and four functions. */
class FirstTry implements Asker {
  private readonly outgoing: Outgoing;
  private readonly route: Route;
  private readonly call: ValidCall;
  private readonly asker: Asker;
  private readonly began: number;

  constructor(
    outgoing: Outgoing,
    route: Route,
    { call, asker, began }: { readonly call: ValidCall; readonly asker: Asker; readonly began: number },
  ) {
    this.outgoing = outgoing;
    this.route = route;
    this.call = call;
    this.asker = asker;
    this.began = began;
  }

  answered(value: unknown): void {
    this.outgoing.done(this.route, this.began);
    this.asker.answered(value);
  }

  failed(error: unknown): void {
    told(this.asker, this.outgoing.retry(this.call, this.route, error));
  }
}

const whys = {
  service: "nobody offers it now",
  away: "nobody who offers it answers",
  tripped: "everybody who offers it fails, and is left alone for a while",
  unsure: "nobody who offers it has told its schemas",
} as const;

/** Resolves after `ms`; rejects when the scope ends before. */
function pause(scope: Scope, ms: number): Promise<void> {
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
    await Promise.race([promise, pause(scope, ms)]);
  } finally {
    view.stopWaiting(resolve);
  }
}
