import type { Area, Bench } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import type { Row } from "../row.ts";
import type { Subject } from "../subject-process.ts";
import { type Engine, startedEngines } from "./engines.ts";

const MESSAGES = 20_000;

/** Messages through an engine without any database, beside its own client. */
export const logArea: Area = {
  name: "log",
  about: "publish, consume and acknowledge over JetStream, Redis Streams, RabbitMQ and Kafka, beside their own clients",
  async run(bench: Bench): Promise<Row[]> {
    const rows: Row[] = [];
    for (const engine of startedEngines(bench.progress)) rows.push(...(await measureEngine(bench, engine)));
    return rows;
  },
};

async function measureEngine(bench: Bench, { engine, name, server, raw, rawName }: Engine): Promise<Row[]> {
  const ours = new URL("./ours.ts", import.meta.url);
  const subjects: Subject[] = [
    { id: "ours", name: "ours", module: ours, options: { engine, server } },
    { id: "raw", name: rawName, module: raw, options: { url: server } },
  ];
  const messages = bench.quick ? 200 : MESSAGES;
  const figures = await measureInRounds(bench, { subjects }, async (running) => {
    await running.ask("run", messages);
    const rate = await running.ask<number>("run", messages);
    await running.ask("close");
    return { rate };
  });
  const row = `${name}: publish, consume, acknowledge, ${MESSAGES.toLocaleString("en")} messages`;
  return figures.rows([
    { row, ours: "ours", peer: "raw", metric: "rate", unit: "messages/s", better: "larger", reach: 0.8 },
  ]);
}
