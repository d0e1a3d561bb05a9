import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogMessage, ReceivedMessage } from "@banyan/kernel/log";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { describeWithOwnServer, describeWithServer } from "../../../tools/test-server.ts";
import { createRedisLog, type RedisLog, type RedisLogOptions } from "../src/index.ts";

const type = "ledger.posted";
const group = { name: "ledger", types: [type] };
const message = (fields: Partial<LogMessage> = {}): LogMessage => ({
  id: randomUUID(),
  type,
  key: "acme/1",
  body: Buffer.from("{}"),
  ...fields,
});
const many = (count: number, fields: Partial<LogMessage> = {}) => Array.from({ length: count }, () => message(fields));

async function open(options: RedisLogOptions): Promise<RedisLog> {
  const log = createRedisLog(options);
  onTestFinished(() => log.close({ deadlineMs: 1_000 }));
  await log.open({ signal: AbortSignal.timeout(10_000) });
  return log;
}

/** Acknowledges what `isDone` says. */
async function consume(log: RedisLog, isDone: (message: ReceivedMessage) => boolean = () => true) {
  const received: ReceivedMessage[] = [];
  const consumer = await log.consume(
    { ...group, from: "earliest", inFlightMax: 100, inFlightBytesMax: 1_000_000 },
    {
      received: (messages) => {
        received.push(...messages);
        consumer.acknowledge(messages.filter(isDone));
      },
      lost: () => {},
      refused: () => {},
    },
  );
  return { received, consumer };
}

describeWithServer("redis", "the log over Redis Streams", (url) => {
  let redis: Redis;
  let namespace: string;
  let stream: string;
  beforeAll(() => {
    redis = new Redis(url);
  });
  beforeEach(() => {
    namespace = `test-${randomBytes(4).toString("hex")}`;
    stream = `${namespace}:log`;
    onTestFinished(async () => void (await redis.del(stream, `${stream}:beyond`)));
  });
  afterAll(() => redis.disconnect());

  const place = async () => Object.fromEntries(pairsOf((await redis.xinfo("GROUPS", stream)) as unknown[][]));

  test("a group is one of Redis' own: its place and how much is behind it are there to be seen", async () => {
    const log = await open({ url, namespace });
    const { received, consumer } = await consume(log);
    await log.append(many(10));
    await vi.waitFor(() => expect(received).toHaveLength(10));
    await consumer.close();
    await log.append(many(5));
    expect(await place()).toMatchObject({ name: "ledger", pending: 0, "entries-read": 10, lag: 5 });
    expect(await log.lag(group)).toBe(5);
  });

  test("a group that somebody destroyed is made again", async () => {
    const log = await open({ url, namespace });
    const { received } = await consume(log);
    await log.append(many(3));
    await vi.waitFor(() => expect(received).toHaveLength(3));
    await redis.xgroup("DESTROY", stream, "ledger");
    await log.append(many(3));
    await expect.poll(place, { timeout: 10_000 }).toMatchObject({ name: "ledger", "entries-read": 6 });
  });

  test("a group that holds one message for long has a lag of one, however much is done behind it", async () => {
    const log = await open({ url, namespace });
    await consume(log, ({ key }) => key !== "held");
    await log.append([message({ key: "held" }), ...many(500)]);
    await expect.poll(() => log.lag(group), { timeout: 5_000 }).toBe(1);
  });

  test("far behind its place a group's lag is taken from the first 10,000 entries", async () => {
    const log = await open({ url, namespace });
    const { consumer } = await consume(log);
    await consumer.close();
    for (let round = 0; round < 6; round++) {
      await log.append([...many(1_500), ...many(1_500, { type: "ledger.closed" })]);
    }
    expect(await log.lag(group)).toBeGreaterThan(8_000);
    expect(await log.lag(group)).toBeLessThan(10_000);
  });

  test("what is older than the horizon goes, but nothing that a group has not acknowledged", async () => {
    const log = await open({ url, namespace, horizonMs: 100 });
    const { received, consumer } = await consume(log, ({ key }) => key === "done");
    await log.append([...many(1_000, { key: "done" }), message({ key: "held" }), ...many(600, { key: "done" })]);
    await vi.waitFor(() => expect(received).toHaveLength(1_601));
    const goOn = async () => {
      await log.append([message({ key: "done" })]);
      return await redis.xlen(stream);
    };
    await expect.poll(goOn, { interval: 60, timeout: 5_000 }).toBeLessThan(1_000);
    const [held] = received.filter(({ key }) => key === "held") as [ReceivedMessage];
    for (let again = 0; again < 5; again++) await new Promise((resolve) => setTimeout(resolve, 60)).then(goOn);
    expect(await redis.xlen(stream)).toBeGreaterThan(600);
    consumer.acknowledge([held]);
    await expect.poll(goOn, { interval: 60, timeout: 5_000 }).toBeLessThan(300);
  });

  test("a key that holds something else is a misconfiguration that says so", async () => {
    await redis.set(stream, "somebody else's");
    await expect(open({ url, namespace })).rejects.toMatchObject({
      code: "log.misconfigured",
      message: expect.stringContaining(`the key "${stream}" holds a string and must hold a stream`),
    });
  });

  test("what is no address is refused, without showing its password", () => {
    expect(() => createRedisLog({ url: "http://user:secret@localhost" })).toThrow(/"http:\/\/\*\*\*@localhost" is no/);
  });
});

function pairsOf(groups: unknown[][]): [string, unknown][] {
  const [only = []] = groups;
  return only.flatMap((name, at) => (at % 2 === 0 ? [[String(name), only[at + 1]] as [string, unknown]] : []));
}

describeWithOwnServer("redis", "the log and how Redis is set", (program) => {
  const start = async (...args: string[]) => {
    const folder = await mkdtemp(join(tmpdir(), "banyan-redis-"));
    const fixed = ["--dir", folder, "--save", "", "--bind", "127.0.0.1", ...args];
    const server = await OwnServer.start(program, (port) => [...fixed, "--port", String(port)]);
    onTestFinished(async () => {
      await server.kill();
      await rm(folder, { recursive: true });
    });
    return `redis://127.0.0.1:${server.port}`;
  };

  test("a Redis that writes no file promises nothing", async () => {
    expect((await open({ url: await start() })).traits.durable).toBe("no");
    expect((await open({ url: await start("--appendonly", "yes") })).traits.durable).toBe("server");
  });

  test("a Redis that deletes keys when its memory is full is a misconfiguration", async () => {
    const url = await start("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");
    await expect(open({ url })).rejects.toMatchObject({
      code: "log.misconfigured",
      message: expect.stringContaining("maxmemory-policy is allkeys-lru"),
    });
  });

  test("without memory nothing of a call is kept, and it says that it is for now", async () => {
    const log = await open({ url: await start("--maxmemory", "6mb") });
    let kept = 0;
    const fill = async () => {
      for (; kept < 50; kept++) await log.append([message(), message({ body: Buffer.alloc(500_000) }), message()]);
    };
    await expect(fill()).rejects.toMatchObject({
      code: "log.unavailable",
      cause: { message: expect.stringContaining("OOM") },
    });
    expect(kept).toBeGreaterThan(0);
    expect(await log.unwrap().xlen("banyan:log")).toBe(3 * kept);
  });

  test("a user with the right password who may use our keys alone appends and reads", async () => {
    const user = "ledger on >p@ss ~banyan:* +@all".split(" ");
    const url = await start("--user", "default", "off", "--user", ...user);
    const log = await open({ url: url.replace("//", "//ledger:p%40ss@") });
    const { received } = await consume(log);
    await log.append(many(3));
    await vi.waitFor(() => expect(received).toHaveLength(3));
    const named = await open({ url, username: "ledger", password: "p@ss" });
    await named.append(many(1));
    await expect(open({ url })).rejects.toMatchObject({ code: "log.unavailable" });
  });

  test("a user with a wrong password, or one who may not ask for what it needs, is told so", async () => {
    const users = ["--user", "default on nopass ~* +@all", "--user", "ledger on >p@ss ~banyan:* +@all -info"];
    const url = await start(...users.flatMap((word) => (word.startsWith("--") ? [word] : word.split(" "))));
    const as = (user: string) => url.replace("//", `//${user}@`);
    await expect(open({ url: as("ledger:wrong") })).rejects.toMatchObject({ code: "log.unavailable" });
    await expect(open({ url: as("ledger:p%40ss") })).rejects.toMatchObject({
      code: "log.unavailable",
      cause: { message: expect.stringContaining("'info' command") },
    });
  });
});
