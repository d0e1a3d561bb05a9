import { describeOutages } from "../../../tools/test-log/outage.ts";
import { createJetStreamLog } from "../src/index.ts";

describeOutages({
  server: "nats",
  title: "the log when JetStream fails",
  args: (folder, port) => ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", String(port)],
  create: (port) =>
    createJetStreamLog({
      url: `nats://127.0.0.1:${port}`,
      engine: { pingInterval: 500, reconnectTimeWait: 50, reconnectJitter: 0 },
    }),
});
