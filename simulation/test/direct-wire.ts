import type { Wire } from "../src/memory/wire.ts";

/** One that never breaks, and costs a turn of the event loop each way. */
export const directWire: Wire = {
  async carry(_transaction, work) {
    await turn();
    try {
      return await work();
    } finally {
      await turn();
    }
  },
  notify: (deliver) => void setImmediate(deliver),
};

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
