import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { asyncApiDocument, type EventfulService } from "./asyncapi.ts";
import { type Described, openApiDocument } from "./openapi.ts";

/** Own files only, no inline code, nothing from elsewhere: the page works without a network and runs nothing but itself. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const pages = [
  { path: "/docs", file: "reference.html", type: "text/html; charset=utf-8" },
  { path: "/docs/reference.js", file: "reference.mjs", type: "text/javascript; charset=utf-8" },
  { path: "/docs/reference.css", file: "reference.css", type: "text/css; charset=utf-8" },
];

/** Serves the OpenAPI and AsyncAPI documents, made when they are first asked for, and the page that shows the former. */
export function registerDescription(
  fastify: FastifyInstance,
  described: Described & { readonly eventful: readonly EventfulService[]; readonly eventLog: string | undefined },
): void {
  const documents = {
    "/openapi.json": () => openApiDocument(described),
    "/asyncapi.json": () => asyncApiDocument({ ...described, services: described.eventful }),
  };
  for (const [path, make] of Object.entries(documents)) {
    let document: string | undefined;
    fastify.get(path, { config: { route: `GET ${path}` } }, async (_request, reply) => {
      document ??= JSON.stringify(make());
      reply.headers({ "content-type": "application/json; charset=utf-8", "x-content-type-options": "nosniff" });
      return document;
    });
  }
  for (const { path, file, type } of pages) {
    const url = new URL(`../../assets/${file}`, import.meta.url);
    fastify.get(path, { config: { route: `GET ${path}` } }, async (_request, reply) => {
      reply.headers({
        "content-type": type,
        "content-security-policy": contentSecurityPolicy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
      });
      return readFileSync(url);
    });
  }
}
