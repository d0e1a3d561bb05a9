import { peer } from "../subject-process.ts";
import { withBroker } from "./broker.ts";
import { type Transport, type Want, wanted } from "./transport.ts";

const ours = new URL("./ours.ts", import.meta.url);
const exchange = new URL("./exchange.ts", import.meta.url);

const rows: Want[] = [
  ["NATS, small, 64 in flight", "small rate", "nats", "moleculer", 1.5],
  ["NATS, small, 64 in flight", "small rate", "nats", "inbox", 1],
  ["NATS, small, CPU", "small cpu", "nats", "moleculer", 1 / 0.75],
  ["NATS, small, one at a time, p50", "small p50", "nats", "request", 1],
  ["NATS, small, one at a time, p50", "small p50", "nats", "moleculer"],
  ["NATS, small, without contracts", "small rate", "exchange", "moleculer"],
  ["NATS, small, without contracts, p50", "small p50", "exchange", "request"],
  ["NATS, 10 KB, 64 in flight", "large rate", "nats", "moleculer", 1.1],
  ["NATS, 10 KB, JSON, 64 in flight", "large rate", "json", "moleculer"],
  ["NATS, 10 KB, one at a time, p50", "large p50", "nats", "moleculer"],
];

/** Through NATS: beside Moleculer, and beside what its own client can do without any framework. */
export const nats: Transport = {
  prepare: (bench) =>
    withBroker(bench, {
      server: "nats",
      args: (port) => ["-a", "127.0.0.1", "-p", String(port)],
      subjects: (port) => {
        const url = `nats://127.0.0.1:${port}`;
        const bus = { nats: { url } };
        return [
          { id: "nats", name: "ours", module: ours, options: { bus } },
          { id: "moleculer", name: "Moleculer over NATS", module: peer("bus/moleculer"), options: { transport: url } },
          { id: "inbox", name: "nats.js, one inbox", module: peer("bus/nats"), options: { url, api: "inbox" } },
          { id: "request", name: "nats.js, request()", module: peer("bus/nats"), options: { url, api: "request" } },
          { id: "exchange", name: "ours, without contracts", module: exchange, options: { bus } },
          { id: "json", name: "ours, JSON", module: ours, options: { bus, json: true } },
        ];
      },
    }),
  wanted: wanted(rows),
};
