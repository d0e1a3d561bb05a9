import { command, defineContract, workflow } from "@banyan/kernel";
import { z } from "zod";

const Application = z.strictObject({ name: z.string() });

export const desk = defineContract("desk", {
  commands: {
    apply: command({ input: Application, output: z.object({ run: z.string() }), access: "desk" }),
    /** From now on the code of `decide` is in order. */
    mend: command({ input: z.strictObject({}), output: z.object({}), access: "desk" }),
  },
  workflows: {
    decide: workflow({
      input: Application,
      output: z.object({ said: z.string() }),
      access: "desk",
      signals: { decided: z.strictObject({ yes: z.boolean() }) },
    }),
  },
});
