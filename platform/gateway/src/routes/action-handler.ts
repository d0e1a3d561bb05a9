import type { IncomingMessage, ServerResponse } from "node:http";
import { type App, type CallNotes, inputJsonSchema, outputJsonSchema } from "@banyan/kernel/app";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { AnswerError } from "../answers/answering.ts";
import { refusal } from "../answers/refusals.ts";
import { type BodyFormat, formatNamed, type JsonFormat, textFormat } from "../body/parse-body.ts";
import { readBody } from "../body/read-body.ts";
import { head } from "../edge/head.ts";
import type { RequestRecord } from "../watch/request-record.ts";
import type { Follows } from "./follow.ts";
import { callInPieces, type Pieces } from "./in-pieces.ts";
import { headerReader, type Input, inputReader } from "./input-plan.ts";
import type { Route } from "./route-table.ts";
import { type Serialiser, serialiserOf } from "./serialiser.ts";

export interface Answering {
  readonly app: App;
  /** Shared by all routes: its scanner's tables are 6 KB. */
  readonly json: JsonFormat;
  /** How long a client may take over a body, or over a piece of one without end. */
  readonly requestTimeoutMs: number;
  readonly follows: Follows;
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
export function actionHandler(route: Route, parts: Answering): ActionHandler {
  const { app, json, record, answerError } = parts;
  const { action, name } = route;
  const { definition } = action;
  const inputOf = inputReader(route, inputJsonSchema(definition.input));
  const takeHeaders = headerReader(route);
  const formats = formatsOf(route, json);
  const pieces = piecesOf(route, parts);
  const status = definition.httpStatus ?? 200;
  const serialise = status === 204 ? undefined : writerOf(route);
  const followed = "httpFollow" in definition ? definition.httpFollow : undefined;
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
    const call = (
      body: Input | undefined,
      { piece, text = query as string }: { piece?: number; text?: string } = {},
    ) => {
      const hasKey = isCommand && (arrival.bits & head.idempotencyKey) !== 0;
      const idempotencyKey = hasKey ? keyOf(raw.headers["idempotency-key"], piece) : undefined;
      if (idempotencyKey !== undefined) notes = { replayed: false, cached: false };
      const { identity, traceId, parentSpanId, connection } = arrival;
      const input = inputOf(params as Record<string, string>, text, body);
      takeHeaders?.(input, raw.headers);
      return app.call(action, input, {
        identity,
        traceId,
        parentSpanId,
        idempotencyKey,
        notes,
        signal: connection.closed,
      });
    };
    const callWith = (format: BodyFormat) => (bytes: Buffer) => {
      try {
        call(format.parse(bytes, raw.headers["content-type"] as string)).then(succeed, fail);
      } catch (error) {
        fail(error);
      }
    };
    const follow = (list: string, everyMs: number) => {
      const { traceId } = arrival;
      const text = (query as string).replace(/(?:^|&)after=[^&]*/, "");
      const ask = async (after: string | undefined) =>
        after === undefined ? call(undefined) : call({ after }, { text });
      const serialiseOne = serialise ?? JSON.stringify;
      parts.follows.serve(response, { list, everyMs, serialise: serialiseOne, ask, traceId }).catch(fail);
    };
    try {
      const format = takesBody ? bodyFormat(raw, formats) : undefined;
      if (followed !== undefined && raw.headers.accept?.includes("text/event-stream")) {
        follow(followed.list, followed.everyMs);
      } else if (format === undefined) call(undefined).then(succeed, fail);
      else if (pieces !== undefined && format !== json) {
        const callWithPiece = async (text: string, number: number) => call({ [pieces.field]: text }, { piece: number });
        callInPieces(raw, pieces, callWithPiece).then(succeed, fail);
      } else readBody(raw, format.bytesMax, { succeed: callWith(format), fail });
    } catch (error) {
      fail(error);
    }
  };
}

/** How a body of lines is taken that has no end; undefined where the route takes none. */
function piecesOf({ action }: Route, { json, requestTimeoutMs }: Answering): (Pieces & { field: string }) | undefined {
  const { field, bytesMax = json.bytesMax, inPieces } = action.definition.httpText ?? {};
  if (field === undefined || inPieces === undefined) return undefined;
  return { field, bytesMax, patienceMs: requestTimeoutMs, fold: inPieces };
}

/** How the answer is written: as JSON, or as the text of one field. */
function writerOf({ action: { definition } }: Route): Serialiser {
  const { output, httpAnswer } = definition;
  return httpAnswer === undefined
    ? serialiserOf(outputJsonSchema(output))
    : (value) => (value as Readonly<Record<string, string>>)[httpAnswer.field] as string;
}

/** The formats that a route takes: text beside JSON, or in its place where JSON is wanted as it was sent. */
function formatsOf({ action }: Route, json: JsonFormat): readonly BodyFormat[] {
  const text = action.definition.httpText;
  if (text === undefined) return [json];
  const types = text.contentTypes.map((type) => type.toLowerCase());
  const asText = textFormat({
    field: text.field,
    types,
    bytesMax: text.bytesMax ?? json.bytesMax,
    inPieces: text.inPieces !== undefined,
  });
  if (types.includes("application/json")) return [asText];
  const asJson = text.alsoUnsound ? json.unsoundAs(text.field) : json;
  return types.length === 0 ? [asJson] : [asJson, asText];
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

/** Of a piece of a body: the request's key with the piece's number. */
function keyOf(header: string | string[] | undefined, piece?: number): string | undefined {
  if (header === undefined) return header;
  if (typeof header === "string" && keyPattern.test(header)) return piece === undefined ? header : `${header}:${piece}`;
  throw refusal("malformedIdempotencyKey", "Idempotency-Key must be 1 to 255 visible ASCII characters");
}
