import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bus } from "@banyan/kernel/bus";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OwnServer, type OwnServerName } from "../own-server.ts";
import { describeWithOwnServer } from "../test-server.ts";
import { TestNode } from "./node.ts";

/** A bus whose server can be killed and stopped. */
export interface OutageSubject<B extends Bus> {
  readonly server: OwnServerName;
  readonly title: string;
  /** What its program is started with; `folder` is its own. */
  args(folder: string, port: number): readonly string[];
  /** A client of it, not yet open, that finds out within a second and holds back from a megabyte on. */
  create(port: number): B;
}

/** Two nodes on a server of their own. */
export interface Outage<B extends Bus> {
  readonly server: OwnServer;
  readonly a: TestNode<B>;
  readonly b: TestNode<B>;
}

/** What a bus does whose server is killed or stopped; `more` adds tests of what only this one does. */
export function describeOutages<B extends Bus>(
  subject: OutageSubject<B>,
  more: (outage: () => Outage<B>) => void,
): void {
  describeWithOwnServer(subject.server, subject.title, (program) => {
    let folder: string;
    let outage: Outage<B>;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), `banyan-${subject.server}-`));
      const server = await OwnServer.start(program, (port) => subject.args(folder, port));
      const [a, b] = [
        await TestNode.open(subject.create(server.port)),
        await TestNode.open(subject.create(server.port)),
      ];
      outage = { server, a, b };
    });
    afterEach(async () => {
      const { server, a, b } = outage;
      server.resume();
      await Promise.all([a, b].map(({ bus }) => bus.close({ deadlineMs: 200 })));
      await server.kill();
      await rm(folder, { recursive: true });
    });

    test("killed under load: every node is lost, sending fails at once, and works again after a restart", async () => {
      const { server, a, b } = outage;
      const said = { sent: 0, failed: 0 };
      let sequence = 0;
      const load = setInterval(() => {
        for (let i = 0; i < 20; i++)
          void a.send(b.ref, `${sequence++}`).then((what) => said[what === "sent" ? "sent" : "failed"]++);
      }, 1);
      await b.until(() => b.heard.length > 500);
      await server.kill();
      await Promise.all([a.until(() => a.losses.length > 0), b.until(() => b.losses.length > 0)]);
      expect(await a.send(b.ref, "down")).toMatchObject({ code: "bus.unavailable", retry: "yes" });
      await server.restart();
      const before = b.heard.length;
      await b.until(() => b.heard.length > before + 500);
      clearInterval(load);
      expect(said.failed).toBeGreaterThan(0);
      // While one is back and the other is not, a server may answer that nobody is there: the sender hears of it once more.
      expect(new Set(a.losses)).toEqual(new Set([b.id]));
      expect(b.losses).toEqual([a.id]);
      const order = b.heard.map(({ text }) => Number(text));
      expect(order).toEqual([...order].sort((x, y) => x - y));
    });

    test("paused: sending is held back, not piled up; then the node is lost, and found again after a resume", async () => {
      const { server, a, b } = outage;
      await a.send(b.ref, "before");
      await b.until(() => b.heard.length === 1);
      server.pause();
      const batch = new Uint8Array(100_000);
      let sends = 0;
      while (sends < 1_000 && a.bus.send(b.ref, { frames: batch, sent: () => {}, failed: () => {} })) sends++;
      expect(sends).toBeLessThan(12);
      await a.until(() => a.losses.length > 0);
      expect(await a.send(b.ref, "down")).toMatchObject({ code: "bus.unavailable" });
      server.resume();
      const again = setInterval(() => void a.send(b.ref, "after"), 20);
      await b.until(() => b.heard.some(({ text }) => text === "after"));
      clearInterval(again);
    });

    more(() => outage);
  });
}
