import type { AppState } from "../call/inspector.ts";
import { Scope } from "../call/scope.ts";
import { typesOf } from "../delivery/dispatcher.ts";
import { relayName } from "../delivery/relay.ts";
import type { Service } from "../service/service.ts";
import type { MigratedService } from "../store/store.ts";
import type { Parts } from "./parts.ts";

const startBudgetMs = 30_000;

/** From created to stopped, once: docs/LIFECYCLE.md has the states. */
export class Lifecycle {
  private readonly parts: Parts;
  private current: AppState = "created";
  /** Services whose start has succeeded, the last first. */
  private readonly opened: Service[] = [];
  private stopping: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get state(): AppState {
    return this.current;
  }

  private enter(state: AppState): void {
    const { inspector, clock } = this.parts.runtime;
    this.current = state;
    inspector.emit?.({ kind: "state", state, at: clock.now() });
  }

  async start(onStarted?: (service: string, tookMs: number) => void): Promise<void> {
    if (this.current !== "created") throw new Error(`the application is ${this.current}; each is started once`);
    this.enter("starting");
    const { runtime, services, store, documents, kv, log, remote, dispatcher, workers, workflows } = this.parts;
    const collections = services.flatMap((service) => service.collections);
    try {
      await store?.start(storedOf(this.parts));
      if (collections.length > 0) await documents?.open({ collections, signal: AbortSignal.timeout(startBudgetMs) });
      if (services.some(({ usesKv }) => usesKv)) await kv?.open({ signal: AbortSignal.timeout(startBudgetMs) });
      await log?.open({ signal: AbortSignal.timeout(startBudgetMs) });
      await remote?.open(AbortSignal.timeout(startBudgetMs));
      for (const service of services) {
        const began = runtime.clock.monotonic();
        await service.start?.(AbortSignal.timeout(startBudgetMs));
        this.opened.unshift(service);
        onStarted?.(service.contract.name, runtime.clock.monotonic() - began);
      }
      dispatcher?.start();
      await workers?.start();
      await workflows?.start();
      this.enter("started");
      remote?.announce();
    } catch (error) {
      await this.stop({ deadlineMs: 1_000 });
      throw error;
    }
  }

  stop({ deadlineMs = 10_000 }: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.stopping ??= this.drain(new Scope(this.parts.runtime.clock, deadlineMs, "stop"));
    return this.stopping;
  }

  private async drain(budget: Scope): Promise<void> {
    const { runtime, store, documents, kv, log, remote, dispatcher, workers, workflows } = this.parts;
    this.enter("draining");
    remote?.leave();
    if (runtime.inFlight > 0) {
      const idle = new Promise<void>((resolve) => {
        runtime.whenIdle = resolve;
      });
      await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, budget.remainingMs()).unref())]);
    }
    await workflows?.stop(budget);
    await workers?.stop(budget);
    await dispatcher?.stop();
    for (const service of this.opened) await service.stop?.();
    await remote?.close(budget);
    await log?.close({ deadlineMs: budget.remainingMs() });
    await kv?.close({ deadlineMs: budget.remainingMs() });
    await documents?.close({ deadlineMs: budget.remainingMs() });
    await store?.stop(budget);
    this.enter("stopped");
  }
}

/** With a log, nobody but the relay hears of events from the store. */
function storedOf({ log, services, subscribers }: Parts): MigratedService[] {
  const heardBy = (name: string) => typesOf(subscribers.filter(({ service }) => service === name));
  const stored = services.map(({ contract: { name }, migrations }) => {
    return { name, migrations, hears: log === undefined ? heardBy(name) : [] };
  });
  if (log === undefined) return stored;
  const emitted = services.flatMap(({ contract }) => Object.values(contract.events).map(({ id }) => id));
  return [...stored, { name: relayName, migrations: undefined, hears: emitted }];
}
