import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, type RunningServer, type TestProject } from "../../tools/test-project.ts";

let project: TestProject;
let server: RunningServer;
beforeAll(async () => {
  project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  server = await project.start({}, ["--topology", "split"]);
});
afterAll(() => project.remove());

interface Node {
  readonly node: string;
  readonly state: string;
  readonly pid: number;
  readonly restartCount: number;
}
const patience = { timeout: 20_000, interval: 100 };
const json = async (...args: string[]) => {
  const { stdout, stderr } = await project.run(...args, "--json");
  if (stdout === "") throw new Error(`banyan ${args.join(" ")} printed nothing but: ${stderr}`);
  return JSON.parse(stdout);
};
const nodes = () => json("nodes") as Promise<Node[]>;
const node = async (name: string) => (await nodes()).find((one) => one.node === name);
const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const request = (path: string, init: RequestInit = {}) => {
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", ...init.headers };
  return fetch(`${server.ready.url}${path}`, { ...init, headers });
};
const write = (text: string, traceparent?: string) =>
  request("/v1/notes", {
    method: "POST",
    body: JSON.stringify({ text }),
    headers: {
      "idempotency-key": `write-${text.replaceAll(" ", "-")}`,
      ...(traceparent !== undefined && { traceparent }),
    },
  });

test("every service has a process of its own, and the gateway one; all of them answer", async () => {
  expect(server.ready.steps.map(({ name }) => name)).toEqual(["postgres", "notes-1", "edge-1", "demo"]);
  expect((await write("split")).status).toBe(201);
  expect(await json("call", "notes.find", '{"text":"split"}')).toEqual({ id: expect.any(Number) });
  expect(await nodes()).toMatchObject([
    { node: "notes-1", state: "started", services: ["notes"], restartCount: 0 },
    { node: "edge-1", state: "started", services: [], restartCount: 0 },
  ]);
  expect((await request("/readiness")).status).toBe(200);
  expect(await (await request("/openapi.json")).text()).toContain("/v1/notes");
});

test("one trace leads from the gateway over the bus to the service and its subscribers", async () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  await write("traced", `00-${traceId}-b7ad6b7169203331-01`);
  const seen = async () => (await project.run("trace", traceId, "--json")).stdout;
  await expect.poll(seen, patience).toContain("notes.letterCount");
  const spans = JSON.parse(await seen()) as {
    kind: string;
    id: string;
    node: string;
    spanId: string;
    parentSpanId?: string;
  }[];
  const [outer, inner] = ["edge-1", "notes-1"].map((name) =>
    spans.find((span) => span.kind === "call" && span.id === "notes.write" && span.node === name),
  );
  expect(outer?.parentSpanId).toBe("b7ad6b7169203331");
  expect(inner?.parentSpanId).toBe(outer?.spanId);
});

test("top tells rates by action, and processor and memory by process", async () => {
  let seen = false;
  const picture = json("top", "--count", "1", "--every", "2").finally(() => {
    seen = true;
  });
  while (!seen) await request("/v1/notes/split");
  const { nodes: all, actions } = await picture;
  expect(all.map((one: Node) => one.node)).toEqual(["notes-1", "edge-1"]);
  const find = actions.find(({ id }: { id: string }) => id === "notes.find");
  expect(find).toMatchObject({ kind: "call", errorShare: 0 });
  expect(find.p99Ms).toBeGreaterThanOrEqual(find.p50Ms);
});

test("scale starts more of a service, calls reach them, and takes them away without losing any", async () => {
  expect(await json("scale", "notes=3")).toEqual(["notes-1", "notes-2", "notes-3"]);
  const traceId = "1af7651916cd43dd8448eb211c80319c";
  const answering = async () => {
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    for (let at = 0; at < 20; at++) await request("/v1/notes/split", { headers: { traceparent } });
    const spans = (await json("trace", traceId)) as { readonly node: string }[];
    return [...new Set(spans.map((span) => span.node))].sort();
  };
  await expect.poll(answering, patience).toEqual(["edge-1", "notes-1", "notes-2", "notes-3"]);
  const failures: string[] = [];
  let stopped = false;
  const load = (async () => {
    while (!stopped) {
      const answer = await request("/v1/notes/split");
      if (answer.status !== 200) failures.push(await answer.text());
    }
  })();
  expect(await json("scale", "notes=1")).toEqual(["notes-1"]);
  stopped = true;
  await load;
  expect(failures).toEqual([]);
});

test("a process that is killed is started again, and idempotent calls do not notice where there is another", async () => {
  await json("scale", "notes=2");
  const before = await node("notes-1");
  expect((await project.run("chaos", "kill", "notes-1")).code).toBe(0);
  const outcomes = await Promise.all(Array.from({ length: 20 }, (_, at) => write(`through ${at}`)));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([201]));
  await expect.poll(() => node("notes-1"), patience).toMatchObject({ state: "started", restartCount: 1 });
  expect((await node("notes-1"))?.pid).not.toBe(before?.pid);
  await json("scale", "notes=1");
});

test("chaos slows and fails calls for a while, and says what it did not understand", async () => {
  expect((await project.run("chaos", "fail", "notes.tally", "--rate", "1", "--for", "2s")).code).toBe(0);
  expect((await request("/v1/tally")).status).toBe(503);
  await expect.poll(async () => (await request("/v1/tally")).status, patience).toBe(200);
  expect((await project.run("chaos", "slow", "notes.tally", "--by", "300ms", "--for", "1s")).code).toBe(0);
  const startedAt = performance.now();
  await request("/v1/tally");
  expect(performance.now() - startedAt).toBeGreaterThan(290);
  expect(await project.run("chaos", "kill", "nots-1")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("There are: notes-1, edge-1"),
  });
  expect((await project.run("chaos", "slow", "notes.tally", "--by", "soon")).code).toBe(2);
  expect((await project.run("scale", "notes=many")).code).toBe(2);
});

test("what is of a service is asked of the process that has it", async () => {
  expect(await json("rebuild", "notes.letterCount")).toMatchObject({ foldedCount: expect.any(Number) });
  expect(await json("lag")).toMatchObject({ subscribers: expect.any(Array) });
  expect(await json("dead-letters")).toEqual([]);
  const states = await project.run("services");
  expect(states.stdout).toContain("notes  started");
});

test("when the supervisor is killed its processes end by themselves; a stop leaves none either, and exits 0", async () => {
  const pids = (await nodes()).map(({ pid }) => pid);
  await server.stop("SIGKILL");
  await expect.poll(() => pids.filter(isAlive), patience).toEqual([]);
  const sockets = join(project.folder, ".banyan/sockets");
  writeFileSync(join(sockets, "left-behind.sock"), "");
  server = await project.start({}, ["--topology", "split"]);
  expect(readdirSync(sockets)).toContain("supervisor.sock");
  expect(readdirSync(sockets)).not.toContain("left-behind.sock");
  const again = (await nodes()).map(({ pid }) => pid);
  expect(await server.stop("SIGINT")).toBe(0);
  expect(again.filter(isAlive)).toEqual([]);
  expect(existsSync(sockets)).toBe(false);
});
