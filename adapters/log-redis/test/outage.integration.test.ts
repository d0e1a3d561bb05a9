import { describeOutages } from "../../../tools/test-log/outage.ts";
import { createRedisLog } from "../src/index.ts";

describeOutages({
  server: "redis",
  title: "the log when Redis fails",
  args: (folder, port) => {
    const file = ["--dir", folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
    return [...file, "--bind", "127.0.0.1", "--port", String(port)];
  },
  create: (port) => createRedisLog({ url: `redis://127.0.0.1:${port}`, engine: { retryStrategy: () => 50 } }),
});
