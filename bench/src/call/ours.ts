import { defineContract, implement, query } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import type { QueryContext } from "@banyan/kernel/types";
import { z } from "zod";
import { callLoops } from "../loops.ts";

/** Longer than any run, so that the calling handler's own budget outlives the calls that it makes. */
const RUN_MS_MAX = 600_000;

const operands = {
  input: z.strictObject({ a: z.number(), b: z.number() }),
  output: z.number(),
  access: "public",
} as const;

const math = defineContract("math", {
  queries: {
    add: query(operands),
    addUnchecked: query({ ...operands, validate: "none" }),
    hold: query({ input: z.strictObject({}), output: z.object({}), access: "public" }),
  },
});

/** `from` a handler that is still running, as services call each other, or from outside, as an edge does. */
export async function open({ from, validate }: { from: "handler" | "root"; validate: boolean }) {
  const held = Promise.withResolvers<QueryContext<unknown, unknown>>();
  const service = implement(math, {
    queries: {
      add: async (_, { a, b }) => a + b,
      addUnchecked: async (_, { a, b }) => a + b,
      hold: (ctx) => {
        held.resolve(ctx);
        return new Promise(() => {});
      },
    },
  });
  const app = createApp({ services: [service], validateOutput: false });
  await app.start();
  if (from === "root") return callLoops(() => app.call(math.add, { a: 1, b: 2 }));
  app.call(math.hold, {}, { deadlineMs: RUN_MS_MAX }).catch(() => {});
  const ctx = await held.promise;
  const action = validate ? math.add : math.addUnchecked;
  return callLoops(() => ctx.call(action, { a: 1, b: 2 }));
}
