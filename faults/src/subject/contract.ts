import { command, defineContract, event } from "@banyan/kernel";
import { z } from "zod";

const Operation = z.strictObject({ id: z.uuid(), counter: z.string(), amount: z.int() });

/** Counters that are added to, by name. */
export const register = defineContract("register", {
  commands: { add: command({ input: Operation, output: z.strictObject({ value: z.int() }), access: "public" }) },
  events: { added: event({ data: Operation, key: ({ counter }) => counter }) },
});
