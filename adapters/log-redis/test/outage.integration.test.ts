import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { LogLoad } from "../../../tools/test-log-load.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createRedisLog, type RedisLog } from "../src/index.ts";

describeWithOwnServer("redis", "the log when Redis fails", (program) => {
  let folder: string;
  let server: OwnServer;
  let log: RedisLog;

  const create = () =>
    createRedisLog({
      url: `redis://127.0.0.1:${server.port}`,
      engine: { retryStrategy: () => 50 },
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "banyan-redis-"));
    const file = ["--dir", folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
    server = await OwnServer.start(program, (port) => [...file, "--bind", "127.0.0.1", "--port", String(port)]);
    log = create();
    await log.open({ signal: AbortSignal.timeout(10_000) });
  });
  afterEach(async () => {
    server.resume();
    await log.close({ deadlineMs: 500 });
    await server.kill();
    await rm(folder, { recursive: true });
  });

  test("killed under load again and again: what was kept comes, in order", { timeout: 60_000 }, async () => {
    const load = await LogLoad.start(log);
    for (let kill = 0; kill < 4; kill++) {
      await load.progress(1_000);
      await server.kill();
      await delay(100);
      await server.restart();
    }
    await load.progress(1_000);
    await load.settle();
    expect(load.failures).toBeGreaterThan(0);
    expect(load.losses.length).toBeGreaterThanOrEqual(4);
  });

  test("paused: appending fails in time, and goes on after a resume", { timeout: 60_000 }, async () => {
    const load = await LogLoad.start(log);
    await load.progress(500);
    server.pause();
    await expect.poll(() => load.failures, { timeout: 15_000 }).toBeGreaterThan(0);
    server.resume();
    await load.progress(500);
    await load.settle();
    expect(load.longestMs).toBeLessThan(6_000);
  });

  test("gone: append, lag and a second client fail at once", async () => {
    await server.kill();
    await expect.poll(() => log.append([message()]).catch(({ code }) => code)).toBe("log.unavailable");
    const beganMs = performance.now();
    const group = { name: "ledger", types: ["ledger.posted"] };
    await expect(log.append([message()])).rejects.toMatchObject({ code: "log.unavailable" });
    await expect(log.lag(group)).rejects.toMatchObject({ code: "log.unavailable" });
    await expect(create().open({ signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject({
      code: "log.unavailable",
    });
    expect(performance.now() - beganMs).toBeLessThan(2_000);
  });

  test("what Redis refuses is told without the events, and without the password that was tried", async () => {
    const shown = (reason: unknown) => inspect(reason, { depth: 10, showHidden: true });
    const owner = log.unwrap();
    await owner.acl("SETUSER", "ann", "on", ">right");
    const stranger = createRedisLog({ url: `redis://ann:guessed@127.0.0.1:${server.port}` });
    const refused = await stranger.open({ signal: AbortSignal.timeout(5_000) }).catch(shown);
    expect(refused).toContain("WRONGPASS");
    expect(refused).not.toContain("guessed");
    await owner.config("SET", "maxmemory", "1");
    const full = await log.append([{ ...message(), key: "ann@example.org" }]).catch(shown);
    expect(full).toContain("OOM");
    expect(full).not.toContain("ann@example.org");
  });
});

const message = () => ({
  id: "0190a0b0-0000-7000-8000-000000000001",
  type: "ledger.posted",
  key: "acme/1",
  body: Buffer.from("{}"),
});
