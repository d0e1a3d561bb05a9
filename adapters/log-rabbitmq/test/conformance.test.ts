import { logConformance } from "@banyan/conformance/log";
import { TestProxy } from "../../../tools/test-proxy.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createRabbitLog } from "../src/index.ts";
import { newNamespace, removeNamespace } from "./rabbit.ts";

describeWithServer("rabbitmq", "RabbitMQ", (url) => {
  logConformance("RabbitMQ", async () => {
    const namespace = newNamespace();
    const proxy = await TestProxy.before(Number(new URL(url).port));
    const behindProxy = Object.assign(new URL(url), { port: String(proxy.port) }).href;
    return {
      createLog: () => createRabbitLog({ url: behindProxy, namespace }),
      interrupt: () => proxy.cut(),
      async plant(type) {
        const log = createRabbitLog({ url, namespace });
        await log.open({ signal: AbortSignal.timeout(5_000) });
        const channel = await (await log.unwrap()).createConfirmChannel();
        channel.publish(`${namespace}.events`, type, Buffer.from("what is this"));
        await channel.waitForConfirms();
        await log.close({ deadlineMs: 1_000 });
      },
      async close() {
        proxy.close();
        await removeNamespace(namespace);
      },
    };
  });
});
