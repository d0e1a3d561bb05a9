import type { HealthCheck } from "../call/health-check.ts";
import { nearest } from "../call/nearest.ts";
import type { Runtime } from "../call/runtime.ts";
import { Scope } from "../call/scope.ts";
import { kernelFaults } from "../contract/kernel-faults.ts";
import type { Dispatcher } from "../delivery/dispatcher.ts";
import { type Delivery, redrive, refold } from "../delivery/recovery.ts";
import { relayName } from "../delivery/relay.ts";
import type { Store } from "../store/store.ts";
import type { App } from "./app.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Parts } from "./parts.ts";

type Operations = Pick<
  App,
  | "health"
  | "rebuild"
  | "deadLetters"
  | "redrive"
  | "jobs"
  | "workflows"
  | "jobBacklog"
  | "retryJob"
  | "pauseJobs"
  | "resumeJobs"
  | "lag"
  | "republish"
  | "retention"
  | "subscriptions"
  | "forgetSubscriptions"
  | "settled"
>;

/** What is asked of an application by those who run it. */
export function operationsOf(parts: Parts, lifecycle: Lifecycle): Operations {
  const { runtime, services, contracts, subscribers, log, dispatcher, workers, workflows } = parts;
  const required = (): Store => runtime.storeFor("this");
  const delivery = (): Delivery => ({ runtime, store: required(), services, subscribers, log });
  const assertJob = (type: string): void => {
    const known = contracts.flatMap(({ jobs }) => Object.values(jobs).map(({ id }) => id));
    if (!known.includes(type)) throw kernelFaults.unknownAction({ action: type, nearest: nearest(type, known) });
  };
  return {
    health: () => healthOf(parts, lifecycle),
    rebuild: (projection) => refold(delivery(), projection),
    deadLetters: (filter = {}) => required().deadLetters.list({ limit: 100, ...filter }),
    redrive: (id) => redrive(delivery(), id),
    jobs: (filter = {}) => required().jobs.list(filter),
    workflows: parts.runs,
    async jobBacklog() {
      const types = services.flatMap(({ contract }) => Object.values(contract.jobs).map(({ id }) => id));
      return types.length === 0 ? [] : required().jobs.backlog(types);
    },
    async retryJob(id) {
      const retried = await required().jobs.retry(id);
      if (retried) workers?.wake();
      return retried;
    },
    async pauseJobs(type) {
      assertJob(type);
      await required().jobs.setPaused(type, true);
    },
    async resumeJobs(type) {
      assertJob(type);
      await required().jobs.setPaused(type, false);
      workers?.wake();
    },
    async lag() {
      required();
      return (dispatcher as Dispatcher).lag();
    },
    republish: async (since) => required().retention.republish(since),
    retention: async () => required().retention.standing(),
    subscriptions: () => required().outbox.subscriptions(),
    async forgetSubscriptions(service) {
      const isRelay = service === relayName && log !== undefined;
      if (isRelay || subscribers.some((one) => one.service === service)) {
        throw kernelFaults.stillSubscribed({ service });
      }
      return required().outbox.forget(service);
    },
    async settled({ deadlineMs = 30_000 } = {}) {
      const budget = new Scope(runtime.clock, deadlineMs, "settled");
      const parts = [dispatcher, workers, workflows];
      while ((await Promise.all(parts.map((part) => part?.isSettled() ?? true))).includes(false)) {
        budget.check();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

const healthMs = 1_000;

async function healthOf(parts: Parts, { state }: Lifecycle): Promise<HealthCheck[]> {
  const { runtime, services, store, remote, outside } = parts;
  const asked = outside.map(({ use, server }) =>
    // Events and jobs wait in the store, and documents are away for every process alike. Without the bus a process can still answer
    // for its own services, and nothing else.
    answerOf(runtime, { name: `${server.name} (${use})`, advisory: use !== "bus" || services.length > 0 }, () =>
      server.ping(),
    ),
  );
  if (store !== undefined) asked.push(answerOf(runtime, { name: "database" }, (scope) => store.ping(scope)));
  return [
    ...services.map(({ contract }) => ({ name: contract.name, ok: state === "started", detail: state })),
    ...(remote?.checks() ?? []),
    ...(await Promise.all(asked)),
  ];
}

async function answerOf(
  runtime: Runtime,
  check: Pick<HealthCheck, "name" | "advisory">,
  ask: (scope: Scope) => Promise<unknown>,
): Promise<HealthCheck> {
  const scope = new Scope(runtime.clock, healthMs, "health");
  const began = runtime.clock.monotonic();
  try {
    await runtime.watched(scope, () => ask(scope));
    return { ...check, ok: true, detail: `answered in ${(runtime.clock.monotonic() - began).toFixed(1)} ms` };
  } catch (error) {
    const isLate = scope.ended !== null;
    const why = error instanceof Error && error.message !== "" ? error.message : "does not answer";
    return { ...check, ok: false, detail: isLate ? `no answer within ${healthMs} ms` : why };
  }
}
