import { withPostgres } from "../postgres.ts";
import type { Area, Wanted } from "../rounds.ts";
import { measureInRounds } from "../rounds.ts";
import { peer, type Running, type Subject } from "../subject-process.ts";

const CLIENTS = 16;
const ours = new URL("./ours.ts", import.meta.url);

const rate = { peer: "by-hand", metric: "rate", unit: "commands/s", better: "larger" as const };
const wanted: Wanted[] = [
  { ...rate, row: `one row and one event, ${CLIENTS} clients`, ours: "plain", reach: 1 },
  { ...rate, row: `the same with an idempotency key, ${CLIENTS} clients`, ours: "keyed" },
];

/** A command with its transaction, event and audit record, beside the bare transaction as a careful hand writes it. */
export const commandArea: Area = {
  name: "command",
  about: "a command that writes a row and emits an event, beside the same statements by hand with pg",
  run: (bench) =>
    withPostgres(bench, async (url) => {
      const durationMs = bench.quick ? 200 : 3_000;
      const options = { url, clients: CLIENTS };
      const subjects: Subject[] = [
        { id: "plain", name: "ours", module: ours, options: { ...options, keyed: false } },
        {
          id: "by-hand",
          name: "the same statements by hand: pg, named, awaited one by one; no audit, no key",
          module: peer("command/by-hand"),
          options,
        },
        { id: "keyed", name: "ours, with an idempotency key", module: ours, options: { ...options, keyed: true } },
      ];
      const measure = async (running: Running, { name }: Subject) => {
        await running.ask("rate", durationMs);
        const before = await running.ask<number>("written");
        const rate = await running.ask<number>("rate", durationMs);
        const written = (await running.ask<number>("written")) - before;
        if (written < (rate * durationMs) / 1_000)
          throw new Error(`"${name}" reported more than the ${written} it wrote.`);
        return { rate };
      };
      const figures = await measureInRounds(bench, { subjects }, measure);
      return figures.rows(wanted);
    }),
};
