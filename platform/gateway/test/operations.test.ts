import { connect } from "node:net";
import { createApp } from "@banyan/kernel/app";
import { InProcessNetwork } from "@banyan/kernel/bus";
import { describe, expect, onTestFinished, test } from "vitest";
import { createReadiness, defaultReadinessLimits } from "../src/watch/readiness.ts";
import { bearer, buyerKey, raw, serve } from "./serving.ts";
import { begun, shop } from "./shop.ts";

interface Report {
  ok: boolean;
  checks: { name: string; ok: boolean; detail: string }[];
}

describe("probes", () => {
  test("alive as long as it answers; ready when every part is", async () => {
    const { get } = await serve();
    expect(await (await get("/health")).json()).toEqual({ ok: true });
    const ready = await get("/readiness");
    const report = (await ready.json()) as Report;
    expect([ready.status, report.ok]).toEqual([200, true]);
    expect(report.checks.map(({ name }) => name)).toEqual(["gateway", "shop", "event loop", "memory"]);
  });

  test("ready though a service of another process is away: it says so, and takes the rest", async () => {
    const edge = createApp({ services: [], remotes: [shop], bus: new InProcessNetwork().createBus() });
    await edge.start();
    const readiness = createReadiness(edge, () => false, defaultReadinessLimits);
    onTestFinished(async () => {
      readiness.close();
      await edge.stop();
    });
    const { ok, checks } = await readiness.report();
    expect(checks.find(({ name }) => name === "shop")).toMatchObject({ ok: false, detail: "0 nodes" });
    expect(ok).toBe(true);
  });

  test("not ready when the application is not, or memory or loop are beyond their limits, and alive all the same", async () => {
    const { get, app } = await serve({ readiness: { residentBytesMax: 1 } });
    const failing = async () =>
      ((await (await get("/readiness")).json()) as Report).checks.filter(({ ok }) => !ok).map(({ name }) => name);
    expect(await failing()).toEqual(["memory"]);
    await app.stop();
    expect((await get("/readiness")).status).toBe(503);
    expect(await failing()).toEqual(["gateway", "shop", "memory"]);
    expect((await get("/health")).status).toBe(200);
    const call = await get("/users/1");
    expect([call.status, call.headers.get("retry-after"), await call.json()]).toEqual([
      503,
      "1",
      expect.objectContaining({ code: "kernel.notRunning" }),
    ]);
    const blocked = await serve({ readiness: { loopLagMsMax: 50 } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 200;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(
      ((await (await blocked.get("/readiness")).json()) as Report).checks.find(({ name }) => name === "event loop")?.ok,
    ).toBe(false);
  });
});

test("metrics count answers by route and status; what clients make up adds no label", async () => {
  const { get, post } = await serve();
  for (let index = 0; index < 20; index++)
    await get(`/nowhere/${index}`, { method: index % 2 === 0 ? "GET" : "DELETE" });
  await get("/users/1");
  await get("/users/2");
  await post("/buy/gone", {}, bearer(buyerKey));
  const text = await (await get("/metrics")).text();
  const line = (labels: { method: string; route: string; status: number }) => {
    const wanted = `http_request_method="${labels.method}",http_route="${labels.route}",http_response_status_code="${labels.status}"`;
    return text.split("\n").find((one) => one.startsWith(`http_server_request_duration_seconds_count{${wanted}}`));
  };
  expect(line({ method: "GET", route: "/users/:id", status: 200 })).toMatch(/ 2$/);
  expect(line({ method: "POST", route: "/buy/:sku", status: 409 })).toMatch(/ 1$/);
  expect(line({ method: "_OTHER", route: "", status: 404 })).toMatch(/ 20$/);
  expect(text).not.toContain("nowhere");
  expect(text).toMatch(/^banyan_http_connections \d+$/m);
  // Without a store there is nothing to be behind with: no figure, and the rest is told.
  expect(text).not.toMatch(/^banyan_outbox_unsent \d/m);
  expect(text).toMatch(/^process_resident_memory_bytes /m);
  expect(text).toMatch(/^# TYPE http_server_request_duration_seconds histogram$/m);
});

describe("draining", () => {
  test("finishes what is in flight, takes no new connection, and ends kept-alive ones", async () => {
    const { get, gateway, port } = await serve();
    const idle = raw(port, "GET /users/1 HTTP/1.1\r\nhost: a\r\n\r\n", 5_000);
    const before = begun.length;
    const inFlight = get("/slow?ms=150");
    await expect.poll(() => begun.length).toBe(before + 1);
    const closing = gateway.close({ deadlineMs: 3_000 });
    await expect(
      new Promise((resolve, reject) => connect(port, "127.0.0.1").once("connect", resolve).once("error", reject)),
    ).rejects.toThrow("ECONNREFUSED");
    const answer = await inFlight;
    expect([answer.status, await answer.json()]).toEqual([200, { aborted: false }]);
    const began = performance.now();
    await closing;
    expect(performance.now() - began).toBeLessThan(1_000);
    expect((await idle).isClosed).toBe(true);
  });

  test("says so on connections that are still open", async () => {
    const { gateway, port } = await serve();
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    const before = begun.length;
    socket.write("GET /slow?ms=150 HTTP/1.1\r\nhost: a\r\n\r\n");
    await expect.poll(() => begun.length).toBe(before + 1);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const closing = gateway.close({ deadlineMs: 2_000 });
    socket.write("GET /readiness HTTP/1.1\r\nhost: a\r\n\r\n");
    await closing;
    await closed;
    expect(text.match(/HTTP\/1\.1 (\d{3})/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 503"]);
    expect(text).toContain("draining");
  });

  test("cuts what does not finish in time", async () => {
    const { get, gateway } = await serve();
    const before = begun.length;
    const hanging = get("/slow?ms=390").catch(() => "cut");
    await expect.poll(() => begun.length).toBe(before + 1);
    await gateway.close({ deadlineMs: 50 });
    expect(await hanging).toBe("cut");
    await gateway.close();
  });
});

test("a taken port is an error, or the next free one where that is wanted", async () => {
  const { port } = await serve();
  await expect(serve({ port })).rejects.toThrow("EADDRINUSE");
  const next = await serve({ port, portsAfter: 20 });
  expect(next.port).toBeGreaterThan(port);
  expect(next.gateway.address).toMatchObject({ address: "127.0.0.1", port: next.port });
});
