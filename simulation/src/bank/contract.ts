import { command, defineContract, event, fault, job } from "@banyan/kernel";
import { z } from "zod";

const Movement = z.strictObject({ reference: z.string(), account: z.string(), amount: z.int() });

/** Moves money between accounts: small, and of every kind of promise one. */
export const bank = defineContract("bank", {
  faults: { short: fault("conflict", z.strictObject({ account: z.string() })) },
  commands: {
    /** Two rows, two events of two keys. */
    transfer: command({
      input: z.strictObject({ reference: z.string(), from: z.string(), to: z.string(), amount: z.int().positive() }),
      output: z.object({ balance: z.int() }),
      faults: ["short"],
      access: "bank:write",
    }),
    /** Many of them share a transaction. */
    credit: command({
      input: Movement,
      output: z.object({ balance: z.int() }),
      faults: ["short"],
      access: "bank:write",
    }),
  },
  events: { moved: event({ data: Movement, key: ({ account }) => account }) },
});

/** Between two turns of the desk's schedule. */
export const turnMs = 1_500;

/** Hears of every movement, and says so. */
export const desk = defineContract("desk", {
  events: { noted: event({ data: Movement, key: ({ account }) => account }) },
  jobs: {
    send: job({ input: Movement, attemptsMax: 5, concurrency: 2 }),
    /** Asks for stamps. */
    close: job({ input: z.strictObject({}), attemptsMax: 5, schedule: { everyMs: turnMs } }),
    stamp: job({
      input: z.strictObject({ reference: z.string() }),
      attemptsMax: 3,
      // Twice what turns ask for where a fifth of it is poison and a third fails once: what waits grows less.
      rateLimit: { runs: 1, perMs: 200 },
    }),
  },
});
