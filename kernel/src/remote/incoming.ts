import type { Incoming } from "../bus/callee/execution.ts";
import { type Binding, Context } from "../call/context.ts";
import { Origin } from "../call/origin.ts";
import type { Runtime } from "../call/runtime.ts";
import type { Scope } from "../call/scope.ts";
import type { AnyAction } from "../contract/action.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import { fullPolicy } from "../contract/remote-policy.ts";
import type { Shedder } from "../resilience/shedder.ts";
import { groupOf, schemasOf } from "./schema-judge.ts";

/** What every node answers beside its actions: the schemas of one, `{ action: "ledger.post" }`, for callers with another version. */
export const schemasAction = { number: 0, name: "kernel.schemas" } as const;

/** A local action, and whether calls of it are refused while this process is behind. */
interface Served {
  readonly binding: Binding;
  readonly shedding: boolean;
}

/**
 * Calls of other nodes. Each runs as a call of this process does: the identity, trace, metadata and deadline are its caller's,
 * and `access` was checked where the request came in, as for calls between services of one process. The bus decides who may take
 * part.
 */
export class IncomingCalls {
  /** Ids by number. */
  readonly names: string[] = [schemasAction.name];
  private readonly served: (Served | null)[] = [null];
  private readonly runtime: Runtime;
  private readonly shedder: Shedder;
  /** "started", or why not. */
  state = "starting";

  constructor(runtime: Runtime, shedder: Shedder) {
    this.runtime = runtime;
    this.shedder = shedder;
  }

  /** Answers the number that other nodes call the action by. */
  add(binding: Binding): number {
    const { action } = binding;
    this.names.push(action.id);
    return this.served.push({ binding, shedding: fullPolicy(action.remote, action.definition.remote).shedding }) - 1;
  }

  /** Of the actions whose node the broker chooses. */
  groups(): readonly string[] {
    const actions = this.served.flatMap((served) => (served === null ? [] : [served.binding.action]));
    const isBrokers = ({ remote, definition }: AnyAction) => fullPolicy(remote, definition.remote).balance === "broker";
    return actions.filter(isBrokers).map(groupOf);
  }

  readonly serve = (incoming: Incoming): Promise<unknown> => {
    if (incoming.action === schemasAction.number) return this.schemas(incoming.input);
    const served = this.served[incoming.action];
    if (served === undefined || served === null) return this.schemas(null);
    const { runtime, shedder } = this;
    const { binding, shedding } = served;
    if (this.state !== "started") return Promise.reject(kernelFaults.notRunning({ state: this.state }));
    if (shedding && shedder.refuses(runtime.inFlight, Math.random())) return Promise.reject(this.shed(incoming));
    const { scope } = incoming;
    if (binding.deadlineMs === undefined || binding.deadlineMs >= scope.remainingMs()) {
      return runtime.received(binding, this.contextOf(incoming, binding, scope), incoming.input);
    }
    const narrowed = scope.narrowed(binding.deadlineMs, binding.action.id);
    const context = this.contextOf(incoming, binding, narrowed);
    return runtime.root(binding, context, incoming.input).finally(() => scope.forget(narrowed));
  };

  private contextOf(incoming: Incoming, binding: Binding, scope: Scope): Context {
    const context = new Context(binding, scope, new Origin(incoming.identity, incoming.trace, incoming.metadata));
    context.parentSpanId = incoming.parentSpanId;
    context.idempotencyKey = incoming.idempotencyKey;
    context.key = incoming.instance;
    context.notes = { replayed: false, cached: false };
    incoming.notes = context.notes;
    return context;
  }

  private shed({ name, from }: Incoming): Error {
    const { lagMs } = this.shedder;
    this.runtime.inspector.emit?.({ kind: "shed", id: name, from: from.id, lagMs, at: this.runtime.clock.now() });
    return kernelFaults.shed({ action: name, lagMs }, { retryAfterMs: lagMs });
  }

  private async schemas(input: unknown): Promise<unknown> {
    const id = (input as { action?: unknown } | null)?.action;
    const found = this.served.find((served) => served?.binding.action.id === id);
    if (found === undefined || found === null) throw kernelFaults.unknownAction({ action: String(id), nearest: [] });
    return schemasOf(found.binding.action as AnyAction);
  }
}
