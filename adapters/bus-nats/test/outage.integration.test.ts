import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { outcome } from "../../../tools/test-bus/node.ts";
import { describeOutages } from "../../../tools/test-bus/outage.ts";
import { createNatsBus } from "../src/index.ts";

describeOutages(
  {
    server: "nats",
    title: "the bus when NATS fails",
    args: (folder, port) => {
      const config = join(folder, "nats.conf");
      writeFileSync(config, "max_pending: 1MB\nmax_payload: 512KB\nwrite_deadline: '1s'\n");
      return ["-c", config, "-a", "127.0.0.1", "-p", String(port)];
    },
    create: (port) =>
      createNatsBus({
        url: `nats://127.0.0.1:${port}`,
        unconfirmedBytesMax: 1_000_000,
        engine: { pingInterval: 200, reconnectTimeWait: 50, reconnectJitter: 0 },
      }),
  },
  (outage) => {
    test("killed: sending to a group fails at once, and works again after a restart", async () => {
      const { server, a, b } = outage();
      b.bus.join("ledger");
      const toGroup = () => outcome((batch) => void a.bus.sendToGroup("ledger", batch), "hello");
      await b.bus.unwrap().flush();
      expect(await toGroup()).toBe("sent");
      await a.send(b.ref, "known from now on");
      await server.kill();
      await a.until(() => a.losses.length > 0);
      expect(await toGroup()).toMatchObject({ code: "bus.unavailable" });
      await server.restart();
      await expect.poll(toGroup, { timeout: 10_000 }).toBe("sent");
    });

    test("a node that does not read is cut off and lost, and holds up nobody else", async () => {
      const { server, a, b } = outage();
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
      expect(outage().a.bus.traits.batchBytesMax).toBe(512 * 1024);
    });
  },
);
