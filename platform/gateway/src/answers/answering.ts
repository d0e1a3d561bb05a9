import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestRecord } from "../watch/request-record.ts";
import { faultOfError } from "./fault-of.ts";
import { type DetailsSerialiser, problemOf } from "./problem.ts";

/** What reached no route: OpenTelemetry's name for the methods, none for the path. */
const unmatched = "_OTHER ";

/** Answers an error as a problem, counted and logged once. `route` is the contract's, where one was found. */
export type AnswerError = (error: unknown, response: ServerResponse, route?: string) => void;

export function errorAnswerer(record: RequestRecord, details: DetailsSerialiser): AnswerError {
  return (error, response, route = unmatched) => {
    const request = response.req;
    const { traceId } = request.arrival;
    const { problem, code, unexpected } = answerTo(error, traceId, details);
    const { status, headers, body } = problem;
    record.answered(request, { route, status, code, ...(unexpected !== undefined && { error: unexpected }) });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // Refused before its end was read: whatever follows on the connection would be taken for the rest of it.
    const rest = !request.complete && hasBody(request) ? { connection: "close" } : {};
    response.writeHead(status, { ...headers, ...rest, "content-length": Buffer.byteLength(body) });
    response.end(body);
  };
}

/** A fault whose details are not what its contract declares is a bug of the service, and is answered as one. */
function answerTo(error: unknown, traceId: string, details: DetailsSerialiser) {
  const { fault, isExpected } = faultOfError(error, traceId);
  try {
    const problem = problemOf(fault, traceId, details);
    return { problem, code: fault.code, unexpected: isExpected ? undefined : error };
  } catch (unexpected) {
    const { fault: internal } = faultOfError(unexpected, traceId);
    return { problem: problemOf(internal, traceId, () => undefined), code: internal.code, unexpected };
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
