import type { App } from "@banyan/kernel/app";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace";
import { spanOf } from "./span.ts";

/** Where spans go, and whose they are. */
export interface TraceExportOptions {
  /** Where a collector takes traces: "http://collector:4318/v1/traces". */
  readonly url: string;
  /** `service.name` of every span: the program, as in "neopay". */
  readonly serviceName: string;
  /** `service.instance.id`: which of its processes, where there are several. */
  readonly instanceId?: string | undefined;
}

/** An export that is under way. */
export interface TraceExport {
  /** Sends what has gathered, for 5 s at most, and stops listening. Idempotent. */
  close(): Promise<void>;
}

/** Of OTLP/HTTP's own defaults; what does not fit into the queue is dropped: tracing must not hold up what it watches. */
const queueMax = 8_192;
const batchMax = 512;
const everyMs = 1_000;
const timeoutMs = 5_000;

/**
 * Sends a span for each call, delivery and run of a job of the application to an OpenTelemetry collector (OTLP/HTTP, JSON).
 * The exporter takes credentials from OTEL_EXPORTER_OTLP_HEADERS, as OpenTelemetry's specification says.
 */
export function exportTraces(app: App, { url, serviceName, instanceId }: TraceExportOptions): TraceExport {
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter({ url, timeoutMillis: timeoutMs }),
    maxQueueSize: queueMax,
    maxExportBatchSize: batchMax,
    scheduledDelayMillis: everyMs,
    exportTimeoutMillis: timeoutMs,
  });
  const resource = resourceFromAttributes({
    "service.name": serviceName,
    ...(instanceId !== undefined && { "service.instance.id": instanceId }),
  });
  const stop = app.inspect(
    (record) => {
      if (record.kind === "call" || record.kind === "delivery" || record.kind === "job")
        processor.onEnd(spanOf(record, resource));
    },
    ["call", "delivery", "job"],
  );
  let closing: Promise<void> | undefined;
  return {
    close() {
      stop();
      closing ??= processor.shutdown().catch(() => {
        // A collector that is gone must not keep the process from ending; what it missed is lost, as traces may be.
      });
      return closing;
    },
  };
}
