import type { App } from "@banyan/kernel/app";
import { type Watch, watchApp } from "../watch/watch.ts";
import type { Surroundings } from "./application.ts";

/** Remembers what the application does, and sends its traces to the collector that the environment names. */
export async function openWatch(app: App, surroundings: Surroundings, node: string): Promise<Watch> {
  const { config, environment, openings } = surroundings;
  const watch = watchApp(app);
  openings.defer("watch", async () => watch.stop());
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: name } = environment;
  if (endpoint === undefined) return watch;
  // OpenTelemetry's SDK takes 250 ms to load.
  const { exportTraces } = await import("@banyan/trace-otlp");
  const url = `${endpoint.replace(/\/$/, "")}/v1/traces`;
  const traces = exportTraces(app, { url, serviceName: name ?? config.title, instanceId: node });
  openings.defer("traces", () => traces.close());
  return watch;
}
