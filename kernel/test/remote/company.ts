import { afterEach } from "vitest";
import { z } from "zod";
import { type App, type AppOptions, createApp } from "../../src/app/index.ts";
import { InProcessNetwork } from "../../src/bus/index.ts";
import { defineContract, fault, type Handler, implement, kernelFaults, query } from "../../src/index.ts";

export const weather = defineContract("weather", {
  faults: { unknownPlace: fault("not_found", z.strictObject({ place: z.string() })) },
  queries: {
    today: query({
      input: z.strictObject({ place: z.string().min(1) }),
      output: z.object({ place: z.string(), celsius: z.number(), by: z.string() }),
      faults: ["unknownPlace"],
      access: "public",
    }),
    hang: query({ input: z.strictObject({}), output: z.object({}), access: "public" }),
    sick: query({
      input: z.strictObject({}),
      output: z.string(),
      access: "public",
      remote: { breaker: { callsMin: 4, openMs: 200 }, retry: { pauseMs: 1 } },
    }),
    who: query({
      input: z.strictObject({}),
      output: z.object({ subject: z.string(), traceId: z.string(), metadata: z.record(z.string(), z.string()) }),
      access: "weather:who",
    }),
    picked: query({
      input: z.strictObject({}),
      output: z.string(),
      access: "public",
      remote: { balance: "broker" },
    }),
    near: query({
      input: z.strictObject({ place: z.strictObject({ name: z.string() }) }),
      output: z.string(),
      access: "public",
      key: ({ place }) => place.name,
      remote: { balance: "hash", bulkhead: { inFlightMax: 2, queueMax: 1 } },
    }),
    narrow: query({
      input: z.strictObject({ ms: z.int() }),
      output: z.string(),
      access: "public",
      remote: { bulkhead: { inFlightMax: 2, queueMax: 1 } },
    }),
  },
});

export const trips = defineContract("trips", {
  queries: {
    plan: query({
      input: z.strictObject({ place: z.string() }),
      output: z.object({ celsius: z.number() }),
      access: "public",
    }),
  },
});

const plan: Handler<typeof trips.plan> = async (ctx, { place }) => {
  const { celsius } = await ctx.call(weather.today, { place });
  return { celsius };
};
export const tripsService = implement(trips, { queries: { plan } });

/** A process with the weather; `isSick` makes it fail one action as an overloaded database would. */
export function weatherService(name: string, state: { isSick: boolean; calls: number } = { isSick: false, calls: 0 }) {
  return implement(weather, {
    queries: {
      today: (ctx, { place }) => {
        state.calls++;
        if (place === "atlantis") throw ctx.faults.unknownPlace({ place });
        if (place === "bug") throw new TypeError("secret text");
        return { place, celsius: 20, by: name };
      },
      hang: () => new Promise(() => {}),
      sick: () => {
        state.calls++;
        if (state.isSick) throw kernelFaults.unavailable({ action: "weather.sick", why: "it is ill" });
        return name;
      },
      who: (ctx) => ({ subject: ctx.identity.subject, traceId: ctx.traceId, metadata: { ...ctx.metadata } }),
      picked: () => name,
      near: () => name,
      narrow: async (_, { ms }) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return name;
      },
    },
  });
}

const running: App[] = [];

/** Starts processes on one network; they are stopped after the test. */
export function company(network = new InProcessNetwork()) {
  return async (options: AppOptions): Promise<App> => {
    const app = createApp({ report: () => {}, bus: network.createBus(), ...options });
    running.push(app);
    await app.start();
    return app;
  };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.stop({ deadlineMs: 200 })));
});
