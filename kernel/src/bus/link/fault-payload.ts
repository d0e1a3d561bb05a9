import { FAULT_STATUS, type Fault, type FaultRecord, faultRecord } from "../../contract/fault.ts";
import type { BatchWriter } from "../frame/batch.ts";
import { type Frame, frameType, headerBytes, RefusedFrame } from "../frame/frame.ts";

const retries = new Set<unknown>(["no", "yes", "unknown"]);

/** What it needs of the link that the fault leaves by. */
interface FaultLink {
  readonly writer: BatchWriter;
  readonly frameBytesMax: number;
}

/** The payload is JSON whatever the codec; `said` are reply flags. Details that JSON cannot say, or that no frame takes, are left out. */
export function writeFault(
  { writer, frameBytesMax }: FaultLink,
  call: number,
  { fault, said = 0 }: { readonly fault: Fault; readonly said?: number },
): void {
  const record = faultRecord(fault);
  const text =
    textOf(record, frameBytesMax - headerBytes) ??
    JSON.stringify({ ...record, details: undefined, message: fault.code });
  writer.begin(frameType.fault, said, call);
  writer.reserve(Buffer.byteLength(text));
  writer.at += writer.buffer.write(text, writer.at);
  writer.end();
}

function textOf(record: FaultRecord, bytesMax: number): string | undefined {
  try {
    const text = JSON.stringify(record);
    return Buffer.byteLength(text) <= bytesMax ? text : undefined;
  } catch {
    return undefined;
  }
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
