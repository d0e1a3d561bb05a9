import type { AnyQuery, App } from "@banyan/kernel/app";
import { Counter, collectDefaultMetrics, Gauge, type GaugeConfiguration, Registry } from "prom-client";
import { countRemote } from "./count-remote.ts";
import { registerQueryGauges } from "./query-gauges.ts";
import { RequestDurations } from "./request-durations.ts";

export interface Metrics {
  readonly durations: RequestDurations;
  readonly contentType: string;
  /** Prometheus text of everything, as of now. */
  text(): Promise<string>;
  /** Stops listening to the application. */
  close(): void;
}

/**
 * Counts what the process does. Labels are names from contracts and codes of faults, never what a client sent, so that
 * their number is bounded. Calls that come in here are counted by their answer; deliveries and jobs by the inspector.
 */
export function createMetrics(
  app: App,
  { connections, gauges: queries }: { connections(): number; readonly gauges: readonly AnyQuery[] },
): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new RequestDurations();
  durations.register(registry);
  const registers = [registry];
  const work = new Counter({
    name: "banyan_work_total",
    help: "Deliveries to subscribers and runs of jobs, by outcome",
    labelNames: ["kind", "id", "subscriber", "outcome"],
    registers,
  });
  const workSeconds = new Counter({
    name: "banyan_work_seconds_total",
    help: "Time spent in deliveries and jobs",
    labelNames: ["kind", "id", "subscriber"],
    registers,
  });
  const waits = new Counter({
    name: "banyan_job_wait_seconds_total",
    help: "Time that jobs had been due when they were claimed",
    labelNames: ["id"],
    registers,
  });
  registerQueryGauges(app, queries, registry);
  registerBacklog(app, registry);
  registerRuns(app, registry);
  const events = new Counter({
    name: "banyan_events_total",
    help: "Events committed here",
    labelNames: ["id"],
    registers,
  });
  const refused = new Counter({
    name: "banyan_log_refused_messages_total",
    help: "Messages of the log that are no events or, expired, were gone before they were read, by service",
    labelNames: ["service", "reason"],
    registers,
  });
  const lag = remembered(() => app.lag());
  const kept = remembered(() => app.retention());
  const gauges: [name: string, help: string, read: () => Promise<number>][] = [
    ["banyan_http_connections", "Open connections", async () => connections()],
    ["banyan_outbox_unsent", "Events that wait to be delivered", async () => (await lag()).unsentCount],
    ["banyan_outbox_oldest_seconds", "Age of the oldest of them", async () => (await lag()).oldestMs / 1_000],
    ["banyan_outbox_leading", "1 where this process delivers", async () => ((await lag()).leading ? 1 : 0)],
    ["banyan_dead_letters", "Events that a subscriber or the log refused", async () => (await kept()).deadLetterCount],
    [
      "banyan_retention_swept_seconds",
      "Time since old data was last let go of",
      async () => age((await kept()).sweptAt),
    ],
    ["banyan_retention_overdue", "Partitions kept beyond their days", async () => (await kept()).overdueCount],
  ];
  for (const [name, help, read] of gauges) registry.registerMetric(gaugeOf({ name, help, registers: [] }, read));
  const close = app.inspect(
    (record) => {
      if (record.kind === "event") events.inc({ id: record.id });
      else if (record.kind === "refused-message")
        refused.inc({ service: record.service, reason: record.reason }, record.count);
      else if (record.kind === "delivery" || record.kind === "job") {
        const labels = { kind: record.kind, id: record.id, subscriber: record.subscriber ?? "" };
        work.inc({ ...labels, outcome: record.outcome });
        workSeconds.inc(labels, record.tookMs / 1_000);
        if (record.waitedMs !== undefined) waits.inc({ id: record.id }, record.waitedMs / 1_000);
      }
    },
    ["delivery", "job", "event", "refused-message"],
  );
  const stopCounting = countRemote(app, registry);
  const closeAll = () => {
    close();
    stopCounting();
  };
  return { durations, contentType: registry.contentType, text: () => registry.metrics(), close: closeAll };
}

/** Of all processes together; each that has the type says the same. */
function registerBacklog(app: App, registry: Registry): void {
  const backlog = remembered(() => app.jobBacklog());
  const labelNames = ["id"] as const;
  const gauges = [
    ["banyan_jobs_due", "Jobs that are due and wait for a worker", "count", 1],
    ["banyan_jobs_oldest_seconds", "How long the oldest of them has been due", "oldestMs", 1_000],
  ] as const;
  for (const [name, help, field, unit] of gauges) {
    const collect = async function (this: Gauge<"id">) {
      // As with the other gauges: no value says that there was no answer.
      for (const { type: id, ...figures } of await backlog().catch(() => [])) this.set({ id }, figures[field] / unit);
    };
    registry.registerMetric(new Gauge({ name, help, labelNames, registers: [], collect }));
  }
}

/** The same for runs of workflows. */
function registerRuns(app: App, registry: Registry): void {
  const collect = async function (this: Gauge<"id" | "state">) {
    for (const { type: id, waiting, stuck, differing } of await app.workflows.standing().catch(() => [])) {
      this.set({ id, state: "waiting" }, waiting);
      this.set({ id, state: "stuck" }, stuck);
      this.set({ id, state: "differing" }, differing);
    }
  };
  const help =
    "Runs of workflows that wait, that a person has to look at, and that differ from the code that was started here";
  registry.registerMetric(
    new Gauge({ name: "banyan_workflow_runs", help, labelNames: ["id", "state"], registers: [], collect }),
  );
}

/** Seconds; not a number, which is what Prometheus shows, where it never happened. */
function age(at: number | undefined): number {
  return (Date.now() - (at ?? Number.NaN)) / 1_000;
}

function gaugeOf(configuration: GaugeConfiguration<never>, read: () => Promise<number>): Gauge {
  return new Gauge({
    ...configuration,
    async collect() {
      try {
        this.set(await read());
      } catch {
        // A scrape must not fail because the database does, or because there is none: no value says that.
        this.remove();
      }
    },
  });
}

/** The gauges of one scrape ask together, and get one answer. */
function remembered<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    return asked;
  };
}
