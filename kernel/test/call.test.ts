import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { anonymousIdentity, createApp, type InspectorRecord } from "../src/app/index.ts";
import { defineContract, fault, type Handler, implement, kernelFaults, query } from "../src/index.ts";

const weather = defineContract("weather", {
  faults: { unknownPlace: fault("not_found", z.strictObject({ place: z.string() })) },
  queries: {
    today: query({
      input: z.strictObject({ place: z.string().min(1) }),
      output: z.object({ place: z.string(), celsius: z.number() }),
      faults: ["unknownPlace"],
      access: "public",
    }),
    slow: query({
      input: z.strictObject({ ms: z.int() }),
      output: z.object({ aborted: z.boolean() }),
      access: "public",
    }),
    nested: query({
      input: z.strictObject({ ms: z.int(), deadlineMs: z.int() }),
      output: z.object({ aborted: z.boolean() }),
      access: "weather:nested",
    }),
    cached: query({
      input: z.strictObject({ place: z.string() }),
      output: z.object({ loads: z.int() }),
      access: "public",
      cache: { ttlMs: 60_000, tags: ({ place }) => [place] },
    }),
  },
});

let loads = 0;
const today: Handler<typeof weather.today> = (ctx, { place }) => {
  if (place === "atlantis") throw ctx.faults.unknownPlace({ place });
  if (place === "bug") throw new TypeError("secret text");
  if (place === "wrong") return { place, celsius: "hot" as unknown as number };
  return { place, celsius: 20, secret: "never sent" } as { place: string; celsius: number };
};
const slow: Handler<typeof weather.slow> = async (ctx, { ms }) => {
  await wait(ms, undefined, { signal: ctx.signal }).catch(() => {});
  return { aborted: ctx.signal.aborted };
};
const nested: Handler<typeof weather.nested> = (ctx, { ms, deadlineMs }) =>
  ctx.call(weather.slow, { ms }, { deadlineMs });

async function started(reported: unknown[] = [], validateOutput = true) {
  const service = implement(weather, { queries: { today, slow, nested, cached: () => ({ loads: ++loads }) } });
  const app = createApp({ services: [service], validateOutput, report: (error) => reported.push(error) });
  await app.start();
  return app;
}

test("a call answers what its output schema names, and nothing else", async () => {
  const app = await started();
  expect(await app.call(weather.today, { place: "oslo" })).toEqual({ place: "oslo", celsius: 20 });
});

test("input that breaks its schema is refused with the field, before anything runs", async () => {
  const app = await started();
  const refused = app.call(weather.today, { place: "", more: 1 } as { place: string });
  await expect(refused).rejects.toMatchObject({ code: "kernel.invalidInput", kind: "invalid", retry: "no" });
  await expect(refused).rejects.toMatchObject({
    details: { issues: [{ path: "place" }, { message: expect.stringContaining("more") }] },
  });
});

test("a declared fault reaches the caller as it is", async () => {
  const app = await started();
  await expect(app.call(weather.today, { place: "atlantis" })).rejects.toMatchObject({
    code: "weather.unknownPlace",
    details: { place: "atlantis" },
  });
});

test("a bug becomes an internal fault without its text, and is reported with it", async () => {
  const reported: unknown[] = [];
  const app = await started(reported);
  const error = await app.call(weather.today, { place: "bug" }).catch((caught: Error) => caught);
  expect(kernelFaults.internal.is(error)).toBe(true);
  expect((error as Error).message).not.toContain("secret");
  expect(reported).toMatchObject([{ message: "secret text" }]);
});

test("a result that its own schema refuses is a bug of the service", async () => {
  const reported: unknown[] = [];
  const app = await started(reported);
  await expect(app.call(weather.today, { place: "wrong" })).rejects.toMatchObject({ code: "kernel.internal" });
  expect(reported).toMatchObject([{ code: "kernel.invalidOutput" }]);
});

test("in production, where output is not checked, refusals, faults, bugs and deadlines are the same", async () => {
  const reported: unknown[] = [];
  const app = await started(reported, false);
  expect(await app.call(weather.today, { place: "oslo" })).toMatchObject({ place: "oslo", celsius: 20 });
  await expect(app.call(weather.today, { place: "" })).rejects.toMatchObject({ code: "kernel.invalidInput" });
  await expect(app.call(weather.today, { place: "atlantis" })).rejects.toMatchObject({ code: "weather.unknownPlace" });
  await expect(app.call(weather.today, { place: "bug" })).rejects.toMatchObject({ code: "kernel.internal" });
  await expect(app.call(weather.slow, { ms: 5_000 }, { deadlineMs: 20 })).rejects.toMatchObject({
    code: "kernel.deadline",
  });
  const controller = new AbortController();
  const cancelled = app.call(weather.slow, { ms: 5_000 }, { signal: controller.signal });
  const neighbour = app.call(weather.slow, { ms: 1 }, { signal: controller.signal });
  expect(await neighbour).toEqual({ aborted: false });
  controller.abort();
  await expect(cancelled).rejects.toMatchObject({ code: "kernel.cancelled" });
  expect(reported).toMatchObject([{ message: "secret text" }]);
  await app.stop();
  expect(app.state).toBe("stopped");
});

test("a root call ends at its deadline, and what runs below is told", async () => {
  const app = await started();
  await expect(app.call(weather.slow, { ms: 5_000 }, { deadlineMs: 30 })).rejects.toMatchObject({
    code: "kernel.deadline",
    retry: "unknown",
  });
});

test("a nested call may have less time than its caller, and then ends alone", async () => {
  const app = await started();
  const error = app.call(weather.nested, { ms: 5_000, deadlineMs: 20 }, { deadlineMs: 5_000 });
  await expect(error).rejects.toMatchObject({ code: "kernel.deadline" });
});

test("a call is never begun after its deadline", async () => {
  const app = await started();
  const late: Handler<typeof weather.nested> = async (ctx) => {
    const end = performance.now() + 30;
    while (performance.now() < end);
    return ctx.call(weather.slow, { ms: 0 });
  };
  const service = implement(weather, { queries: { today, slow, nested: late, cached: () => ({ loads: 0 }) } });
  const busy = createApp({ services: [service] });
  await busy.start();
  await expect(busy.call(weather.nested, { ms: 0, deadlineMs: 1 }, { deadlineMs: 20 })).rejects.toMatchObject({
    code: "kernel.deadline",
  });
  await app.stop();
});

test("a caller who gives up is told that the outcome is unknown", async () => {
  const app = await started();
  const signal = AbortSignal.timeout(20);
  await expect(app.call(weather.slow, { ms: 5_000 }, { signal })).rejects.toMatchObject({
    code: "kernel.cancelled",
    retry: "unknown",
  });
});

test("access is decided before input is looked at", async () => {
  const app = await started();
  const input = { ms: 1, deadlineMs: 1 };
  const known = { subject: "ada", tenant: "default", permissions: new Set(["other"]) };
  await expect(app.call(weather.nested, input, { identity: anonymousIdentity })).rejects.toMatchObject({
    kind: "unauthenticated",
  });
  await expect(app.call(weather.nested, input, { identity: known })).rejects.toMatchObject({
    kind: "forbidden",
    details: { permission: "weather:nested" },
  });
});

test("an unknown action is named with its nearest neighbours", async () => {
  const app = await started();
  expect(() => app.action("weather.todya")).toThrow("did you mean weather.today?");
});

test("a cached query loads once for callers who ask together, and notes it", async () => {
  const app = await started();
  loads = 0;
  const notes = { replayed: false, cached: false };
  const answers = await Promise.all([1, 2, 3].map(() => app.call(weather.cached, { place: "oslo" })));
  expect(answers).toEqual([{ loads: 1 }, { loads: 1 }, { loads: 1 }]);
  await app.call(weather.cached, { place: "oslo" }, { notes });
  expect(notes.cached).toBe(true);
  expect(await app.call(weather.cached, { place: "rome" })).toEqual({ loads: 2 });
});

test("each call leaves one record, and calls below name their parent", async () => {
  const app = await started();
  const records: InspectorRecord[] = [];
  const end = app.inspect((record) => records.push(record));
  await app.call(weather.nested, { ms: 1, deadlineMs: 1_000 }, { traceId: "0af7651916cd43dd8448eb211c80319c" });
  end();
  await app.call(weather.today, { place: "oslo" });
  expect(records).toMatchObject([
    { kind: "call", id: "weather.slow", outcome: "ok", traceId: "0af7651916cd43dd8448eb211c80319c" },
    { kind: "call", id: "weather.nested", outcome: "ok" },
  ]);
  const [below, above] = records as { spanId: string; parentSpanId?: string }[];
  expect(below?.parentSpanId).toBe(above?.spanId);
});

test("middleware stands around the calls it applies to, the first outermost", async () => {
  const seen: string[] = [];
  const note = (name: string, applies = true) => ({
    name,
    applies: () => applies,
    around: async (call: { action: { id: string } }, next: () => Promise<unknown>) => {
      seen.push(`${name} ${call.action.id}`);
      return next();
    },
  });
  const service = implement(weather, { queries: { today, slow, nested, cached: () => ({ loads: 0 }) } });
  const app = createApp({ services: [service], middleware: [note("outer"), note("never", false), note("inner")] });
  await app.start();
  await app.call(weather.today, { place: "oslo" });
  expect(seen).toEqual(["outer weather.today", "inner weather.today"]);
});

test("before the start and after the stop calls are refused, and nothing has run", async () => {
  const app = createApp({
    services: [implement(weather, { queries: { today, slow, nested, cached: () => ({ loads: 0 }) } })],
  });
  await expect(app.call(weather.today, { place: "oslo" })).rejects.toMatchObject({
    code: "kernel.notRunning",
    retry: "yes",
  });
  await app.start();
  const running = app.call(weather.slow, { ms: 30 });
  const stopped = app.stop();
  expect(app.state).toBe("draining");
  await expect(app.call(weather.today, { place: "oslo" })).rejects.toMatchObject({ code: "kernel.notRunning" });
  expect(await running).toEqual({ aborted: false });
  await stopped;
  expect(app.state).toBe("stopped");
});
