import { expect, test, vi } from "vitest";
import { z } from "zod";
import type { App, InspectorRecord } from "../../src/app/index.ts";
import { type Bus, InProcessNetwork } from "../../src/bus/index.ts";
import { defineContract, implement, kernelFaults, query } from "../../src/index.ts";
import { company, trips, tripsService, weather, weatherService } from "./company.ts";

test("a call of a service in another process answers as a call here does: results, faults, bugs, validation", async () => {
  const start = company();
  await start({ services: [weatherService("w")] });
  const app = await start({ services: [] });
  expect(await app.call(weather.today, { place: "oslo" })).toEqual({ place: "oslo", celsius: 20, by: "w" });
  const unknown = await app.call(weather.today, { place: "atlantis" }).catch((error: unknown) => error);
  expect(weather.faults.unknownPlace.is(unknown) && unknown.details).toEqual({ place: "atlantis" });
  const bug = await app.call(weather.today, { place: "bug" }).catch((error: unknown) => error);
  expect(kernelFaults.internal.is(bug)).toBe(true);
  expect(String(bug)).not.toContain("secret");
  const invalid = await app.call(weather.today, { place: "" }).catch((error: unknown) => error);
  expect(kernelFaults.invalidInput.is(invalid) && invalid.details.issues[0]?.path).toBe("place");
});

test("a handler calls another process by the same words, within one trace, and both sides record it", async () => {
  const start = company();
  const far = await start({ services: [weatherService("w")] });
  const near = await start({ services: [tripsService], remotes: [weather] });
  const records: Record<string, InspectorRecord[]> = { far: [], near: [] };
  far.inspect((record) => records.far?.push(record), ["call"]);
  near.inspect((record) => records.near?.push(record), ["call"]);
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  expect(await near.call(trips.plan, { place: "oslo" }, { traceId })).toEqual({ celsius: 20 });
  const [client, root] = records.near ?? [];
  const [server] = records.far ?? [];
  expect(root).toMatchObject({ id: "trips.plan", traceId });
  expect(client).toMatchObject({ id: "weather.today", traceId, node: expect.stringMatching(/^weather-/) });
  expect(server).toMatchObject({ id: "weather.today", traceId });
  expect(server).toHaveProperty("parentSpanId", client && "spanId" in client ? client.spanId : "");
});

test("who asks, the trace and the metadata cross; access is checked where the request came in", async () => {
  const start = company();
  await start({ services: [weatherService("w")] });
  const app = await start({ services: [], remotes: [weather] });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const identity = { subject: "ann", tenant: "t", permissions: new Set(["weather:who"]) };
  const said = await app.call(weather.who, {}, { identity, traceId, metadata: { channel: "web" } });
  expect(said).toEqual({ subject: "ann", traceId, metadata: { channel: "web" } });
  const nobody = { ...identity, permissions: new Set<string>() };
  await expect(app.call(weather.who, {}, { identity: nobody })).rejects.toMatchObject({ code: "kernel.forbidden" });
});

test("a call ends at its deadline wherever it runs", async () => {
  const start = company();
  await start({ services: [weatherService("w")] });
  const app = await start({ services: [], remotes: [weather] });
  await app.call(weather.today, { place: "oslo" });
  const began = performance.now();
  await expect(app.call(weather.hang, {}, { deadlineMs: 100 })).rejects.toMatchObject({ code: "kernel.deadline" });
  expect(performance.now() - began).toBeLessThan(1_000);
});

test("a service that nobody ever offered is not_found at once, with what may have been meant, until somebody comes", async () => {
  const start = company();
  await start({ services: [weatherService("w")] });
  // Its time stands still, so that nothing is waited for.
  const app = await start({ services: [tripsService], clock: { now: Date.now, monotonic: () => 1_000 } });
  await app.call(weather.today, { place: "oslo" });
  const today = { input: z.strictObject({}), output: z.object({}), access: "public" } as const;
  const wether = defineContract("wether", {
    queries: { today: query(today), picked: query({ ...today, remote: { balance: "broker" } }) },
  });
  const unknown = await app.call(wether.today, {}).catch((error: unknown) => error);
  expect(kernelFaults.unknownAction.is(unknown) && unknown.details.nearest).toEqual(["weather.today"]);
  for (const action of [wether.today, wether.picked])
    await expect(app.call(action, {})).rejects.toMatchObject({ kind: "not_found" });
  await start({ services: [implement(wether, { queries: { today: () => ({}), picked: () => ({}) } })] });
  await vi.waitFor(async () => expect(await app.call(wether.today, {})).toEqual({}), 10_000);
  expect(await app.call(wether.picked, {})).toEqual({});
});

test("a service that was there and is gone is unavailable", async () => {
  const start = company();
  const far = await start({ services: [weatherService("w")] });
  const app = await start({ services: [tripsService] });
  await app.call(weather.today, { place: "oslo" });
  await far.stop();
  const gone = await app.call(weather.today, { place: "oslo" }).catch((error: unknown) => error);
  expect(kernelFaults.unavailable.is(gone) && [gone.retry, gone.details.why]).toEqual(["yes", "nobody offers it now"]);
});

test("a call waits for a service that is about to come", async () => {
  const start = company();
  const app = await start({ services: [], remotes: [weather] });
  const early = app.call(weather.today, { place: "oslo" });
  await start({ services: [weatherService("late")] });
  expect(await early).toMatchObject({ by: "late" });
});

test("calls are spread over the nodes, and none is lost while each is replaced", async () => {
  const start = company();
  let nodes = [await start({ services: [weatherService("a0")] }), await start({ services: [weatherService("b0")] })];
  const app = await start({ services: [], remotes: [weather] });
  const answered = new Map<string, number>();
  let running = true;
  const load = async () => {
    while (running) {
      const { by } = await app.call(weather.today, { place: "oslo" });
      answered.set(by, (answered.get(by) ?? 0) + 1);
    }
  };
  const callers = Array.from({ length: 20 }, load);
  while (answered.size < 2) await new Promise((resolve) => setImmediate(resolve));
  for (let round = 1; round <= 3; round++) {
    const [oldest, other] = nodes;
    const next = await start({ services: [weatherService(`n${round}`)] });
    await oldest?.stop();
    nodes = [...(other === undefined ? [] : [other]), next];
    while (!answered.has(`n${round}`)) await new Promise((resolve) => setImmediate(resolve));
  }
  running = false;
  await Promise.all(callers);
  expect([...answered.keys()].sort()).toEqual(["a0", "b0", "n1", "n2", "n3"]);
});

test("a node that is cut off is left and found again; queries do not notice", async () => {
  const network = new InProcessNetwork();
  const start = company(network);
  await start({ services: [weatherService("a")], nodeName: "a" });
  await start({ services: [weatherService("b")], nodeName: "b" });
  const app = await start({ services: [], remotes: [weather], nodeName: "caller" });
  await app.call(weather.today, { place: "oslo" });
  const caller = [...network.nodes.keys()].find((id) => id.startsWith("caller")) as string;
  const calls = Array.from({ length: 200 }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index / 4));
    if (index % 50 === 25) for (const { id } of app.nodes()) network.interrupt(caller, id);
    return app.call(weather.today, { place: "oslo" });
  });
  expect((await Promise.all(calls)).length).toBe(200);
  expect(
    app
      .nodes()
      .map(({ id }) => id.slice(0, 1))
      .sort(),
  ).toEqual(["a", "b"]);
});

test("another version is called as long as the schemas fit; else the field that does not is named", async () => {
  const today = (input: z.ZodType, output: z.ZodType) =>
    defineContract("weather", {
      queries: { today: query({ input, output, access: "public" }) as never },
    }) as unknown as { today: typeof weather.today };
  const withScale = z.strictObject({ place: z.string(), scale: z.string() });
  const output = z.object({ place: z.string(), celsius: z.number(), by: z.string() });
  const answer = { place: "oslo", celsius: 1, by: "other" };
  const offering = (contract: { today: typeof weather.today }) =>
    implement(contract as never, { queries: { today: () => answer } } as never);
  const start = company();
  const fitting = today(
    withScale.extend({ scale: z.string().optional() }),
    output.extend({ more: z.int().optional() }),
  );
  const other = await start({ services: [offering(fitting)] });
  const app = await start({ services: [], remotes: [weather] });
  expect(await app.call(weather.today, { place: "oslo" })).toEqual(answer);
  await other.stop();
  await start({ services: [offering(today(withScale, output))] });
  const misfit = await app.call(weather.today, { place: "oslo" }).catch((error: unknown) => error);
  expect(kernelFaults.incompatible.is(misfit) && misfit.details).toEqual({
    action: "weather.today",
    field: "input.scale",
    problem: "is required, was not there",
  });
  await start({ services: [weatherService("same")] });
  while (app.nodes().length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(await app.call(weather.today, { place: "oslo" })).toMatchObject({ by: "same" });
});

test("a rolling upgrade to a version that takes and gives more loses no call; then its own callers come", async () => {
  const start = company();
  const later = defineContract("weather", {
    queries: {
      today: query({
        input: z.strictObject({ place: z.string().min(1), scale: z.string().optional() }),
        output: z.object({ place: z.string(), celsius: z.number(), by: z.string(), scale: z.string().optional() }),
        access: "public",
      }),
    },
  });
  const upgraded = implement(later, {
    queries: { today: (_ctx, { place, scale }) => ({ place, celsius: 20, by: "later", scale }) },
  });
  const nodes = [await start({ services: [weatherService("a")] }), await start({ services: [weatherService("b")] })];
  const app = await start({ services: [], remotes: [weather] });
  const answered = new Set<string>();
  let isRunning = true;
  const load = async () => {
    while (isRunning) answered.add((await app.call(weather.today, { place: "oslo" })).by);
  };
  const callers = Array.from({ length: 20 }, load);
  while (answered.size < 2) await new Promise((resolve) => setImmediate(resolve));
  for (const node of nodes) {
    await start({ services: [upgraded] });
    await node.stop();
  }
  isRunning = false;
  await Promise.all(callers);
  expect(await app.call(weather.today, { place: "oslo" })).toMatchObject({ by: "later" });
  const caller = await start({ services: [], remotes: [later] });
  expect(await caller.call(later.today, { place: "oslo", scale: "C" })).toMatchObject({ by: "later", scale: "C" });
});

test("the broker chooses where the contract says so, and never a node that leaves", async () => {
  const start = company();
  const first = await start({ services: [weatherService("a")] });
  await start({ services: [weatherService("b")] });
  const app = await start({ services: [], remotes: [weather] });
  const answers = async () =>
    new Set(await Promise.all(Array.from({ length: 20 }, () => app.call(weather.picked, {}))));
  expect([...(await answers())].sort()).toEqual(["a", "b"]);
  await first.stop();
  expect([...(await answers())]).toEqual(["b"]);
});

test("an instanced contract is called at the node that owns the key", async () => {
  const project = defineContract("project", {
    instanced: true,
    queries: { name: query({ input: z.strictObject({}), output: z.string(), access: "public" }) },
  });
  const owning = (...instances: string[]) =>
    implement(project, { instances, queries: { name: (ctx) => `${instances.join("+")} answers for ${ctx.key}` } });
  const start = company();
  const first = await start({ services: [owning("p-1")] });
  await start({ services: [owning("p-2", "p-3")] });
  const app = await start({ services: [], remotes: [project] });
  expect(await app.call(project.name, {}, { key: "p-1" })).toBe("p-1 answers for p-1");
  expect(await app.call(project.name, {}, { key: "p-3" })).toBe("p-2+p-3 answers for p-3");
  expect(await first.call(project.name, {}, { key: "p-1" })).toBe("p-1 answers for p-1");
  expect(await first.call(project.name, {}, { key: "p-2" })).toBe("p-2+p-3 answers for p-2");
  const nobody = await app.call(project.name, {}, { key: "p-9" }).catch((error: unknown) => error);
  expect(kernelFaults.unavailable.is(nobody) && nobody.details.why).toBe("nobody has p-9");
  await expect(app.call(project.name, {})).rejects.toMatchObject({ code: "kernel.invalidInput" });
});

test("health, nodes and contracts tell of other processes", async () => {
  const start = company();
  await start({ services: [weatherService("w")] });
  const app = await start({ services: [tripsService], remotes: [weather] });
  await app.call(weather.today, { place: "oslo" });
  expect(app.contracts.map(({ name }) => name)).toEqual(["trips", "weather"]);
  expect(await app.health()).toContainEqual({ name: "weather", ok: true, detail: "1 node", advisory: true });
  const bus = { name: "bus", ok: true, detail: expect.stringMatching(/^trips-[0-9a-f]{8}, 1 node known$/) };
  expect(await app.health()).toContainEqual(bus);
  expect(app.nodes()).toMatchObject([{ services: ["weather"], state: "up", inFlight: 0 }]);
});

test("health names the broker, and counts it where a process has no service of its own", async () => {
  const network = new InProcessNetwork();
  const start = company(network);
  const reached = { isUp: true };
  const ping = async () => {
    if (!reached.isUp) throw new Error("no connection");
  };
  const bus = (): Bus => Object.assign(network.createBus(), { server: { name: "Broker", ping } });
  const [trips, edge] = [
    await start({ services: [tripsService], remotes: [weather], bus: bus() }),
    await start({ services: [], remotes: [weather], bus: bus() }),
  ];
  const check = async (app: App) => (await app.health()).find(({ name }) => name === "Broker (bus)");
  expect(await check(trips)).toMatchObject({
    ok: true,
    advisory: true,
    detail: expect.stringMatching(/^answered in /),
  });
  reached.isUp = false;
  expect(await check(trips)).toMatchObject({ ok: false, advisory: true, detail: "no connection" });
  expect(await check(edge)).toMatchObject({ ok: false, advisory: false });
});
