import type { IncomingMessage, ServerResponse } from "node:http";
import { type App, type CallNotes, inputJsonSchema, outputJsonSchema } from "@banyan/kernel/app";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { AnswerError } from "../answers/answering.ts";
import { refusal } from "../answers/refusals.ts";
import { type BodyFormat, formatNamed, textFormat } from "../body/parse-body.ts";
import { readBody } from "../body/read-body.ts";
import { head } from "../edge/head.ts";
import type { RequestRecord } from "../watch/request-record.ts";
import { headerReader, type Input, inputReader } from "./input-plan.ts";
import type { Route } from "./route-table.ts";
import { type Serialiser, serialiserOf } from "./serialiser.ts";

export interface Answering {
  readonly app: App;
  /** Shared by all routes: its scanner's tables are 6 KB. */
  readonly json: BodyFormat;
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
 * cost a tenth of a request that does nothing else. It hands Fastify no value, no promise and no error, and Fastify
 * then leaves the reply alone.
 */
export function actionHandler(route: Route, { app, json, record, answerError }: Answering): ActionHandler {
  const { action, name } = route;
  const { definition } = action;
  const inputOf = inputReader(route, inputJsonSchema(definition.input));
  const takeHeaders = headerReader(route);
  const formats = formatsOf(route, json);
  const status = definition.httpStatus ?? 200;
  const serialise = status === 204 ? undefined : writerOf(route);
  const isCommand = action.kind !== "query";
  const takesBody = route.method !== "GET";
  const answer = { route: name, status, contentType: definition.httpAnswer?.contentType ?? jsonContentType };

  return ({ raw, params, query }, { raw: response }) => {
    const { arrival } = raw;
    let notes: CallNotes | undefined;
    const fail = (error: unknown) => {
      if (notes?.replayed) response.setHeader("idempotency-replayed", "true");
      answerError(error, response, name);
    };
    const succeed = (output: unknown) => {
      try {
        const text = serialise?.(output);
        if (notes?.replayed) response.setHeader("idempotency-replayed", "true");
        if (text === undefined) response.writeHead(status, bare).end();
        else endWith(response, answer, text);
        record.answered(raw, answer);
      } catch (error) {
        fail(error);
      }
    };
    const call = (body: Input | undefined) => {
      const hasKey = isCommand && (arrival.bits & head.idempotencyKey) !== 0;
      const idempotencyKey = hasKey ? keyOf(raw.headers["idempotency-key"]) : undefined;
      if (idempotencyKey !== undefined) notes = { replayed: false, cached: false };
      const { identity, traceId, parentSpanId, connection } = arrival;
      const input = inputOf(params as Record<string, string>, query as string, body);
      takeHeaders?.(input, raw.headers);
      app
        .call(action, input, {
          identity,
          traceId,
          parentSpanId,
          idempotencyKey,
          notes,
          signal: connection.closed,
        })
        .then(succeed, fail);
    };
    const callWith = (format: BodyFormat) => (bytes: Buffer) => {
      try {
        call(format.parse(bytes));
      } catch (error) {
        fail(error);
      }
    };
    try {
      const format = takesBody ? bodyFormat(raw, formats) : undefined;
      if (format === undefined) call(undefined);
      else readBody(raw, format.bytesMax, { succeed: callWith(format), fail });
    } catch (error) {
      fail(error);
    }
  };
}

/** How the answer is written: as JSON, or as the text of one field. */
function writerOf({ action: { definition } }: Route): Serialiser {
  const { output, httpAnswer } = definition;
  return httpAnswer === undefined
    ? serialiserOf(outputJsonSchema(output))
    : (value) => (value as Readonly<Record<string, string>>)[httpAnswer.field] as string;
}

/** The formats that a route takes: text beside JSON, or in its place where JSON is wanted as it was sent. */
function formatsOf({ action }: Route, json: BodyFormat): readonly BodyFormat[] {
  const text = action.definition.httpText;
  if (text === undefined) return [json];
  const types = text.contentTypes.map((type) => type.toLowerCase());
  const asText = textFormat(text.field, types, text.bytesMax ?? json.bytesMax);
  return types.includes("application/json") ? [asText] : [json, asText];
}

/** How the request's body is written; undefined where there is none. */
function bodyFormat({ arrival, headers }: IncomingMessage, formats: readonly BodyFormat[]): BodyFormat | undefined {
  const { bits } = arrival;
  if ((bits & (head.contentLength | head.transferEncoding)) === 0) return undefined;
  if (headers["content-length"] === "0" && (bits & head.contentType) === 0) return undefined;
  return formatNamed(headers["content-type"], formats);
}

const bare = ["x-content-type-options", "nosniff"];

const jsonContentType = "application/json; charset=utf-8";

interface Written {
  readonly status: number;
  readonly contentType: string;
}

/** A flat list is what Node writes fastest: of an object it asks for each name whether it is its own. */
function endWith(response: ServerResponse, { status, contentType }: Written, text: string): void {
  const bytes = Buffer.byteLength(text);
  const headers = ["content-type", contentType, "x-content-type-options", "nosniff", "content-length", bytes];
  // ASCII alone has as many bytes as characters; as Latin-1 it is copied rather than encoded.
  response.writeHead(status, headers).end(text, bytes === text.length ? "latin1" : "utf8");
}

function keyOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined || (typeof header === "string" && keyPattern.test(header))) return header;
  throw refusal("malformedIdempotencyKey", "Idempotency-Key must be 1 to 255 visible ASCII characters");
}
