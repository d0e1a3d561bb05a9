import type { FastifyInstance } from "fastify";
import type { Metrics } from "./metrics.ts";
import type { Readiness } from "./readiness.ts";

/** Asked every few seconds by machines that act on the answer. */
export const probePaths = ["/health", "/readiness", "/metrics"] as const;

const common = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
const json = { ...common, "content-type": "application/json; charset=utf-8" };

export function registerProbes(fastify: FastifyInstance, readiness: Readiness, metrics: Metrics): void {
  const config = (path: string) => ({ config: { route: `GET ${path}` } });
  fastify.get("/health", config("/health"), async (_request, reply) => {
    reply.headers(json);
    return '{"ok":true}';
  });
  fastify.get("/readiness", config("/readiness"), async (_request, reply) => {
    const report = await readiness.report();
    reply.code(report.ok ? 200 : 503).headers(json);
    return JSON.stringify(report);
  });
  fastify.get("/metrics", config("/metrics"), async (_request, reply) => {
    reply.headers({ ...common, "content-type": metrics.contentType });
    return metrics.text();
  });
}
