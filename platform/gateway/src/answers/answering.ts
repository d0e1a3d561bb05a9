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
    const { fault, isExpected } = faultOfError(error, traceId);
    const { status, headers, body } = problemOf(fault, traceId, details);
    record.answered(request, { route, status, code: fault.code, ...(!isExpected && { error }) });
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

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
