import { type App, type CallNotes, inputJsonSchema, outputJsonSchema } from "@banyan/kernel/app";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { AnswerError } from "../answers/answering.ts";
import { refusal } from "../answers/refusals.ts";
import { head } from "../edge/head.ts";
import type { RequestRecord } from "../watch/request-record.ts";
import { type Input, inputReader } from "./input-plan.ts";
import type { Route } from "./route-table.ts";
import { serialiserOf } from "./serialiser.ts";

export interface Answering {
  readonly app: App;
  readonly record: RequestRecord;
  readonly answerError: AnswerError;
}

export type ActionHandler = (request: FastifyRequest, reply: FastifyReply) => void;

const keyPattern = /^[\x21-\x7e]{1,255}$/;

/**
 * Answers the requests of one route with calls of its action: input from path, query and body; identity, trace, key and
 * the client's patience from the request; JSON from the output's schema. Throws where the schemas cannot be used.
 *
 * Neither an async function nor `reply.send`: the promises that Fastify would add, and what it looks up to send a text,
 * cost a tenth of a request that does nothing else.
 */
export function actionHandler(route: Route, { app, record, answerError }: Answering): ActionHandler {
  const { action, name } = route;
  const { definition } = action;
  const read = inputReader(route, inputJsonSchema(definition.input));
  const status = definition.httpStatus ?? 200;
  const serialise = status === 204 ? undefined : serialiserOf(outputJsonSchema(definition.output));
  const isCommand = action.kind === "command";
  const answer = { route: name, status };

  return ({ raw, params, query, body }, reply) => {
    const { arrival } = raw;
    const response = reply.raw;
    const input = read(params as Record<string, string>, query as string, body as Input | undefined);
    const hasKey = isCommand && (arrival.bits & head.idempotencyKey) !== 0;
    const idempotencyKey = hasKey ? keyOf(raw.headers["idempotency-key"]) : undefined;
    const notes: CallNotes | undefined = idempotencyKey === undefined ? undefined : { replayed: false, cached: false };
    const fail = (error: unknown) => {
      if (notes?.replayed) response.setHeader("idempotency-replayed", "true");
      answerError(error, response, name);
    };
    const succeed = (output: unknown) => {
      try {
        const text = serialise?.(output);
        if (notes?.replayed) response.setHeader("idempotency-replayed", "true");
        response.writeHead(status, text === undefined ? nothing : jsonHeaders(text)).end(text);
        record.answered(raw, answer);
      } catch (error) {
        fail(error);
      }
    };
    reply.hijack();
    app
      .call(action, input, {
        identity: arrival.identity,
        traceId: arrival.traceId,
        parentSpanId: arrival.parentSpanId,
        idempotencyKey,
        notes,
        signal: arrival.connection.closed,
      })
      .then(succeed, fail);
  };
}

const nothing = { "x-content-type-options": "nosniff" };

function jsonHeaders(text: string) {
  return {
    "content-type": "application/json; charset=utf-8",
    "x-content-type-options": "nosniff",
    "content-length": Buffer.byteLength(text),
  };
}

function keyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined || (typeof header === "string" && keyPattern.test(header))) return header;
  throw refusal("malformedIdempotencyKey", "Idempotency-Key must be 1 to 255 visible ASCII characters");
}
