import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { outcome, TestNode } from "../../../tools/test-bus-node.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createNatsBus, type NatsBus } from "../src/index.ts";

describeWithOwnServer("nats", "the bus when NATS fails", (program) => {
  let folder: string;
  let server: OwnServer;
  let a: TestNode<NatsBus>;
  let b: TestNode<NatsBus>;

  const open = () =>
    TestNode.open(
      createNatsBus({
        url: `nats://127.0.0.1:${server.port}`,
        unconfirmedBytesMax: 1_000_000,
        engine: { pingInterval: 200, reconnectTimeWait: 50, reconnectJitter: 0 },
      }),
    );

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "banyan-nats-"));
    const config = join(folder, "nats.conf");
    await writeFile(config, "max_pending: 1MB\nmax_payload: 512KB\nwrite_deadline: '1s'\n");
    server = await OwnServer.start(program, (port) => ["-c", config, "-a", "127.0.0.1", "-p", String(port)]);
    [a, b] = [await open(), await open()];
  });
  afterEach(async () => {
    server.resume();
    await Promise.all([a, b].map(({ bus }) => bus.close({ deadlineMs: 200 })));
    await server.kill();
    await rm(folder, { recursive: true });
  });

  /** Sends one batch after the other until told to stop; answers how many were said to be sent, and to have failed. */
  function load() {
    const said = { sent: 0, failed: 0 };
    let sequence = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < 20; i++)
        void a.send(b.ref, `${sequence++}`).then((what) => said[what === "sent" ? "sent" : "failed"]++);
    }, 1);
    return { said, end: () => clearInterval(timer) };
  }

  test("killed under load: every node is lost once, sending fails at once, and works again after a restart", async () => {
    b.bus.join("ledger");
    const { said, end } = load();
    await b.until(() => b.heard.length > 500);
    await server.kill();
    await a.until(() => a.losses.length > 0);
    expect(await a.send(b.ref, "down")).toMatchObject({ code: "bus.unavailable", retry: "yes" });
    expect(await outcome((batch) => void a.bus.sendToGroup("ledger", batch), "down")).toMatchObject({
      code: "bus.unavailable",
    });
    await server.restart();
    const before = b.heard.length;
    await b.until(() => b.heard.length > before + 500);
    end();
    expect(said.failed).toBeGreaterThan(0);
    // While one is back and the other is not, the server answers that nobody is there.
    expect(new Set(a.losses)).toEqual(new Set([b.id]));
    expect(b.losses).toEqual([a.id]);
    const order = b.heard.map(({ text }) => Number(text));
    expect(order).toEqual([...order].sort((x, y) => x - y));
    expect(await outcome((batch) => void a.bus.sendToGroup("ledger", batch), "back")).toBe("sent");
  });

  test("paused: sending is held back, not piled up; then the node is lost, and found again after a resume", async () => {
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

  test("a node that does not read is cut off and lost, and holds up nobody else", async () => {
    const hung = connect(server.port, "127.0.0.1");
    await once(hung, "data");
    hung.on("error", () => {}).pause();
    hung.write('CONNECT {"verbose":false}\r\nSUB banyan.node.hung.* 1\r\nPING\r\n');
    const batch = new Uint8Array(100_000);
    const flood = setInterval(
      () => void a.bus.send({ id: "hung", address: "" }, { frames: batch, sent: () => {}, failed: () => {} }),
      1,
    );
    await a.until(() => a.losses.includes("hung"));
    clearInterval(flood);
    await a.send(b.ref, "still here");
    await b.until(() => b.heard.length === 1);
    expect(a.losses).not.toContain(b.id);
    hung.destroy();
  });

  test("takes the server's own limit for a batch", () => {
    expect(a.bus.traits.batchBytesMax).toBe(512 * 1024);
  });
});
