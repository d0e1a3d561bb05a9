import { peer } from "../subject-process.ts";
import { withBroker } from "./broker.ts";
import { type Transport, type Want, wanted } from "./transport.ts";

const ours = new URL("./ours.ts", import.meta.url);

const rows: Want[] = [
  ["Redis, small, 64 in flight", "small rate", "redis", "nest", 1.5],
  ["Redis, small, CPU", "small cpu", "redis", "nest"],
  ["Redis, small, one at a time, p50", "small p50", "redis", "nest"],
  ["Redis, 10 KB, 64 in flight", "large rate", "redis", "nest"],
];

/** Through the pub/sub of Redis, beside NestJS. */
export const redis: Transport = {
  prepare: (bench) =>
    withBroker(bench, {
      server: "redis",
      args: (port, folder) => ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--dir", folder],
      subjects: (port) => {
        const bus = { redis: { url: `redis://127.0.0.1:${port}` } };
        return [
          { id: "redis", name: "ours", module: ours, options: { bus } },
          { id: "nest", name: "NestJS over Redis", module: peer("bus/nest"), options: { transport: "redis", port } },
        ];
      },
    }),
  wanted: wanted(rows),
};
