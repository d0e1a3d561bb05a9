import { msgpackCodec } from "@banyan/codec-msgpack";
import { defineContract, implement, query } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { z } from "zod";
import { type BusChoice, createBus } from "./buses.ts";
import { calleeMethods, echoCaller, type Role } from "./echo.ts";

/** The items are not looked into, since the peers look into nothing. */
const payload = z.object({ a: z.number().optional(), b: z.number().optional(), items: z.array(z.any()).optional() });

const bench = defineContract("bench", {
  queries: { echo: query({ input: payload, output: payload, access: "public" }) },
});
const service = implement(bench, { queries: { echo: async (_, input) => input } });

/** Ours as it is used: an action that another process answers, found by its announcement. */
export async function open(options: Role & { bus: BusChoice; records?: boolean }) {
  const { role, address, records = false } = options;
  const isCallee = role === "callee";
  const bus = createBus(options.bus, address ? [address] : []);
  const app = createApp({
    services: isCallee ? [service] : [],
    remotes: isCallee ? [] : [bench],
    bus,
    codecs: records ? [msgpackCodec] : [],
    validateOutput: false,
  });
  await app.start();
  if (isCallee) return calleeMethods(() => bus.address);
  return echoCaller((input) => app.call(bench.echo, input));
}
