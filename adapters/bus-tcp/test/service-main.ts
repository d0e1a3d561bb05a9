/** A process of its own that offers `probe`; says its address to whoever started it. */
import { implement } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { createTcpBus } from "../src/index.ts";
import { probe } from "./probe-contract.ts";

let started = 0;
const service = implement(probe, {
  queries: {
    pid: async () => process.pid,
    mark: async () => ++started,
    marks: async () => started,
  },
});
const [seed] = process.argv.slice(2);
const bus = createTcpBus({ listen: "127.0.0.1:0", seeds: seed === undefined ? [] : [seed] });
const app = createApp({ services: [service], bus });
await app.start();
process.send?.(bus.address);
process.on("disconnect", () => process.exit(0));
