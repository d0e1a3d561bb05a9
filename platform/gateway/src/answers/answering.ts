import type { FastifyReply, FastifyRequest } from "fastify";
import type { RequestRecord } from "../watch/request-record.ts";
import { faultOfError } from "./fault-of.ts";
import { type DetailsSerialiser, problemOf } from "./problem.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route as in the contract: the name under which its answers are counted. */
    readonly route?: string;
  }
}

/** What reached no route: OpenTelemetry's name for the methods, none for the path. */
const unmatched = "_OTHER ";

export type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => void;

/** Answers errors as problems, each counted and logged once. */
export function errorAnswerer(record: RequestRecord, details: DetailsSerialiser): AnswerError {
  return (error, request, reply) => {
    const { fault, isExpected } = faultOfError(error, request.id);
    const { status, headers, body } = problemOf(fault, request.id, details);
    const route = request.routeOptions.config?.route ?? unmatched;
    record.answered(request, { route, status, code: fault.code, ...(!isExpected && { error }) });
    for (const [name, value] of Object.entries(headers)) reply.header(name, value);
    // Refused before its end was read: whatever follows on the connection would be taken for the rest of it.
    if (status === 413 || status === 408 || status === 431) reply.header("connection", "close");
    reply.code(status).send(body);
  };
}
