import { createApiKeyAuthenticator, createGateway } from "@banyan/gateway";
import { defineContract, implement, query } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { pino } from "pino";
import { z } from "zod";
import { cpuMicros } from "../server-cpu.ts";
import { unlimited } from "./unlimited.ts";

const User = z.strictObject({
  name: z.string().min(1).max(50),
  email: z.email(),
  age: z.int().min(0).max(150),
  tags: z.array(z.string()).max(10),
});
const Known = z.object({ id: z.string(), ...User.shape });

const users = defineContract("users", {
  queries: {
    find: query({
      input: z.strictObject({ id: z.string() }),
      output: Known,
      http: "GET /users/:id",
      access: "public",
    }),
    create: query({ input: User, output: Known, http: "POST /users", access: "public" }),
  },
});

const ada = { name: "Ada Lovelace", email: "ada@example.test", age: 36, tags: ["maths", "engines"] };

/** The whole gateway as it ships, limits counted though never reached; the peers have none of that. */
export async function open() {
  const service = implement(users, {
    queries: { find: async (_, { id }) => ({ id, ...ada }), create: async (_, user) => ({ id: "1", ...user }) },
  });
  const app = createApp({ services: [service], validateOutput: false });
  await app.start();
  const gateway = createGateway({
    app,
    authenticator: createApiKeyAuthenticator([]),
    title: "bench",
    version: "0",
    port: 0,
    limits: unlimited,
    log: pino({ level: "fatal" }),
  });
  const { url } = await gateway.listen();
  return { address: () => url, cpuMicros };
}
