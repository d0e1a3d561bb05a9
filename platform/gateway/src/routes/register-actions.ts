import type { FastifyInstance } from "fastify";
import { refusal } from "../answers/refusals.ts";
import { type Answering, actionHandler } from "./action-handler.ts";
import { methods, type Route } from "./route-table.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route as in the contract: the name under which its answers are counted. */
    readonly route?: string;
  }
}

/** The routes of the actions, and for each of their paths an answer to the methods it does not have. */
export function registerActions(fastify: FastifyInstance, routes: readonly Route[], parts: Answering): void {
  for (const route of routes) {
    const { method, path, name } = route;
    fastify.route({ method, url: path, handler: actionHandler(route, parts), config: { route: name } });
  }
  registerOtherMethods(fastify, routes);
}

/** 405 with `Allow` (RFC 9110, section 15.5.6). */
function registerOtherMethods(fastify: FastifyInstance, routes: readonly Route[]): void {
  const byShape = new Map<string, { path: string; allowed: string[] }>();
  for (const { path, shape, method } of routes) {
    const entry = byShape.get(shape) ?? { path, allowed: [] };
    byShape.set(shape, entry);
    entry.allowed.push(method, ...(method === "GET" ? ["HEAD"] : []));
  }
  for (const { path, allowed } of byShape.values()) {
    const allow = allowed.join(", ");
    const handler = async () => {
      throw refusal("methodNotAllowed", `this path answers ${allow}`, { headers: { allow } });
    };
    const method = methods.filter((one) => !allowed.includes(one));
    fastify.route({ method, url: path, handler });
  }
}
