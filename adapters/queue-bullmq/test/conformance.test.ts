import { randomBytes } from "node:crypto";
import { queueConformance } from "@banyan/conformance/queue";
import { removeKeys } from "../../../tools/remove-keys.ts";
import { TestProxy } from "../../../tools/test-proxy.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createBullTickets } from "../src/index.ts";

describeWithServer("redis", "BullMQ", (url) => {
  queueConformance("BullMQ", async () => {
    const namespace = `test-${randomBytes(4).toString("hex")}`;
    const proxies: TestProxy[] = [];
    // One for each client, ahead of them, so that each can be held up alone.
    const ready = await Promise.all(Array.from({ length: 32 }, () => TestProxy.before(Number(new URL(url).port))));
    return {
      createQueue() {
        const proxy = ready.pop();
        if (proxy === undefined) throw new Error("the suite has more clients than there are proxies");
        proxies.push(proxy);
        const through = new URL(url);
        through.port = String(proxy.port);
        const queue = createBullTickets({ url: through.href, namespace });
        return { queue, holdUp: (isHeldUp) => proxy.holdUp(isHeldUp) };
      },
      interrupt() {
        for (const proxy of proxies) proxy.cut();
      },
      async close() {
        for (const proxy of [...proxies, ...ready]) proxy.close();
        await removeKeys(url, namespace);
      },
    };
  });
});
