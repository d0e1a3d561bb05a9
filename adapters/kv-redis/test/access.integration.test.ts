import { inspect } from "node:util";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createRedisKv } from "../src/index.ts";

const password = "p-ss-of-whoever-runs-it";

describeWithOwnServer("redis", "who may use Redis for keys and values", (program) => {
  let server: OwnServer;
  let owner: Redis;
  beforeAll(async () => {
    server = await OwnServer.start(program, (port) => [
      ...["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--requirepass", password],
    ]);
    owner = new Redis(`redis://:${password}@127.0.0.1:${server.port}`);
  });
  afterAll(async () => {
    owner.disconnect();
    await server.kill();
  });

  const opened = async (user: string) => {
    const kv = createRedisKv({ url: `redis://${user}@127.0.0.1:${server.port}` });
    onTestFinished(() => kv.close({ deadlineMs: 500 }));
    await kv.open({ signal: AbortSignal.timeout(5_000) });
    return kv.space("probe");
  };

  test("who may not is told so, without the password that was tried", async () => {
    const error = await opened(":guessed").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "kv.misconfigured", message: expect.stringContaining("WRONGPASS") });
    expect(inspect(error, { depth: 10 })).not.toContain("guessed");
  });

  test("an address that is none is not told with its password", () => {
    const create = () => createRedisKv({ url: "redis://:gue/ssed@host" });
    expect(create).toThrow('"redis://***@host" is no address of Redis');
  });

  test("what Redis refuses is not told with the value", async () => {
    const space = await opened(`:${password}`);
    await owner.config("SET", "maxmemory", "1");
    onTestFinished(async () => void (await owner.config("SET", "maxmemory", "0")));
    const error = await space.set("key", "ann@example.org").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "kv.unavailable" });
    expect(inspect(error, { depth: 10 })).toContain("OOM");
    expect(inspect(error, { depth: 10 })).not.toContain("ann@example.org");
  });

  test("who may not subscribe when the connection is made again hears as soon as that is allowed", async () => {
    await owner.acl("SETUSER", "service", "on", ">service", "~*", "&*", "+@all");
    const space = await opened("service:service");
    const heard: string[] = [];
    await space.subscribe("news", (message) => heard.push(message));
    await owner.acl("SETUSER", "service", "-subscribe");
    await owner.call("CLIENT", "KILL", "TYPE", "pubsub");
    await owner.call("CLIENT", "KILL", "USER", "service");
    const denials = async () => String(await owner.acl("LOG"));
    await expect.poll(denials, { timeout: 10_000 }).toContain("subscribe");
    await owner.acl("SETUSER", "service", "+subscribe");
    const hear = async () => {
      await space.publish("news", "again");
      return heard;
    };
    await expect.poll(hear, { timeout: 10_000 }).toContain("again");
  });
});
