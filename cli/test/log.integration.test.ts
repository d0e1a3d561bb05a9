import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createKafkaLog } from "@banyan/log-kafka";
import { createRabbitLog } from "@banyan/log-rabbitmq";
import { createRedisLog } from "@banyan/log-redis";
import { connect } from "@nats-io/transport-node";
import { Client } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createTestDatabase } from "../../tools/test-postgres.ts";
import { createTestProject } from "../../tools/test-project.ts";
import { describeWithServer } from "../../tools/test-server.ts";
import { logOf } from "../src/platform/log.ts";

interface Started {
  readonly args?: readonly string[];
  /** Deletes what a namespace has left at the server. */
  readonly clear?: (namespace: string) => Promise<void>;
}

/** Starts the notes with their events going by the log, and waits until its projection has heard of the first. */
async function startWith(BANYAN_LOG: string, { args = [], clear = async () => {} }: Started = {}) {
  const project = createTestProject(new URL("./notes/banyan.config.ts", import.meta.url));
  const namespace = `test-${process.pid}-${args.length}`;
  onTestFinished(async () => {
    await project.remove();
    await clear(namespace);
  });
  const { ready } = await project.start({ BANYAN_LOG, BANYAN_NAMESPACE: namespace }, [...args]);
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
  expect((await project.run("subscriptions")).stdout).toMatch(/@log +0 +no BANYAN_LOG here/);
  expect((await project.run("subscriptions", "forget", "@log", "--yes")).stderr).toContain("kernel.stillSubscribed");
  await hub.drop();
});

describeWithServer("nats", "events by way of JetStream", (url) => {
  test("reach the services of a split topology", async () => {
    const clear = async (namespace: string) => {
      const connection = await connect({ servers: url });
      for (const stream of [`${namespace}-log`, `KV_${namespace}-groups`]) {
        const answer = await connection.request(`$JS.API.STREAM.DELETE.${stream}`);
        expect(answer.json()).toMatchObject({ success: true });
      }
      await connection.close();
    };
    await startWith(url, { args: ["--topology", "split"], clear });
  });
});

describeWithServer("redis", "events by way of Redis Streams", (url) => {
  test("reach the services", async () => {
    const clear = async (namespace: string) => {
      const log = createRedisLog({ url });
      await log.open({ signal: AbortSignal.timeout(5_000) });
      expect(await log.unwrap().del(`${namespace}:log`, `${namespace}:log:beyond`)).toBeGreaterThan(0);
      await log.close({ deadlineMs: 1_000 });
    };
    await startWith(url, { clear });
  });
});

describeWithServer("rabbitmq", "events by way of RabbitMQ", (url) => {
  test("reach the services", async () => {
    const clear = async (namespace: string) => {
      const log = createRabbitLog({ url, namespace });
      const channel = await (await log.unwrap()).createChannel();
      for (const queue of [`${namespace}.group.notes`, `${namespace}.unclaimed`]) await channel.deleteQueue(queue);
      for (const exchange of [`${namespace}.events`, `${namespace}.unclaimed`]) await channel.deleteExchange(exchange);
      await log.close({ deadlineMs: 5_000 });
    };
    await startWith(url, { clear });
  });
});

describeWithServer("kafka", "events by way of Kafka", (broker) => {
  test("reach the services", async () => {
    const clear = async (namespace: string) => {
      const log = createKafkaLog({ brokers: broker, namespace });
      await log.open({ signal: AbortSignal.timeout(10_000) });
      const { admin } = log.unwrap();
      await admin.deleteGroups({ groups: [`${namespace}.notes`] });
      await admin.deleteTopics({ topics: [`${namespace}.events`] });
      await log.close({ deadlineMs: 5_000 });
    };
    await startWith(`kafka://${broker}`, { clear });
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
