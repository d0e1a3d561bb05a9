import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "@banyan/kernel/log";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OwnServer, type OwnServerName } from "../own-server.ts";
import { describeWithOwnServer } from "../test-server.ts";
import { LogLoad } from "./load.ts";

/** A log whose server can be killed and stopped. */
export interface OutageSubject {
  readonly server: OwnServerName;
  readonly title: string;
  /** What its program is started with, to keep what it is given in `folder`. */
  args(folder: string, port: number): readonly string[];
  /** A client of it, not yet open. */
  create(port: number): Log;
}

/** What a log does whose server is killed, stopped or gone. */
export function describeOutages(subject: OutageSubject): void {
  describeWithOwnServer(subject.server, subject.title, (program) => {
    let folder: string;
    let server: OwnServer;
    let log: Log;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), `banyan-${subject.server}-`));
      server = await OwnServer.start(program, (port) => subject.args(folder, port));
      log = subject.create(server.port);
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
      const unavailable = { code: "log.unavailable" };
      await server.kill();
      await expect.poll(() => log.append([message()]).catch(({ code }) => code)).toBe(unavailable.code);
      const beganMs = performance.now();
      await expect(log.append([message()])).rejects.toMatchObject(unavailable);
      await expect(log.lag({ name: "ledger", types: ["ledger.posted"] })).rejects.toMatchObject(unavailable);
      const second = subject.create(server.port);
      await expect(second.open({ signal: AbortSignal.timeout(5_000) })).rejects.toMatchObject(unavailable);
      expect(performance.now() - beganMs).toBeLessThan(2_000);
    });
  });
}

const message = () => ({
  id: "0190a0b0-0000-7000-8000-000000000001",
  type: "ledger.posted",
  key: "acme/1",
  body: Buffer.from("{}"),
});
