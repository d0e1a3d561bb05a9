import { defineContract, implement, query } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { jsonCodec } from "@banyan/kernel/bus";
import { z } from "zod";
import { type BusChoice, createBus } from "./buses.ts";
import { calleeMethods, echoCaller, type Role } from "./echo.ts";

/** The items are not looked into, since the peers look into nothing. */
const payload = z.object({ a: z.number().optional(), b: z.number().optional(), items: z.array(z.any()).optional() });

const bench = defineContract("bench", {
  queries: { echo: query({ input: payload, output: payload, access: "public" }) },
});
const service = implement(bench, { queries: { echo: async (_, input) => input } });

/**
 * Ours as `banyan start` runs it: an action that another process answers, found by its announcement. With `json` values travel as
 * they do where the other node knows nothing else. A spare is ready, and waits for `join`.
 */
export async function open(options: Role & { bus: BusChoice; json?: boolean; isSpare?: boolean }) {
  const { role, address, json = false, isSpare = false } = options;
  const isCallee = role === "callee";
  const bus = createBus(options.bus, address ? [address] : []);
  const app = createApp({
    services: isCallee ? [service] : [],
    remotes: isCallee ? [] : [bench],
    bus,
    codecs: json ? [jsonCodec] : [],
    validateOutput: false,
  });
  if (isSpare) return { join: () => app.start() };
  await app.start();
  if (isCallee) return calleeMethods(() => bus.address);
  const echo = (input: object) => app.call(bench.echo, input);
  return { ...echoCaller(echo), address: () => bus.address, nodes: () => app.nodes().length, paced: paced(echo) };
}

/** Calls at a steady pace, whatever becomes of them: those that failed, by their codes. */
function paced(echo: (input: object) => Promise<unknown>) {
  return async ({ perSecond, durationMs }: { perSecond: number; durationMs: number }) => {
    const failed: Record<string, number> = {};
    const calls: Promise<unknown>[] = [];
    const startedMs = performance.now();
    for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startedMs) {
      while (calls.length < (elapsedMs * perSecond) / 1_000) {
        const call = echo({ a: calls.length, b: 2 });
        calls.push(
          call.catch((error: { code?: string }) => {
            const code = error.code ?? String(error);
            failed[code] = (failed[code] ?? 0) + 1;
          }),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(calls);
    return { asked: calls.length, failed };
  };
}
