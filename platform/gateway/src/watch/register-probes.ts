import type { FastifyInstance } from "fastify";
import type { Metrics } from "./metrics.ts";
import type { Readiness } from "./readiness.ts";

/** Asked every few seconds by machines that act on the answer. */
export const probePaths = ["/health", "/readiness", "/metrics"] as const;

export function registerProbes(fastify: FastifyInstance, readiness: Readiness, metrics: Metrics): void {
  const json = "application/json; charset=utf-8";
  const config = (path: string) => ({ config: { route: `GET ${path}` } });
  fastify.get("/health", config("/health"), async (_request, reply) => {
    reply.header("content-type", json).header("cache-control", "no-store");
    return '{"ok":true}';
  });
  fastify.get("/readiness", config("/readiness"), async (_request, reply) => {
    const report = await readiness.report();
    reply
      .code(report.ok ? 200 : 503)
      .header("content-type", json)
      .header("cache-control", "no-store");
    return JSON.stringify(report);
  });
  fastify.get("/metrics", config("/metrics"), async (_request, reply) => {
    reply.header("content-type", metrics.contentType).header("cache-control", "no-store");
    return metrics.text();
  });
}
