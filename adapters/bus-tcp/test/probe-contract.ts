import { defineContract, query } from "@banyan/kernel";
import { z } from "zod";

const asked = { input: z.strictObject({}), output: z.number(), access: "public" } as const;

/** Offered by `service-main.ts`. */
export const probe = defineContract("probe", {
  queries: {
    pid: query(asked),
    /** Counts that it was begun. */
    mark: query(asked),
    marks: query(asked),
  },
});
