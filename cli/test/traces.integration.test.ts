import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestProject, type TestProject } from "../../tools/test-project.ts";

let project: TestProject;
const received: string[] = [];
const collector = createServer(async (request, response) => {
  received.push(`${request.url} ${await text(request)}`);
  response.writeHead(200, { "content-type": "application/json" }).end("{}");
});
beforeAll(async () => {
  project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  await once(collector.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
  collector.close();
  await project.remove();
});

test("with OTEL_EXPORTER_OTLP_ENDPOINT a collector gets what requests cause, before the server has stopped", async () => {
  const { port } = collector.address() as AddressInfo;
  const server = await project.start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/` });
  await project.run("call", "notes.find", '{"text":"hello"}');
  expect(await server.stop()).toBe(0);
  expect(received.join("\n")).toMatch(/^\/v1\/traces .*"notes\.find"/m);
});

test("an endpoint that is no address is refused at the start", async () => {
  await expect(project.start({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" })).rejects.toThrow(
    /OTEL_EXPORTER_OTLP_ENDPOINT is wrong: must begin with http/,
  );
});
