import type { Area, Bench } from "../rounds.ts";
import type { Row } from "../row.ts";
import { measureBesideStream } from "./beside-stream.ts";
import { measureFailOver } from "./fail-over.ts";
import { nats } from "./nats.ts";
import { redis } from "./redis.ts";
import { tcp } from "./tcp.ts";
import { measureTransport, type Transport } from "./transport.ts";

const transports: Transport[] = [tcp, nats, redis];

/** A call from one process to another that gives its payload back, over each transport. */
export const busArea: Area = {
  name: "bus",
  about: "a call to another process, beside Moleculer and NestJS over the same transport",
  async run(bench: Bench): Promise<Row[]> {
    const rows: Row[] = [];
    for (const transport of transports) rows.push(...(await measureTransport(bench, transport)));
    rows.push(...(await measureBesideStream(bench)), ...(await measureFailOver(bench)));
    return rows;
  },
};
