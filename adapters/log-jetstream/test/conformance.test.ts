import { randomBytes } from "node:crypto";
import { logConformance } from "@banyan/conformance/log";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createJetStreamLog, type JetStreamLog } from "../src/index.ts";

describeWithServer("nats", "JetStream", (url) => {
  logConformance("JetStream", async () => {
    const logs: JetStreamLog[] = [];
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    const stranger = await connect({ servers: url.replace("nats://", "") });
    const connections = () => logs.map((log) => log.unwrap()).filter((connection) => !connection.isClosed());
    return {
      createLog() {
        const log = createJetStreamLog({ url, namespace, engine: { reconnectTimeWait: 20, reconnectJitter: 0 } });
        logs.push(log);
        return log;
      },
      async interrupt() {
        await Promise.all(connections().map((connection) => connection.reconnect()));
      },
      async plant(type) {
        stranger.publish(`${namespace}.log.${type}`, "no message");
        await stranger.flush();
      },
      async close() {
        const { streams } = await jetstreamManager(stranger);
        await Promise.all([`${namespace}-log`, `KV_${namespace}-groups`].map((name) => streams.delete(name)));
        await stranger.close();
      },
    };
  });
});
