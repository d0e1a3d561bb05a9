import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";

const IN_FLIGHT = 1_000;
const body = Buffer.from(JSON.stringify({ specversion: "1.0", data: "x".repeat(270) }));

/** ioredis by itself: an XADD for each message, read by a group in hundreds, each acknowledged. */
export async function open({ url }) {
  const name = `bench-raw-${randomUUID()}`;
  const [redis, reader] = [new Redis(url), new Redis(url)];
  await redis.xgroup("CREATE", name, "bench", "$", "MKSTREAM");
  let arrived = () => {};
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      const from = ["GROUP", "bench", "one", "COUNT", 100, "BLOCK", 100, "STREAMS", name, ">"];
      const streams = await reader.xreadgroupBuffer(...from);
      for (const [id] of streams?.[0][1] ?? []) {
        void redis.xack(name, "bench", id);
        arrived();
      }
    }
  })();
  return {
    async run(count) {
      const { promise: all, resolve } = Promise.withResolvers();
      let left = count;
      arrived = () => {
        if (--left === 0) resolve();
      };
      const startMs = performance.now();
      let sent = 0;
      const sender = async () => {
        while (sent++ < count) await redis.xadd(name, "*", "id", randomUUID(), "key", `acme/${sent % 100}`, "body", body);
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
      await all;
      return (count / (performance.now() - startMs)) * 1_000;
    },
    async close() {
      isOver = true;
      await reading;
      await redis.del(name);
      redis.disconnect();
      reader.disconnect();
    },
  };
}
