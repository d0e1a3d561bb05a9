import { Context } from "../call/context.ts";
import { Origin } from "../call/origin.ts";
import type { Runtime } from "../call/runtime.ts";
import { endWith, Scope } from "../call/scope.ts";
import type { AnyAction, Returned, Sent } from "../contract/action.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { Fallback } from "../service/context.ts";
import { type Identity, may, systemIdentity } from "../service/identity.ts";
import type { RootCallOptions } from "./app.ts";
import type { Lifecycle } from "./lifecycle.ts";

const noOptions: RootCallOptions = {};

/** How an application is called from outside: with its state and the caller's access checked, and time that begins to run. */
export function rootCall(runtime: Runtime, lifecycle: Lifecycle, defaultDeadlineMs: number) {
  return function call<A extends AnyAction>(
    action: A,
    input: Sent<A>,
    options: RootCallOptions & Fallback<A> = noOptions,
  ): Promise<Returned<A>> {
    if (lifecycle.state !== "started") return Promise.reject(kernelFaults.notRunning({ state: lifecycle.state }));
    const binding = runtime.bindings[action.slot] ?? runtime.elsewhere(action);
    if (binding === undefined) return Promise.reject(runtime.unknownAction(action.id));
    const identity = options.identity ?? systemIdentity;
    const { access } = action.definition;
    if (!may(identity, access)) return Promise.reject(refusal(action, identity, access));
    if (options.signal?.aborted) return Promise.reject(kernelFaults.cancelled({ action: action.id }));
    const scope = new Scope(
      runtime.clock,
      budgetOf(options.deadlineMs ?? defaultDeadlineMs, binding.deadlineMs),
      action.id,
    );
    const origin = new Origin(identity, options.traceId, options.metadata);
    const context = new Context(binding, scope, origin);
    context.parentSpanId = options.parentSpanId;
    context.idempotencyKey = keyWithin(identity, options.idempotencyKey);
    context.notes = options.notes;
    context.key = options.key;
    if (options.signal !== undefined) endWith(options.signal, scope);
    const answer = runtime.root(binding, context, input) as Promise<Returned<A>>;
    if (options.fallback === undefined) return answer;
    return answer.catch((error: unknown) => runtime.answeredBy(options.fallback, binding, error) as Returned<A>);
  };
}

function keyWithin({ idempotencyScope }: Identity, key: string | undefined): string | undefined {
  return key === undefined || idempotencyScope === undefined ? key : `${idempotencyScope} ${key}`;
}

function budgetOf(askedMs: number, ownMs: number | undefined): number {
  return ownMs === undefined ? askedMs : Math.min(askedMs, ownMs);
}

function refusal(action: AnyAction, identity: Identity, permission: string): Error {
  return identity.subject === "anonymous"
    ? kernelFaults.unauthenticated({ action: action.id })
    : kernelFaults.forbidden({ action: action.id, permission });
}
