import { type Fault, isFault, kernelFaults } from "@banyan/kernel";
import { refusal } from "./refusals.ts";

/** Errors that Fastify raises while it reads a request, by code. Everything else that is no fault is a bug of ours. */
const readingErrors: Readonly<Record<string, () => Fault>> = {
  FST_ERR_BAD_URL: () => refusal("malformedRequest", "the path is not percent-encoded UTF-8"),
  FST_ERR_MAX_PARAM_LENGTH: () => refusal("urlTooLong", "a segment of the path is too long"),
  ECONNRESET: () => refusal("malformedRequest", "the client went away before the request was complete"),
};

/** The fault that answers an error; unexpected ones become `kernel.internal`, without a word of theirs. */
export function faultOfError(error: unknown, traceId: string): { readonly fault: Fault; readonly isExpected: boolean } {
  if (isFault(error)) return { fault: error, isExpected: true };
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const known = Object.hasOwn(readingErrors, code) ? readingErrors[code] : undefined;
  if (known !== undefined) return { fault: known(), isExpected: true };
  return { fault: kernelFaults.internal({ correlationId: traceId }), isExpected: false };
}
