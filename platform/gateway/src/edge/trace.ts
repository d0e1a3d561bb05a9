import { randomBytes } from "node:crypto";

/** Version ff is invalid; a later version may append fields (W3C Trace Context, section 3.2). */
const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;

/** The trace id that the caller's `traceparent` names, or a new one where it names none that is valid. */
export function traceIdOf(traceparent: unknown): string {
  if (typeof traceparent !== "string") return newTraceId();
  return traceparentPattern.exec(traceparent)?.[1] ?? newTraceId();
}

/** The caller's span: 16 hexadecimal digits, undefined where the trace begins here. */
export function parentSpanIdOf(traceparent: unknown): string | undefined {
  return typeof traceparent === "string" ? traceparentPattern.exec(traceparent)?.[2] : undefined;
}

const digits = 32;
/** 128 ids at a time: one call for random bytes costs 2 us, more than the rest of the edge's bookkeeping. */
let pool = "";
let used = 0;

function newTraceId(): string {
  if (used === pool.length) {
    pool = randomBytes((128 * digits) / 2).toString("hex");
    used = 0;
  }
  used += digits;
  return pool.slice(used - digits, used);
}
