import type { CallRecord } from "@banyan/kernel/app";
import { type HrTime, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

/**
 * A record as an ended span. Attributes follow OpenTelemetry's semantic conventions for RPC and messaging where they have
 * a name for it (https://opentelemetry.io/docs/specs/semconv/). A fault that the contract expects is no error of the span.
 */
export function spanOf(record: CallRecord, resource: Resource): ReadableSpan {
  const { traceId, parentSpanId, at, tookMs, kind, outcome } = record;
  const contextOf = (spanId: string): SpanContext => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  const context = contextOf(record.spanId);
  return {
    name: record.id,
    kind: kind === "call" ? SpanKind.SERVER : SpanKind.CONSUMER,
    spanContext: () => context,
    ...(parentSpanId !== undefined && { parentSpanContext: contextOf(parentSpanId) }),
    startTime: hrTime(at),
    endTime: hrTime(at + tookMs),
    duration: hrTime(tookMs),
    ended: true,
    status: outcome === "error" ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.UNSET },
    attributes: attributesOf(record),
    links: [],
    events: [],
    resource,
    instrumentationScope: { name: "@banyan/kernel" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function attributesOf({ kind, id, of, outcome, fault, replayed, cached, subscriber, attempt, tenant }: CallRecord) {
  const conventions =
    kind === "call"
      ? { "rpc.system.name": "banyan", "rpc.method": id }
      : { "messaging.system": "banyan", "messaging.destination.name": id, "messaging.operation.type": "process" };
  return {
    ...conventions,
    "banyan.kind": of,
    "banyan.outcome": outcome,
    "banyan.tenant": tenant,
    ...(fault !== undefined && { "error.type": fault }),
    ...(replayed && { "banyan.replayed": true }),
    ...(cached && { "banyan.cached": true }),
    ...(subscriber !== undefined && { "messaging.consumer.group.name": subscriber }),
    ...(attempt !== undefined && { "banyan.attempt": attempt }),
  };
}

/** Milliseconds, since 1970 or as a duration, as seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
