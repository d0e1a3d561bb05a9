import { randomBytes } from "node:crypto";
import { busConformance } from "@banyan/conformance/bus";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createNatsBus, type NatsBus } from "../src/index.ts";

describeWithServer("nats", "NATS", (url) => {
  busConformance("core NATS", async () => {
    const buses: NatsBus[] = [];
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    return {
      createBus() {
        const bus = createNatsBus({ url, namespace, engine: { reconnectTimeWait: 20, reconnectJitter: 0 } });
        buses.push(bus);
        return bus;
      },
      // As when the server is restarted: each connection breaks, and is made again.
      async interrupt() {
        const open = buses.map((bus) => bus.unwrap()).filter((connection) => !connection.isClosed());
        await Promise.all(open.map((connection) => connection.reconnect()));
      },
      close: async () => {},
    };
  });
});
