import { z } from "zod";
import { command, defineContract, event, fault, job, query } from "../src/index.ts";

export const orders = defineContract("orders", {
  faults: {
    soldOut: fault("conflict", z.strictObject({ sku: z.string(), left: z.int() })),
    shut: fault("unavailable"),
  },
  commands: {
    place: command({
      input: z.strictObject({ sku: z.string(), count: z.int().min(1).default(1) }),
      output: z.object({ id: z.string() }),
      faults: ["soldOut", "shut"],
      http: "POST /orders",
      access: "orders:write",
    }),
  },
  queries: {
    find: query({
      input: z.strictObject({ id: z.string() }),
      output: z.object({ id: z.string(), sku: z.string() }),
      http: "GET /orders/:id",
      access: "orders:read",
      cache: { ttlMs: 1_000, tags: ({ id }) => [id] },
    }),
  },
  events: { placed: event({ data: z.strictObject({ id: z.string(), sku: z.string() }), key: (order) => order.sku }) },
  jobs: { remind: job({ input: z.strictObject({ id: z.string() }) }) },
});

export const stock = defineContract("stock", {
  queries: { left: query({ input: z.strictObject({ sku: z.string() }), output: z.int(), access: "public" }) },
  commands: { take: command({ input: z.strictObject({ sku: z.string() }), output: z.int(), access: "stock:write" }) },
  events: { taken: event({ data: z.strictObject({ sku: z.string() }), key: ({ sku }) => sku }) },
});

export const projects = defineContract("projects", {
  instanced: true,
  queries: { title: query({ input: z.strictObject({}), output: z.string(), access: "public" }) },
});
