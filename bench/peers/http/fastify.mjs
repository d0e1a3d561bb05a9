import fastify from "fastify";
import { cpuMicros } from "../../src/server-cpu.ts";
import { created, found, host } from "./users.mjs";

const properties = {
  name: { type: "string", minLength: 1, maxLength: 50 },
  email: { type: "string", format: "email" },
  age: { type: "integer", minimum: 0, maximum: 150 },
  tags: { type: "array", items: { type: "string" }, maxItems: 10 },
};
const body = { type: "object", required: Object.keys(properties), properties };
const response = { 200: { type: "object", properties: { id: { type: "string" }, ...properties } } };

export async function open() {
  const app = fastify();
  app.get("/users/:id", { schema: { response } }, async (request) => found(request.params.id));
  app.post("/users", { schema: { body, response } }, async (request) => created(request.body));
  const address = await app.listen({ host, port: 0 });
  return { address: () => address, cpuMicros };
}
