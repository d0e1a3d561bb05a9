import { ServiceBroker } from "moleculer";
import { callLoops } from "../../src/loops.ts";

/** `requestTimeout` 0, Moleculer's default, sets no timer. */
export async function open({ requestTimeout = 0 }) {
  const broker = new ServiceBroker({ logger: false, requestTimeout });
  broker.createService({
    name: "math",
    actions: {
      add: { params: { a: "number", b: "number" }, handler: async ({ params: { a, b } }) => a + b },
    },
  });
  await broker.start();
  return callLoops(() => broker.call("math.add", { a: 1, b: 2 }));
}
