import type { Area, Bench, Wanted } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import type { Row } from "../row.ts";
import { peer, type Running, type Subject } from "../subject-process.ts";

const IN_FLIGHT = 100;
const ours = new URL("./ours.ts", import.meta.url);

const subjects: Subject[] = [
  { id: "handler", name: "ours, from a handler", module: ours, options: { from: "handler", validate: true } },
  { id: "moleculer", name: "Moleculer broker.call, validated", module: peer("call/moleculer") },
  { id: "root", name: "ours, root call", module: ours, options: { from: "root", validate: true } },
  {
    id: "moleculer-timeout",
    name: "Moleculer broker.call, validated, 5 s timeout",
    module: peer("call/moleculer"),
    options: { requestTimeout: 5_000 },
  },
  { id: "unvalidated", name: "ours, validation off", module: ours, options: { from: "handler", validate: false } },
  { id: "nest-cqrs", name: "NestJS CQRS CommandBus.execute", module: peer("call/nest-cqrs") },
  { id: "raw-function", name: "raw async function", module: peer("call/raw-function") },
];

const what: [row: string, ours: string, peer: string, reach?: number][] = [
  ["ctx.call from a handler, validated", "handler", "moleculer", 2],
  ["ctx.call from a handler, validated", "handler", "moleculer-timeout"],
  ["ctx.call from a handler, validated", "handler", "raw-function"],
  ["root call, deadline enforced", "root", "moleculer", 1.4],
  ["root call, deadline enforced", "root", "moleculer-timeout"],
  ["ctx.call, validation off", "unvalidated", "nest-cqrs", 1.3],
];

const wanted: Wanted[] = what.flatMap(([row, ours, peer, reach]) => {
  const rate = { ours, peer, unit: "calls/s", better: "larger" as const };
  return [
    { ...rate, row, metric: "sequential", ...(reach !== undefined && { reach }) },
    { ...rate, row: `${row}, ${IN_FLIGHT} in flight`, metric: "inFlight" },
  ];
});

/** A call within one process: ours from a handler and from outside, beside other service frameworks. */
export const callArea: Area = {
  name: "call",
  about: "a call within one process, beside Moleculer, NestJS CQRS and a raw async function",
  async run(bench: Bench): Promise<Row[]> {
    const durationMs = bench.quick ? 30 : 1_000;
    const measure = async (running: Running, subject: Subject) => {
      const result = await running.ask("result");
      if (result !== 3)
        throw new Error(`"${subject.name}" answered ${String(result)} to 1 + 2: it does not do the work.`);
      await running.ask("sequential", durationMs);
      const sequential = await running.ask<number>("sequential", durationMs);
      await running.ask("inFlight", IN_FLIGHT, durationMs);
      return { sequential, inFlight: await running.ask<number>("inFlight", IN_FLIGHT, durationMs) };
    };
    const figures = await measureInRounds(bench, { subjects, core: 0 }, measure);
    return figures.rows(wanted);
  },
};
