import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { expect, onTestFinished, test } from "vitest";
import { createTestProject } from "../../tools/test-project.ts";
import { describeWithServer } from "../../tools/test-server.ts";
import { freePort } from "../src/process/free-port.ts";

async function startOn(busUrl: string, environment: Record<string, string> = {}) {
  const project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  onTestFinished(() => project.remove());
  const server = await project.start({ BANYAN_BUS: busUrl, BANYAN_NAMESPACE: `test-${process.pid}`, ...environment }, [
    "--topology",
    "split",
  ]);
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const find = () => fetch(`${server.ready.url}/v1/notes/hello`, { headers: { authorization: `Bearer ${key}` } });
  const healthy = async () => {
    const answer = await fetch(`${server.ready.url}/readiness`);
    const { checks } = (await answer.json()) as { checks: { name: string; ok: boolean }[] };
    return checks.filter(({ ok }) => ok).map(({ name }) => name);
  };
  return { project, server, find, healthy };
}

describeWithServer("nats", "a split topology on NATS", (url) => {
  test("is chosen by BANYAN_BUS alone, and the broker's tools find its services", async () => {
    const { find, healthy } = await startOn(url);
    expect((await find()).status).toBe(200);
    expect(await healthy()).toContain("NATS (bus)");
    const connection = await connect({ servers: url });
    onTestFinished(() => connection.close());
    const info = await connection.request("$SRV.INFO.notes", "", { timeout: 5_000 });
    const { name, version, endpoints } = info.json<{ name: string; version: string; endpoints: { name: string }[] }>();
    expect({ name, version }).toEqual({ name: "notes", version: "0.1.0" });
    expect(endpoints.map((endpoint) => endpoint.name)).toContain("find");
  });
});

describeWithServer("redis", "a split topology on Redis", (url) => {
  test("is chosen by BANYAN_BUS alone", async () => {
    const { find, project, healthy } = await startOn(url);
    expect((await find()).status).toBe(200);
    expect(await healthy()).toContain("Redis (bus)");
    const { stdout } = await project.run("nodes");
    expect(stdout).toMatch(/notes-1 +started/);
  });
});

test("a split topology on TCP has its seed in the supervisor, which listens where it is told; the others listen beside it", async () => {
  const port = await freePort(24_100, "127.0.0.1");
  const { find, project } = await startOn(`tcp://127.0.0.1:${port}`, { BANYAN_LISTEN: `127.0.0.1:${port}` });
  expect((await find()).status).toBe(200);
  const { stdout } = await project.run("nodes");
  expect(stdout).toMatch(/notes-1 +started/);
});

test("a process that is started alone tells whoever watches over it how it is, and answers no action over HTTP", async () => {
  const project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  onTestFinished(() => project.remove());
  const address = `127.0.0.1:${await freePort(24_200, "127.0.0.1")}`;
  const environment = { BANYAN_BUS: `tcp://${address}`, BANYAN_LISTEN: address };
  const { ready } = await project.start(environment, ["--process", "notes"]);
  const get = (path: string) => fetch(`${ready.url}${path}`);
  expect((await get("/health")).status).toBe(200);
  const readiness = await get("/readiness");
  const { checks } = (await readiness.json()) as { checks: { name: string }[] };
  expect([readiness.status, checks.map(({ name }) => name)]).toEqual([
    200,
    expect.arrayContaining(["notes", "event loop"]),
  ]);
  expect(await (await get("/metrics")).text()).toContain("process_resident_memory_bytes");
  expect((await get("/v1/notes/hello")).status).toBe(404);
});
