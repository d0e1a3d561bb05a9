import { command, defineContract, event, job } from "@banyan/kernel";
import { z } from "zod";

const Operation = z.strictObject({ id: z.uuid(), counter: z.string(), amount: z.int() });

/** Operations of this amount have a job, too. */
export const settledAmount = 9;

/** Counters that are added to, by name. */
export const register = defineContract("register", {
  commands: { add: command({ input: Operation, output: z.strictObject({ value: z.int() }), access: "public" }) },
  jobs: { settle: job({ input: z.strictObject({ id: z.uuid() }), attemptsMax: 100 }) },
  events: { added: event({ data: Operation, key: ({ counter }) => counter }) },
});
