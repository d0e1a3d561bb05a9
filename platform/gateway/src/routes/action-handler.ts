import { type App, anonymousIdentity, type CallNotes, inputJsonSchema, outputJsonSchema } from "@banyan/kernel/app";
import type { FastifyReply, FastifyRequest } from "fastify";
import { refusal } from "../answers/refusals.ts";
import { parentSpanIdOf } from "../edge/trace.ts";
import type { RequestRecord } from "../watch/request-record.ts";
import { type Input, inputReader } from "./input-plan.ts";
import type { Route } from "./route-table.ts";
import { serialiserOf } from "./serialiser.ts";

const jsonType = "application/json; charset=utf-8";
const keyPattern = /^[\x21-\x7e]{1,255}$/;

export type ActionHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * Answers the requests of one route with calls of its action: input from path, query and body; identity, trace, key and
 * the client's patience from the request; JSON from the output's schema. Throws where the schemas cannot be used.
 */
export function actionHandler(app: App, route: Route, record: RequestRecord): ActionHandler {
  const { action, name } = route;
  const { definition } = action;
  const read = inputReader(route, inputJsonSchema(definition.input));
  const status = definition.httpStatus ?? 200;
  const serialise = status === 204 ? undefined : serialiserOf(outputJsonSchema(definition.output));
  const isCommand = action.kind === "command";
  const answer = { route: name, status };

  return async (request, reply) => {
    const { arrival, raw } = request;
    const input = read(
      request.params as Record<string, string>,
      request.query as string,
      request.body as Input | undefined,
    );
    const idempotencyKey = isCommand ? keyOf(raw.headers["idempotency-key"]) : undefined;
    const notes: CallNotes | undefined = idempotencyKey === undefined ? undefined : { replayed: false, cached: false };
    let output: unknown;
    try {
      output = await app.call(action, input, {
        identity: arrival?.identity ?? anonymousIdentity,
        traceId: request.id,
        parentSpanId: parentSpanIdOf(raw.headers.traceparent),
        idempotencyKey,
        notes,
        signal: arrival?.connection?.closed,
      });
    } finally {
      if (notes?.replayed) reply.header("idempotency-replayed", "true");
    }
    const body = serialise?.(output);
    record.answered(request, answer);
    if (status !== 200) reply.code(status);
    if (body === undefined) return reply.send();
    reply.header("content-type", jsonType);
    return body;
  };
}

function keyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined || (typeof header === "string" && keyPattern.test(header))) return header;
  throw refusal("malformedIdempotencyKey", "Idempotency-Key must be 1 to 255 visible ASCII characters");
}
