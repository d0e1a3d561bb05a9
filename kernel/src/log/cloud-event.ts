import type { StoredEvent } from "../store/store.ts";
import type { LogMessage } from "./log.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const eventType = /^[A-Za-z][\w-]*\.[A-Za-z][\w-]*$/;
const traceparent = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;
const noSpan = "0".repeat(16);

/**
 * An event as a log keeps it: a CloudEvents 1.0 envelope in JSON. `subject` is the event's key, `partitionkey` what order is kept
 * by, `sequence` the event's version within its key (both are documented extensions); `tenant` and `metadata` (a JSON object as
 * text, since attributes are scalars) are ours. `traceparent` has no span: the event outlives the one that emitted it.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function cloudEventOf(event: StoredEvent): LogMessage {
  const { id, type, tenant, key, version, at, traceId, metadata, data } = event;
  const orderedBy = orderKey(event);
  const text = (value: string) => JSON.stringify(value);
  const hasMetadata = Object.keys(metadata).length > 0;
  const envelope =
    `{"specversion":"1.0","id":"${id}","source":"/banyan/${type.slice(0, type.indexOf("."))}","type":"${type}",` +
    `"time":"${new Date(at).toISOString()}","datacontenttype":"application/json","subject":${text(key)},` +
    `"partitionkey":${text(orderedBy)},"sequence":"${version}","tenant":${text(tenant)},` +
    `"traceparent":"00-${traceId}-${noSpan}-00",${hasMetadata ? `"metadata":${text(JSON.stringify(metadata))},` : ""}"data":${data}}`;
  return { id, type, key: orderedBy, body: Buffer.from(envelope) };
}

/** What a log keeps the order of: the events of one tenant and key. */
function orderKey({ tenant, key }: Pick<StoredEvent, "tenant" | "key">): string {
  return `${tenant}/${key}`;
}

/** The event of an envelope; a text saying what is wrong where it is none of ours. */
export function eventOf(body: Uint8Array): StoredEvent | string {
  const envelope = parsed(body);
  if (envelope === undefined) return "no JSON object";
  const { id, type, subject, tenant, sequence, time, data, metadata = "{}" } = envelope;
  if (envelope.specversion !== "1.0") return "no CloudEvents 1.0";
  if (typeof id !== "string" || !uuid.test(id)) return "its id is no UUID";
  if (typeof type !== "string" || !eventType.test(type)) return "its type is no name of an event";
  if (typeof subject !== "string" || typeof tenant !== "string") return "it has no subject or no tenant";
  const version = Number(sequence);
  if (!Number.isSafeInteger(version) || version < 1) return "its sequence is no version";
  const at = typeof time === "string" ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(at)) return "its time is none";
  if (data === undefined) return "it has no data";
  const traceId = traceparent.exec(String(envelope.traceparent))?.[1];
  const carried = typeof metadata === "string" ? parsed(metadata) : undefined;
  if (carried === undefined || !Object.values(carried).every((value) => typeof value === "string"))
    return "its metadata is no object of texts";
  return {
    id,
    type,
    tenant,
    key: subject,
    version,
    at,
    data: JSON.stringify(data),
    traceId: traceId ?? "0".repeat(32),
    metadata: carried as Record<string, string>,
  };
}

function parsed(json: Uint8Array | string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(typeof json === "string" ? json : decoder.decode(json));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
