import type { FastifyInstance } from "fastify";
import { refusal } from "../answers/refusals.ts";
import { jsonBodyParser, textBodyParser } from "../body/parse-body.ts";
import type { Limits } from "../limits.ts";
import { type Answering, actionHandler } from "./action-handler.ts";
import { methods, type Route } from "./route-table.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route as in the contract: the name under which its answers are counted. */
    readonly route?: string;
  }
}

/** The routes of the actions, and for each of their paths an answer to the methods it does not have. */
export function registerActions(
  fastify: FastifyInstance,
  routes: readonly Route[],
  parts: Answering & { readonly limits: Limits },
): void {
  registerJson(fastify, parts.limits);
  for (const route of routes) {
    const { method, path, name } = route;
    const options = { method, url: path, handler: actionHandler(route, parts), config: { route: name } };
    const text = route.action.definition.httpText;
    if (text === undefined) fastify.route(options);
    else {
      fastify.register((scope, _options, done) => {
        registerText(scope, text, parts.limits);
        scope.route(options);
        done();
      });
    }
  }
  registerOtherMethods(fastify, routes);
}

function registerJson(fastify: FastifyInstance, { bodyBytesMax, jsonDepthMax }: Limits): void {
  const parse = jsonBodyParser(jsonDepthMax);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    "application/json",
    { parseAs: "buffer", bodyLimit: bodyBytesMax },
    (request, body, done) => {
      done(null, parse(body as Buffer, request.headers["content-type"] as string));
    },
  );
}

function registerText(
  scope: FastifyInstance,
  text: NonNullable<Route["action"]["definition"]["httpText"]>,
  limits: Limits,
): void {
  const types = text.contentTypes.map((type) => type.toLowerCase());
  const parse = textBodyParser(text.field, types);
  const bodyLimit = text.bytesMax ?? limits.bodyBytesMax;
  scope.addContentTypeParser(types, { parseAs: "buffer", bodyLimit }, (request, body, done) => {
    done(null, parse(body as Buffer, request.headers["content-type"] as string));
  });
}

/** 405 with `Allow` (RFC 9110, section 15.5.6), before a body is read. */
function registerOtherMethods(fastify: FastifyInstance, routes: readonly Route[]): void {
  const byShape = new Map<string, { path: string; allowed: string[] }>();
  for (const { path, shape, method } of routes) {
    const entry = byShape.get(shape) ?? { path, allowed: [] };
    byShape.set(shape, entry);
    entry.allowed.push(method, ...(method === "GET" ? ["HEAD"] : []));
  }
  for (const { path, allowed } of byShape.values()) {
    const allow = allowed.join(", ");
    const refuse = async () => {
      throw refusal("methodNotAllowed", `this path answers ${allow}`, { headers: { allow } });
    };
    const method = methods.filter((one) => !allowed.includes(one));
    fastify.route({ method, url: path, onRequest: refuse, handler: refuse });
  }
}
