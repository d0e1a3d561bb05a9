import type { Runtime } from "../call/runtime.ts";
import type { AnyEvent } from "../contract/action.ts";
import type { EventContext } from "../service/context.ts";
import { on, type Service, type Subscription } from "../service/service.ts";
import { eventTopic } from "./topics.ts";

/** The service, which keeps the events that its workflows wait for, whether a step waits yet or not. */
export function withAwaited(runtime: Runtime, service: Service): Service {
  const { awaits, contract } = service;
  if (awaits.length === 0) return service;
  const kept = awaits.map((event) => [`awaited ${event.id}`, keeping(runtime, contract.name, event)] as const);
  return { ...service, subscriptions: new Map([...service.subscriptions, ...kept]) };
}

/** A delivery that comes again stores nothing: the message has the event's id. */
function keeping(runtime: Runtime, service: string, event: AnyEvent): Subscription<string, unknown> {
  return on(event, async (ctx: EventContext<string, unknown>, data: unknown) => {
    const { id, key } = ctx.delivery;
    const topic = eventTopic(event.id, ctx.identity.tenant, key);
    await runtime.storeFor(service).runs.send([{ id: `${service} ${id}`, topic, data: JSON.stringify(data) }]);
    runtime.wakeJobs();
  });
}
