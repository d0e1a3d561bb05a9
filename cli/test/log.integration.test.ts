import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createTestDatabase } from "../../tools/test-postgres.ts";
import { createTestProject } from "../../tools/test-project.ts";
import { describeWithServer } from "../../tools/test-server.ts";
import { logOf } from "../src/platform/log.ts";

/** Starts the notes with their events going by the log, and waits until its projection has heard of the first. */
async function startWith(BANYAN_LOG: string, args: string[] = []) {
  const project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  onTestFinished(() => project.remove());
  const namespace = `test-${process.pid}-${args.length}`;
  const { ready } = await project.start({ BANYAN_LOG, BANYAN_NAMESPACE: namespace }, args);
  const key = readFileSync(join(project.folder, ".banyan/api-key"), "utf8").trim();
  const tally = async () => {
    const answer = await fetch(`${ready.url}/v1/tally`, { headers: { authorization: `Bearer ${key}` } });
    return ((await answer.json()) as { letters: object }).letters;
  };
  await expect.poll(tally, { timeout: 20_000 }).toEqual({ h: 1 });
  return { project, namespace };
}

test("BANYAN_LOG takes events by way of another database, as CloudEvents", async () => {
  const hub = await createTestDatabase(inject("postgresUrl"));
  const { namespace, project } = await startWith(hub.url);
  const client = new Client({ connectionString: hub.url });
  await client.connect();
  const { rows } = await client.query(
    `SELECT convert_from(body, 'utf8')::json AS event FROM "${namespace}_log".message`,
  );
  expect(rows).toMatchObject([{ event: { type: "notes.written", subject: "h", data: { text: "hello" } } }]);
  await client.end();
  expect(JSON.parse((await project.run("lag", "--json")).stdout)).toMatchObject({ unsentCount: 0 });
  await hub.drop();
});

describeWithServer("nats", "events by way of JetStream", (url) => {
  test("reach the services of a split topology", async () => {
    await startWith(url, ["--topology", "split"]);
  });
});

describeWithServer("redis", "events by way of Redis Streams", (url) => {
  test("reach the services", async () => {
    await startWith(url);
  });
});

describeWithServer("rabbitmq", "events by way of RabbitMQ", (url) => {
  test("reach the services", async () => {
    await startWith(url);
  });
});

describeWithServer("kafka", "events by way of Kafka", (broker) => {
  test("reach the services", async () => {
    await startWith(`kafka://${broker}`);
  });
});

test("an address of no known log is refused without showing its password", async () => {
  const asked = logOf({ BANYAN_LOG: "mqtt://ann:secret@host", BANYAN_NAMESPACE: undefined });
  await expect(asked).rejects.toThrow('BANYAN_LOG is "mqtt://***@host"');
});

test("a log that is not there stops the start, and its variable is named", async () => {
  const project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  onTestFinished(() => project.remove());
  const started = project.start({ BANYAN_LOG: "postgres://127.0.0.1:1/none" });
  await expect(started).rejects.toThrow("BANYAN_LOG names it");
});
