import { queueConformance } from "@banyan/conformance/queue";
import { TicketsInMemory } from "./tickets-in-memory.ts";

queueConformance("a queue in memory", async () => {
  const server = new TicketsInMemory();
  return {
    createQueue() {
      const queue = server.createQueue();
      return {
        queue,
        holdUp(isHeldUp) {
          queue.isSilent = isHeldUp;
        },
      };
    },
    interrupt: () => {},
    close: () => server.close(),
  };
});
