import { randomBytes, randomUUID } from "node:crypto";
import type { LogMessage } from "@banyan/kernel/log";
import { type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createJetStreamLog, type JetStreamLogOptions } from "../src/index.ts";

const type = "ledger.posted";
const message = (fields: Partial<LogMessage> = {}): LogMessage => ({
  id: randomUUID(),
  type,
  key: "acme/1",
  body: Buffer.from("{}"),
  ...fields,
});
const idsOf = (messages: readonly LogMessage[]) => messages.map(({ id }) => id);

describeWithServer("nats", "the log over JetStream", (url) => {
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let namespace: string;
  beforeAll(async () => {
    connection = await connect({ servers: url.replace("nats://", "") });
    manager = await jetstreamManager(connection);
  });
  beforeEach(() => {
    namespace = `test-${randomBytes(4).toString("hex")}`;
    const streams = [`${namespace}-log`, `KV_${namespace}-groups`];
    onTestFinished(async () => {
      for (const name of streams) await manager.streams.delete(name).catch(() => {});
    });
  });
  afterAll(() => connection.close());

  const open = async (options: Partial<JetStreamLogOptions> = {}) => {
    const log = createJetStreamLog({ url, namespace, ...options });
    onTestFinished(() => log.close({ deadlineMs: 1_000 }));
    await log.open({ signal: AbortSignal.timeout(10_000) });
    const kept = async () => {
      const ids: string[] = [];
      const pages = log.read({ types: [type], since: 0, signal: AbortSignal.timeout(10_000) });
      for await (const page of pages) ids.push(...idsOf(page));
      return ids;
    };
    return { log, kept };
  };

  test("what is appended again is stored once, also where only a part was there", async () => {
    const { log, kept } = await open();
    const sent = [message(), message(), message()];
    await log.append(sent.slice(0, 2));
    await log.append(sent);
    await log.append(sent);
    expect(await kept()).toEqual(idsOf(sent));
  });

  test("a full stream refuses what is new, keeps what is there, and says that it is for now", async () => {
    const { log, kept } = await open({ stream: { bytesMax: 200_000 } });
    const first = [message({ body: Buffer.alloc(100_000) })];
    await log.append(first);
    const large = [message({ body: Buffer.alloc(50_000) }), message({ body: Buffer.alloc(100_000) }), message()];
    await expect(log.append(large)).rejects.toMatchObject({
      code: "log.unavailable",
      cause: { message: expect.stringContaining("maximum bytes exceeded") },
    });
    expect(await kept()).toEqual(idsOf(first));
  });

  test("a message above the limit of the stream's operator is refused by its id, before it is sent", async () => {
    await open();
    await manager.streams.update(`${namespace}-log`, { max_msg_size: 10_000 });
    const { log } = await open();
    expect(log.traits.messageBytesMax).toBe(10_000 - 4_096);
    const large = message({ body: Buffer.alloc(8_000) });
    await expect(log.append([large])).rejects.toMatchObject({ code: "log.refused", details: { id: large.id } });
  });

  test("a limit that was lowered since is the server's to tell: what came before is kept, what is behind is not", async () => {
    const { log, kept } = await open();
    await manager.streams.update(`${namespace}-log`, { max_msg_size: 10_000 });
    const [before, large, behind] = [message(), message({ body: Buffer.alloc(20_000) }), message()];
    await expect(log.append([before, large, behind])).rejects.toMatchObject({
      code: "log.refused",
      details: { id: large.id },
    });
    expect(await kept()).toEqual([before.id]);
  });

  test.for([
    ["storage", { storage: StorageType.Memory }, 'storage is "memory" and must be "file"'],
    ["whole batches", { allow_atomic: false }, "allow_atomic is not set and must be true"],
    ["subjects", { subjects: ["other.>"] }, 'subjects is ["other.>"] and must be ["test-'],
  ] as const)(
    "a stream of somebody else's, with other %s, is a misconfiguration that says so",
    async ([, config, says]) => {
      const wanted = { name: `${namespace}-log`, subjects: [`${namespace}.log.>`], discard: "new" as const };
      await manager.streams.add({
        ...wanted,
        allow_atomic: true,
        ...config,
        subjects: [...(("subjects" in config && config.subjects) || wanted.subjects)],
      });
      await expect(open()).rejects.toMatchObject({
        code: "log.misconfigured",
        message: expect.stringContaining(says),
      });
    },
  );

  test("subjects that another stream has are a misconfiguration", async () => {
    await manager.streams.add({ name: `${namespace}-other`, subjects: [`${namespace}.>`] });
    onTestFinished(async () => void (await manager.streams.delete(`${namespace}-other`)));
    await expect(open()).rejects.toMatchObject({
      code: "log.misconfigured",
      message: expect.stringContaining("overlap"),
    });
  });

  test("what an operator has set stays: replicas, horizon, limits", async () => {
    await open({ stream: { horizonMs: 3_600_000, duplicateWindowMs: 60_000 } });
    await open();
    const { config } = await manager.streams.info(`${namespace}-log`);
    expect(config).toMatchObject({ max_age: 3_600_000e6, duplicate_window: 60_000e6, num_replicas: 1 });
  });

  test("a group's place is a value of a bucket, and means nothing to a stream that was made anew", async () => {
    const { log } = await open();
    const received: string[] = [];
    const consume = (again: typeof log) =>
      again.consume(
        { name: "ledger", types: [type], from: "earliest", inFlightMax: 10, inFlightBytesMax: 1_000_000 },
        {
          received: (messages) => {
            received.push(...idsOf(messages));
            consumer.acknowledge(messages);
          },
          lost: () => {},
          refused: () => {},
        },
      );
    let consumer = await consume(log);
    await log.append([message(), message(), message()]);
    await vi.waitFor(() => expect(received).toHaveLength(3));
    await consumer.close();
    const place = await manager.streams.getMessage(`KV_${namespace}-groups`, {
      last_by_subj: `$KV.${namespace}-groups.ledger`,
    });
    expect(place?.json()).toMatchObject({ floor: 3, beyond: 0 });
    await manager.streams.delete(`${namespace}-log`);
    const { log: anew } = await open();
    const first = message();
    await anew.append([first]);
    consumer = await consume(anew);
    await vi.waitFor(() => expect(received.at(-1)).toBe(first.id));
  });

  test("a group that holds one message for long has a lag of one, however much is done behind it", async () => {
    const { log } = await open();
    const group = { name: "ledger", types: [type] };
    const consumer = await log.consume(
      { ...group, from: "earliest", inFlightMax: 100, inFlightBytesMax: 1_000_000 },
      {
        received: (messages) => consumer.acknowledge(messages.filter(({ key }) => key !== "held")),
        lost: () => {},
        refused: () => {},
      },
    );
    await log.append([message({ key: "held" }), ...Array.from({ length: 500 }, () => message())]);
    await expect.poll(() => log.lag(group), { timeout: 5_000 }).toBe(1);
    const { log: elsewhere } = await open();
    await expect.poll(() => elsewhere.lag(group)).toBe(1);
  });

  test("a group is told once how many messages passed the horizon before it had read them, and goes on behind them", async () => {
    const { log } = await open({ stream: { horizonMs: 1_000 } });
    const received: string[] = [];
    const refused = vi.fn();
    const consume = async () => {
      const consumer = await log.consume(
        { name: "ledger", types: [type], from: "earliest", inFlightMax: 10, inFlightBytesMax: 1_000_000 },
        {
          received(messages) {
            received.push(...idsOf(messages));
            consumer.acknowledge(messages);
          },
          lost: () => {},
          refused,
        },
      );
      return consumer;
    };
    const first = await consume();
    const sent = [message(), message()];
    await log.append(sent);
    await vi.waitFor(() => expect(received).toEqual(idsOf(sent)));
    await first.close();
    await log.append([message(), message({ type: "ledger.sealed" }), message()]);
    const left = async () => (await manager.streams.info(`${namespace}-log`)).state.messages;
    await expect.poll(left, { timeout: 20_000 }).toBe(0);
    const late = await consume();
    expect(refused.mock.calls).toEqual([["expired", 3]]);
    const next = message();
    await log.append([next]);
    await vi.waitFor(() => expect(received).toEqual(idsOf([...sent, next])), 5_000);
    await late.close();
    await consume();
    expect(refused).toHaveBeenCalledOnce();
  });

  test("the place of a quiet group moves past what is of other types, so that it misses nothing when that goes", async () => {
    const { log } = await open();
    const consumer = await log.consume(
      { name: "ledger", types: [type], from: "earliest", inFlightMax: 10, inFlightBytesMax: 1_000_000 },
      { received: (messages) => consumer.acknowledge(messages), lost: () => {}, refused: () => {} },
    );
    await log.append([message(), message({ type: "ledger.sealed" }), message({ type: "ledger.sealed" })]);
    const place = { last_by_subj: `$KV.${namespace}-groups.ledger` };
    const floor = async () =>
      (await manager.streams.getMessage(`KV_${namespace}-groups`, place))?.json<{ readonly floor: number }>().floor;
    // The server says every five seconds how far it has looked.
    await expect.poll(floor, { timeout: 20_000 }).toBe(3);
  }, 30_000);

  test("a consumer whose reading the server ends takes up again at its place", async () => {
    const { log } = await open();
    const received: string[] = [];
    const lost = vi.fn();
    const consumer = await log.consume(
      { name: "ledger", types: [type], from: "earliest", inFlightMax: 10, inFlightBytesMax: 1_000_000 },
      {
        received: (messages) => {
          received.push(...idsOf(messages));
          consumer.acknowledge(messages);
        },
        lost,
        refused: () => {},
      },
    );
    const [one, other] = [message(), message()];
    await log.append([one]);
    await vi.waitFor(() => expect(received).toEqual([one.id]));
    for await (const { name } of manager.consumers.list(`${namespace}-log`))
      await manager.consumers.delete(`${namespace}-log`, name);
    await vi.waitFor(() => expect(lost).toHaveBeenCalledOnce());
    await log.append([other]);
    await vi.waitFor(() => expect(received.at(-1)).toBe(other.id), 5_000);
  });

  test("what is no address or no namespace is refused, without showing its password", () => {
    expect(() => createJetStreamLog({ url: "http://user:secret@localhost" })).toThrow(
      /"http:\/\/\*\*\*@localhost" is no/,
    );
    expect(() => createJetStreamLog({ url, namespace: "a.b" })).toThrow("no namespace");
  });
});
