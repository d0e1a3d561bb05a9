import { ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";
import { cpuMicros } from "../../src/server-cpu.ts";
import { created, found, host } from "./users.mjs";

const params = {
  name: { type: "string", min: 1, max: 50 },
  email: "email",
  age: { type: "number", integer: true, min: 0, max: 150 },
  tags: { type: "array", items: "string", max: 10 },
};

export async function open() {
  const broker = new ServiceBroker({ logger: false });
  broker.createService({
    name: "users",
    actions: {
      get: { params: { id: "string" }, handler: async ({ params }) => found(params.id) },
      create: { params, handler: async ({ params }) => created(params) },
    },
  });
  const aliases = { "GET users/:id": "users.get", "POST users": "users.create" };
  const gateway = broker.createService({
    name: "api",
    mixins: [ApiGateway],
    settings: { ip: host, port: 0, routes: [{ path: "/", bodyParsers: { json: true }, aliases }] },
  });
  await broker.start();
  const address = `http://${host}:${gateway.server.address().port}`;
  return { address: () => address, cpuMicros };
}
