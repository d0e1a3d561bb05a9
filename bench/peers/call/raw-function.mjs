import { callLoops } from "../../src/loops.ts";

export function open() {
  const math = { add: async ({ a, b }) => a + b };
  return callLoops(() => math.add({ a: 1, b: 2 }));
}
