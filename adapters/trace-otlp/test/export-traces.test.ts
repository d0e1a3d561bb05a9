import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { defineContract, fault, implement, query } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { exportTraces } from "../src/index.ts";

const tree = defineContract("tree", {
  faults: { rotten: fault("conflict", z.object({})) },
  queries: {
    trunk: query({ input: z.strictObject({}), output: z.object({}), access: "public" }),
    branch: query({ input: z.strictObject({}), output: z.object({}), access: "public", faults: ["rotten"] }),
    broken: query({ input: z.strictObject({}), output: z.object({}), access: "public" }),
  },
});
const service = implement(tree, {
  queries: {
    trunk: async (ctx) => {
      await ctx.call(tree.branch, {}).catch(() => {});
      return {};
    },
    branch: async (ctx) => {
      throw ctx.faults.rotten({});
    },
    broken: async () => {
      throw new Error("sawn off");
    },
  },
});

interface Received {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: object }[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}
interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Takes OTLP over HTTP as a collector does: the exporter is the real one, down to the socket. */
async function collector(status = 200) {
  const bodies: Received[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(JSON.parse(await text(request)));
    response.writeHead(status, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { bodies, url: `http://127.0.0.1:${port}/v1/traces` };
}

async function start() {
  const app = createApp({ services: [service], report: () => {} });
  await app.start();
  closers.push(() => app.stop());
  return app;
}

test("calls arrive as spans of one trace, below their caller, with the conventions' names", async () => {
  const { bodies, url } = await collector();
  const app = await start();
  const traces = exportTraces(app, { url, serviceName: "grove", instanceId: "grove-1" });
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  await app.call(tree.trunk, {}, { traceId, parentSpanId: "00f067aa0ba902b7" });
  await traces.close();
  const [{ resource, scopeSpans } = { resource: { attributes: [] }, scopeSpans: [] }] = bodies.flatMap(
    (body) => body.resourceSpans,
  );
  expect(resource.attributes).toContainEqual({ key: "service.name", value: { stringValue: "grove" } });
  const spans = scopeSpans.flatMap((scope) => scope.spans);
  const [trunk, branch] = ["tree.trunk", "tree.branch"].map((name) => spans.find((span) => span.name === name));
  expect(trunk).toMatchObject({ traceId, parentSpanId: "00f067aa0ba902b7" });
  expect(branch).toMatchObject({ traceId, parentSpanId: trunk?.spanId });
  expect(branch?.attributes).toContainEqual({ key: "error.type", value: { stringValue: "tree.rotten" } });
});

test("a fault of the contract is no error of its span, a bug is", async () => {
  const { bodies, url } = await collector();
  const app = await start();
  const traces = exportTraces(app, { url, serviceName: "grove" });
  await expect(app.call(tree.branch, {})).rejects.toThrow();
  await expect(app.call(tree.broken, {})).rejects.toThrow();
  await traces.close();
  const spans = bodies.flatMap((body) => body.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)));
  const codeOf = (name: string) => spans.find((span) => span.name === name)?.status.code ?? 0;
  expect({ fault: codeOf("tree.branch"), bug: codeOf("tree.broken") }).toEqual({ fault: 0, bug: 2 });
});

test("a collector that refuses or is not there costs spans, and nothing else", async () => {
  const app = await start();
  const { url } = await collector(400);
  for (const where of [url, "http://127.0.0.1:1/v1/traces"]) {
    const traces = exportTraces(app, { url: where, serviceName: "grove" });
    await app.call(tree.trunk, {});
    await traces.close();
    await traces.close();
  }
  expect(await app.call(tree.trunk, {})).toEqual({});
});
