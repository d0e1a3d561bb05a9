import { FAULT_STATUS, type FaultRecord } from "../contract/fault.ts";
import type { BatchWriter } from "./frame/batch.ts";
import { type Frame, frameType, RefusedFrame } from "./frame/frame.ts";

const retries = new Set<unknown>(["no", "yes", "unknown"]);

/** Writes a fault frame; the payload is JSON whatever the codec. Throws what JSON says of details that it has no text for. */
export function writeFault(writer: BatchWriter, call: number, record: FaultRecord): void {
  const text = JSON.stringify(record);
  writer.begin(frameType.fault, 0, call);
  writer.reserve(Buffer.byteLength(text));
  writer.at += writer.buffer.write(text, writer.at);
  writer.end();
}

/** Throws `RefusedFrame` where it is none: an edge translates by kind, so one that does not exist must not come so far. */
export function faultOfPayload({ bytes, bodyAt, end }: Frame): FaultRecord {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8", bodyAt, end));
  } catch (error) {
    throw new RefusedFrame("undecodable", error);
  }
  if (!isFaultRecord(value)) throw new RefusedFrame("malformed");
  const { code, kind, message, details, retry, retryAfterMs } = value;
  return { code, kind, message, details, retry, retryAfterMs };
}

function isFaultRecord(value: unknown): value is FaultRecord {
  if (value === null || typeof value !== "object") return false;
  const { code, kind, message, retry, retryAfterMs } = value as Partial<Record<keyof FaultRecord, unknown>>;
  return (
    typeof code === "string" &&
    typeof kind === "string" &&
    Object.hasOwn(FAULT_STATUS, kind) &&
    typeof message === "string" &&
    retries.has(retry) &&
    (retryAfterMs === undefined || (typeof retryAfterMs === "number" && retryAfterMs >= 0))
  );
}
